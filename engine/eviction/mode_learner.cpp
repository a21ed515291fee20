#include "engine/eviction/mode_learner.hpp"

#include <malloc.h>

#include <algorithm>
#include <cmath>

namespace aicache {

namespace {

/// The mean of known weights follows the last this many.
constexpr std::uint32_t weights_remembered = 1024;

/// A shadow's pool holds so many times the entries that are expected; beyond that the rate is set anew.
constexpr double pool_reserve = 1.5;

}  // namespace

mode_learner::mode_learner(const options& o)
    : capacity_(o.capacity),
      entry_weight_(static_cast<double>(std::max<std::uint64_t>(o.first_entry_weight, 1))),
      mean_weight_(entry_weight_),
      mode_(o.first_mode) {
  set_rate();
}

std::uint64_t mode_learner::expected_entries() const noexcept {
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(static_cast<double>(capacity_) / entry_weight_));
}

std::uint64_t mode_learner::scaled(std::uint64_t weight) const noexcept {
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(rate_ * static_cast<double>(weight))));
}

void mode_learner::set_rate() {
  const double rate_before = rate_;
  rated_entries_ = expected_entries();
  const double entries = static_cast<double>(rated_entries_);
  rate_ = std::clamp(wanted_sample / entries, 1.0 / sparsest_rate, 1.0 / densest_rate);
  rate_ = std::min(rate_, max_sample / entries);
  const std::uint64_t shadow_capacity = scaled(capacity_);
  // The rate that the rounded capacity stands for; few and equal weights would show the difference.
  if (capacity_ > 0) rate_ = std::min(1.0, static_cast<double>(shadow_capacity) / static_cast<double>(capacity_));
  threshold_ = rate_ < 1.0 ? static_cast<std::uint64_t>(std::ldexp(rate_, 64)) : UINT64_MAX;
  const double shadow_entries = static_cast<double>(scaled(rated_entries_));
  const std::uint32_t pool = static_cast<std::uint32_t>(shadow_entries * pool_reserve) + 1;
  for (std::size_t m = 0; m < eviction_mode_count; ++m) {
    shadows_[m].reset();
    shadows_[m] = std::make_unique<shadow_cache>(static_cast<eviction_mode>(m), shadow_capacity, pool);
  }
  // The counts are of sampled requests: of so many more or fewer now.
  for (double& m : missed_) m *= rate_ / rate_before;
  forgetting_ = 1.0 / (memory_turns * std::max(shadow_entries, double{wanted_sample}));
  until_check_ = pool;
}

std::uint32_t mode_learner::weight_of(const sampled& s) noexcept {
  if (s.weight == 0) return static_cast<std::uint32_t>(std::clamp(mean_weight_, 1.0, 4294967295.0));
  weights_seen_ = std::min(weights_seen_ + 1, weights_remembered);
  mean_weight_ += (static_cast<double>(s.weight) - mean_weight_) / weights_seen_;
  return s.weight;
}

void mode_learner::learn(const sampled& s) {
  const std::uint32_t weight = weight_of(s);
  for (std::size_t m = 0; m < eviction_mode_count; ++m) {
    const bool miss = !shadows_[m]->request(s.hash, weight, s.weight != 0);
    missed_[m] += (miss ? 1.0 : 0.0) - missed_[m] * forgetting_;
  }
}

void mode_learner::choose() noexcept {
  const auto best = std::min_element(missed_.begin(), missed_.end());
  const double lead = missed(mode_) - *best;
  if (lead > 0.5 * std::sqrt(std::max(1.0, *best))) {
    mode_ = static_cast<eviction_mode>(best - missed_.begin());
  }
}

void mode_learner::feed(std::span<const sampled> batch) {
  for (const sampled& s : batch) {
    if (s.hash > threshold_) continue;
    learn(s);
    choose();
    if (--until_check_ == 0) check_rate();
  }
}

bool mode_learner::rate_fits() const noexcept {
  const double now_expected = static_cast<double>(expected_entries());
  const double then_expected = static_cast<double>(rated_entries_);
  return now_expected <= then_expected * pool_reserve && now_expected >= then_expected / 2;
}

void mode_learner::check_rate() {
  const shadow_cache& shadow = *shadows_[static_cast<std::size_t>(mode_)];
  until_check_ = shadow.max_entries();
  const bool full = shadow.count() == shadow.max_entries() || shadow.used() >= shadow.capacity() / 4 * 3;
  if (!full || shadow.count() == 0) return;
  entry_weight_ = static_cast<double>(shadow.used()) / static_cast<double>(shadow.count());
  if (!rate_fits()) set_rate();
}

void mode_learner::capacity(std::uint64_t weight) {
  capacity_ = weight;
  if (rate_fits()) {
    for (auto& shadow : shadows_) shadow->capacity(scaled(weight));
  } else {
    set_rate();
  }
}

std::uint32_t mode_learner::batch_size(std::uint32_t shards) const noexcept {
  // By what a shadow holds, not by what it is expected to hold: a wrong first guess must not blur what corrects it.
  const std::size_t half_a_shadow = shadows_[static_cast<std::size_t>(mode_)]->count() / 2;
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(half_a_shadow / std::max(shards, 1U), 1, max_batch));
}

std::size_t mode_learner::bytes() const noexcept {
  std::size_t sum = 0;
  for (const auto& shadow : shadows_) sum += malloc_usable_size(shadow.get()) + shadow->bytes();
  return sum;
}

bool mode_learner::sound() const noexcept {
  return std::all_of(shadows_.begin(), shadows_.end(), [](const auto& shadow) { return shadow->sound(); });
}

}  // namespace aicache
