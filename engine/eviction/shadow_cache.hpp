#pragma once

#include "engine/eviction/fifo_policy.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace aicache {

/// A cache of keys without values, run on a sample of the requests to learn what a mode would miss.
///
/// Shape      the real fifo_policy over nodes of a fixed pool, found by an open-addressing table
/// Units      weights as in the real cache, the capacity is scaled down by the sampling rate
/// Owner      one mode_learner; not thread-safe
/// Fails      a key heavier than the capacity is not taken in; with the pool used up, a key must leave for each that
///            comes although its weight would fit
/// Invariant  count() <= max_entries(); used() <= capacity() after every request
/// Cost       O(1) a request; all memory is taken when it is built
class shadow_cache {
 public:
  shadow_cache(eviction_mode m, std::uint64_t capacity, std::uint32_t max_entries);

  /// One request: whether the key was in. A miss takes it in with `weight`; a hit corrects the weight when
  /// `weight_is_known`.
  bool request(std::uint64_t hash, std::uint32_t weight, bool weight_is_known);

  void capacity(std::uint64_t weight);
  void mode(eviction_mode m) noexcept { policy_.mode(m); }

  std::uint64_t capacity() const noexcept { return policy_.capacity(); }
  std::uint64_t used() const noexcept { return policy_.used(); }
  std::size_t count() const noexcept { return policy_.count(); }
  std::uint32_t max_entries() const noexcept { return max_entries_; }
  eviction_mode mode() const noexcept { return policy_.mode(); }

  /// What the allocator really gave, this object apart.
  std::size_t bytes() const noexcept;

  /// Recounts everything; for tests.
  bool sound() const noexcept;

 private:
  struct node : policy_hook<node> {
    std::uint32_t charged = 0;
    std::uint64_t key_hash = 0;

    std::uint64_t weight() const noexcept { return charged; }
    std::uint64_t hash() const noexcept { return key_hash; }
  };
  static constexpr std::uint32_t vacant = UINT32_MAX;

  std::uint32_t home_of(std::uint64_t hash) const noexcept;
  std::uint32_t slot_of(std::uint64_t hash) const noexcept;
  void leave_index(std::uint64_t hash) noexcept;
  void release(node& n) noexcept;
  void correct_weight(node& old, std::uint32_t weight);
  void evict_to(std::uint64_t weight);

  std::uint32_t max_entries_;
  std::uint32_t index_mask_;
  std::unique_ptr<node[]> nodes_;
  std::unique_ptr<std::uint32_t[]> index_;
  node* unused_ = nullptr;  ///< a list through `next`
  fifo_policy<node> policy_;
};

}  // namespace aicache
