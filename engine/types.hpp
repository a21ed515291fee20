#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace aicache {

/// A length of time on the node's time line, in milliseconds.
using duration = std::chrono::milliseconds;

/// A point on the node's time line: milliseconds since the Unix epoch as the node saw it when it
/// started, carried on by a clock that never steps back. The engine is told the time and never asks.
struct instant {
  std::int64_t ms = 0;

  friend auto operator<=>(const instant&, const instant&) = default;
  friend instant operator+(instant t, duration d) noexcept { return {t.ms + d.count()}; }
  friend instant operator-(instant t, duration d) noexcept { return {t.ms - d.count()}; }
  friend duration operator-(instant a, instant b) noexcept { return duration{a.ms - b.ms}; }
};

/// An instant that never comes.
inline constexpr instant never{INT64_MAX};

/// Which memory representation, or which other place, an answer came from.
enum class tier : std::uint8_t {
  none = 0,    ///< nowhere: a miss
  hot = 1,     ///< raw bytes in the shard's memory
  warm = 2,    ///< zstd in the shard's memory
  shared = 3,  ///< Redis
  parked = 4,  ///< another caller computed it while this one waited
};

/// The class of a request's text by its length in Unicode code points; the bounds are settings.
enum class text_tier : std::uint8_t { small = 0, medium = 1, large = 2, xlarge = 3 };

inline constexpr int text_tier_count = 4;

/// The name that metrics and reports use.
constexpr const char* to_string(tier t) noexcept {
  switch (t) {
    case tier::hot: return "hot";
    case tier::warm: return "warm";
    case tier::shared: return "shared";
    case tier::parked: return "parked";
    case tier::none: break;
  }
  return "none";
}

constexpr const char* to_string(text_tier t) noexcept {
  switch (t) {
    case text_tier::medium: return "medium";
    case text_tier::large: return "large";
    case text_tier::xlarge: return "xlarge";
    case text_tier::small: break;
  }
  return "small";
}

}  // namespace aicache
