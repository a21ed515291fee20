#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/shared/scope.hpp"
#include "engine/statistics/memory_trend.hpp"
#include "engine/statistics/time_ring.hpp"
#include "engine/types.hpp"

namespace aicache {

/// One invalidation that a caller of this node asked for, when it was done.
struct invalidation_event {
  instant at;
  scope_kind kind = scope_kind::everything;
  std::string name;  ///< of the operation, tenant or tag; empty for a key: callers' keys are not kept
  std::uint64_t entries = 0;
  std::uint64_t nanoseconds = 0;
};

/// From which frequency on, and which reach, invalidations are worth a word.
struct invalidation_limits {
  std::uint64_t warning_per_hour = 50;
  std::uint64_t critical_per_hour = 100;
  double least_entries = 1;      ///< an invalidation that removes fewer, on average, is in vain
  double most_entries = 100;     ///< one that removes more is a heavy blow
  double dominant_percent = 50;  ///< of the recent ones for one scope
  std::uint64_t enough = 10;     ///< events before anything but their frequency is judged
};

enum class alert_level : std::uint8_t { normal, warning, critical };

constexpr const char* to_string(alert_level a) noexcept {
  switch (a) {
    case alert_level::warning: return "warning";
    case alert_level::critical: return "critical";
    case alert_level::normal: break;
  }
  return "normal";
}

struct invalidation_summary {
  std::uint64_t events = 0;   ///< since the last reset
  std::uint64_t entries = 0;  ///< that they removed
  std::uint64_t last_hour = 0;
  std::uint64_t last_day = 0;
  alert_level level = alert_level::normal;
  std::vector<std::pair<std::string, std::uint64_t>> scopes;  ///< the ten most frequent of the recent ones
  std::vector<std::pair<std::string, std::uint64_t>> kinds;   ///< of the recent ones, most frequent first
  std::uint64_t recent = 0;                                   ///< how many the lists are over
  std::optional<double> entries_per_event;                    ///< since the last reset
  std::optional<double> mean_nanoseconds;                     ///< of the recent ones
  std::optional<std::uint64_t> most_nanoseconds;
};

/// How often what is invalidated, and with what effect.
///
/// Owner      the node's record_book; not thread-safe
/// Invariant  at most `kept` events are held; totals count every one
/// Cost       O(1) an event but for its name; O(kept) a summary
class invalidation_log {
 public:
  static constexpr std::size_t kept = 50;
  static constexpr std::size_t listed = 10;

  explicit invalidation_log(invalidation_limits limits = {});

  void record(invalidation_event e);
  invalidation_summary summarise(instant now) const;
  /// In the order frequency, dominance, little effect, heavy effect.
  std::vector<notice> notices(instant now) const;

  const invalidation_limits& limits() const noexcept { return limits_; }
  void limits(const invalidation_limits& l) noexcept { limits_ = l; }
  void clear();

 private:
  invalidation_limits limits_;
  std::uint64_t events_ = 0;
  std::uint64_t entries_ = 0;
  std::deque<invalidation_event> recent_;
  time_ring<std::uint64_t> by_minute_;
  time_ring<std::uint64_t> by_quarter_;
};

}  // namespace aicache
