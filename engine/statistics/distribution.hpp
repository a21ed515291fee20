#pragma once

#include <cstdint>
#include <optional>

#include "engine/statistics/histogram.hpp"

namespace aicache {

/// A part of a whole in percent; nothing where there is no whole, for no percent of nothing is 0.
constexpr std::optional<double> percent(std::uint64_t part, std::uint64_t whole) noexcept {
  if (whole == 0) return std::nullopt;
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

/// What is said of a histogram that is not empty.
///
/// Units      those of the histogram
/// Invariant  count, mean and most are exact; `least` and the quantiles are within 1/128 of the true ones
struct distribution {
  std::uint64_t count = 0;
  double mean = 0;
  std::uint64_t least = 0;
  std::uint64_t p50 = 0;
  std::uint64_t p95 = 0;
  std::uint64_t p99 = 0;
  std::uint64_t p999 = 0;
  std::uint64_t most = 0;

  friend bool operator==(const distribution&, const distribution&) = default;
};

/// Nothing when nothing was recorded.
std::optional<distribution> distribution_of(const histogram& h) noexcept;

/// What is usual: the mean of the lowest four fifths of all values, by the middles of their buckets. A few very
/// slow ones do not move it. Nothing when nothing was recorded.
std::optional<double> usual(const histogram& h) noexcept;

}  // namespace aicache
