#include <utility>

#include "engine/shard/shard_core.hpp"

// What a shard does to single keys beside answering and storing.
namespace aicache {

blob* shard_core::live(const key128& key, instant now) const noexcept {
  blob* entry = tiers_.find(key);
  if (entry == nullptr || entry->expires <= now) return nullptr;
  return entry->epoch < doubtful_before_ && is_dead(*entry) ? nullptr : entry;
}

std::uint32_t shard_core::erase(std::span<const key_item> items, std::uint64_t id, instant now,
                                std::span<key_result> results, effects& out) {
  std::uint32_t open = 0;
  erased_keys told;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const key128 key = items[i].id.key();
    results[i] = {};
    // Whoever computes this answer began before it was invalidated.
    leases_.cut_off(key);
    negatives_.forget(key);
    if (bury_if_dead(key)) {
      // Whoever erases it finds nothing any more.
    } else if (blob* entry = tiers_.find(key); entry != nullptr) {
      results[i].found = live(key, now) != nullptr;
      ++(results[i].found ? operations_[entry->operation].counted.erased
                          : operations_[entry->operation].counted.expired);
      tiers_.erase(*entry);
    }
    if (!shared_) continue;
    shared_->book.raise(scope_of_key(key), unnumbered);
    told.keys.push_back(key);
    const dirty_queue::waiting who{id, static_cast<std::uint32_t>(i)};
    const bool waits = shared_->available;
    if (change(items[i].id, items[i].operation, items[i].tenant, true, waits ? std::optional{who} : std::nullopt,
               out) &&
        waits)
      ++open;
  }
  if (!told.keys.empty()) out.emplace_back(std::move(told));
  if (shared_) write_dirty(now, out);
  account(out);
  return open;
}

void shard_core::exists(std::span<const key_item> items, instant now, std::span<key_result> results) const {
  for (std::size_t i = 0; i < items.size(); ++i) results[i] = {live(items[i].id.key(), now) != nullptr, errc::none, 0};
}

void shard_core::time_left(std::span<const key_item> items, instant now, std::span<key_result> results) const {
  for (std::size_t i = 0; i < items.size(); ++i) {
    const blob* entry = live(items[i].id.key(), now);
    results[i] = {};
    if (entry == nullptr) continue;
    results[i] = {true, errc::none, entry->expires == never ? never.ms : (entry->expires - now).count()};
  }
}

void shard_core::touch(std::span<const key_item> items, instant now, std::span<key_result> results, effects& out) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    blob* entry = live(items[i].id.key(), now);
    results[i] = {};
    const outcome<instant> end = end_of(items[i].argument, operations_[entry == nullptr ? 0 : entry->operation], now);
    if (!end) {
      results[i].error = end.why().code;
      continue;
    }
    if (entry == nullptr) continue;
    tiers_.set_end(*entry, *end, now);
    results[i] = {true, errc::none, (*end - now).count()};
    if (shared_) change(items[i].id, items[i].operation, items[i].tenant, false, std::nullopt, out);
  }
  if (!shared_) return;
  write_dirty(now, out);
  account(out);
}

void shard_core::release(std::span<const key_item> items, instant now, std::span<key_result> results, effects& out) {
  for (std::size_t i = 0; i < items.size(); ++i)
    results[i] = {leases_.release(items[i].id.key(), static_cast<std::uint64_t>(items[i].argument), now, handovers_),
                  errc::none, 0};
  hand_over(now, out);
}

std::uint64_t shard_core::clear(effects& out) {
  const std::uint64_t gone = tiers_.size();
  leases_.cut_off_all();
  negatives_.clear();
  tiers_.clear();
  account(out);
  return gone;
}

}  // namespace aicache
