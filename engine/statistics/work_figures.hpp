#pragma once

#include <array>
#include <cstdint>

#include "engine/statistics/histogram.hpp"
#include "engine/types.hpp"

namespace aicache {

// What config/metrics.def does not count: work that is timed by whoever does it, away from the shards' hot path. Each is
// a plain value with one writer; merge() adds what others did.

/// The making of identities, in the threads of callers.
struct key_generation_figures {
  histogram nanoseconds;
  histogram code_points;  ///< of the texts
  std::array<std::uint64_t, text_tier_count> by_text{};

  void record(std::uint64_t took_ns, std::uint64_t length, text_tier text) noexcept {
    nanoseconds.record(took_ns);
    code_points.record(length);
    ++by_text[static_cast<std::size_t>(text)];
  }
  void merge(const key_generation_figures& more) noexcept {
    nanoseconds.merge(more.nanoseconds);
    code_points.merge(more.code_points);
    for (std::size_t i = 0; i < by_text.size(); ++i) by_text[i] += more.by_text[i];
  }
};

/// The compression of answers, by codec workers and by shards that compress when they demote.
struct compression_figures {
  histogram packed_permille;  ///< compressed size in thousandths of the raw one; above 1000 it grew
  histogram pack_nanoseconds;
  histogram unpack_nanoseconds;

  void record_pack(std::uint64_t raw, std::uint64_t packed) noexcept {
    if (raw != 0) packed_permille.record(packed * 1000 / raw);
  }
  void merge(const compression_figures& more) noexcept {
    packed_permille.merge(more.packed_permille);
    pack_nanoseconds.merge(more.pack_nanoseconds);
    unpack_nanoseconds.merge(more.unpack_nanoseconds);
  }
};

/// What became of gets by the class of their texts: how long answers took, and how many of them were misses; hits are the
/// difference.
struct text_tier_figures {
  std::array<std::uint64_t, text_tier_count> misses{};
  std::array<histogram, text_tier_count> nanoseconds;  ///< from the sending of a get to its answer
};

}  // namespace aicache
