#include "engine/statistics/totals.hpp"

#include <algorithm>

namespace aicache {

outcome<void> node_totals::add(const shard_report& report) {
  // All histograms are tried before anything is added, so that a bad report leaves no half of itself behind.
  const auto parses = [](const auto& list) { return std::all_of(list.begin(), list.end(), histogram::parses); };
  const bool whole = std::all_of(report.operations.begin(), report.operations.end(),
                                 [](const operation_report& o) { return histogram::parses(o.latency); }) &&
                     parses(report.latency_by_tier) && parses(report.latency_by_text) && report.compression.parses() &&
                     histogram::parses(report.shared_reads);
  if (!whole) return fault{errc::corrupt, "a histogram of a shard's report"};
  aicache::add(shards_, report.counted);
  present_[report.shard] = report.present;
  for (const operation_report& o : report.operations) {
    operation_totals& total = operations_[o.name];
    aicache::add(total.counted, o.counted);
    if (auto merged = total.latency.merge(o.latency); !merged) return merged;
    if (!o.lifetimes.is_empty()) total.lifetimes.merge(o.lifetimes);
  }
  for (const tenant_report& t : report.tenants) {
    tenant_totals& total = tenant_called(t.name);
    aicache::add(total.counted, t.counted);
    total.present[report.shard][t.name] = t.present;
  }
  for (std::size_t i = 0; i < tier_count; ++i)
    if (auto merged = latency_by_tier_[i].merge(report.latency_by_tier[i]); !merged) return merged;
  for (std::size_t i = 0; i < text_tier_count; ++i) {
    texts_.misses[i] += report.misses_by_text[i];
    if (auto merged = texts_.nanoseconds[i].merge(report.latency_by_text[i]); !merged) return merged;
  }
  if (auto merged = compression_.merge(report.compression); !merged) return merged;
  return shared_reads_.merge(report.shared_reads);
}

node_totals::tenant_totals& node_totals::tenant_called(const std::string& name) {
  static const std::string other = "other";
  if (const auto known = tenants_.find(name); known != tenants_.end()) return known->second;
  const std::size_t told_apart = tenants_.size() - tenants_.count(other);
  return tenants_[told_apart < most_tenants_ ? name : other];
}

tenant_gauges node_totals::tenant_totals::over_shards() const noexcept {
  tenant_gauges sum;
  for (const auto& [shard, by_name] : present)
    for (const auto& [name, g] : by_name) aicache::add(sum, g);
  return sum;
}

void node_totals::reset() {
  operations_.clear();
  std::erase_if(tenants_, [](const auto& t) { return t.second.over_shards() == tenant_gauges{}; });
  for (auto& [name, t] : tenants_) t.counted = {};
  shards_ = {};
  latency_by_tier_ = {};
  texts_ = {};
  compression_ = {};
  shared_reads_ = {};
}

operation_counters node_totals::over_operations() const noexcept {
  operation_counters sum;
  for (const auto& [name, o] : operations_) aicache::add(sum, o.counted);
  return sum;
}

shard_gauges node_totals::present() const noexcept {
  shard_gauges sum;
  for (const auto& [shard, g] : present_) aicache::add(sum, g);
  // A mode is no quantity: all shards run under the one that their node's learner chose last.
  if (!present_.empty()) sum.eviction_mode = present_.begin()->second.eviction_mode;
  return sum;
}

}  // namespace aicache
