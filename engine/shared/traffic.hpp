#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/key.hpp"
#include "engine/memory/blob.hpp"
#include "engine/redis/link_requests.hpp"
#include "engine/shared/scope.hpp"
#include "engine/types.hpp"

// What goes between a shard and the shared tier. The structs are messages as they are (messages/shared_tier.hpp says
// who sends them to whom).
namespace aicache {

/// Look these keys up; a `fetched` follows.
struct fetch_request {
  std::uint64_t ticket = 0;  ///< the shard's; comes back
  std::vector<std::string> keys;
};

/// A large answer to be opened by a worker; an `open_done` follows.
struct open_job {
  std::uint64_t ticket = 0;
  identity id;
  std::string bytes;
};

/// An answer to be made ready for Redis, or, with no value, a key to be removed from it.
struct write_item {
  std::string key;
  identity id;
  blob_ref value;  ///< raw, or packed without a dictionary; empty: remove the key
  instant created;
  instant expires = never;
  generation born = 0;
  std::vector<std::uint64_t> tags;
};

/// Compress, encrypt and wrap these, and hand them to the link; a `stored` follows. Always to the same worker for one
/// shard, so that the order of one key's writes is kept.
struct write_job {
  std::uint64_t ticket = 0;
  instant now;
  std::vector<write_item> items;
};

/// What was found in Redis and belongs to these scopes.
struct shared_entry {
  generation born = 0;
  std::vector<scope> scopes;
};

/// A caller erased these keys: other nodes must forget them as well.
struct erased_keys {
  std::vector<key128> keys;
};

/// These scopes were invalidated (invalidation to shards): drop what is older.
struct invalidate_scopes {
  std::uint64_t ticket = 0;       ///< not 0: say with scopes_invalidated how many entries went
  generation since = unnumbered;  ///< the generation of it, or unnumbered while that is not known
  bool settles = false;     ///< the number of what was announced unnumbered before: nothing is to be dropped again
  bool lost_track = false;  ///< keys were invalidated that nobody remembers: drop everything that is in memory
  generation floor = 0;     ///< everything born before is dead
  std::vector<scope> scopes;
};

}  // namespace aicache
