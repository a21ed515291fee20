#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/statistics/histogram.hpp"

namespace aicache {

/// By which latencies those who add up over nodes tell them apart: nanoseconds, ascending, four to each doubling from
/// half a microsecond to 8.6 seconds. Each is the last value of one of the histogram's own buckets, so counts are exact.
inline constexpr std::size_t latency_bounds_per_octave = 4;
inline constexpr auto latency_bounds = [] {
  constexpr unsigned first_bit = 9;
  constexpr unsigned last_bit = 33;
  std::array<std::uint64_t, (last_bit - first_bit) * latency_bounds_per_octave + 1> all{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::uint64_t octave = std::uint64_t{1} << (first_bit + i / latency_bounds_per_octave);
    all[i] = octave + octave / latency_bounds_per_octave * (i % latency_bounds_per_octave) - 1;
  }
  return all;
}();

/// How many values of `h` are at most each of latency_bounds; empty when there are none at all.
std::vector<std::uint64_t> counts_at_most(const histogram& h);

}  // namespace aicache
