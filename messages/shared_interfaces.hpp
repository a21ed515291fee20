#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/redis/redis_core.hpp"
#include "engine/search/search_core.hpp"
#include "engine/statistics/counters.hpp"
#include "messages/interfaces.hpp"
#include "messages/shared_tier.hpp"

// The protocols of those who stand between shards and Redis, a sentence per message.
namespace aicache {

// -- the link ----------------------------------------------------------------

/// Commands were completed, the breaker moved, a listener wants to know (I/O thread to link, anyone to link).
struct link_completions {
  std::uint32_t connection = 0;
  std::vector<redis_core::completed> what;
};
struct link_breaker {
  std::uint32_t connection = 0;
  breaker_state to = breaker_state::closed;
};
/// Look at what is due (link to itself).
struct link_tick {};
using link_watcher = caf::typed_actor<caf::reacts_to<link_state>>;
/// Tell this actor how the link stands, now and whenever it changes.
struct watch_link {
  link_watcher watcher;
};
/// What has become of commands so far, and how does the link stand?
struct link_statistics_request {};

/// The way to Redis: one for a node, over a pool of connections to one server or to every master of a cluster.
using link_actor =
    caf::typed_actor<caf::reacts_to<fetch_request>, caf::reacts_to<store_request>, caf::reacts_to<link_commands>,
                     caf::reacts_to<link_completions>, caf::reacts_to<link_breaker>, caf::reacts_to<link_tick>,
                     caf::reacts_to<watch_link>, caf::reacts_to<open_gate>, caf::reacts_to<close_gate>,
                     caf::replies_to<link_statistics_request>::with<link_figures>>;

// -- the invalidation --------------------------------------------------------

/// Takes the shared tier's state.
using shared_watcher = caf::typed_actor<caf::reacts_to<shared_tier_state>>;
/// These are the shards (front to invalidation).
struct serve_shards {
  std::vector<shard_actor> shards;
  shared_watcher front;  ///< is told of the shared tier's state as well
};
/// Look at deadlines, leases and sweeps (invalidation to itself).
struct invalidation_tick {};
/// What the subscription heard, and whether it stands (I/O thread to invalidation).
struct announcement {
  std::string text;
};
struct subscription_state {
  bool subscribed = false;
};
/// Stop sweeping, or go on (anyone to invalidation).
struct pause_sweeps {
  bool paused = true;
};
/// May Redis be searched just now, and which of what was found there is alive? (search to invalidation)
struct judge_entries {
  std::vector<shared_entry> entries;
};
struct entries_judged {
  bool available = false;
  std::uint32_t masters = 1;
  std::vector<bool> alive;
};
/// What has been invalidated so far, and what is under way?
struct invalidation_statistics_request {};

/// Numbers, journals, announces and learns invalidations for all shards of its node, and sweeps Redis after them.
using invalidation_actor =
    link_watcher::extend<caf::replies_to<invalidate_request>::with<invalidated>,
                         caf::replies_to<peer_invalidation>::with<invalidated>, caf::reacts_to<erased_keys>,
                         caf::reacts_to<serve_shards>, caf::reacts_to<scopes_invalidated>, caf::reacts_to<link_replies>,
                         caf::reacts_to<announcement>, caf::reacts_to<subscription_state>,
                         caf::reacts_to<invalidation_tick>, caf::reacts_to<pause_sweeps>,
                         caf::replies_to<judge_entries>::with<entries_judged>,
                         caf::replies_to<invalidation_statistics_request>::with<invalidation_counters>>;

// -- the cluster -------------------------------------------------------------

/// Work with these (front to cluster).
struct cluster_colleagues {
  std::vector<shard_actor> shards;
  link_actor link;  ///< null where there is no Redis
};
/// Have all other members forget this (front to cluster); the counts of the answer are their sum.
struct tell_members {
  peer_invalidation what;
};

/// Belongs to a cluster for its node: knows the members, and says what of the key ranges the shards serve.
using cluster_actor = cluster_peer::extend<
    caf::replies_to<cluster_hello>::with<cluster_welcome>, caf::replies_to<tell_members>::with<invalidated>,
    caf::reacts_to<cluster_colleagues>, caf::reacts_to<link_replies>, caf::reacts_to<cluster_tick>,
    caf::replies_to<cluster_state_request>::with<cluster_state>, caf::replies_to<pin_request>::with<cluster_map>,
    caf::replies_to<leave_request>::with<left_cluster>>;

/// Hands the entries of a node that leaves over to their new owners; it ends with its answer.
using hand_over_actor = caf::typed_actor<caf::replies_to<begin_hand_over>::with<handed_over>>;

// -- searches ----------------------------------------------------------------

/// Search, once (front to search).
struct begin_search {};

/// Finds what nobody can name, and counts, lists or erases it; it ends with its answer.
using search_actor = caf::typed_actor<caf::replies_to<begin_search>::with<search_result>, caf::reacts_to<link_replies>>;

}  // namespace aicache
