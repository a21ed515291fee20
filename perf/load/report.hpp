#pragma once

#include <optional>
#include <string>

#include "messages/statistics.hpp"
#include "perf/load/tally.hpp"
#include "perf/load/workload.hpp"

namespace aicache::perf {

/// What the loops found, and how long they took.
struct timed_tally {
  tally found;
  double seconds = 0;
};

/// All that a load has found out.
struct load_report {
  const workload& asks;
  tally found;
  double seconds = 0;
  std::size_t batch = 0;
  std::size_t concurrency = 0;
  std::string popularity;
  bool checked = true;                  ///< answers were compared with the right ones
  std::optional<node_statistics> node;  ///< what the node says of itself afterwards, if it answered
  std::optional<timed_tally> fill;      ///< of the requests before those that were measured
  std::int64_t began_unix_ms = 0;       ///< from when on the times of errors count

  /// Every request was answered, and rightly.
  bool right() const { return right(found) && (!fill || right(fill->found)); }
  static bool right(const tally& t) {
    const operation_tally all = t.over_operations();
    return all.errors == 0 && all.wrong == 0;
  }
};

/// What the node's memory is charged in all.
std::uint64_t bytes_charged(const node_statistics& s);

/// For people.
std::string to_text(const load_report& r);

/// For programs: one JSON object, documented in perf/README.md.
std::string to_json(const load_report& r);

}  // namespace aicache::perf
