#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

#include "engine/outcome.hpp"
#include "engine/statistics/histogram.hpp"
#include "engine/statistics/report.hpp"
#include "perf/load/get_log.hpp"

namespace aicache::perf {

/// What became of the requests of one operation.
struct operation_tally {
  std::uint64_t requests = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t errors = 0;
  std::uint64_t wrong = 0;  ///< hits whose answer was not the right one
  std::uint64_t tokens_saved = 0;
  std::uint64_t model_ms_saved = 0;
  std::uint64_t gets = 0;  ///< sent: a key that is missed is asked for again with a lease
};

/// What became of the requests of one loop, or of all of them.
/// Invariant  requests = hits + misses + errors, for each operation and so in all
struct tally {
  std::vector<operation_tally> operations;
  std::array<std::uint64_t, tier_count> hits{};  ///< by tier
  std::uint64_t computed = 0;                    ///< answers that had to be made
  std::uint64_t puts_refused = 0;
  std::array<std::uint64_t, 256> errors{};  ///< by code
  static constexpr std::chrono::milliseconds error_slot{100};
  std::map<std::uint64_t, std::uint64_t> error_times;  ///< errors by slot of time since the run was made
  histogram latency;                                   ///< nanoseconds from asking until hit, miss or error is known
  histogram miss_latency;                              ///< the misses' part of it
  std::vector<logged_get> log;                         ///< every get, if that was asked for

  explicit tally(std::size_t operation_count) : operations(operation_count) {}

  void add(const tally& other) {
    for (std::size_t i = 0; i < operations.size(); ++i) {
      operation_tally& to = operations[i];
      const operation_tally& from = other.operations[i];
      to.requests += from.requests;
      to.hits += from.hits;
      to.misses += from.misses;
      to.errors += from.errors;
      to.wrong += from.wrong;
      to.tokens_saved += from.tokens_saved;
      to.model_ms_saved += from.model_ms_saved;
      to.gets += from.gets;
    }
    for (std::size_t i = 0; i < hits.size(); ++i) hits[i] += other.hits[i];
    for (std::size_t i = 0; i < errors.size(); ++i) errors[i] += other.errors[i];
    for (const auto& [slot, count] : other.error_times) error_times[slot] += count;
    computed += other.computed;
    puts_refused += other.puts_refused;
    latency.merge(other.latency);
    miss_latency.merge(other.miss_latency);
    log.insert(log.end(), other.log.begin(), other.log.end());
  }

  operation_tally over_operations() const {
    operation_tally sum;
    for (const operation_tally& o : operations) {
      sum.requests += o.requests;
      sum.hits += o.hits;
      sum.misses += o.misses;
      sum.errors += o.errors;
      sum.wrong += o.wrong;
      sum.tokens_saved += o.tokens_saved;
      sum.model_ms_saved += o.model_ms_saved;
      sum.gets += o.gets;
    }
    return sum;
  }
};

}  // namespace aicache::perf
