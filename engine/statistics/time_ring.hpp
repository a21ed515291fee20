#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/types.hpp"

namespace aicache {

/// What happened of late, in slots of equal time: the oldest slot is emptied and becomes the newest.
///
/// Units      a slot covers [n, n + 1) times `slot` of the node's time line
/// Owner      whoever records; not thread-safe
/// Invariant  a slot holds only what was recorded in its time. What is recorded with a time before the newest slot's (a
///            report that was late) counts in the newest slot: nothing is lost, nothing is counted twice.
/// Cost       at(): O(1); each(): O(slots)
template <class T>
class time_ring {
 public:
  time_ring(std::size_t slots, duration slot)
      : slot_ms_(std::max<std::int64_t>(1, slot.count())), slots_(std::max<std::size_t>(1, slots)) {}

  /// The slot to record in.
  T& at(instant now) {
    newest_ = std::max(newest_, turn_of(now));
    dated& s = slots_[place_of(newest_)];
    if (s.turn != newest_) s = {newest_, T{}};
    return s.held;
  }

  /// Visits the slots that have anything of the last `back` before `now`, the present one among them, oldest first.
  template <class Visit>
  void each(instant now, duration back, Visit&& visit) const {
    const std::int64_t last = turn_of(now);
    const std::int64_t slots = (std::max<std::int64_t>(1, back.count()) + slot_ms_ - 1) / slot_ms_;
    const std::int64_t count = std::min<std::int64_t>(slots, static_cast<std::int64_t>(slots_.size()));
    for (std::int64_t turn = last - count + 1; turn <= last; ++turn)
      if (const dated& s = slots_[place_of(turn)]; s.turn == turn) visit(s.held);
  }

  /// The longest time that is remembered in full.
  duration span() const noexcept { return duration{slot_ms_ * static_cast<std::int64_t>(slots_.size())}; }

  void clear() {
    for (dated& s : slots_) s = {};
    newest_ = INT64_MIN;
  }

 private:
  struct dated {
    std::int64_t turn = INT64_MIN;
    T held{};
  };

  std::int64_t turn_of(instant t) const noexcept {
    const std::int64_t down = t.ms / slot_ms_;
    return t.ms % slot_ms_ < 0 ? down - 1 : down;
  }
  std::size_t place_of(std::int64_t turn) const noexcept {
    return static_cast<std::size_t>(static_cast<std::uint64_t>(turn) % slots_.size());
  }

  std::int64_t slot_ms_;
  std::int64_t newest_ = INT64_MIN;
  std::vector<dated> slots_;
};

}  // namespace aicache
