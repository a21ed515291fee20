#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/statistics/invalidation_log.hpp"
#include "engine/statistics/ledger.hpp"
#include "engine/statistics/memory_trend.hpp"
#include "engine/statistics/recent.hpp"
#include "engine/statistics/slow_operations.hpp"
#include "engine/statistics/summary.hpp"
#include "engine/statistics/time_ring.hpp"
#include "engine/statistics/totals.hpp"
#include "engine/statistics/work_figures.hpp"

namespace aicache {

/// All figures of a node, since the last reset and of late, and what is said of them.
///
/// Shape      totals, a ring of differences by time, and what the parts below keep; summaries are made when asked for
/// Units      time is passed in
/// Owner      one actor of the node; not thread-safe
/// Fails      add: corrupt when a report does not parse; then nothing of it is added
/// Invariant  each report is added once, to the totals and to the slot of its arrival; a reset forgets what was counted
///            and keeps settings, the shards' present state, and the prices
/// Cost       add: what the report holds; summarise: some hundred operations in about a millisecond, on demand
class record_book {
 public:
  struct options {
    std::map<std::string, duration> operations;  ///< configured ones, with their lives
    duration otherwise{3'600'000};               ///< the life of all others
    std::size_t recent_slots = 12;
    duration recent_slot{300'000};
    memory_limits memory;
    invalidation_limits invalidations;
    slow_operations::limits slow;
    std::size_t ledger_rows = 4096;
    std::size_t tenants = 256;  ///< told apart
    price_table prices;
  };

  explicit record_book(options o);
  record_book() : record_book(options{}) {}

  outcome<void> add(const shard_report& report, instant now);
  void shard_lost(std::uint32_t shard) { totals_.shard_lost(shard); }

  outcome<void> add(const key_generation_report& gained) { return keys_.merge(gained); }
  void add(invalidation_event e) { invalidations_.record(std::move(e)); }
  void add(slow_event e) { slow_.record(std::move(e)); }

  /// Once in a while: looks at memory, and learns what is usual.
  void tick(instant now);

  summary summarise(instant now) const;

  /// What was reported within the last slots.
  recent_figures recent(instant now) const;

  /// The life that the settings give an operation.
  duration life_of(const std::string& operation) const noexcept;

  void reset();

  /// By these from now on: lives, prices, and what is worth a word. What was counted stays, as it was valued then; what
  /// sizes the book stays as it was made.
  void retune(const options& o);

  const options& settings() const noexcept { return options_; }
  const node_totals& totals() const noexcept { return totals_; }
  const aicache::ledger& ledger() const noexcept { return ledger_; }
  aicache::ledger& ledger() noexcept { return ledger_; }
  const slow_operations& slow() const noexcept { return slow_; }

 private:
  std::vector<operation_summary> summarise_operations(const recent_figures& late) const;
  std::vector<tenant_summary> summarise_tenants() const;

  options options_;
  node_totals totals_;
  time_ring<recent_figures> recent_;
  aicache::ledger ledger_;
  key_generation_figures keys_;
  memory_trend memory_;
  invalidation_log invalidations_;
  slow_operations slow_;
};

}  // namespace aicache
