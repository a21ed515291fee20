#include "engine/shared/invalidation_journal.hpp"

#include <algorithm>
#include <utility>

namespace aicache {

invalidation_journal::added invalidation_journal::add(const scope& s) {
  if (const auto at = waiting_at_.find(s); at != waiting_at_.end()) return {at->second, false};
  if (!covered_.empty()) {
    // All of it goes with the `everything` that waits; what cannot be remembered for settling is told as everything.
    const std::uint64_t place = waiting_at_.at(scope_of_everything);
    if (covered_.contains(s) || covered_.size() < 2 * limit_) {
      covered_.insert(s);
      return {place, false};
    }
    return {place, true};
  }
  waiting_.push_back({s, ++last_place_, false});
  waiting_at_.emplace(s, last_place_);
  if (waiting_.size() <= limit_) return {last_place_, false};
  collapse();
  return {last_place_, true};
}

void invalidation_journal::collapse() {
  for (const entry& e : waiting_) covered_.insert(e.what);
  covered_.erase(scope_of_everything);
  waiting_.clear();
  waiting_at_.clear();
  kept_waiting_ = 0;
  waiting_.push_back({scope_of_everything, ++last_place_, false});
  waiting_at_.emplace(scope_of_everything, last_place_);
}

const std::vector<scope>& invalidation_journal::take(std::size_t most) {
  static const std::vector<scope> nothing;
  if (in_flight()) return nothing;
  while (!waiting_.empty() && batch_.size() < most) {
    const entry e = waiting_.front();
    waiting_.pop_front();
    waiting_at_.erase(e.what);
    if (e.what == scope_of_everything) covered_flying_ = std::exchange(covered_, {});
    flight_.push_back(e);
    flying_.insert(e.what);
    batch_.push_back(e.what);
    if (e.kept) {
      --kept_waiting_;
      ++kept_in_flight_;
    }
  }
  return batch_;
}

std::vector<scope> invalidation_journal::numbered() {
  std::vector<scope> settled;
  auto settle = [&](const scope& s) {
    if (!waiting_at_.contains(s) && !covered_.contains(s)) settled.push_back(s);
  };
  for (const entry& e : flight_) {
    numbered_through_ = std::max(numbered_through_, e.place);
    settle(e.what);
  }
  for (const scope& s : covered_flying_)
    if (!flying_.contains(s)) settle(s);
  covered_flying_.clear();
  land();
  return settled;
}

void invalidation_journal::failed() {
  for (auto e = flight_.rbegin(); e != flight_.rend(); ++e) {
    // Who invalidated it again meanwhile waits in a later place, which will do for both.
    if (waiting_at_.contains(e->what) || covered_.contains(e->what)) continue;
    waiting_.push_front({e->what, e->place, e->kept});
    waiting_at_.emplace(e->what, e->place);
    if (e->kept) ++kept_waiting_;
  }
  // Where anything was covered, an `everything` waits again, in front or in its later place.
  covered_.merge(covered_flying_);
  covered_flying_.clear();
  land();
  if (waiting_.size() > limit_) collapse();
}

void invalidation_journal::land() {
  flight_.clear();
  flying_.clear();
  batch_.clear();
  kept_in_flight_ = 0;
}

std::vector<scope> invalidation_journal::keep() {
  std::vector<scope> fresh;
  for (entry& e : waiting_) {
    if (e.kept) continue;
    e.kept = true;
    ++kept_waiting_;
    fresh.push_back(e.what);
  }
  return fresh;
}

std::vector<scope> invalidation_journal::open() const {
  std::unordered_set<scope, scope_hash> all = covered_;
  all.insert(covered_flying_.begin(), covered_flying_.end());
  all.insert(flying_.begin(), flying_.end());
  for (const entry& e : waiting_) all.insert(e.what);
  return {all.begin(), all.end()};
}

}  // namespace aicache
