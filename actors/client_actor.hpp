#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "actors/node_clock.hpp"
#include "engine/client/client_core.hpp"
#include "engine/statistics/work_figures.hpp"
#include "messages/interfaces.hpp"

namespace aicache {

/// Performs what its client_core decides: sends parts to shards, answers calls.
///
/// Owner      itself: one scheduled actor, for a whole process or for one actor that wants its own
/// Fails      without a front (it died, or its node is gone) calls end with `unavailable`
/// Invariant  every call is answered exactly once, at the latest one tick after its deadline
class client_state {
 public:
  using pointer = client_actor::stateful_pointer<client_state>;

  explicit client_state(pointer self) : self_(self) {}
  ~client_state();
  client_state(const client_state&) = delete;
  client_state& operator=(const client_state&) = delete;

  client_actor::behavior_type start(front_actor front);

  static inline const char* name = "aicache.client";

 private:
  struct asked {
    std::shared_ptr<call_listener> listener;  ///< null: the promise
    caf::typed_response_promise<call_finished> promise;
  };

  instant now() const { return clock_.at(self_->clock().now()); }
  void start_call(const std::shared_ptr<call>& what, asked who);
  void tell_keys();
  void take_map(const shard_map& m);
  void down(const caf::down_msg& m);
  void perform();
  void send(const client_core::send_part& p);
  template <class Reply>
  void replied(const Reply& r);
  template <class Batch, class Body>
  void send_batch(const client_core::send_part& p);

  pointer self_;
  node_clock clock_;
  client_core core_{client_core::limits{}};
  client_core::effects effects_;
  front_actor front_;
  std::vector<shard_actor> shards_;
  std::unordered_map<std::uint64_t, asked> asked_;
  std::uint64_t next_token_ = 0;
  key_generation_window keys_;  // made since the front was told
  instant tell_keys_at_;
  bool lost_ = false;     // the front is gone
  bool ticking_ = false;  // a tick is under way
};

/// `front` may be invalid for a client that is told its maps by other means (the front's own).
inline client_actor::behavior_type cache_client(client_state::pointer self, front_actor front) {
  return self->state.start(std::move(front));
}

}  // namespace aicache
