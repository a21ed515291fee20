#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/advice/hit_curve.hpp"
#include "engine/types.hpp"

namespace aicache {

/// An answer that left memory because its time was over.
struct expired_key {
  std::uint64_t hash = 0;  ///< the sample hash
  instant end;             ///< when its time was over
  duration life{0};        ///< how long that was
  std::uint16_t operation = 0;
};

/// How many answers of one operation were asked for again after their end, and would still have lived if their lives
/// had been longer.
///
/// Units      sampled keys, `rate` of all
/// Owner      a plain value; merge() adds what other shards saw of other keys, at the same rate
struct lifetime_evidence {
  static constexpr std::array<std::uint32_t, 4> percents{125, 150, 200, 400};  ///< of the present life

  double rate = 1;
  std::uint64_t expired = 0;
  std::array<std::uint64_t, percents.size()> returned{};  ///< a life of percents[i] would have been enough

  /// What a life of percents[i] would add, when `gets` of the operation were answered meanwhile. Nothing without gets or
  /// expired answers. A lower bound: what the ghost forgot is not in it.
  std::optional<predicted_effect> effect_of(std::size_t i, std::uint64_t gets) const noexcept;

  void merge(const lifetime_evidence& more) noexcept;

  bool is_empty() const noexcept { return expired == 0 && returned == decltype(returned){}; }
  friend bool operator==(const lifetime_evidence&, const lifetime_evidence&) = default;
};

/// Remembers a sample of the answers that expired, to learn which were asked for again soon after.
///
/// Shape      one table of fixed size, two places a key; the one that expired longer ago gives way
/// Owner      one shard, or one actor of the node; not thread-safe
/// Invariant  an expired answer counts as returned at most once, at the first get after its end
/// Cost       one compare for a key that is not sampled, else two places of one cache line; no allocation
class expiry_ghost {
 public:
  struct options {
    std::size_t places = 4096;
    std::uint32_t one_in = 16;       ///< keys that are sampled; 0 counts as 1
    std::uint16_t operations = 256;  ///< numbers above are counted as 0, "other"
  };

  explicit expiry_ghost(const options& o);
  expiry_ghost() : expiry_ghost(options{}) {}

  /// Keys whose sample hash is at or below this are wanted; others are skipped.
  std::uint64_t threshold() const noexcept { return threshold_; }

  void expired(std::span<const expired_key> keys) noexcept;

  /// Keys that were asked for and missed.
  void missed(std::span<const std::uint64_t> hashes, instant now) noexcept;

  lifetime_evidence evidence(std::uint16_t operation) const noexcept;

  /// The evidence since the last call, for a report.
  lifetime_evidence take(std::uint16_t operation) noexcept;

  std::size_t bytes() const noexcept;

 private:
  expired_key& place_for(std::uint64_t hash) noexcept;
  std::uint16_t number_of(std::uint16_t operation) const noexcept {
    return operation < evidence_.size() ? operation : std::uint16_t{0};
  }
  std::size_t pair_of(std::uint64_t hash) const noexcept { return (hash * 0x9e3779b97f4a7c15ULL >> 32) & pair_mask_; }

  std::uint64_t threshold_;
  std::size_t pair_mask_;
  std::vector<expired_key> places_;  ///< vacant where life is zero
  std::vector<lifetime_evidence> evidence_;
};

}  // namespace aicache
