#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/advice/expiry_ghost.hpp"
#include "engine/advice/hit_curve.hpp"
#include "engine/statistics/record_book.hpp"
#include "engine/types.hpp"

namespace aicache {

/// What is known of one operation.
struct operation_facts {
  std::string name;
  duration life{0};
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t expired = 0;  ///< of the misses, those of answers that had outlived their time
  std::uint64_t timed = 0;    ///< gets whose time is known
  double mean_nanoseconds = 0;
  lifetime_evidence lifetimes;

  std::uint64_t gets() const noexcept { return hits + misses; }
};

struct memory_facts {
  std::uint64_t budget = 0;
  std::uint64_t used = 0;
  double warm_share = 0.5;
};

struct compression_facts {
  std::uint64_t packed = 0;
  std::uint64_t unpackable = 0;
  double ratio = 1;  ///< packed to raw
  std::uint64_t min_bytes = 0;
};

struct redis_facts {
  std::uint64_t reads = 0;        ///< keys looked up, found or not
  std::uint64_t unavailable = 0;  ///< keys that Redis was not asked for or did not answer for
  std::uint64_t timed = 0;        ///< reads whose time is known
  std::uint64_t p99_nanoseconds = 0;
  duration get_deadline{0};
  std::uint32_t connections = 1;
};

struct eviction_facts {
  std::uint64_t puts = 0;
  std::uint64_t evictions = 0;
};

struct lease_facts {
  std::uint64_t served = 0;    ///< waiting callers that were answered
  std::uint64_t waited = 0;    ///< that waited in vain
  std::uint64_t unparked = 0;  ///< that found no room to wait
  duration park_timeout{0};
  std::uint64_t most_parked = 0;
};

struct text_class_facts {
  std::array<std::uint64_t, text_tier_count> gets{};
  std::uint64_t small = 500;  ///< the bounds of the classes, in code points
  std::uint64_t large = 50'000;
};

/// All that rules look at, at one time. What is not known is absent, and the rules that need it are silent.
struct advice_snapshot {
  std::vector<operation_facts> operations;
  text_class_facts texts;
  std::optional<memory_facts> memory;
  std::optional<compression_facts> compression;
  std::optional<redis_facts> redis;
  std::optional<eviction_facts> evictions;
  std::optional<lease_facts> leases;
  std::optional<hit_curve> curve;
};

/// What the settings say, as far as an action must name a new value.
struct advice_ground {
  std::uint64_t text_small = 500;
  std::uint64_t text_large = 50'000;
  std::uint64_t compression_min_bytes = 256;
  double warm_share = 0.5;
  duration park_timeout{30'000};
  std::uint64_t most_parked = 65'536;
};

/// A snapshot of what a record book knows. `redis` and `curve` come from elsewhere and are filled in by the caller.
advice_snapshot snapshot_of(const record_book& book, const advice_ground& ground);

}  // namespace aicache
