#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace aicache {

/// A memory of keys that left the cache: a fingerprint and the time of leaving, four bytes a key.
///
/// Shape      buckets of four slots; a slot is a 14-bit fingerprint and an 18-bit stamp. Growing starts a new
///            generation; the one before it is still asked until all that it holds is too old.
/// Units      time is remembered weight: the sum of the weights of all keys remembered so far
/// Owner      one fifo_policy; not thread-safe
/// Fails      a full bucket forgets its oldest key; a refused allocation leaves the table as it was, without a table
///            nothing is remembered; a key never remembered is taken for known with a chance of at most 4 / 16383
///            a generation
/// Invariant  no slot is so old that its stamp could be taken for a young one: the clock never runs ahead of the
///            sweep that clears old slots, it is held back when very heavy keys would drive it further
/// Cost       O(1), at most `sweep_limit` buckets of 16 bytes swept a call; memory only from the first grow()
class ghost_table {
 public:
  static constexpr std::size_t slots_per_entry = 2;  ///< the longest memory is twice the capacity
  static constexpr unsigned sweep_limit = 64;

  explicit ghost_table(std::uint64_t capacity) noexcept : capacity_(capacity) {}

  /// The capacity of the cache whose leavers are remembered; what is remembered stays.
  void capacity(std::uint64_t weight) noexcept { capacity_ = weight; }

  /// Stamps a key that leaves memory.
  void remember(std::uint64_t hash, std::uint64_t weight) noexcept;

  /// Whether the key left at most `window` of remembered weight ago. Forgets it either way.
  bool take(std::uint64_t hash, std::uint64_t window) noexcept;

  /// Whether the table is too small, much too large, or too coarse for a cache that holds `entries`.
  bool wants_to_grow(std::size_t entries) const noexcept;

  /// What grow(entries) will ask of the allocator.
  static std::size_t growth_bytes(std::size_t entries) noexcept;

  /// Starts a generation fit for `entries`; false when the allocator refuses. Memory is zeroed as it is touched, so
  /// there is no long pause.
  bool grow(std::size_t entries) noexcept;

  /// Gives all memory back.
  void forget_all() noexcept;

  /// What the allocator really gave.
  std::size_t bytes() const noexcept;
  std::size_t slots() const noexcept { return current_.buckets * bucket_slots; }

 private:
  static constexpr std::size_t bucket_slots = 4;
  static constexpr unsigned stamp_bits = 18;
  static constexpr std::uint32_t stamp_mask = (1U << stamp_bits) - 1;
  static constexpr std::uint32_t fingerprint_mask = (1U << (32 - stamp_bits)) - 1;
  /// The oldest age that counts as known, and the time in which the sweep visits every bucket: together half of what
  /// a stamp can tell apart.
  static constexpr std::uint32_t horizon = 1U << (stamp_bits - 2);

  struct release {
    void operator()(std::uint32_t* p) const noexcept { std::free(p); }
  };
  struct generation {
    std::unique_ptr<std::uint32_t[], release> slots;
    std::size_t buckets = 0;
    unsigned unit_shift = 0;  ///< a stamp counts weight in units of 2^unit_shift
  };
  struct place {
    std::uint32_t* bucket;
    std::uint32_t fingerprint;
  };

  static place place_of(const generation& g, std::uint64_t hash) noexcept;
  static std::size_t wanted_slots(std::size_t entries) noexcept;
  std::uint32_t age_of(const generation& g, std::uint32_t slot) const noexcept;
  bool take_from(const generation& g, std::uint64_t hash, std::uint64_t window) noexcept;
  std::uint64_t longest_window() const noexcept;
  void advance(std::uint64_t weight) noexcept;
  void sweep() noexcept;

  std::uint64_t capacity_;
  std::uint64_t clock_ = 0;
  std::uint64_t owed_ = 0;          ///< weight by which the clock was held back
  std::uint64_t sweep_credit_ = 0;  ///< buckets due to be swept, times `horizon`
  std::size_t sweep_at_ = 0;
  std::uint64_t retired_at_ = 0;
  generation current_;
  generation previous_;
};

}  // namespace aicache
