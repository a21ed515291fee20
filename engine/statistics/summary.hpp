#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/advice/expiry_ghost.hpp"
#include "engine/statistics/counters.hpp"
#include "engine/statistics/distribution.hpp"
#include "engine/statistics/invalidation_log.hpp"
#include "engine/statistics/memory_trend.hpp"
#include "engine/statistics/slow_operations.hpp"
#include "engine/statistics/work_figures.hpp"
#include "engine/types.hpp"

// What is said of a node's figures. Whatever has no ground is absent, never zero; shares are in percent.
namespace aicache {

/// How many gets there were and what became of them. Those that still wait are in neither hits nor misses.
struct get_summary {
  std::uint64_t answered = 0;  ///< hits and misses
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::optional<double> hit_percent;

  friend bool operator==(const get_summary&, const get_summary&) = default;
};

get_summary gets_of(const operation_counters& c) noexcept;

struct operation_summary {
  std::string name;
  std::optional<duration> ttl;  ///< where the settings give it one of its own
  get_summary gets;
  get_summary recent;
  std::uint64_t puts = 0;
  std::uint64_t saved_tokens = 0;
  std::optional<distribution> nanoseconds;
  lifetime_evidence lifetimes;  ///< what expired of a sample of the keys, and was asked for again
};

struct tenant_summary {
  std::string name;
  get_summary gets;
  tenant_counters counted;
  tenant_gauges present;
  std::optional<double> quota_percent;  ///< of its quota that it takes; absent without one
};

struct text_tier_summary {
  text_tier tier = text_tier::small;
  std::uint64_t gets = 0;
  std::optional<double> share_percent;  ///< of all gets
  std::optional<double> hit_percent;    ///< absent while misses are not counted by class of text
  std::optional<distribution> nanoseconds;
  std::optional<double> score;  ///< hit_percent a millisecond, nothing counting as faster than a microsecond
  std::vector<std::string> remarks;
};

struct key_generation_summary {
  distribution nanoseconds;
  distribution code_points;
  std::array<std::uint64_t, text_tier_count> by_text{};
};

struct compression_summary {
  std::uint64_t packed = 0;
  std::uint64_t unpackable = 0;
  std::uint64_t unpacked = 0;
  std::uint64_t raw_bytes = 0;
  std::uint64_t packed_bytes = 0;
  std::int64_t saved_bytes = 0;
  std::optional<double> ratio;  ///< packed to raw, over all bytes; small is good
  std::optional<double> saved_percent;
  std::optional<distribution> permille;  ///< packed to raw in thousandths, of single answers
  std::optional<distribution> pack_nanoseconds;
  std::optional<distribution> unpack_nanoseconds;
};

struct summary {
  instant at;
  duration recent_span{0};
  get_summary gets;
  get_summary recent;
  operation_counters total;
  std::vector<operation_summary> operations;  ///< by name; configured ones that nobody asked for among them
  std::vector<tenant_summary> tenants;        ///< by name
  std::string fastest;                        ///< operation by its mean; empty when nothing was timed
  std::string slowest;
  std::optional<distribution> nanoseconds;  ///< of all gets
  std::optional<distribution> recent_nanoseconds;
  std::optional<distribution> shared_reads;  ///< nanoseconds that Redis took, a value for each message to it
  std::array<text_tier_summary, text_tier_count> text_tiers;
  std::vector<text_tier> ranking;             ///< text classes with a score, the best first
  double text_tier_completeness_percent = 0;  ///< of the four classes, those that were asked about
  std::optional<key_generation_summary> key_generation;
  std::optional<compression_summary> compression;
  std::optional<memory_summary> memory;
  std::vector<notice> memory_notices;
  invalidation_summary invalidations;
  std::vector<notice> invalidation_notices;
  std::vector<slow_case> slow;
};

/// Gets as counted by class of text, and what became of those that were answered.
std::array<text_tier_summary, text_tier_count> summarise_text_tiers(const operation_counters& total,
                                                                    const text_tier_figures& figures);
/// The classes that have a score, the best first.
std::vector<text_tier> rank(const std::array<text_tier_summary, text_tier_count>& tiers);
/// Nothing when no key was made.
std::optional<key_generation_summary> summarise_key_generation(const key_generation_figures& figures) noexcept;
/// Nothing when compression was given nothing.
std::optional<compression_summary> summarise_compression(const shard_counters& counted,
                                                         const compression_figures& figures) noexcept;

}  // namespace aicache
