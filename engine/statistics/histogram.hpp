#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/outcome.hpp"

namespace aicache {

/// One bucket that is not empty, as a message carries it.
struct bucket_count {
  std::uint16_t bucket = 0;
  std::uint64_t count = 0;

  friend bool operator==(const bucket_count&, const bucket_count&) = default;
};

/// A histogram, or what one gained since an earlier state of it, in the form for messages.
struct sparse_histogram {
  std::vector<bucket_count> buckets;  ///< ascending
  std::uint64_t sum = 0;
  std::uint64_t max = 0;

  friend bool operator==(const sparse_histogram&, const sparse_histogram&) = default;
};

/// How often values of which size occurred: latencies in nanoseconds, sizes in bytes.
///
/// Shape      log-linear, as HdrHistogram (Tene, hdrhistogram.org) lays it out: each power of two is cut into 64 equal
///            buckets, and below 128 each value has its own; what is told of a bucket is its middle
/// Units      any unsigned value up to value_limit (2^42 - 1: 73 minutes in nanoseconds); larger ones count as that
/// Owner      whoever records; not thread-safe
/// Invariant  a quantile is within 1/128 of the true one, above or below; sum and max are exact
/// Cost       record: a shift, an addition to one of 2,368 counters, no branch; memory fixed at about 19 KB
class histogram {
 public:
  static constexpr unsigned value_bits = 42;
  static constexpr std::uint64_t value_limit = (std::uint64_t{1} << value_bits) - 1;
  static constexpr unsigned precision_bits = 6;
  static constexpr std::uint64_t buckets_per_octave = std::uint64_t{1} << precision_bits;
  static constexpr std::size_t bucket_count_total = (value_bits - precision_bits + 1) * buckets_per_octave;

  static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
    value = std::min(value, value_limit);
    const auto shift = static_cast<unsigned>(std::bit_width(value | buckets_per_octave)) - precision_bits - 1;
    return shift * buckets_per_octave + (value >> shift);
  }

  /// The largest value that falls into a bucket.
  static constexpr std::uint64_t upper_bound(std::size_t bucket) noexcept {
    const std::uint64_t octave = bucket / buckets_per_octave;
    const std::uint64_t shift = octave == 0 ? 0 : octave - 1;
    return ((bucket - shift * buckets_per_octave + 1) << shift) - 1;
  }

  /// What stands for all values of a bucket: none of them is further from it than 1/128.
  static constexpr std::uint64_t middle(std::size_t bucket) noexcept {
    const std::uint64_t lowest = bucket == 0 ? 0 : upper_bound(bucket - 1) + 1;
    return lowest + (upper_bound(bucket) - lowest) / 2;
  }

  void record(std::uint64_t value, std::uint64_t count = 1) noexcept {
    value = std::min(value, value_limit);
    counts_[bucket_of(value)] += count;
    sum_ += value * count;
    max_ = std::max(max_, count == 0 ? 0 : value);
  }

  /// Adds all that `other` recorded.
  void merge(const histogram& other) noexcept;

  /// Whether a report can be: its buckets exist and are in order, and max fits them.
  static bool parses(const sparse_histogram& report) noexcept;

  /// Adds what another histogram reported. Fails: corrupt when it does not parse; then nothing is added.
  outcome<void> merge(const sparse_histogram& report);

  /// What was recorded since `earlier`, a former state of this histogram; max is that of all time.
  void report_since(const histogram& earlier, sparse_histogram& out) const;

  /// The value that a share `p` (0 to 1) of all values does not exceed; 0 when nothing was recorded.
  std::uint64_t quantile(double p) const noexcept;

  std::uint64_t count() const noexcept;
  std::uint64_t sum() const noexcept { return sum_; }
  std::uint64_t max() const noexcept { return max_; }
  std::span<const std::uint64_t, bucket_count_total> counts() const noexcept { return counts_; }

  friend bool operator==(const histogram&, const histogram&) = default;

 private:
  std::array<std::uint64_t, bucket_count_total> counts_{};
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace aicache
