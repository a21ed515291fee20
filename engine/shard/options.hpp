#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "engine/answers/answer_gate.hpp"
#include "engine/answers/lifetime.hpp"
#include "engine/answers/negative_table.hpp"
#include "engine/shard/lease_table.hpp"
#include "engine/shared/generation_book.hpp"
#include "engine/types.hpp"

namespace aicache {

/// Below this budget a shard has no warm tier: zstd's contexts take 0.7 (level 3) to 1.9 MB (level 19) of it.
inline constexpr std::uint64_t smallest_warm_budget = 8ULL << 20;

/// What may live where in memory, and how it gets smaller.
struct tier_options {
  std::uint64_t budget = 128ULL << 20;   ///< bytes of this shard: everything it holds counts
  double warm_share = 0.5;               ///< of the budget, for compressed answers; 0: there is no warm tier, nor is
                                         ///< there one below smallest_warm_budget
  std::uint64_t value_bytes = 16 << 20;  ///< the largest answer
  int compression_level = 3;
  std::uint64_t compression_min_bytes = 256;  ///< smaller answers are compressed with a dictionary or not at all
  double compression_min_gain = 1.1;          ///< raw/compressed below this is not worth it
  std::uint64_t worker_bytes = 64 << 10;      ///< larger answers are compressed and decompressed by workers
  std::uint64_t dictionary_bytes = 16 << 10;  ///< size of a trained dictionary; 0: none
  std::uint32_t dictionary_samples = 400;     ///< answers of one operation to train it from
  /// Reads nanoseconds off some clock, by which compression in the shard is timed; null: it is not.
  std::uint64_t (*stopwatch)() = nullptr;
  bool charge_overhead = true;  ///< false in simulations only: the budget is for answers alone, in exact units
};

/// The shard's part of the way to Redis.
struct shared_options {
  bool on = false;
  std::string prefix = "aicache";
  std::size_t dirty_keys = 16'384;          ///< answers not yet written; beyond it the oldest are given up
  std::uint64_t write_bytes = 16ULL << 20;  ///< raw bytes on their way to Redis at once
  std::size_t look_ups = 65'536;            ///< keys being looked up at once
  duration patience{2'000};                 ///< a get whose look-up is not answered for so long is a miss
  generation_book::limits generations;
};

/// What tenants may take of a shard, in bytes; 0: as much as there is.
struct quota_options {
  std::uint64_t otherwise = 0;  ///< each that is not named; all that are counted as "other" have one together
  std::map<std::string, std::uint64_t, std::less<>> tenants;
};

/// Everything that a shard is told when it starts.
struct shard_options {
  tier_options tiers;
  lifetime_options lifetimes;
  stale_options stale;
  answer_gate gate;
  negative_options negatives;
  quota_options quotas;
  lease_table::limits leases;
  shared_options shared;
  duration park{30'000};              ///< the longest that a get waits for another caller's computation
  std::uint32_t promotion_hits = 10;  ///< hits of an operation that open the hot tier to its medium texts
  std::uint16_t operations = 256;     ///< distinct operations with figures of their own; fewer in a small budget
  std::uint16_t tenants = 256;        ///< distinct tenants with figures of their own; fewer in a small budget
  std::uint16_t models = 64;          ///< the same for models
  std::uint32_t accounts = 1024;  ///< combinations of the three whose savings are told apart; fewer in a small budget
  std::uint64_t seed = 1;         ///< differs with every incarnation of a shard
};

}  // namespace aicache
