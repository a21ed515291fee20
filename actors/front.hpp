#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "actors/cluster.hpp"
#include "actors/node_clock.hpp"
#include "actors/sharing.hpp"
#include "config/sources.hpp"
#include "engine/advice/snapshot.hpp"
#include "engine/degradation/level.hpp"
#include "engine/events/event_hub.hpp"
#include "engine/search/search_core.hpp"
#include "engine/shard/options.hpp"
#include "messages/interfaces.hpp"

namespace aicache {

/// How a dead shard is replaced.
struct supervision_options {
  duration backoff{50};  ///< before the first restart of a shard; doubled for each that follows closely
  duration backoff_max{5'000};
  std::uint32_t limit = 20;  ///< restarts within the window; past it a shard waits for the window to pass
  duration window{60'000};
};

/// What a node is told when it starts: everything, in options structs; the settings of config/ become these in
/// actors/app/boot.
struct node_options {
  std::uint32_t shards = 1;
  shard_options shard;  ///< of each: the budget is the shard's share
  client_limits limits;
  duration report_interval{250};
  std::uint32_t codec_workers = 1;
  bool learn_eviction = true;
  bool measure_curve = true;
  record_book::options figures;
  advice_ground ground;
  std::uint64_t expected_answer = 1'024;
  supervision_options supervision;
  sharing_options sharing;
  cluster_options cluster;
  duration drain_timeout{5'000};  ///< for answers that are still to be written to Redis
  instant origin;                 ///< Unix time at the start
  // What can be told to change while the node runs.
  std::shared_ptr<const config::settings> settings;  ///< that all of this was made of
  std::function<config::loaded()> sources;           ///< reads them again; empty where they were made in code
  unsigned cores = 1;
};

/// Supervises a node: spawns shards over equal ranges of the key hash, watches them, replaces the dead, publishes the
/// shard map, and passes on operations for those who want one address.
///
/// Owner      itself: one scheduled actor; not on the path of clients that hold the map
/// Fails      a shard that dies is replaced after a back-off, empty; past the restart limit it waits for the window to
///            pass, and its range is unavailable meanwhile
/// Invariant  every change of a handle raises the map's epoch and reaches every watcher and the monitor
class front_state {
 public:
  using pointer = front_actor::stateful_pointer<front_state>;

  explicit front_state(pointer self) : self_(self) {}
  ~front_state();
  front_state(const front_state&) = delete;
  front_state& operator=(const front_state&) = delete;

  front_actor::behavior_type start(node_options options);

  static inline const char* name = "aicache.front";

 private:
  struct slot {
    shard_actor handle;
    std::uint64_t incarnations = 0;
    std::deque<node_clock::point> deaths;  ///< within the supervision window
  };

  void spawn_monitor();
  void spawn_worker(std::size_t place);
  void introduce();
  void spawn_sharing();
  template <class Then>
  void ask_sharing(Then then);
  caf::result<node_statistics> statistics();
  caf::result<figures_reply> figures(figures_view view);
  caf::result<reset_done> reset();
  caf::result<invalidated> invalidate(const invalidate_request& m);
  caf::result<invalidated> invalidate_here(const invalidate_request& m);
  caf::result<invalidated> search_and_invalidate(const invalidate_request& m);
  caf::result<keys_found> keys(const keys_request& m);
  subscribed subscribe(const subscribe_request& m);
  unsubscribed unsubscribe(std::uint64_t subscription);
  void taken(std::uint64_t subscription);
  void subscriber_gone(const caf::actor_addr& who);
  void tell_events(std::span<const cache_event> events, std::uint64_t dropped);
  void tell_invalidated(const invalidate_request& m, std::uint64_t entries);
  void deliver(event_hub::deliveries& all);
  void have_events_noted();
  template <class Reply, class Then>
  caf::result<Reply> run_search(search_request what, bool redis, Then then);
  node_facts facts(const link_figures& link, const invalidation_counters& invalidations) const;
  instant now() const { return clock_.at(self_->clock().now()); }
  void take_level(const std::optional<degradation::change>& c);
  void tick();
  void share_anew();
  colleagues with() const;
  shared_codec::options codec_options() const;
  void spawn_shard(std::uint32_t number);
  void shard_died(std::uint32_t number, const caf::error& why);
  void publish(std::int64_t lost);
  shard_map map() const;
  template <class Reply, class Batch>
  caf::result<Reply> pass_on(const Batch& m, call_kind kind);
  caf::result<drained> drain();
  void drain_shards(caf::typed_response_promise<drained> promise);
  void join(const published_at& m);
  void spawn_cluster();
  void tell_cluster();
  void take_cluster_map(const cluster_map& m);
  void watch(const watch_cluster& m);
  void watcher_gone(const caf::actor_addr& who);
  caf::result<cluster_welcome> welcome(const cluster_hello& m);
  caf::result<cluster_state> cluster_seen_from_here();
  caf::result<cluster_map> pin(const pin_request& m);
  caf::result<left_cluster> leave(const leave_request& m);
  caf::result<invalidated> invalidate_for_others(const peer_invalidation& m);
  template <class Then>
  void invalidate_elsewhere(const invalidate_request& m, Then then);
  caf::result<export_reply> export_page(const export_request& m);
  caf::result<import_reply> import_page(const import_request& m);
  reload_reply reload();
  reload_reply use(const config::settings& wanted);
  void apply(const config::settings& next, sharing_options sharing);

  pointer self_;
  node_options options_;
  node_clock clock_;
  monitor_actor monitor_;
  link_actor link_;
  invalidation_actor invalidation_;
  std::uint64_t sharing_incarnations_ = 0;
  cluster_actor cluster_;
  std::optional<published_at> published_;
  cluster_map cluster_map_;
  std::vector<cluster_watcher> cluster_watchers_;
  shared_tier_state shared_;   ///< as the invalidation told it last
  link_counters link_before_;  ///< what was counted before the last reset
  invalidation_counters invalidations_before_;
  degradation level_{{}};
  std::vector<shard_pressure> pressures_;  ///< of each shard, since the last tick
  std::vector<codec_worker_actor> workers_;
  std::vector<slot> shards_;
  std::uint64_t epoch_ = 0;
  std::vector<map_watcher> watchers_;
  client_actor own_client_;   // does the work of operations that come here
  std::size_t searches_ = 0;  // under way
  event_hub events_{{}};
  std::map<std::uint64_t, event_watcher> subscribers_;  // by subscription
  event_kinds noted_ = 0;                               // by shards
  bool draining_ = false;
  std::size_t next_worker_ = 0;  // that unpacks a page
};

inline front_actor::behavior_type front(front_state::pointer self, node_options options) {
  return self->state.start(std::move(options));
}

}  // namespace aicache
