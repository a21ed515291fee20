#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/statistics/histogram.hpp"
#include "engine/types.hpp"

namespace aicache {

/// The kinds of work that are watched for slow cases.
enum class work_kind : std::uint8_t { key_generation = 0, get = 1, put = 2, compression = 3 };

inline constexpr std::size_t work_kind_count = 4;

constexpr const char* to_string(work_kind k) noexcept {
  switch (k) {
    case work_kind::get: return "get";
    case work_kind::put: return "put";
    case work_kind::compression: return "compression";
    case work_kind::key_generation: break;
  }
  return "key_generation";
}

/// One case that took long.
struct slow_event {
  instant at;
  work_kind kind = work_kind::get;
  std::string operation;
  std::uint64_t nanoseconds = 0;
  std::uint64_t bytes = 0;  ///< of the text or answer; 0 when it is not known

  friend bool operator==(const slow_event&, const slow_event&) = default;
};

struct slow_case {
  slow_event event;
  double usual_nanoseconds = 0;
  double times_slower = 0;
};

/// The latest cases that took much longer than is usual for their kind.
///
/// Shape      the usual time of a kind is learned from a histogram on a tick; whoever does the work asks threshold() once
///            a batch and reports only what exceeds it
/// Owner      the node's record_book; not thread-safe
/// Invariant  at most `kept` cases of a kind, the latest; where nothing is usual yet, nothing is slow
/// Cost       one compare for what is not slow
class slow_operations {
 public:
  static constexpr std::size_t kept = 32;

  struct limits {
    double times = 2;                             ///< how much slower than usual is slow
    std::uint64_t least_nanoseconds = 1'000'000;  ///< nothing faster is slow, however fast the usual is
    std::uint64_t enough = 20;                    ///< values before anything is usual
    duration retention{3'600'000};
  };

  explicit slow_operations(const limits& l) : limits_(l) {}
  slow_operations() : slow_operations(limits{}) {}

  /// What the kind's times have been so far.
  void learn(work_kind kind, const histogram& nanoseconds) noexcept;

  /// What takes longer is to be recorded.
  std::uint64_t threshold(work_kind kind) const noexcept;

  /// Ignored when it does not exceed the threshold.
  void record(slow_event e);

  /// Cases of the last `retention` that are at least `times` (0: as the settings say) as slow as is usual now, the
  /// slowest by comparison first.
  std::vector<slow_case> recent(instant now, double times = 0) const;

  const limits& settings() const noexcept { return limits_; }
  void clear() noexcept;

 private:
  struct watched {
    std::optional<double> usual;
    std::vector<slow_event> cases;  ///< a ring
    std::size_t next = 0;
  };

  limits limits_;
  std::array<watched, work_kind_count> kinds_;
};

}  // namespace aicache
