#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "engine/statistics/histogram_window.hpp"
#include "engine/types.hpp"

namespace aicache {

// What config/metrics.def does not count: work that is timed by whoever does it, away from the shards' hot path. Each is
// a plain value with one writer; merge() adds what others did.

/// What key_generation_figures gain between two reports, in the form for messages.
struct key_generation_report {
  sparse_histogram nanoseconds;
  sparse_histogram code_points;
  std::array<std::uint64_t, text_tier_count> by_text{};

  friend bool operator==(const key_generation_report&, const key_generation_report&) = default;
};

/// The same as a client counts it.
struct key_generation_window {
  histogram_window nanoseconds;
  histogram_window code_points;
  std::array<std::uint64_t, text_tier_count> by_text{};

  /// Of keys that were made together each took the same time.
  void record(std::uint64_t took_ns, std::span<const std::uint32_t> lengths,
              const std::array<std::uint32_t, text_tier_count>& texts) {
    if (lengths.empty()) return;
    nanoseconds.record(took_ns / lengths.size(), lengths.size());
    for (const std::uint32_t length : lengths) code_points.record(length);
    for (std::size_t i = 0; i < by_text.size(); ++i) by_text[i] += texts[i];
  }
  bool is_empty() const noexcept { return code_points.is_empty(); }
  void take(key_generation_report& out) {
    nanoseconds.take(out.nanoseconds);
    code_points.take(out.code_points);
    out.by_text = std::exchange(by_text, {});
  }
};

/// The making of identities, in the threads of callers.
struct key_generation_figures {
  histogram nanoseconds;
  histogram code_points;  ///< of the texts
  std::array<std::uint64_t, text_tier_count> by_text{};

  /// Fails: corrupt when the report does not parse; then nothing is added.
  outcome<void> merge(const key_generation_report& more) {
    if (!histogram::parses(more.nanoseconds) || !histogram::parses(more.code_points))
      return fault{errc::corrupt, "a report on keys"};
    if (auto merged = nanoseconds.merge(more.nanoseconds); !merged) return merged;
    for (std::size_t i = 0; i < by_text.size(); ++i) by_text[i] += more.by_text[i];
    return code_points.merge(more.code_points);
  }
};

/// What compression_figures gain between two reports, in the form for messages.
struct compression_report {
  sparse_histogram packed_permille;
  sparse_histogram pack_nanoseconds;
  sparse_histogram unpack_nanoseconds;

  bool parses() const noexcept {
    return histogram::parses(packed_permille) && histogram::parses(pack_nanoseconds) &&
           histogram::parses(unpack_nanoseconds);
  }
  friend bool operator==(const compression_report&, const compression_report&) = default;
};

/// The compression of answers, by codec workers and by shards that compress when they demote.
struct compression_figures {
  histogram packed_permille;  ///< compressed size in thousandths of the raw one; above 1000 it grew
  histogram pack_nanoseconds;
  histogram unpack_nanoseconds;

  /// Fails: corrupt when the report does not parse; then nothing is added.
  outcome<void> merge(const compression_report& more) {
    if (!more.parses()) return fault{errc::corrupt, "a report on compression"};
    for (auto [to, from] :
         {std::pair{&packed_permille, &more.packed_permille}, std::pair{&pack_nanoseconds, &more.pack_nanoseconds},
          std::pair{&unpack_nanoseconds, &more.unpack_nanoseconds}})
      if (auto merged = to->merge(*from); !merged) return merged;
    return {};
  }
};

/// The same as a shard counts it. A time of 0 was not taken.
struct compression_window {
  histogram_window packed_permille;
  histogram_window pack_nanoseconds;
  histogram_window unpack_nanoseconds;
  std::size_t bytes = 0;  ///< that were allocated

  void record_pack(std::uint64_t raw, std::uint64_t packed, std::uint64_t ns) {
    if (raw != 0) bytes += packed_permille.record(packed * 1000 / raw);
    if (ns != 0) bytes += pack_nanoseconds.record(ns);
  }
  void record_unpack(std::uint64_t ns) {
    if (ns != 0) bytes += unpack_nanoseconds.record(ns);
  }
  void take(compression_report& out) {
    packed_permille.take(out.packed_permille);
    pack_nanoseconds.take(out.pack_nanoseconds);
    unpack_nanoseconds.take(out.unpack_nanoseconds);
  }
};

/// What became of gets by the class of their texts: how long answers took, and how many of them were misses; hits are the
/// difference.
struct text_tier_figures {
  std::array<std::uint64_t, text_tier_count> misses{};
  std::array<histogram, text_tier_count> nanoseconds;  ///< from the sending of a get to its answer
};

}  // namespace aicache
