#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/shared/scope.hpp"

namespace aicache {

/// The invalidations of a node that Redis has not numbered yet.
///
/// Shape      waiting -> in flight (one batch at a time) -> numbered, or waiting again, in front. A scope waits once,
///            however often it is invalidated. Over the limit all that waits collapses into `everything`, and the scopes
///            are kept beside it only so that they can be settled with it
/// Units      places count invalidations: who has place p has its number when the numbered batch reaches p
/// Owner      the node's invalidation; not thread-safe
/// Invariant  what was added is waiting, in flight, covered by a waiting `everything`, or numbered
/// Cost       O(1) a scope; a collapse is O(limit)
class invalidation_journal {
 public:
  explicit invalidation_journal(std::size_t limit) noexcept : limit_(limit) {}

  struct added {
    std::uint64_t place = 0;
    bool collapsed = false;  ///< everything has to be invalidated in place of this scope
  };
  added add(const scope& s);

  /// The next batch: at most `most` scopes, the oldest first. Nothing while one is in flight or nothing waits.
  const std::vector<scope>& take(std::size_t most);
  /// The batch in flight has got its number: the scopes that may be settled, for they are open nowhere else.
  std::vector<scope> numbered();
  /// It has not, or nobody knows.
  void failed();

  /// All that waits has to wait for Redis to return: the scopes of it that were not kept before. Called whenever a batch
  /// failed, something collapsed, or was added while Redis is away.
  std::vector<scope> keep();
  /// Whether nothing is open that was kept.
  bool nothing_kept() const noexcept { return kept_waiting_ == 0 && kept_in_flight_ == 0; }

  bool is_open(const scope& s) const {
    return waiting_at_.contains(s) || flying_.contains(s) || covered_.contains(s) || covered_flying_.contains(s);
  }
  bool is_waiting() const noexcept { return !waiting_.empty(); }
  const std::vector<scope>& batch() const noexcept { return batch_; }
  bool in_flight() const noexcept { return !batch_.empty(); }
  std::uint64_t kept_in_flight() const noexcept { return kept_in_flight_; }
  std::uint64_t last_place() const noexcept { return last_place_; }
  /// Everything up to this place has its number.
  std::uint64_t numbered_through() const noexcept { return numbered_through_; }
  std::vector<scope> open() const;

 private:
  struct entry {
    scope what;
    std::uint64_t place = 0;
    bool kept = false;
  };

  void collapse();
  void land();

  std::size_t limit_;
  std::uint64_t last_place_ = 0;
  std::uint64_t numbered_through_ = 0;
  std::deque<entry> waiting_;
  std::unordered_map<scope, std::uint64_t, scope_hash> waiting_at_;
  std::unordered_set<scope, scope_hash> covered_;         // settled with the `everything` that waits
  std::unordered_set<scope, scope_hash> covered_flying_;  // settled with the one in flight
  std::unordered_set<scope, scope_hash> flying_;
  std::vector<entry> flight_;
  std::vector<scope> batch_;
  std::uint64_t kept_waiting_ = 0;
  std::uint64_t kept_in_flight_ = 0;
};

}  // namespace aicache
