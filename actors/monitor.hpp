#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "actors/node_clock.hpp"
#include "engine/advice/ghost_curve.hpp"
#include "engine/advice/snapshot.hpp"
#include "engine/eviction/mode_learner.hpp"
#include "engine/statistics/record_book.hpp"
#include "messages/interfaces.hpp"

namespace aicache {

/// What the monitor is told when it is spawned.
struct monitor_setup {
  bool learn = true;
  bool measure_curve = true;         ///< simulate what more and less memory would do
  std::uint64_t hot_bytes = 0;       ///< of all shards together: what the learner's shadows stand for
  std::uint64_t budget = 0;          ///< the memory of all shards together
  std::uint64_t expected_entry = 0;  ///< first guess of an entry's weight
  record_book::options figures;
  advice_ground ground;
  duration redis_deadline{0};  ///< of a read
  std::uint32_t redis_connections = 1;
  node_clock clock;
};

/// Adds up what shards report, says what it means, and chooses the eviction mode for all of them.
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
  void add(const shard_report& report);
  void learn(const std::vector<sampled>& samples);
  steer steering() const;
  void steer_all();
  void steer_if_changed();
  figures_reply figures(const figures_query& q);
  std::string recommendations(const node_facts& node) const;
  instant now() const { return setup_.clock.at(self_->clock().now()); }

  pointer self_;
  monitor_setup setup_;
  record_book book_;
  instant next_look_;  ///< when memory's trend and what is slow are looked at again
  std::unique_ptr<mode_learner> learner_;
  std::unique_ptr<ghost_curve> curve_;
  steer steering_;
  std::vector<shard_actor> shards_;
  std::uint64_t epoch_ = 0;
  std::uint64_t restarts_ = 0;
};

inline monitor_actor::behavior_type monitor(monitor_state::pointer self, const monitor_setup& setup) {
  return self->state.start(setup);
}

}  // namespace aicache
