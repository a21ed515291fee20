#pragma once

#include <cstddef>
#include <deque>
#include <string>

#include "actors/http/snapshot.hpp"

namespace aicache::http {

/// What happened to a node of late, as one snapshot tells it from the one before.
///
/// Owner      the exporter
/// Invariant  at most `kept` events, the newest; each is seen once. What came and went between two snapshots is seen if
///            something counts it (deaths of shards, outages of Redis, invalidations), and not if nothing does (levels)
/// Cost       O(1) a snapshot
class event_log {
 public:
  static constexpr std::size_t kept = 200;

  /// `before` is null for the first.
  void compare(const snapshot* before, const snapshot& now);

  /// {"events": [{"at": ms since the Unix epoch, "what": a word, "detail": a sentence}]}, oldest first.
  std::string json() const;

 private:
  struct event {
    instant at;
    const char* what;
    std::string detail;
  };

  void note(const snapshot& now, const char* what, std::string detail);

  std::deque<event> events_;
};

}  // namespace aicache::http
