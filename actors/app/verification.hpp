#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "actors/app/node_session.hpp"
#include "actors/app/shared_redis.hpp"

namespace aicache::app {

/// What a comparison found of an entry. One that begins with "bad" is an inconsistency; the others are how a cache that
/// writes behind and forgets lives.
enum class finding : std::uint8_t {
  same,            ///< in both, equal in every respect
  only_redis,      ///< in Redis, and the node would serve it from there
  pending,         ///< in memory; Redis is still to be told
  newer_redis,     ///< another node has put a newer answer, which this one learns of when its own is over
  invalidated,     ///< in Redis, dead, and served by nobody; a sweep will remove it
  gone,            ///< it went while it was looked at
  bad_missing,     ///< in memory, told to Redis, and not there
  bad_older,       ///< in memory, told to Redis, and an older answer is there
  bad_unequal,     ///< the same answer by its time, and not by its bytes
  bad_life,        ///< the two would live for different times
  bad_unreadable,  ///< what is in Redis does not verify
  bad_dead,        ///< in memory alive, and in Redis invalidated
  bad_unserved,    ///< in Redis alive, and the node does not serve it
};
inline constexpr std::size_t finding_count = 13;
const char* to_string(finding f) noexcept;
const char* meaning_of(finding f) noexcept;
constexpr bool is_bad(finding f) noexcept { return f >= finding::bad_missing; }

struct verified {
  std::uint64_t memory = 0;  ///< entries of memory that were looked at
  std::uint64_t redis = 0;   ///< entries of Redis that were
  std::uint64_t keys = 0;    ///< of ours in Redis, by name
  std::array<std::uint64_t, finding_count> of_memory{};
  std::array<std::uint64_t, finding_count> of_redis{};

  bool is_sound() const noexcept;
};

/// Compares a sample of a node's memory with Redis, and a sample of Redis with what the node would serve.
///
/// Shape      memory gives the entries of some buckets of its index, chosen at random; one walk through the names of all
///            keys in Redis (SCAN, in bounded batches) finds those, whose whole identities memory does not know, and
///            draws a sample of its own. What looks wrong is looked at again a moment later, before it is believed
/// Owner      one thread
/// Fails      unavailable: the node or Redis
/// Invariant  nothing in memory or Redis changes, but that a look at what is only in Redis brings it into memory, as a get
///            would; no text, key or name of a user is kept beyond its comparison
class verification {
 public:
  struct options {
    std::size_t sample = 1'000;  ///< of each side
    std::uint64_t seed = 1;
    duration again{500};  ///< after which doubts are looked at again
    std::function<void(double share, const std::string& what)> on_progress;
  };

  verification(options o, node_session& node, shared_redis& redis);

  outcome<verified> run();

 private:
  struct sampled_entry {
    std::string tenant, operation;
    transfer_item item;
    std::string key;  ///< in Redis; empty where no such key was found
    finding last = finding::same;
  };
  struct sampled_key {
    std::string key;
    finding last = finding::same;
  };

  outcome<void> sample_memory();
  outcome<void> walk_redis();
  outcome<void> judge_memory(const std::vector<sampled_entry*>& some);
  outcome<void> judge_redis(const std::vector<sampled_key*>& some);
  template <class Sampled>
  outcome<void> judge(std::vector<Sampled>& all, outcome<void> (verification::*by)(const std::vector<Sampled*>&));
  outcome<std::vector<import_result>> would_take(transfer_page page);
  static finding compare(const sampled_entry& m, const shared_entry& r);

  options options_;
  node_session& node_;
  shared_redis& redis_;
  std::mt19937_64 dice_;
  std::vector<sampled_entry> memory_;
  std::vector<sampled_key> keys_;
  verified found_;
};

}  // namespace aicache::app
