#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/statistics/histogram.hpp"
#include "engine/statistics/report.hpp"
#include "engine/statistics/work_figures.hpp"

namespace aicache {

/// The figures of a whole node: every report of every shard added up.
///
/// Owner      the monitor; a plain value elsewhere
/// Fails      add: corrupt when a histogram of a report does not parse; then nothing is added
/// Invariant  counters are exact once all reports are in; gauges are those of each shard's newest report
class node_totals {
 public:
  struct operation_totals {
    operation_counters counted;
    histogram latency;
  };

  outcome<void> add(const shard_report& report);

  /// A shard was replaced: what its predecessor held is gone.
  void shard_lost(std::uint32_t shard) { present_.erase(shard); }

  /// Forgets what was counted; the shards' present state stays.
  void reset();

  const std::map<std::string, operation_totals>& operations() const noexcept { return operations_; }
  const std::map<std::string, tenant_counters>& tenants() const noexcept { return tenants_; }
  const shard_counters& shards() const noexcept { return shards_; }
  const std::array<histogram, tier_count>& latency_by_tier() const noexcept { return latency_by_tier_; }
  const text_tier_figures& texts() const noexcept { return texts_; }
  const std::map<std::uint32_t, shard_gauges>& present_by_shard() const noexcept { return present_; }

  /// Sums over all operations, and over all shards.
  operation_counters over_operations() const noexcept;
  shard_gauges present() const noexcept;

 private:
  std::map<std::string, operation_totals> operations_;
  std::map<std::string, tenant_counters> tenants_;
  shard_counters shards_;
  std::map<std::uint32_t, shard_gauges> present_;
  std::array<histogram, tier_count> latency_by_tier_;
  text_tier_figures texts_;
};

}  // namespace aicache
