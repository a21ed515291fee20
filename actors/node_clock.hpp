#pragma once

#include <chrono>
#include <cstdint>

#include "engine/types.hpp"
#include "messages/caf_version.hpp"

namespace aicache {

/// A node's time line: Unix time at its start, carried on by the actor system's clock. All actors of a node hold copies
/// of one; under a hand-cranked scheduler the line moves only when it is cranked.
class node_clock {
 public:
  using point = caf::actor_clock::time_point;

  node_clock() = default;
  node_clock(instant origin, point start) : origin_(origin), start_(start) {}

  instant at(point p) const noexcept { return origin_ + std::chrono::duration_cast<duration>(p - start_); }

 private:
  instant origin_;
  point start_{};
};

/// A point of the actor system's clock as a number, to measure latencies between actors of one process.
inline std::int64_t nanoseconds(node_clock::point p) noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(p.time_since_epoch()).count();
}

}  // namespace aicache
