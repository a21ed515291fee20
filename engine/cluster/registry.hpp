#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/cluster/view.hpp"
#include "engine/redis/link_requests.hpp"
#include "engine/types.hpp"

namespace aicache {

enum class registry_action : std::uint8_t {
  renew,  ///< I am here, for one more lease
  leave,  ///< I am no member, or no longer
  pin,    ///< the same as renew, and these are the pins from now on
};

/// What a node tells the registry, and asks it.
struct registry_call {
  registry_action action = registry_action::renew;
  cluster_node self;
  std::string fingerprint;  ///< no blanks in it; nodes that differ in it must not work together
  duration lease{1'200};
  cluster_view known;           ///< what this node believes: a registry with a lower epoch has lost its memory
  std::vector<range_pin> pins;  ///< those wanted, for `pin`
};

/// What it answered.
struct registry_answer {
  cluster_view view;
  bool unattended = false;  ///< before this call nobody had called for half a lease
  std::string refused;      ///< why this node is no member, for people; empty when nothing is in its way
};

/// The register of a cluster's nodes in Redis: one hash under "PREFIX:{cluster}", one script that every node has run on
/// every heartbeat.
///
/// Shape      the script renews the caller's lease, strikes those whose lease is over, and raises the epoch when that
///            changed who is a member, or the pins did. Time is Redis's own, so clocks of nodes do not matter. Where
///            nobody called for half a lease, or the clock jumped, it was Redis that was away: every lease is prolonged
///            by that. Who knows a higher epoch than the registry restores what the registry has lost; who knows another view of
///            the same epoch makes the registry number its own anew
/// Fails      an answer that does not parse is none. Refused: a name that a living node at another address has; another
///            fingerprint than that of the living members
link_command registry_command(std::string_view prefix, const registry_call& call);
std::optional<registry_answer> read_registry(const redis_reply& reply, const registry_call& call);

/// How two fingerprints differ, in the words of the first: "encryption=on, there encryption=off".
std::string difference_of(std::string_view ours, std::string_view theirs);

}  // namespace aicache
