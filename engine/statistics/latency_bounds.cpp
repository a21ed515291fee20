#include "engine/statistics/latency_bounds.hpp"

namespace aicache {

std::vector<std::uint64_t> counts_at_most(const histogram& h) {
  if (h.count() == 0) return {};
  std::vector<std::uint64_t> all;
  all.reserve(latency_bounds.size());
  std::uint64_t sum = 0;
  std::size_t bucket = 0;
  const auto counts = h.counts();
  for (const std::uint64_t bound : latency_bounds) {
    for (; bucket < counts.size() && histogram::upper_bound(bucket) <= bound; ++bucket) sum += counts[bucket];
    all.push_back(sum);
  }
  return all;
}

}  // namespace aicache
