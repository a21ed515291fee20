#pragma once

#include <cstdint>
#include <string_view>

namespace aicache {

/// How the making of an answer ended, as its provider said or as the caller saw.
enum class finish_reason : std::uint8_t {
  unstated = 0,        ///< nobody said; taken for a good end
  stop = 1,            ///< the model came to its end
  length = 2,          ///< cut off at a limit of tokens
  content_filter = 3,  ///< cut off or withheld by the provider's filter
  tool_calls = 4,      ///< the model wants tools to be called: complete, but not the last word
  cancelled = 5,       ///< whoever asked lost interest; whatever there is, is not all
  failed = 6,          ///< there is no answer
  other = 7,           ///< a word that is not known here
};

inline constexpr finish_reason last_finish_reason = finish_reason::other;

constexpr const char* to_string(finish_reason f) noexcept {
  switch (f) {
    case finish_reason::stop: return "stop";
    case finish_reason::length: return "length";
    case finish_reason::content_filter: return "content_filter";
    case finish_reason::tool_calls: return "tool_calls";
    case finish_reason::cancelled: return "cancelled";
    case finish_reason::failed: return "failed";
    case finish_reason::other: return "other";
    case finish_reason::unstated: break;
  }
  return "unstated";
}

/// What a provider's word means, whatever its case: the words of OpenAI's, Anthropic's and Google's interfaces, and our
/// own. No word is unstated, one that is not known is `other`.
finish_reason finish_reason_of(std::string_view said) noexcept;

}  // namespace aicache
