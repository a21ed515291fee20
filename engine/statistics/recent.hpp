#pragma once

#include <functional>
#include <map>
#include <string>

#include "engine/statistics/counters.hpp"
#include "engine/statistics/histogram.hpp"
#include "engine/statistics/report.hpp"

namespace aicache {

/// What was reported within one slot of time, or within several. One latency distribution for all operations: one of
/// each would be 19 KB an operation and slot.
struct recent_figures {
  std::map<std::string, operation_counters, std::less<>> operations;
  shard_counters shards;
  histogram nanoseconds;

  recent_figures& operator+=(const recent_figures& more) {
    for (const auto& [name, counted] : more.operations) add(operations[name], counted);
    add(shards, more.shards);
    nanoseconds.merge(more.nanoseconds);
    return *this;
  }

  /// Adds a report that was found to parse.
  void add_report(const shard_report& report) {
    for (const operation_report& o : report.operations) add(operations[o.name], o.counted);
    add(shards, report.counted);
    for (const sparse_histogram& h : report.latency_by_tier)
      if (auto merged = nanoseconds.merge(h); !merged) continue;
  }

  operation_counters over_operations() const noexcept {
    operation_counters sum;
    for (const auto& [name, counted] : operations) add(sum, counted);
    return sum;
  }
};

}  // namespace aicache
