#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/cluster/view.hpp"
#include "messages/shared_interfaces.hpp"

namespace aicache {

/// What is handed over, and to whom.
struct hand_over_setup {
  cluster_view view;                          ///< the new owners
  std::map<std::string, entry_taker> takers;  ///< by name
  std::vector<shard_actor> shards;
  std::uint64_t page_entries = 512;
  duration patience{5'000};
};

/// Gives the hot entries of a node that leaves its cluster to their new owners, shard after shard, a page at a time, and
/// ends with its answer.
///
/// Fails      an owner that does not take a page in time gets no more; what is not handed over is computed, or read from
///            Redis, anew
class hand_over_state {
 public:
  using pointer = hand_over_actor::stateful_pointer<hand_over_state>;

  explicit hand_over_state(pointer self) : self_(self) {}
  hand_over_actor::behavior_type start(hand_over_setup setup);

  static inline const char* name = "aicache.handover";

 private:
  void next_step();
  void give(transfer_page page);
  void end();

  pointer self_;
  hand_over_setup setup_;
  std::vector<std::uint16_t> owners_;
  caf::typed_response_promise<handed_over> asked_;
  std::size_t shard_ = 0;
  walk_place from_;
  std::size_t open_ = 0;  // pages that are being taken
  std::uint64_t taken_ = 0;
  caf::actor_clock::time_point until_;
};

inline hand_over_actor::behavior_type hand_over(hand_over_state::pointer self, hand_over_setup setup) {
  return self->state.start(std::move(setup));
}

}  // namespace aicache
