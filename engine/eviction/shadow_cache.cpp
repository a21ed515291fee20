#include "engine/eviction/shadow_cache.hpp"

#include <malloc.h>

#include <algorithm>
#include <bit>

namespace aicache {

shadow_cache::shadow_cache(eviction_mode m, std::uint64_t capacity, std::uint32_t max_entries)
    : max_entries_(std::max(max_entries, 1U)),
      index_mask_(std::bit_ceil(max_entries_ + max_entries_ / 2 + 2) - 1),
      // One node more than may be in: a corrected key holds two for a moment.
      nodes_(std::make_unique<node[]>(max_entries_ + 1)),
      index_(std::make_unique<std::uint32_t[]>(index_mask_ + 1)),
      policy_(capacity, m) {
  std::fill_n(index_.get(), index_mask_ + 1, vacant);
  for (std::uint32_t i = 0; i <= max_entries_; ++i) {
    nodes_[i].next = unused_;
    unused_ = &nodes_[i];
  }
  policy_.reserve_ghost(max_entries_ * 2 / 3 + 1);
}

std::uint32_t shadow_cache::home_of(std::uint64_t hash) const noexcept {
  // The upper bits of a sampled hash are alike; the product spreads the lower ones.
  return static_cast<std::uint32_t>((hash * 0x9e3779b97f4a7c15ULL) >> 32) & index_mask_;
}

/// Where the key is, or the vacant place where it would go.
std::uint32_t shadow_cache::slot_of(std::uint64_t hash) const noexcept {
  std::uint32_t at = home_of(hash);
  while (index_[at] != vacant && nodes_[index_[at]].key_hash != hash) at = (at + 1) & index_mask_;
  return at;
}

void shadow_cache::leave_index(std::uint64_t hash) noexcept {
  std::uint32_t hole = slot_of(hash);
  // Later keys of the run move back into the hole, so that no key is cut off from its home.
  for (std::uint32_t at = (hole + 1) & index_mask_; index_[at] != vacant; at = (at + 1) & index_mask_) {
    const std::uint32_t home = home_of(nodes_[index_[at]].key_hash);
    if (((at - home) & index_mask_) < ((at - hole) & index_mask_)) continue;
    index_[hole] = index_[at];
    hole = at;
  }
  index_[hole] = vacant;
}

void shadow_cache::release(node& n) noexcept {
  leave_index(n.key_hash);
  n.next = unused_;
  unused_ = &n;
}

void shadow_cache::evict_to(std::uint64_t weight) {
  policy_.shrink_to(weight, UINT_MAX, [this](node& n, bool) { release(n); });
}

void shadow_cache::correct_weight(node& old, std::uint32_t weight) {
  node& fresh = *unused_;
  unused_ = fresh.next;
  fresh.key_hash = old.key_hash;
  fresh.charged = weight;
  policy_.replace(old, fresh);
  index_[slot_of(old.key_hash)] = static_cast<std::uint32_t>(&fresh - nodes_.get());
  old.next = unused_;
  unused_ = &old;
  evict_to(policy_.capacity());
}

bool shadow_cache::request(std::uint64_t hash, std::uint32_t weight, bool weight_is_known) {
  weight = std::max(weight, 1U);
  if (const std::uint32_t at = index_[slot_of(hash)]; at != vacant) {
    node& n = nodes_[at];
    policy_.hit(n);
    if (weight_is_known && n.charged != weight) correct_weight(n, weight);
    return true;
  }
  if (weight > policy_.capacity()) return false;
  if (policy_.count() == max_entries_) evict_to(policy_.used() - 1);
  node& n = *unused_;
  unused_ = n.next;
  n.key_hash = hash;
  n.charged = weight;
  policy_.admit(n, [this](node& victim, bool) { release(victim); });
  index_[slot_of(hash)] = static_cast<std::uint32_t>(&n - nodes_.get());
  return false;
}

void shadow_cache::capacity(std::uint64_t weight) {
  policy_.capacity(weight);
  evict_to(weight);
}

std::size_t shadow_cache::bytes() const noexcept {
  return malloc_usable_size(nodes_.get()) + malloc_usable_size(index_.get()) + policy_.ghost_bytes();
}

bool shadow_cache::sound() const noexcept {
  std::size_t indexed = 0;
  for (std::uint32_t at = 0; at <= index_mask_; ++at) {
    if (index_[at] == vacant) continue;
    ++indexed;
    if (slot_of(nodes_[index_[at]].key_hash) != at || !policy_.holds(nodes_[index_[at]])) return false;
  }
  std::size_t free_nodes = 0;
  for (const node* n = unused_; n; n = n->next) ++free_nodes;
  return indexed == policy_.count() && free_nodes + indexed == max_entries_ + 1U && policy_.sound() &&
         policy_.used() <= policy_.capacity();
}

}  // namespace aicache
