#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/node_clock.hpp"
#include "engine/cluster/membership_core.hpp"
#include "messages/shared_interfaces.hpp"

namespace aicache {

/// How a node belongs to a cluster; without a name it does not.
struct cluster_options {
  std::string name;
  std::string host;        ///< where others reach it; empty: where it is published
  std::uint16_t port = 0;  ///< likewise
  std::vector<std::string> seeds;
  std::string fingerprint;  ///< what all members must agree in
  duration lease{1'200};
  duration heartbeat{300};

  bool is_on() const noexcept { return !name.empty(); }
};

/// What the cluster actor is told when it is spawned.
struct cluster_setup {
  membership_core::options core;
  std::string prefix;  ///< of keys in Redis
  std::uint64_t page_entries = 512;
  node_clock clock;
  front_actor front;
};

/// Performs what membership_core decides: calls to the registry, connections to other nodes, ranges to the shards, maps
/// to the front. Tells the other members what is invalidated here.
///
/// Owner      itself: one scheduled actor
/// Fails      when it dies the shards serve until their lease is over, and its successor comes in as a new incarnation
/// Invariant  a member that has not been told of an invalidation is told it as soon as it answers again, or begins empty
class cluster_state_actor {
 public:
  using pointer = cluster_actor::stateful_pointer<cluster_state_actor>;

  explicit cluster_state_actor(pointer self) : self_(self) {}
  ~cluster_state_actor();
  cluster_state_actor(const cluster_state_actor&) = delete;
  cluster_state_actor& operator=(const cluster_state_actor&) = delete;
  cluster_actor::behavior_type start(cluster_setup setup);

  static inline const char* name = "aicache.cluster";

 private:
  struct peer {
    cluster_peer handle;
    entry_taker front;
    std::deque<peer_invalidation> untold;
    std::uint64_t telling = 0;  ///< the number of the attempt to tell the first of them; 0: none is under way
  };
  struct wish {
    std::vector<range_pin> pins;
    caf::typed_response_promise<cluster_map> who;
    instant until;
  };

  template <class Event>
  void decide(Event&& event);
  void perform(membership_core::ask_registry& e);
  void perform(membership_core::dial& e);
  void perform(membership_core::beat& e);
  void perform(membership_core::serve& e);
  void perform(membership_core::extend& e);
  void perform(membership_core::tell_view& e);
  void perform(membership_core::left& e);
  void perform(membership_core::remark& e);
  void greet(const std::string& host, std::uint16_t port, const front_actor& there);
  void know(const node_greeting& who, const cluster_peer& handle, const entry_taker& front);
  void gone(const caf::actor_addr& who);
  void serve_all(std::uint64_t epoch, const range_set& forget, bool keep);
  void take_colleagues(const cluster_colleagues& m);
  void take_replies(const link_replies& m);
  caf::result<invalidated> tell_others(const peer_invalidation& m);
  void tell_what_was_missed(const std::string& to);
  caf::result<cluster_map> pin(const pin_request& m);
  caf::result<left_cluster> leave(const leave_request& m);
  void hand_over();
  void answer_left(std::uint64_t handed_over);
  void tick();
  cluster_map map() const;
  cluster_state state() const;
  instant now() const { return setup_.clock.at(self_->clock().now()); }

  pointer self_;
  cluster_setup setup_;
  std::unique_ptr<membership_core> core_;
  membership_core::effects effects_;
  bool performing_ = false;
  std::map<std::string, peer> peers_;  // by name
  std::vector<shard_actor> shards_;
  link_actor link_;
  std::shared_ptr<const range_set> serving_ = std::make_shared<const range_set>();
  std::unordered_map<std::uint64_t, std::pair<registry_call, instant>> asked_;  // of the registry, by ticket
  std::uint64_t last_telling_ = 0;
  std::uint64_t last_ticket_ = 0;
  std::vector<wish> wishes_;
  std::optional<caf::typed_response_promise<left_cluster>> leaver_;
  instant leave_until_;
  instant hand_over_at_ = never;
  bool known_to_have_left_ = false;
};

inline cluster_actor::behavior_type cluster(cluster_state_actor::pointer self, cluster_setup setup) {
  return self->state.start(std::move(setup));
}

}  // namespace aicache
