#include "engine/answers/negative_table.hpp"

namespace aicache {

void negative_table::note(const key128& key, const error& e) {
  if (most_ == 0) return;
  // As many places in the queue as errors at most: what was noted often takes a place each time.
  while (order_.size() >= most_) {
    const auto [oldest, since] = order_.front();
    order_.pop_front();
    if (const auto at = known_.find(oldest); at != known_.end() && at->second.since == since) known_.erase(at);
  }
  order_.emplace_back(key, e.since);
  known_[key] = e;
}

void negative_table::clear() noexcept {
  known_.clear();
  order_.clear();
}

bool negative_table::expire(instant now, unsigned limit) {
  // Nearly all live equally long, so the first to come is the first to go; who waits behind a longer life only takes up
  // its place, for `find` looks at the time.
  for (; !order_.empty(); order_.pop_front()) {
    const auto& [key, since] = order_.front();
    const auto at = known_.find(key);
    if (at != known_.end() && at->second.since == since) {
      if (at->second.until > now) return false;
      if (limit-- == 0) return true;
      known_.erase(at);
    }
  }
  return false;
}

std::size_t negative_table::bytes() const noexcept {
  constexpr std::size_t node = sizeof(key128) + sizeof(error) + 2 * sizeof(void*);
  return known_.size() * node + known_.bucket_count() * sizeof(void*) + order_.size() * sizeof(order_.front());
}

bool negative_table::sound() const {
  if (order_.size() > most_ || known_.size() > order_.size()) return false;
  // Each has a place in the queue, or would never leave.
  std::size_t placed = 0;
  for (const auto& [key, since] : order_) {
    const auto at = known_.find(key);
    placed += at != known_.end() && at->second.since == since ? 1 : 0;
  }
  return placed >= known_.size();
}

}  // namespace aicache
