#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "engine/statistics/counters.hpp"
#include "engine/types.hpp"

namespace aicache {

/// How bad something is that an operator should see.
enum class severity : std::uint8_t { info, warning, critical };

constexpr const char* to_string(severity s) noexcept {
  switch (s) {
    case severity::warning: return "warning";
    case severity::critical: return "critical";
    case severity::info: break;
  }
  return "info";
}

/// Something that an operator should see, with what can be done about it.
struct notice {
  severity how_bad = severity::info;
  std::string issue;  ///< a short name that does not change
  std::string message;
  std::vector<std::string> suggestions;

  friend bool operator==(const notice&, const notice&) = default;
};

/// How full memory was at one time.
struct memory_sample {
  instant at;
  shard_gauges present;  ///< of all shards together
};

/// From what share of its budget on memory is worth a word.
struct memory_limits {
  double warning_percent = 90;
  double critical_percent = 98;
  double full_tier_percent =
      90;  ///< of what is charged: more in the hot tier, and nothing in warm, while memory is high
};

/// What is said of memory once it was looked at.
struct memory_summary {
  std::uint64_t used = 0;
  std::uint64_t budget = 0;
  std::uint64_t hot = 0;
  std::uint64_t warm = 0;
  std::uint64_t bookkeeping = 0;  ///< all that is charged and is no answer
  std::uint64_t entries_hot = 0;
  std::uint64_t entries_warm = 0;
  std::optional<double> used_percent;     ///< of the budget
  std::optional<double> bytes_per_entry;  ///< of the answers in both tiers
  std::size_t samples = 0;                ///< that the trend is over
  double mean_used = 0;
  std::uint64_t most_used = 0;
  double mean_entries = 0;
  std::uint64_t most_entries = 0;
  std::optional<double> growth_per_hour;  ///< bytes; negative when it shrinks
};

/// The memory of the last ticks.
///
/// Owner      the node's record_book; not thread-safe
/// Invariant  at most `kept` samples
/// Cost       O(1) a sample, O(kept) a summary
class memory_trend {
 public:
  static constexpr std::size_t kept = 10;

  explicit memory_trend(memory_limits limits = {}) noexcept : limits_(limits) {}

  void sample(instant now, const shard_gauges& present);

  /// Nothing before the first sample.
  std::optional<memory_summary> summarise() const;

  /// The worst first; none while there is room, before the first sample, or where there is no budget.
  std::vector<notice> notices() const;

  const memory_limits& limits() const noexcept { return limits_; }
  void limits(const memory_limits& l) noexcept { limits_ = l; }
  void clear() noexcept { samples_.clear(); }

 private:
  memory_limits limits_;
  std::deque<memory_sample> samples_;
};

}  // namespace aicache
