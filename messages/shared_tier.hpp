#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/key.hpp"
#include "engine/memory/blob.hpp"
#include "engine/redis/link_requests.hpp"
#include "engine/shared/scope.hpp"
#include "engine/shared/traffic.hpp"
#include "engine/types.hpp"
#include "messages/caf_version.hpp"
#include "messages/local_types.hpp"

// What crosses mailboxes on the way to the shared tier and back. Never leaves the process; every request gets exactly
// one reply, whatever becomes of Redis.
//
//   shard --fetch_request--> link --fetched--> shard
//   shard --write_job--> codec worker --store_request--> link --stored--> shard
//   invalidation --link_commands--> link --link_replies--> invalidation
//   shard --erased_keys--> invalidation
//   invalidation --invalidate_scopes, shared_tier_state--> shards --scopes_invalidated--> invalidation
namespace aicache {

// -- answers -----------------------------------------------------------------

/// What lay there, one for each key of the request, in its order (link to shard).
struct fetched {
  std::uint64_t ticket = 0;
  std::vector<fetched_value> values;
};

/// Keep these (codec worker to link). The reply goes to `from`, the shard.
struct store_request {
  std::uint64_t ticket = 0;
  caf::strong_actor_ptr from;
  std::vector<store_item> items;
};

/// What became of each item, in order (link to shard).
struct stored {
  std::uint64_t ticket = 0;
  std::vector<store_status> items;
};

// -- commands of the invalidation --------------------------------------------

/// Perform these, in order as far as they go to one master. They pass while the gate is closed to shards.
struct link_commands {
  std::uint64_t ticket = 0;
  std::vector<link_command> commands;
};

struct link_replies {
  std::uint64_t ticket = 0;
  std::vector<link_reply> replies;
};

/// How the link stands (link to whoever watches it, on each change).
struct link_state {
  bool reachable = false;
  std::uint32_t masters = 1;
  std::uint64_t outages = 0;  ///< how often something may have been missed so far; names the gate
};

/// Shards may read and write from now on, if `outages` is still the link's (invalidation to link): everything that was
/// invalidated meanwhile has been replayed and learned. The link closes its gate by itself when it loses Redis.
struct open_gate {
  std::uint64_t outages = 0;
};
/// Nothing is known for sure any more (the generations could not be read for too long): no reads, no writes of shards.
struct close_gate {};

// -- generations -------------------------------------------------------------

/// Whether the shared tier may be asked, and the newest generation: what is put from now on is born in it
/// (invalidation to shards).
struct shared_tier_state {
  bool available = false;
  generation newest = 0;
};

/// So many entries left memory (shard to invalidation).
struct scopes_invalidated {
  std::uint64_t ticket = 0;
  std::uint64_t entries = 0;
};

}  // namespace aicache
