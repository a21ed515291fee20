#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/redis/reply.hpp"

// What is asked of a link and what becomes of it, one struct per key or command. They stand in messages as they are
// (messages/shared_tier.hpp).
namespace aicache {

enum class fetch_status : std::uint8_t {
  present,
  absent,
  unavailable,  ///< Redis was not asked, or did not answer in time, or not sensibly
};

/// What lay under one key.
struct fetched_value {
  fetch_status how = fetch_status::unavailable;
  std::string bytes;  ///< as they lay in Redis, believed by nobody yet
};

/// A key to be set, or, without bytes, to be removed.
struct store_item {
  std::string key;
  std::string bytes;         ///< the envelope
  std::int64_t life_ms = 0;  ///< Redis forgets it after so long; 0: never
};

enum class store_status : std::uint8_t {
  done,         ///< Redis has it; of a removal: it was there
  absent,       ///< of a removal: it was not there
  refused,      ///< Redis will not take it, now or later: too long, or no room (OOM)
  unavailable,  ///< Redis may or may not have it: try again when it is back
};

/// Any command: for the master that owns the slot of `route`, or for master number `master` of a cluster.
struct link_command {
  std::vector<std::string> words;
  std::string route;         ///< the Redis key that decides the slot
  std::int32_t master = -1;  ///< at least 0: this one, whatever `route` says
};

struct link_reply {
  bool answered = false;  ///< false: it may or may not have been carried out
  redis_reply reply;
};

}  // namespace aicache
