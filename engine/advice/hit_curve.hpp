#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace aicache {

/// By how many points the hit ratio would change, and how sure that is.
struct predicted_effect {
  double points = 0;  ///< of hit ratio, in percent of all gets
  double error = 0;   ///< the true value lies within points -/+ error, 19 times in 20, as far as sampling goes

  friend bool operator==(const predicted_effect&, const predicted_effect&) = default;
};

/// How often a cache of 1/4, 1/2, 1, 2, 4 and 8 times the present budget would have hit.
///
/// Shape      weights of requests and hits, by size and by group of keys: the groups are as many independent samples, and
///            how far they differ is the error
/// Units      budget in bytes; requests as they would be without sampling
/// Owner      a plain value; merge() adds what other shards saw of other keys
/// Invariant  hits[s][g] <= requests[g]
/// Source     the error of a ratio from random groups: Wolter, Introduction to Variance Estimation, 2nd ed., ch. 2
struct hit_curve {
  static constexpr std::size_t size_count = 6;
  static constexpr std::size_t present = 2;  ///< the index of the budget itself
  static constexpr std::size_t group_count = 16;

  std::uint64_t budget = 0;
  std::uint64_t samples = 0;  ///< requests that the curve was made from
  std::array<double, group_count> requests{};
  std::array<std::array<double, group_count>, size_count> hits{};

  /// The bytes that a point of the curve stands for.
  std::uint64_t bytes_at(std::size_t size) const noexcept {
    return size < 2 ? budget >> (2 - size) : budget << (size - 2);
  }

  /// The hit ratio at a point, in percent; nothing while nothing was sampled.
  std::optional<double> hit_percent(std::size_t size) const noexcept;

  /// What `bytes` instead of the budget would do, between two points as the logarithm of the size lies between them.
  /// Nothing while nothing was sampled, and outside of the curve. The present hit ratio as counted, plus this, is a
  /// better prediction than the curve's own height: what the sample has too much or too little of is in both its ends.
  std::optional<predicted_effect> effect_of(std::uint64_t bytes) const noexcept;

  /// Of all groups of keys together.
  static double sum_of(const std::array<double, group_count>& groups) noexcept;

  /// Of caches that divide the keys among them: budgets and counts are summed.
  void merge(const hit_curve& more) noexcept;
};

/// As a JSON object: the budget, how many requests were sampled, and for each size its bytes, hit ratio in percent and
/// what it would change, with the error; sizes of which nothing is known are left out.
std::string to_json(const hit_curve& c);

}  // namespace aicache
