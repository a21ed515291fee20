#include "engine/statistics/distribution.hpp"

#include <algorithm>

namespace aicache {

std::optional<distribution> distribution_of(const histogram& h) noexcept {
  distribution d;
  d.count = h.count();
  if (d.count == 0) return std::nullopt;
  d.mean = static_cast<double>(h.sum()) / static_cast<double>(d.count);
  const auto counts = h.counts();
  const auto first = static_cast<std::size_t>(
      std::find_if(counts.begin(), counts.end(), [](std::uint64_t c) { return c != 0; }) - counts.begin());
  d.least = std::min(histogram::middle(first), h.max());
  d.p50 = h.quantile(0.5);
  d.p95 = h.quantile(0.95);
  d.p99 = h.quantile(0.99);
  d.p999 = h.quantile(0.999);
  d.most = h.max();
  return d;
}

std::optional<double> usual(const histogram& h) noexcept {
  const std::uint64_t count = h.count();
  if (count == 0) return std::nullopt;
  const std::uint64_t lowest = std::max<std::uint64_t>(1, count / 5 * 4 + count % 5 * 4 / 5);
  std::uint64_t left = lowest;
  double sum = 0;
  for (std::size_t bucket = 0; left != 0; ++bucket) {
    const std::uint64_t taken = std::min(left, h.counts()[bucket]);
    sum += static_cast<double>(taken) * static_cast<double>(std::min(histogram::middle(bucket), h.max()));
    left -= taken;
  }
  return sum / static_cast<double>(lowest);
}

}  // namespace aicache
