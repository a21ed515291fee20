#include "engine/eviction/ghost_table.hpp"

#include "engine/eviction/mode.hpp"

#include <malloc.h>

#include <algorithm>
#include <bit>

namespace aicache {

namespace {

/// A fresh generation counts its longest window in at most 2^fine_bits units: half the horizon, so that the capacity
/// may double before the stamps are too coarse.
constexpr unsigned fine_bits = 15;

/// Below this many units the longest window is measured too coarsely.
constexpr std::uint64_t coarse_units = 1U << 12;

}  // namespace

std::uint64_t ghost_table::longest_window() const noexcept { return permille_of(capacity_, longest_ghost_permille); }

ghost_table::place ghost_table::place_of(const generation& g, std::uint64_t hash) noexcept {
  // The hashes of sampled keys share their upper bits; the product spreads the lower ones over the word.
  const std::uint64_t mixed = hash * 0x9e3779b97f4a7c15ULL;
  const std::size_t bucket = static_cast<std::size_t>(((mixed >> 32) * g.buckets) >> 32);
  const std::uint32_t print = static_cast<std::uint32_t>(mixed >> stamp_bits) & fingerprint_mask;
  return {g.slots.get() + bucket * bucket_slots, std::max(print, 1U)};
}

std::uint32_t ghost_table::age_of(const generation& g, std::uint32_t slot) const noexcept {
  return (static_cast<std::uint32_t>(clock_ >> g.unit_shift) - slot) & stamp_mask;
}

bool ghost_table::take_from(const generation& g, std::uint64_t hash, std::uint64_t window) noexcept {
  if (g.buckets == 0) return false;
  const place at = place_of(g, hash);
  const std::uint64_t limit = std::min<std::uint64_t>(window >> g.unit_shift, horizon);
  for (std::size_t i = 0; i < bucket_slots; ++i) {
    std::uint32_t& slot = at.bucket[i];
    if (slot >> stamp_bits != at.fingerprint) continue;
    const bool known = age_of(g, slot) <= limit;
    slot = 0;
    return known;
  }
  return false;
}

bool ghost_table::take(std::uint64_t hash, std::uint64_t window) noexcept {
  const bool lately = take_from(current_, hash, window);
  const bool earlier = take_from(previous_, hash, window);
  return lately || earlier;
}

void ghost_table::remember(std::uint64_t hash, std::uint64_t weight) noexcept {
  advance(weight);
  if (current_.buckets == 0) return;
  sweep();
  const place at = place_of(current_, hash);
  std::uint32_t* chosen = at.bucket;
  std::uint32_t chosen_age = 0;
  for (std::size_t i = 0; i < bucket_slots; ++i) {
    std::uint32_t& slot = at.bucket[i];
    if (slot == 0 || slot >> stamp_bits == at.fingerprint) {
      chosen = &slot;
      if (slot != 0) break;
      chosen_age = stamp_mask;
    } else if (const std::uint32_t age = age_of(current_, slot); age > chosen_age) {
      chosen = &slot;
      chosen_age = age;
    }
  }
  *chosen = at.fingerprint << stamp_bits | (static_cast<std::uint32_t>(clock_ >> current_.unit_shift) & stamp_mask);
}

void ghost_table::advance(std::uint64_t weight) noexcept {
  // More than a whole window need not be owed: everything remembered is too old by then.
  owed_ = std::min(owed_, longest_window()) + weight;
  std::uint64_t step = owed_;
  if (current_.buckets != 0) {
    const bool sweep_is_behind = sweep_credit_ >= std::uint64_t{horizon} * sweep_limit;
    const std::uint64_t units = std::max<std::uint64_t>(1, std::uint64_t{horizon} * sweep_limit / current_.buckets);
    step = sweep_is_behind ? 0 : std::min(owed_, units << current_.unit_shift);
    const std::uint64_t passed = ((clock_ + step) >> current_.unit_shift) - (clock_ >> current_.unit_shift);
    sweep_credit_ += passed * current_.buckets;
  }
  clock_ += step;
  owed_ -= step;
  const std::uint64_t previous_life = std::min(longest_window(), std::uint64_t{horizon} << previous_.unit_shift);
  if (previous_.buckets != 0 && clock_ - retired_at_ >= previous_life) previous_ = generation{};
}

void ghost_table::sweep() noexcept {
  const std::uint64_t limit = std::min<std::uint64_t>(longest_window() >> current_.unit_shift, horizon);
  for (unsigned n = 0; n < sweep_limit && sweep_credit_ >= horizon; ++n) {
    std::uint32_t* bucket = current_.slots.get() + sweep_at_ * bucket_slots;
    for (std::size_t i = 0; i < bucket_slots; ++i) {
      if (bucket[i] != 0 && age_of(current_, bucket[i]) > limit) bucket[i] = 0;
    }
    sweep_at_ = sweep_at_ + 1 == current_.buckets ? 0 : sweep_at_ + 1;
    sweep_credit_ -= horizon;
  }
}

std::size_t ghost_table::wanted_slots(std::size_t entries) noexcept {
  // Half as much again as needed now, so that a cache that fills slowly grows its table a few times only.
  const std::size_t wanted = std::max<std::size_t>(entries * slots_per_entry * 3 / 2, bucket_slots * 4);
  return (wanted + bucket_slots - 1) / bucket_slots * bucket_slots;
}

bool ghost_table::wants_to_grow(std::size_t entries) const noexcept {
  if (entries == 0) return false;
  if (slots() < entries * slots_per_entry) return true;
  if (slots() / 4 > wanted_slots(entries)) return true;
  const std::uint64_t units = longest_window() >> current_.unit_shift;
  return units > horizon || (current_.unit_shift > 0 && units < coarse_units);
}

std::size_t ghost_table::growth_bytes(std::size_t entries) noexcept {
  return wanted_slots(entries) * sizeof(std::uint32_t);
}

bool ghost_table::grow(std::size_t entries) noexcept {
  const std::size_t count = wanted_slots(entries);
  generation fresh;
  // calloc, for its pages are zeroed by the system when they are first touched, not all at once here.
  fresh.slots.reset(static_cast<std::uint32_t*>(std::calloc(count, sizeof(std::uint32_t))));
  if (!fresh.slots) return false;
  fresh.buckets = count / bucket_slots;
  const unsigned bits = static_cast<unsigned>(std::bit_width(longest_window()));
  fresh.unit_shift = bits > fine_bits ? bits - fine_bits : 0;
  previous_ = std::move(current_);
  current_ = std::move(fresh);
  retired_at_ = clock_;
  sweep_credit_ = 0;
  sweep_at_ = 0;
  return true;
}

void ghost_table::forget_all() noexcept {
  current_ = generation{};
  previous_ = generation{};
  sweep_credit_ = 0;
  sweep_at_ = 0;
}

std::size_t ghost_table::bytes() const noexcept {
  return malloc_usable_size(current_.slots.get()) + malloc_usable_size(previous_.slots.get());
}

}  // namespace aicache
