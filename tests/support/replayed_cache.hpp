#pragma once

#include <cstdint>

#include "engine/eviction/mode_learner.hpp"
#include "engine/eviction/shadow_cache.hpp"

namespace aicache {

/// One request of a trace.
struct traced {
  std::uint64_t hash = 0;
  std::uint32_t weight = 1;
};

/// A node's eviction at full size, without answers: the real policy, steered by a real learner.
class replayed_cache {
 public:
  replayed_cache(std::uint64_t capacity, std::uint64_t entry_weight, std::uint32_t most_entries)
      : cache_(first_eviction_mode, capacity, most_entries), learner_({capacity, entry_weight, first_eviction_mode}) {}

  bool request(const traced& r) {
    const bool hit = cache_.request(r.hash, r.weight, true);
    const sampled one{r.hash, hit ? r.weight : 0};
    learner_.feed({&one, 1});
    if (learner_.mode() != cache_.mode()) cache_.mode(learner_.mode());
    ++requests_;
    hits_ += hit;
    return hit;
  }

  /// Counts from here on.
  void measure() noexcept { requests_ = hits_ = 0; }
  double hit_percent() const noexcept { return 100.0 * static_cast<double>(hits_) / static_cast<double>(requests_); }
  eviction_mode mode() const noexcept { return cache_.mode(); }

 private:
  shadow_cache cache_;
  mode_learner learner_;
  std::uint64_t requests_ = 0;
  std::uint64_t hits_ = 0;
};

/// A number without order, from one with it: the finaliser of SplitMix64.
constexpr std::uint64_t scattered(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace aicache
