#include "messages/statistics.hpp"

#include "engine/statistics/latency_bounds.hpp"

namespace aicache {

latency_summary summarise(const histogram& h) {
  const std::uint64_t n = h.count();
  return {n,
          n == 0 ? 0 : h.sum() / n,
          h.quantile(0.5),
          h.quantile(0.95),
          h.quantile(0.99),
          h.quantile(0.999),
          h.max(),
          h.sum(),
          counts_at_most(h)};
}

node_statistics summarise(const node_totals& totals) {
  node_statistics s;
  for (const auto& [name, o] : totals.operations()) s.operations.push_back({name, o.counted, summarise(o.latency)});
  for (const auto& [name, t] : totals.tenants()) s.tenants.push_back({name, t.counted, t.over_shards()});
  for (std::size_t i = 0; i < tier_count; ++i) {
    const histogram& h = totals.latency_by_tier()[i];
    // Answers of no tier are misses.
    const tier t = static_cast<tier>(i);
    s.tiers.push_back({t == tier::none ? "miss" : to_string(t), summarise(h)});
  }
  s.total = totals.over_operations();
  s.shards = totals.shards();
  s.present = totals.present();
  return s;
}

}  // namespace aicache
