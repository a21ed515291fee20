#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/eviction/mode_learner.hpp"
#include "engine/statistics/totals.hpp"
#include "messages/interfaces.hpp"

namespace aicache {

/// What the monitor is told when it is spawned.
struct monitor_setup {
  bool learn = true;
  std::uint64_t hot_bytes = 0;       ///< of all shards together: what the learner's shadows stand for
  std::uint64_t expected_entry = 0;  ///< first guess of an entry's weight
};

/// Adds up what shards report, and chooses the eviction mode for all of them.
///
/// Owner      itself: one scheduled actor
/// Fails      a report that does not parse is dropped and counted; when the monitor dies its successor starts at zero
/// Invariant  totals are exact: each report is a difference, and a dying shard sends its last one
class monitor_state {
 public:
  using pointer = monitor_actor::stateful_pointer<monitor_state>;

  explicit monitor_state(pointer self) : self_(self) {}
  monitor_actor::behavior_type start(const monitor_setup& setup);

  static inline const char* name = "aicache.monitor";

 private:
  void learn(const std::vector<sampled>& samples);
  steer steering() const;
  void steer_all();

  pointer self_;
  node_totals totals_;
  std::unique_ptr<mode_learner> learner_;
  steer steering_;
  std::vector<shard_actor> shards_;
  std::uint64_t epoch_ = 0;
  std::uint64_t restarts_ = 0;
};

inline monitor_actor::behavior_type monitor(monitor_state::pointer self, const monitor_setup& setup) {
  return self->state.start(setup);
}

}  // namespace aicache
