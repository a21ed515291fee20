#pragma once

#include "engine/eviction/mode.hpp"
#include "engine/eviction/shadow_cache.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace aicache {

/// One request for a key whose sample hash was at or below the learner's threshold.
struct sampled {
  std::uint64_t hash = 0;    ///< the sample hash: independent of shard and index
  std::uint32_t weight = 0;  ///< what the entry is charged; 0 when it is not known (a miss)
};

/// Chooses the eviction mode of all shards of a node by what each mode would have missed.
///
/// Shape      one shadow_cache a mode, each fed every sampled request; the misses of each fade over `memory_turns`
///            turns of the shadow. The mode changes to the best when it leads by more than noise explains.
/// Units      capacities and weights as in the shards, summed over the node; hashes are thresholds of 2^64
/// Owner      one actor of the node; not thread-safe. Shards send batches of what they sampled and are told
///            mode() and sample_threshold() from time to time: both may be stale.
/// Fails      unknown weights count as the mean of the known ones. When entries turn out much lighter or heavier than
///            thought, sampling starts afresh at a fitting rate, and the mode stays until something is learned.
/// Invariant  a shadow never stands for more than `max_sample` entries, whatever the capacity: bytes() is bounded
/// Cost       one look-up in each shadow a sampled request; no allocation but when the rate is set anew
/// Source     miniature simulation (Waldspurger et al., ATC 17), spatial sampling (SHARDS, FAST 15)
class mode_learner {
 public:
  /// Entries in a shadow: enough to tell the modes apart.
  static constexpr std::uint32_t wanted_sample = 128;
  static constexpr std::uint32_t max_sample = 8192;
  /// Between one key in 2 (the cost of a small cache) and one in 64 (the error of a large one) is sampled.
  static constexpr std::uint32_t densest_rate = 2;
  static constexpr std::uint32_t sparsest_rate = 64;
  /// How long a miss is remembered, in turns of the shadow (of `wanted_sample` entries at least).
  static constexpr std::uint32_t memory_turns = 20;
  static constexpr std::uint32_t max_batch = 256;

  struct options {
    std::uint64_t capacity = 0;            ///< of all shards together
    std::uint64_t first_entry_weight = 1;  ///< a guess; corrected by what is seen
    eviction_mode first_mode = first_eviction_mode;
  };

  explicit mode_learner(const options& o);

  /// Learns from a batch of requests, in the order in which they were made.
  void feed(std::span<const sampled> batch);

  /// The capacity of all shards together has changed.
  void capacity(std::uint64_t weight);

  eviction_mode mode() const noexcept { return mode_; }

  /// How many samples a shard should gather before it sends them, when so many shards feed. A batch stands in the
  /// shadows as if its requests had come in one run; the runs of all shards together must be shorter than a shadow,
  /// or reuse looks longer or shorter than it is.
  std::uint32_t batch_size(std::uint32_t shards) const noexcept;

  /// Keys whose sample hash is at or below this are to be fed; others are ignored.
  std::uint64_t sample_threshold() const noexcept { return threshold_; }

  /// How many entries the whole cache is taken to hold.
  std::uint64_t expected_entries() const noexcept;

  /// The fading count of what a mode missed, in sampled requests.
  double missed(eviction_mode m) const noexcept { return missed_[static_cast<std::size_t>(m)]; }

  /// What the allocator really gave, this object apart.
  std::size_t bytes() const noexcept;

  /// Recounts all shadows; for tests.
  bool sound() const noexcept;

 private:
  std::uint32_t weight_of(const sampled& s) noexcept;
  std::uint64_t scaled(std::uint64_t weight) const noexcept;
  void learn(const sampled& s);
  void choose() noexcept;
  bool rate_fits() const noexcept;
  void check_rate();
  void set_rate();

  std::uint64_t capacity_;
  std::uint64_t rated_entries_ = 1;  ///< expected_entries() when the rate was set
  std::uint64_t threshold_ = 0;
  std::uint64_t until_check_ = 0;
  double entry_weight_;  ///< of what a full cache holds
  double mean_weight_;   ///< of what is requested
  std::uint32_t weights_seen_ = 0;
  double rate_ = 1;
  double forgetting_ = 1;  ///< the share of a count that fades with a request
  eviction_mode mode_;
  std::array<double, eviction_mode_count> missed_{};
  std::array<std::unique_ptr<shadow_cache>, eviction_mode_count> shadows_;
};

}  // namespace aicache
