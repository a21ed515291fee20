#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/advice/hit_curve.hpp"
#include "engine/eviction/mode_learner.hpp"
#include "engine/eviction/shadow_cache.hpp"

namespace aicache {

/// Measures what more or less memory would do: the cache in miniature at six sizes, run on a sample of the keys.
///
/// Shape      a key is sampled by its hash, always or never. At half, one and two times the budget runs a shadow_cache for
///            each eviction mode, for a node learns which is best, and may learn another with more memory: each of these
///            sizes is worth what its best mode hits. The other three run one each, in the best mode of the nearest.
/// Units      budget and weights in bytes as charged; hashes are thresholds of 2^64
/// Owner      one actor of the node, or one shard; not thread-safe
/// Fails      a weight that is not known (0: a miss) counts as the mean of the known ones. When entries turn out much
///            lighter or heavier than thought, the miniatures start afresh at a fitting rate, and what was counted stays.
///            Nothing is counted until that of twice the budget is full: an empty cache looks worse the larger it is. What
///            four and eight times would do is therefore told too low at first.
/// Invariant  all together hold 29.75 times `entries` keys, and half as many again, at the most, whatever the budget:
///            bytes() is bounded. Counts fade, halved every `memory` sampled requests: a change of traffic is seen.
/// Cost       one compare for a key that is not sampled, 18 look-ups for one that is; allocates only at a new rate
/// Source     miniature simulation (Waldspurger et al., ATC 17) of the policy that runs, sampled as SHARDS does (FAST 15)
class ghost_curve {
 public:
  struct options {
    std::uint64_t budget = 0;              ///< of all that is fed from
    std::uint64_t first_entry_weight = 1;  ///< a guess; corrected by what is seen
    std::uint32_t entries = 512;           ///< in a miniature of the present size
    bool learning = true;                  ///< false where the node keeps the first mode
  };
  /// At most one key in so many is sampled.
  static constexpr std::uint32_t densest_rate = 2;
  static constexpr std::uint64_t memory = 1 << 16;

  explicit ghost_curve(const options& o);

  /// Learns from a batch of requests in the order in which they were made. What is not sampled is skipped, so the
  /// samples that are gathered for a mode_learner may be fed as they are, if the shards' threshold is at least ours.
  void seen(std::span<const sampled> batch);

  /// Keys whose sample hash is at or below this are wanted.
  std::uint64_t threshold() const noexcept { return threshold_; }

  /// The budget has changed: everything is learned anew.
  void budget(std::uint64_t bytes);

  bool warm() const noexcept { return warm_; }

  hit_curve curve() const noexcept;

  /// What the allocator really gave, this object apart.
  std::size_t bytes() const noexcept;

  /// Recounts all miniatures; for tests.
  bool sound() const noexcept;

 private:
  using groups = std::array<double, hit_curve::group_count>;

  struct miniature {
    std::size_t size;     ///< the index of its point on the curve
    std::size_t follows;  ///< the size whose best mode it runs in; its own when it stays in one
    eviction_mode mode;
    std::unique_ptr<shadow_cache> cache;
    groups hits{};
  };

  void plan();
  std::uint32_t weight_of(const sampled& s) noexcept;
  void learn(const sampled& s);
  void fade() noexcept;
  const miniature& best_of(std::size_t size) const noexcept;
  void check();
  void set_rate();

  options options_;
  double rate_ = 1;
  std::uint64_t threshold_ = 0;
  double entry_weight_;  ///< of what a full cache holds
  double rated_weight_;  ///< entry_weight_ when the rate was set
  double mean_weight_;   ///< of what is requested
  std::uint32_t weights_seen_ = 0;
  std::uint64_t until_check_ = 0;
  std::uint64_t since_rate_ = 0;
  std::uint64_t until_fade_ = memory;
  bool warm_ = false;
  std::uint64_t samples_ = 0;
  groups requests_{};
  std::vector<miniature> miniatures_;
};

}  // namespace aicache
