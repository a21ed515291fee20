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
/// Invariant  counters are exact once all reports are in; gauges are those of each shard's newest report. At most
///            `most_tenants` names of tenants are told apart; the rest are one, "other"
class node_totals {
 public:
  struct operation_totals {
    operation_counters counted;
    histogram latency;
    lifetime_evidence lifetimes;
  };
  struct tenant_totals {
    tenant_counters counted;
    /// By shard, and by the name that the shard knows: of "other" there may be several.
    std::map<std::uint32_t, std::map<std::string, tenant_gauges>> present;

    tenant_gauges over_shards() const noexcept;
  };

  explicit node_totals(std::size_t most_tenants = 256) : most_tenants_(most_tenants) {}

  outcome<void> add(const shard_report& report);

  /// A shard was replaced: what its predecessor held is gone.
  void shard_lost(std::uint32_t shard) {
    present_.erase(shard);
    for (auto& [name, t] : tenants_) t.present.erase(shard);
  }

  /// Forgets what was counted; the shards' present state stays.
  void reset();

  const std::map<std::string, operation_totals>& operations() const noexcept { return operations_; }
  const std::map<std::string, tenant_totals>& tenants() const noexcept { return tenants_; }
  const shard_counters& shards() const noexcept { return shards_; }
  const std::array<histogram, tier_count>& latency_by_tier() const noexcept { return latency_by_tier_; }
  const text_tier_figures& texts() const noexcept { return texts_; }
  const compression_figures& compression() const noexcept { return compression_; }
  const histogram& shared_reads() const noexcept { return shared_reads_; }
  const std::map<std::uint32_t, shard_gauges>& present_by_shard() const noexcept { return present_; }

  /// Sums over all operations, and over all shards.
  operation_counters over_operations() const noexcept;
  shard_gauges present() const noexcept;

 private:
  tenant_totals& tenant_called(const std::string& name);

  std::map<std::string, operation_totals> operations_;
  std::size_t most_tenants_;
  std::map<std::string, tenant_totals> tenants_;
  shard_counters shards_;
  std::map<std::uint32_t, shard_gauges> present_;
  std::array<histogram, tier_count> latency_by_tier_;
  text_tier_figures texts_;
  compression_figures compression_;
  histogram shared_reads_;
};

}  // namespace aicache
