#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/events/event.hpp"

namespace aicache {

/// What a shard has to tell of events until its next tick.
///
/// Owner      one shard actor; not thread-safe
/// Invariant  holds at most `most` bytes; what finds no room is counted
/// Cost       nothing while nobody watches: one test a batch
class event_log {
 public:
  explicit event_log(std::size_t most = 256 << 10) noexcept : most_(most) {}

  /// Somebody wants these kinds from now on.
  void watch(event_kinds kinds) {
    kinds_ = kinds;
    if (kinds == 0) *this = event_log(most_);
  }
  bool is_watched() const noexcept { return kinds_ != 0; }
  bool wants(event_kind k) const noexcept { return (kinds_ & bit_of(k)) != 0; }

  void add(cache_event e) {
    const std::size_t bytes = bytes_of(e);
    if (bytes_ + bytes > most_) {
      ++dropped_;
      return;
    }
    bytes_ += bytes;
    events_.push_back(std::move(e));
  }

  bool has_news() const noexcept { return !events_.empty() || dropped_ > 0; }
  std::vector<cache_event> take() {
    bytes_ = 0;
    return std::exchange(events_, {});
  }
  std::uint64_t take_dropped() noexcept { return std::exchange(dropped_, 0); }

 private:
  std::size_t most_;
  event_kinds kinds_ = 0;
  std::size_t bytes_ = 0;
  std::vector<cache_event> events_;
  std::uint64_t dropped_ = 0;
};

}  // namespace aicache
