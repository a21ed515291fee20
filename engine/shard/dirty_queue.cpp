#include "engine/shard/dirty_queue.hpp"

#include <algorithm>
#include <utility>

namespace aicache {

std::size_t dirty_queue::bytes_of(const change& c) noexcept {
  return c.name.key.capacity() + c.line.capacity() * sizeof(waiting);
}

bool dirty_queue::add(change c, change& dropped) {
  const key128 key = c.id.key();
  given_up_.erase(key);
  if (const auto at = changes_.find(key); at != changes_.end()) {
    bytes_ -= bytes_of(at->second);
    std::vector<waiting> line = std::move(at->second.line);
    line.insert(line.end(), c.line.begin(), c.line.end());
    c.line = std::move(line);
    at->second = std::move(c);
    bytes_ += bytes_of(at->second);
    return false;
  }
  const auto at = changes_.emplace(key, std::move(c)).first;
  bytes_ += bytes_of(at->second);
  order_.push_back(key);
  if (changes_.size() <= limit_) return false;
  take_oldest(dropped);
  give_up(dropped.id.key());
  return true;
}

void dirty_queue::give_up(const key128& key) {
  given_up_[key] = ++last_given_up_;
  given_up_order_.emplace_back(key, last_given_up_);
  while (given_up_order_.size() > limit_ + 1) {
    const auto [oldest, number] = given_up_order_.front();
    given_up_order_.pop_front();
    if (const auto at = given_up_.find(oldest); at != given_up_.end() && at->second == number) given_up_.erase(at);
  }
}

bool dirty_queue::take_oldest(change& out) {
  if (order_.empty()) return false;
  const auto at = changes_.find(order_.front());
  order_.pop_front();
  bytes_ -= bytes_of(at->second);
  out = std::move(at->second);
  changes_.erase(at);
  return true;
}

bool dirty_queue::take(change& out) {
  if (!take_oldest(out)) return false;
  ++away_[out.id.key()];
  return true;
}

bool dirty_queue::put_back(change c, change& dropped) {
  arrived(c.id.key());
  return add(std::move(c), dropped);
}

void dirty_queue::arrived(const key128& key) {
  if (const auto at = away_.find(key); at != away_.end() && --at->second == 0) away_.erase(at);
}

std::vector<dirty_queue::waiting> dirty_queue::take_waiting() {
  std::vector<waiting> all;
  for (auto& [key, c] : changes_) {
    bytes_ -= bytes_of(c);
    all.insert(all.end(), c.line.begin(), c.line.end());
    c.line = {};
    bytes_ += bytes_of(c);
  }
  return all;
}

std::size_t dirty_queue::bytes() const noexcept {
  constexpr std::size_t node = sizeof(key128) + 3 * sizeof(void*);
  return bytes_ + changes_.size() * (sizeof(change) + node) + order_.size() * sizeof(key128) +
         away_.size() * (node + sizeof(void*)) + given_up_.size() * (node + sizeof(void*)) +
         given_up_order_.size() * sizeof(given_up_order_.front()) +
         (changes_.bucket_count() + away_.bucket_count() + given_up_.bucket_count()) * sizeof(void*);
}

bool dirty_queue::sound() const {
  std::size_t bytes = 0;
  for (const auto& [key, c] : changes_) bytes += bytes_of(c);
  return bytes == bytes_ && changes_.size() == order_.size() && changes_.size() <= limit_ &&
         given_up_order_.size() <= limit_ + 1 && given_up_.size() <= given_up_order_.size() &&
         std::all_of(order_.begin(), order_.end(), [&](const key128& k) { return changes_.contains(k); }) &&
         std::none_of(given_up_.begin(), given_up_.end(), [&](const auto& g) { return changes_.contains(g.first); });
}

}  // namespace aicache
