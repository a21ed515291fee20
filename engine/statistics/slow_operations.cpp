#include "engine/statistics/slow_operations.hpp"

#include <algorithm>
#include <utility>

#include "engine/statistics/distribution.hpp"

namespace aicache {

void slow_operations::learn(work_kind kind, const histogram& nanoseconds) noexcept {
  if (nanoseconds.count() >= limits_.enough) kinds_[static_cast<std::size_t>(kind)].usual = usual(nanoseconds);
}

std::uint64_t slow_operations::threshold(work_kind kind) const noexcept {
  const std::optional<double>& usual = kinds_[static_cast<std::size_t>(kind)].usual;
  if (!usual) return UINT64_MAX;
  const double limit = std::min(*usual * std::max(limits_.times, 1.0), 1e18);
  return std::max(limits_.least_nanoseconds, static_cast<std::uint64_t>(limit));
}

void slow_operations::record(slow_event e) {
  if (e.nanoseconds <= threshold(e.kind)) return;
  watched& w = kinds_[static_cast<std::size_t>(e.kind)];
  if (w.cases.size() < kept) {
    w.cases.push_back(std::move(e));
  } else {
    w.cases[w.next] = std::move(e);
    w.next = (w.next + 1) % kept;
  }
}

std::vector<slow_case> slow_operations::recent(instant now, double times) const {
  if (!(times > 0)) times = limits_.times;
  std::vector<slow_case> found;
  for (const watched& w : kinds_) {
    if (!w.usual || !(*w.usual > 0)) continue;
    for (const slow_event& e : w.cases) {
      const double slower = static_cast<double>(e.nanoseconds) / *w.usual;
      if (slower >= times && e.at > now - limits_.retention) found.push_back({e, *w.usual, slower});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const slow_case& a, const slow_case& b) { return a.times_slower > b.times_slower; });
  return found;
}

void slow_operations::clear() noexcept {
  for (watched& w : kinds_) w = {};
}

}  // namespace aicache
