#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/cluster/membership_core.hpp"
#include "engine/shared/scope.hpp"
#include "messages/caf_version.hpp"
#include "messages/cluster.hpp"
#include "messages/invalidation.hpp"
#include "messages/local_types.hpp"
#include "messages/transfer.hpp"

// What the nodes of a cluster tell each other, what an operator asks of it, and what goes on about it within a node.
namespace aicache {

AICACHE_INSPECT(cluster_node, a, b, c, d, e)
AICACHE_INSPECT(cluster_view, a, b, c)
AICACHE_INSPECT(node_report, a, b, c, d, e, f2, g)
AICACHE_INSPECT(node_greeting, a, b, c)

// -- between nodes -----------------------------------------------------------

/// I am there, and this is what I believe (node to node); the answer is the other's.
struct cluster_beat {
  std::string name;
  node_report report;
};
AICACHE_INSPECT(cluster_beat, a, b)

/// Forget these in memory: another node of the cluster was asked to (node to node, cluster to front, front to
/// invalidation). The counts of the answer are this node's alone.
struct peer_invalidation {
  scope_kind kind = scope_kind::everything;
  std::string tenant;
  std::string name;
  bool dry_run = false;
};
AICACHE_INSPECT(peer_invalidation, a, b, c, d)

/// A node of a cluster as the others write to it.
using cluster_peer = caf::typed_actor<caf::replies_to<cluster_beat>::with<cluster_beat>,
                                      caf::replies_to<peer_invalidation>::with<invalidated>>;
/// Takes entries in that were another node's.
using entry_taker = caf::typed_actor<caf::replies_to<import_request>::with<import_reply>>;

/// Let me know you (node to the front of another).
struct cluster_hello {
  node_greeting who;
  cluster_peer peer;
  entry_taker front;
};
AICACHE_INSPECT(cluster_hello, a, b, c)

/// This is me. Without `peer` the node is no part of a cluster.
struct cluster_welcome {
  node_greeting who;
  cluster_peer peer;
  entry_taker front;
};
AICACHE_INSPECT(cluster_welcome, a, b, c)

// -- for operators -----------------------------------------------------------

/// How does the cluster look from here? (anyone to front)
struct cluster_state_request {};
AICACHE_INSPECT_EMPTY(cluster_state_request)

struct member_state {
  cluster_member who;
  std::uint32_t ranges = 0;     ///< that it owns
  bool linked = false;          ///< this node is connected to it, or is it
  std::int64_t silence_ms = 0;  ///< since it was heard

  friend bool operator==(const member_state&, const member_state&) = default;
};
AICACHE_INSPECT(member_state, a, b, c, d)

/// The cluster as one node sees it. Without a name the node is no part of one.
struct cluster_state {
  std::string name;
  std::uint64_t epoch = 0;
  std::vector<member_state> members;
  std::vector<range_pin> pins;
  std::uint32_t serving = 0;  ///< ranges that this node serves at the moment
  std::uint64_t gained = 0;   ///< ranges that came to this node since it started
  std::uint64_t lost = 0;     ///< that went from it
  bool cut_off = false;       ///< the registry in Redis is not reached
  bool leaving = false;
  std::string refusal;  ///< why it is not let in

  friend bool operator==(const cluster_state&, const cluster_state&) = default;
};
AICACHE_INSPECT(cluster_state, a, b, c, d, e, f2, g, h, i, j)

/// Ranges belong to these from now on, whatever the weights say (anyone to front); empty: as the weights say. Answered
/// when the view says so.
struct pin_request {
  std::vector<range_pin> pins;
};
AICACHE_INSPECT(pin_request, a)

/// Give all ranges up, hand hot entries over to their new owners, and serve nothing from then on (anyone to front).
struct leave_request {
  std::int64_t patience_ms = 5'000;  ///< for all of it
};
AICACHE_INSPECT(leave_request, a)

struct left_cluster {
  bool known = false;             ///< the others know it; else they find out when the lease is over
  std::uint64_t handed_over = 0;  ///< entries that their new owners took
};
AICACHE_INSPECT(left_cluster, a, b)

// -- within a node -----------------------------------------------------------

/// The node is reached here from now on (whoever published it, to front).
struct published_at {
  std::string host;
  std::uint16_t port = 0;
};

/// Serve these ranges and answer `moved` for any other key (cluster to shard). Answered when Redis has been told what was
/// waiting of `forget`.
struct serve_ranges {
  std::shared_ptr<const range_set> ranges;
  range_set forget;
  bool keep = false;  ///< do not forget: the entries are handed over
  instant until;
};
struct ranges_served {};
/// What is served now may be served until then (cluster to shards).
struct extend_ranges {
  instant until;
};
/// Look at leases (cluster to itself).
struct cluster_tick {};
/// Begin (cluster to what hands over); how many entries were taken.
struct begin_hand_over {};
struct handed_over {
  std::uint64_t entries = 0;
};

}  // namespace aicache
