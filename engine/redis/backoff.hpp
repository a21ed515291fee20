#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/types.hpp"

namespace aicache {

/// How long to wait before the next attempt: doubling, with full jitter, so that many nodes that lost one server do not
/// come back to it together (Brooker, "Exponential backoff and jitter", AWS 2015).
///
/// Owner      whoever retries; the seed decides the jitter, so tests repeat
class backoff {
 public:
  backoff(duration first, duration longest, std::uint64_t seed) noexcept
      : first_(first), longest_(longest), random_(seed * 0x9e3779b97f4a7c15ULL | 1) {}

  /// The next wait: between half and the whole of a bound that doubles.
  duration next() noexcept {
    const duration bound = std::min<duration>(longest_, first_ * (std::int64_t{1} << std::min(attempt_, 20U)));
    ++attempt_;
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    const std::int64_t half = bound.count() / 2;
    return duration{half + static_cast<std::int64_t>(random_ % static_cast<std::uint64_t>(bound.count() - half + 1))};
  }

  /// It worked: the next failure starts from the first wait again.
  void reset() noexcept { attempt_ = 0; }
  unsigned attempts() const noexcept { return attempt_; }

 private:
  duration first_;
  duration longest_;
  unsigned attempt_ = 0;
  std::uint64_t random_;
};

}  // namespace aicache
