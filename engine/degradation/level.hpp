#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/types.hpp"

namespace aicache {

/// How much of its service a node gives at the moment; a higher one outranks the lower ones.
enum class service_level : std::uint8_t {
  normal = 0,
  memory_only = 1,  ///< the shared tier cannot be reached: memory alone answers
  shedding = 2,     ///< too much waits: hits are answered, puts and leases refused
  draining = 3,     ///< the node stops: no new leases, waiters are answered, what is to be written is
};

/// The name that metrics, health pages and logs use.
constexpr const char* to_string(service_level l) noexcept {
  switch (l) {
    case service_level::memory_only: return "memory_only";
    case service_level::shedding: return "shedding";
    case service_level::draining: return "draining";
    case service_level::normal: break;
  }
  return "normal";
}

/// Decides a node's level of service.
///
/// Shape      three conditions, each with its own memory, of which the highest that holds is the level. The shared tier
///            counts as away from the moment it is lost until it was reachable for `settle` without a break. Pressure
///            begins with two reports in a row over a limit, and ends with reports that were all below half of both
///            limits for `settle`; one between leaves it as it is. Draining is for ever
/// Units      time in `instant`; shares from 0 to 1
/// Owner      the front; not thread-safe; is told the time, which never steps back
/// Invariant  every event gives one change or none; between a change upwards and the next downwards lies at least
///            `settle`
/// Cost       O(1)
class degradation {
 public:
  struct options {
    duration settle{1'000};
    duration shed_lag{1'000};   ///< that the oldest message of a mailbox has waited
    double shed_waiting = 0.9;  ///< of the memory for what waits
  };

  struct change {
    service_level from;
    service_level to;
    std::string_view why;  ///< for people; lives for ever
  };

  explicit degradation(options o) noexcept : options_(o) {}

  /// The shared tier can be reached, or cannot (its breaker is open). Who has none tells nothing, and never is
  /// `memory_only`.
  std::optional<change> shared_tier(bool reachable, instant now) noexcept;

  /// How long messages wait, and how much of the memory for waiting is taken, in the worst shard; told on every tick.
  std::optional<change> pressure(duration lag, double waiting, instant now) noexcept;

  /// Time passes: told on every tick.
  std::optional<change> tick(instant now) noexcept;

  std::optional<change> drain() noexcept;

  service_level level() const noexcept { return level_; }

 private:
  std::optional<change> move_to(service_level to, std::string_view why) noexcept;
  std::optional<change> settle_down() noexcept;

  options options_;
  service_level level_ = service_level::normal;
  bool is_away_ = false;               // the shared tier, until it has settled
  std::optional<instant> back_since_;  // while it is away, but reachable again
  bool is_pressed_ = false;
  bool was_over_ = false;              // the last report was over a limit
  std::optional<instant> calm_since_;  // while pressed: since when all reports were below half
};

}  // namespace aicache
