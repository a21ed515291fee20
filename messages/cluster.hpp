#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/cluster/ranges.hpp"
#include "messages/caf_version.hpp"

// How several nodes are one cache, as clients see it.
namespace aicache {

/// A node of a cluster, and where it is reached.
struct cluster_member {
  std::string name;
  std::string host;
  std::uint16_t port = 0;
  std::uint64_t incarnation = 0;  ///< another one after each start

  friend bool operator==(const cluster_member&, const cluster_member&) = default;
};
AICACHE_INSPECT(cluster_member, a, b, c, d)
AICACHE_INSPECT(range_pin, a, b, c)

/// Which nodes own the key ranges: assign_ranges() of the members' names and pins. A higher epoch replaces a lower one.
/// Without members the node that answers is no part of a cluster, and owns everything.
struct cluster_map {
  std::uint64_t epoch = 0;
  std::vector<cluster_member> members;  ///< that own ranges, in the order of their names
  std::vector<range_pin> pins;
  std::string asked;  ///< the name of the node that tells it

  friend bool operator==(const cluster_map&, const cluster_map&) = default;
};
AICACHE_INSPECT(cluster_map, a, b, c, d)

/// Takes new maps of the cluster.
using cluster_watcher = caf::typed_actor<caf::reacts_to<cluster_map>>;

/// Tell me the map of the cluster now and whenever it changes, until I die (anyone to front).
struct watch_cluster {
  cluster_watcher watcher;
};
AICACHE_INSPECT(watch_cluster, a)

/// What is the map of the cluster? (anyone to front)
struct cluster_request {};
AICACHE_INSPECT_EMPTY(cluster_request)

}  // namespace aicache
