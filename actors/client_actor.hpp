#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/courier.hpp"
#include "actors/node_clock.hpp"
#include "actors/present_front.hpp"
#include "engine/client/client_core.hpp"
#include "engine/client/node_table.hpp"
#include "engine/client/parcel_table.hpp"
#include "engine/statistics/work_figures.hpp"
#include "messages/interfaces.hpp"

namespace aicache {

/// What a client is told when it is spawned.
struct client_setup {
  front_actor front;                       ///< of a node that is at hand
  std::vector<node_address> nodes;         ///< where else there are nodes; it connects with them by itself
  std::shared_ptr<present_front> present;  ///< where it writes which front is to be used; may be null
};

/// Performs what its client_core and its node_table decide: connects with nodes, sends parts to shards, answers calls.
///
/// Owner      itself: one scheduled actor, for a whole process or for one actor that wants its own
/// Fails      while no node is left calls wait, at most until their deadlines; with `unavailable` at once when all were
///            tried in vain for a while
/// Invariant  every call is answered exactly once, at the latest one tick after its deadline
class client_state {
 public:
  using pointer = client_actor::stateful_pointer<client_state>;

  explicit client_state(pointer self) : self_(self) {}
  ~client_state();
  client_state(const client_state&) = delete;
  client_state& operator=(const client_state&) = delete;

  client_actor::behavior_type start(client_setup setup);

  static inline const char* name = "aicache.client";

 private:
  struct asked {
    std::shared_ptr<call_listener> listener;  ///< null: the promise
    caf::typed_response_promise<call_finished> promise;
  };
  /// What is known of a node beside what node_table knows; they have the same numbers.
  struct link {
    front_actor front;
    std::vector<shard_actor> shards;
    bool is_remote = false;  ///< on another machine, or in another process of this one
    std::size_t batch_keys = 1;
    collector_actor collector;  ///< of large values, once there was one
    bool asked_owners = false;  ///< and has not answered yet
  };

  // Calls.
  instant now() const { return clock_.at(self_->clock().now()); }
  void start_call(const std::shared_ptr<call>& what, asked who);
  void tell_keys();
  void tick(std::uint64_t number);
  void perform();
  void plan_tick();
  void send_parcels();
  template <class ResultAt>
  void collect(std::uint64_t correlation, instant node_now, const large_values& large, ResultAt&& result_at);
  void send(const client_core::send_part& p);
  template <class Reply>
  void replied(const Reply& r);
  void late(std::uint64_t correlation, const late_result& l, instant node_now);
  template <class Batch, class Body>
  void send_batch(const client_core::send_part& p);

  // Nodes: client_nodes.cpp.
  void take_map(const shard_map& m);
  void take_cluster(std::uint32_t from, const cluster_map& m);
  void ask_owners(std::uint32_t node);
  void dial_nodes();
  void connected(std::uint32_t node, const front_actor& front);
  void not_connected(std::uint32_t node, const fault& why);
  void down(const caf::down_msg& m);
  void lose(std::uint32_t node);
  void serve();
  std::uint32_t told_by() const;
  void answer_reached();

  pointer self_;
  node_clock clock_;
  client_core core_{client_core::limits{}};
  client_core::effects effects_;
  parcel_table parcels_;
  std::vector<client_core::send_part> leaving_;         // scratch
  std::vector<parcel_table::part_reply> part_replies_;  // scratch
  bool sends_parcels_ = false;                          // once what lies in the mailbox has been gathered
  std::optional<node_table> nodes_;
  std::vector<link> links_;
  std::shared_ptr<present_front> present_;
  std::optional<std::uint32_t> serves_alone_ = 0;  // as core_ was told; none while nodes serve together
  std::uint64_t served_epoch_ = 0;                 // the cluster's, as core_ was told
  std::optional<client_limits> limits_;            // of the first node that was reached
  std::vector<caf::typed_response_promise<reached>> waiting_;
  std::unordered_map<std::uint64_t, asked> asked_;
  std::uint64_t next_token_ = 0;
  key_generation_window keys_;  // made since a front was told
  instant tell_keys_at_;
  bool tells_keys_ = false;
  std::uint64_t tick_ = 0;  // the number of the tick that is under way, if any
  instant tick_due_ = never;
  bool tick_is_near_ = false;  // it is one for deadlines
};

/// A client of one node that is at hand. `front` may be invalid for one that is told its maps by other means (the
/// front's own).
inline client_actor::behavior_type cache_client(client_state::pointer self, front_actor front) {
  return self->state.start({std::move(front), {}, nullptr});
}

/// A client that connects with its nodes itself.
inline client_actor::behavior_type connecting_client(client_state::pointer self, client_setup setup) {
  return self->state.start(std::move(setup));
}

}  // namespace aicache
