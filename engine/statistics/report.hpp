#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/advice/expiry_ghost.hpp"
#include "engine/eviction/mode_learner.hpp"
#include "engine/statistics/counters.hpp"
#include "engine/statistics/histogram.hpp"
#include "engine/statistics/ledger_report.hpp"
#include "engine/statistics/work_figures.hpp"
#include "engine/types.hpp"

namespace aicache {

/// How many tiers an answer may come from, `none` (a miss) included: the length of per-tier lists.
inline constexpr std::size_t tier_count = 5;

/// Under this name figures by operation tell of generic entries, which have none.
inline constexpr std::string_view generic_entries = "(generic)";

/// What one operation has added since the shard's last report.
struct operation_report {
  std::string name;
  operation_counters counted;
  sparse_histogram latency;          ///< nanoseconds from the sending of a get to its answer
  lifetime_evidence lifetimes = {};  ///< what expired of a sample of the keys, and was asked for again

  friend bool operator==(const operation_report&, const operation_report&) = default;
};

/// What one tenant has added since the shard's last report, and what it takes of the shard now.
struct tenant_report {
  std::string name;
  tenant_counters counted;
  tenant_gauges present = {};

  friend bool operator==(const tenant_report&, const tenant_report&) = default;
};

/// What one shard tells the monitor on a tick: differences for counters, the present state for gauges. Adding up all
/// reports of all incarnations of all shards gives exact totals.
struct shard_report {
  std::uint32_t shard = 0;
  shard_counters counted;
  shard_gauges present;
  std::vector<operation_report> operations;
  std::vector<tenant_report> tenants;
  std::array<sparse_histogram, tier_count> latency_by_tier;
  std::array<sparse_histogram, text_tier_count> latency_by_text;
  std::array<std::uint64_t, text_tier_count> misses_by_text{};  ///< of those in latency_by_text: given no answer
  compression_report compression;
  sparse_histogram shared_reads;  ///< nanoseconds from the asking of Redis to its answer, a value for each message
  ledger_report saved;

  friend bool operator==(const shard_report&, const shard_report&) = default;
};

}  // namespace aicache
