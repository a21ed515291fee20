#include "engine/advice/ghost_curve.hpp"

#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace aicache {

namespace {

/// The mean of known weights follows the last this many.
constexpr std::uint32_t weights_remembered = 1024;
/// A miniature's pool holds so many times the entries that are expected.
constexpr double pool_reserve = 1.5;
/// Requests, in multiples of `entries`, after which miniatures count as warm though they may not be full.
constexpr std::uint64_t warm_after = 16;
/// How many requests there are between two looks at what has been learned.
constexpr std::uint64_t check_every = 256;
constexpr std::size_t twice = hit_curve::present + 1;

double size_at(std::size_t size) noexcept { return std::ldexp(0.25, static_cast<int>(size)); }

bool is_full(const shadow_cache& c) noexcept {
  return c.count() == c.max_entries() || c.used() >= c.capacity() / 16 * 15;
}

}  // namespace

ghost_curve::ghost_curve(const options& o)
    : options_(o),
      entry_weight_(static_cast<double>(std::max<std::uint64_t>(o.first_entry_weight, 1))),
      rated_weight_(entry_weight_),
      mean_weight_(entry_weight_) {
  options_.entries = std::max(options_.entries, 16U);
  plan();
  set_rate();
}

void ghost_curve::plan() {
  miniatures_.clear();
  for (std::size_t size = 0; size < hit_curve::size_count; ++size) {
    const std::size_t nearest = std::clamp(size, hit_curve::present - 1, twice);
    const bool every_mode = options_.learning && nearest == size;
    for (std::size_t m = 0; m < eviction_mode_count; ++m)
      if (const auto mode = static_cast<eviction_mode>(m); every_mode || mode == first_eviction_mode)
        miniatures_.push_back({size, options_.learning ? nearest : size, mode, nullptr, {}});
  }
}

void ghost_curve::set_rate() {
  rated_weight_ = entry_weight_;
  const double entries = std::max(1.0, static_cast<double>(options_.budget) / entry_weight_);
  rate_ = std::min(options_.entries / entries, 1.0 / densest_rate);
  // The rate that the rounded capacity stands for; few and equal weights would show the difference.
  const double capacity = std::max(1.0, std::round(rate_ * static_cast<double>(options_.budget)));
  if (options_.budget > 0) rate_ = std::min(1.0, capacity / static_cast<double>(options_.budget));
  threshold_ = rate_ < 1.0 ? static_cast<std::uint64_t>(std::ldexp(rate_, 64)) : UINT64_MAX;
  for (miniature& m : miniatures_) {
    const double times = size_at(m.size);
    const double pool = std::min(rate_ * entries, static_cast<double>(options_.entries)) * times * pool_reserve;
    m.cache.reset();
    m.cache = std::make_unique<shadow_cache>(
        m.mode, std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(capacity * times))),
        static_cast<std::uint32_t>(pool) + 1);
  }
  since_rate_ = 0;
  warm_ = false;
  until_check_ = check_every;
}

void ghost_curve::seen(std::span<const sampled> batch) {
  for (const sampled& s : batch) {
    if (s.hash > threshold_) continue;
    learn(s);
    if (--until_check_ == 0) check();
  }
}

std::uint32_t ghost_curve::weight_of(const sampled& s) noexcept {
  if (s.weight == 0) return static_cast<std::uint32_t>(std::clamp(mean_weight_, 1.0, 4294967295.0));
  weights_seen_ = std::min(weights_seen_ + 1, weights_remembered);
  mean_weight_ += (static_cast<double>(s.weight) - mean_weight_) / weights_seen_;
  return s.weight;
}

void ghost_curve::learn(const sampled& s) {
  const std::uint32_t weight = weight_of(s);
  // Bits that sampling left alone.
  const std::size_t group = s.hash * 0x9e3779b97f4a7c15ULL >> 60;
  const double counts_for = warm_ ? 1 / rate_ : 0;
  for (miniature& m : miniatures_)
    if (m.cache->request(s.hash, weight, s.weight != 0)) m.hits[group] += counts_for;
  ++since_rate_;
  if (!warm_) return;
  requests_[group] += counts_for;
  ++samples_;
  if (--until_fade_ == 0) fade();
}

void ghost_curve::fade() noexcept {
  until_fade_ = memory;
  samples_ /= 2;
  for (double& r : requests_) r /= 2;
  for (miniature& m : miniatures_)
    for (double& h : m.hits) h /= 2;
}

const ghost_curve::miniature& ghost_curve::best_of(std::size_t size) const noexcept {
  const miniature* best = nullptr;
  for (const miniature& m : miniatures_)
    if (m.size == size && (!best || hit_curve::sum_of(m.hits) > hit_curve::sum_of(best->hits))) best = &m;
  return *best;
}

void ghost_curve::check() {
  until_check_ = check_every;
  warm_ = warm_ || since_rate_ >= warm_after * options_.entries || is_full(*best_of(twice).cache);
  for (miniature& m : miniatures_) {
    if (m.follows == m.size) continue;
    m.mode = best_of(m.follows).mode;
    m.cache->mode(m.mode);
  }
  const shadow_cache& now = *best_of(hit_curve::present).cache;
  const bool full = now.count() == now.max_entries() || now.used() >= now.capacity() / 4 * 3;
  if (!full || now.count() == 0) return;
  entry_weight_ = static_cast<double>(now.used()) / static_cast<double>(now.count());
  if (entry_weight_ * pool_reserve < rated_weight_ || entry_weight_ > rated_weight_ * 2) set_rate();
}

void ghost_curve::budget(std::uint64_t bytes) {
  options_.budget = bytes;
  samples_ = 0;
  requests_ = {};
  until_fade_ = memory;
  plan();
  set_rate();
}

hit_curve ghost_curve::curve() const noexcept {
  hit_curve c;
  c.budget = options_.budget;
  c.samples = samples_;
  c.requests = requests_;
  for (std::size_t size = 0; size < hit_curve::size_count; ++size) c.hits[size] = best_of(size).hits;
  return c;
}

std::size_t ghost_curve::bytes() const noexcept {
  std::size_t sum = miniatures_.capacity() * sizeof(miniature);
  for (const miniature& m : miniatures_) sum += malloc_usable_size(m.cache.get()) + m.cache->bytes();
  return sum;
}

bool ghost_curve::sound() const noexcept {
  return std::all_of(miniatures_.begin(), miniatures_.end(), [](const miniature& m) { return m.cache->sound(); });
}

}  // namespace aicache
