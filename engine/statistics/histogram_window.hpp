#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/statistics/histogram.hpp"

namespace aicache {

/// What a histogram gains between two reports, in as little memory as its values ask for.
///
/// Shape      the buckets of histogram, in runs that are made when their first value comes: latencies of one kind lie within
///            some ten of the 37
/// Owner      one shard; not thread-safe
/// Invariant  report after report merged into a histogram equal one of all values, as long as no bucket gets 2^32 values
///            between two
/// Cost       record: as a histogram's, and one branch; a quarter of a KB for each run in use, kept for good; take: the runs in use
class histogram_window {
 public:
  /// Returns the bytes that were allocated for it, nearly always none. Throws std::bad_alloc, and nothing is recorded.
  std::size_t record(std::uint64_t value, std::uint64_t count = 1) {
    const std::size_t bucket = histogram::bucket_of(value);
    std::unique_ptr<run>& of = runs_[bucket / run_length];
    std::size_t grown = 0;
    if (!of) [[unlikely]] {
      of = std::make_unique<run>();
      grown = run_bytes;
    }
    (*of)[bucket % run_length] += static_cast<std::uint32_t>(count);
    value = std::min(value, histogram::value_limit);
    sum_ += value * count;
    count_ += count;
    max_ = std::max(max_, count == 0 ? 0 : value);
    return grown;
  }

  bool is_empty() const noexcept { return count_ == 0; }

  /// Moves what was recorded into a report.
  void take(sparse_histogram& out);

 private:
  static constexpr std::size_t run_length = histogram::buckets_per_octave;
  using run = std::array<std::uint32_t, run_length>;
  static constexpr std::size_t run_bytes = sizeof(run) + 16;

  std::array<std::unique_ptr<run>, histogram::bucket_count_total / run_length> runs_;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace aicache
