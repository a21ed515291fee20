#pragma once

#include <cstdint>
#include <string_view>

#include "engine/types.hpp"

namespace aicache {

/// How an operation is treated by the promotion matrix.
enum class promotion_class : std::uint8_t { eager, steady, other };

/// `sentiment` answers are tiny whatever the text's size; summaries, key points and classifications are stable.
constexpr promotion_class promotion_class_of(std::string_view operation) noexcept {
  if (operation == "sentiment") return promotion_class::eager;
  if (operation == "summarize" || operation == "key_points" || operation == "classify") return promotion_class::steady;
  return promotion_class::other;
}

/// The promotion matrix: whether an answer about a text of this class may live uncompressed in the hot tier. All
/// others live in the warm tier (without one, in the hot tier all the same).
///
///            eager   steady   other
///   small    yes     yes      yes
///   medium   yes     yes      once the operation has had `hits_needed` hits
///   large    yes     no       no
///   xlarge   no      no       no
constexpr bool may_be_hot(text_tier text, promotion_class operation, std::uint64_t hits,
                          std::uint64_t hits_needed) noexcept {
  switch (text) {
    case text_tier::small: return true;
    case text_tier::medium: return operation != promotion_class::other || hits >= hits_needed;
    case text_tier::large: return operation == promotion_class::eager;
    case text_tier::xlarge: break;
  }
  return false;
}

}  // namespace aicache
