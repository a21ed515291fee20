#include "engine/answers/finish_reason.hpp"

#include <algorithm>

namespace aicache {

namespace {

struct word {
  std::string_view said;  // in lower case
  finish_reason means;
};

constexpr word words[] = {
    {"unstated", finish_reason::unstated},
    {"finish_reason_unspecified", finish_reason::unstated},
    {"stop", finish_reason::stop},
    {"end_turn", finish_reason::stop},
    {"stop_sequence", finish_reason::stop},
    {"completed", finish_reason::stop},
    {"length", finish_reason::length},
    {"max_tokens", finish_reason::length},
    {"max_output_tokens", finish_reason::length},
    {"model_context_window_exceeded", finish_reason::length},
    {"incomplete", finish_reason::length},
    {"content_filter", finish_reason::content_filter},
    {"content_filtered", finish_reason::content_filter},
    {"refusal", finish_reason::content_filter},
    {"safety", finish_reason::content_filter},
    {"recitation", finish_reason::content_filter},
    {"blocklist", finish_reason::content_filter},
    {"prohibited_content", finish_reason::content_filter},
    {"spii", finish_reason::content_filter},
    {"tool_calls", finish_reason::tool_calls},
    {"tool_use", finish_reason::tool_calls},
    {"function_call", finish_reason::tool_calls},
    {"cancelled", finish_reason::cancelled},
    {"canceled", finish_reason::cancelled},
    {"aborted", finish_reason::cancelled},
    {"failed", finish_reason::failed},
    {"error", finish_reason::failed},
    {"malformed_function_call", finish_reason::failed},
};

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

finish_reason finish_reason_of(std::string_view said) noexcept {
  if (said.empty()) return finish_reason::unstated;
  for (const word& w : words)
    if (std::equal(said.begin(), said.end(), w.said.begin(), w.said.end(),
                   [](char a, char b) { return lower(a) == b; }))
      return w.means;
  return finish_reason::other;
}

}  // namespace aicache
