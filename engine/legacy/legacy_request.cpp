#include "engine/legacy/legacy_request.hpp"

#include <string>

#include "engine/legacy/python_text.hpp"

namespace aicache {

namespace {
constexpr std::string_view before_operation = "ai_cache:op:";
constexpr std::string_view before_text = "|txt:";
constexpr std::string_view not_told_apart = "|:_";
}  // namespace

std::optional<request> request_of_legacy_key(std::string_view key, const legacy_key_options& options) {
  if (!key.starts_with(before_operation)) return std::nullopt;
  // A text in a key holds no '|', so the last mark is the right one, whatever the operation is called.
  const auto mark = key.rfind(before_text);
  if (mark == std::string_view::npos || mark <= before_operation.size()) return std::nullopt;
  request r;
  r.operation = key.substr(before_operation.size(), mark - before_operation.size());
  r.text = key.substr(mark + before_text.size());
  if (r.text.empty() || r.text.find_first_of(not_told_apart) != std::string::npos) return std::nullopt;
  const auto again = legacy_key(r, options);
  if (!again || *again != key) return std::nullopt;
  return r;
}

bool shares_its_legacy_key(const request& asked, const legacy_key_options& options) noexcept {
  if (asked.text.find_first_of(not_told_apart) == std::string::npos) return false;
  const auto measure = measure_text(asked.text);
  return measure && static_cast<std::int64_t>(measure->code_points) <= options.text_threshold;
}

bool may_answer(const legacy_answer& found, const request& asked, const legacy_key_options& options) noexcept {
  if (!found.operation.empty() && found.operation != asked.operation) return false;
  const auto measure = measure_text(asked.text);
  if (found.text_length && (!measure || *found.text_length != measure->code_points)) return false;
  // Where questions were options nothing was noted of them.
  return options.question != question_place::apart || !found.has_question ||
         *found.has_question == !asked.question.empty();
}

}  // namespace aicache
