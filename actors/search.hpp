#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "actors/node_clock.hpp"
#include "engine/search/search_core.hpp"
#include "messages/shared_interfaces.hpp"

namespace aicache {

/// What a search is told when it is spawned.
struct search_setup {
  search_core::options options;
  search_request wanted;
  std::vector<shard_actor> shards;  ///< null where there is none now
  link_actor link;                  ///< null where there is no Redis
  invalidation_actor invalidation;
  std::uint64_t batch_keys = 4'096;
  node_clock clock;
};

/// Performs what one search_core decides, a step after the other.
///
/// Owner      itself, for one search. It opens what it finds in Redis: spawn it detached where there is one
/// Fails      who does not answer within `search_patience`, or is dead, has failed as far as this search is concerned
/// Invariant  whoever began it is answered once, and then it ends
class search_state {
 public:
  using pointer = search_actor::stateful_pointer<search_state>;

  explicit search_state(pointer self) : self_(self) {}
  ~search_state();
  search_state(const search_state&) = delete;
  search_state& operator=(const search_state&) = delete;

  search_actor::behavior_type start(search_setup setup);

  static inline const char* name = "aicache.search";

 private:
  instant now() const { return setup_.clock.at(self_->clock().now()); }
  template <class Decide>
  void decide(Decide&& next);
  void perform(search_core::ask_shard& s);
  void perform(search_core::ask_redis& s);
  void perform(search_core::ask_alive& s);
  void perform(search_core::count_in_memory& s);
  void perform(search_core::erase& s);
  void perform(search_core::end& s);
  template <class Batch, class Reply, class Done>
  void by_key(const std::vector<identity>& ids, Done done);

  pointer self_;
  search_setup setup_;
  std::unique_ptr<search_core> core_;
  std::shared_ptr<const name_lists> names_;
  std::uint64_t ticket_ = 0;  // of the commands that are out
  bool asks_redis_ = false;   // and whether they are
  caf::typed_response_promise<search_result> asked_;
};

inline search_actor::behavior_type search(search_state::pointer self, search_setup setup) {
  return self->state.start(std::move(setup));
}

}  // namespace aicache
