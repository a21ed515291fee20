#include "engine/statistics/summary.hpp"

#include <algorithm>

namespace aicache {

namespace {

constexpr double ns_per_us = 1'000;
constexpr double ns_per_ms = 1'000'000;

std::vector<std::string> remarks_on(const text_tier_summary& t) {
  std::vector<std::string> remarks;
  if (t.hit_percent) {
    if (*t.hit_percent < 30) remarks.emplace_back("few hits: review lives and how these texts are asked about");
    if (*t.hit_percent > 90) remarks.emplace_back("well cached");
    if (t.tier == text_tier::small && *t.hit_percent < 80)
      remarks.emplace_back("small texts usually hit more often: see whether memory holds them long enough");
    if (t.tier == text_tier::xlarge && *t.hit_percent > 60)
      remarks.emplace_back("unusually many hits for such long texts: check the bounds in text_tiers");
  }
  if (t.nanoseconds) {
    if (t.nanoseconds->mean > 100 * ns_per_ms) remarks.emplace_back("slow: over 100 ms on average");
    if (t.nanoseconds->mean < 10 * ns_per_ms) remarks.emplace_back("fast: under 10 ms on average");
  }
  return remarks;
}

}  // namespace

get_summary gets_of(const operation_counters& c) noexcept {
  get_summary s;
  s.hits = c.hits();
  s.misses = c.misses();
  s.answered = s.hits + s.misses;
  s.hit_percent = percent(s.hits, s.answered);
  return s;
}

std::array<text_tier_summary, text_tier_count> summarise_text_tiers(const operation_counters& total,
                                                                    const text_tier_figures& figures) {
  const std::array<std::uint64_t, text_tier_count> gets{total.gets_small, total.gets_medium, total.gets_large,
                                                        total.gets_xlarge};
  std::array<text_tier_summary, text_tier_count> tiers;
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    text_tier_summary& t = tiers[i];
    t.tier = static_cast<text_tier>(i);
    t.gets = gets[i];
    t.share_percent = percent(t.gets, total.gets());
    const std::uint64_t answered = figures.nanoseconds[i].count();
    t.hit_percent = percent(answered - std::min(figures.misses[i], answered), answered);
    t.nanoseconds = distribution_of(figures.nanoseconds[i]);
    if (t.hit_percent && t.nanoseconds)
      t.score = *t.hit_percent / (std::max(t.nanoseconds->mean, ns_per_us) / ns_per_ms);
    t.remarks = remarks_on(t);
  }
  return tiers;
}

std::vector<text_tier> rank(const std::array<text_tier_summary, text_tier_count>& tiers) {
  std::vector<text_tier> ranking;
  for (const text_tier_summary& t : tiers)
    if (t.score) ranking.push_back(t.tier);
  std::stable_sort(ranking.begin(), ranking.end(), [&](text_tier a, text_tier b) {
    return *tiers[static_cast<std::size_t>(a)].score > *tiers[static_cast<std::size_t>(b)].score;
  });
  return ranking;
}

std::optional<key_generation_summary> summarise_key_generation(const key_generation_figures& figures) noexcept {
  const auto nanoseconds = distribution_of(figures.nanoseconds);
  const auto lengths = distribution_of(figures.code_points);
  if (!nanoseconds || !lengths) return std::nullopt;
  return key_generation_summary{*nanoseconds, *lengths, figures.by_text};
}

std::optional<compression_summary> summarise_compression(const shard_counters& counted,
                                                         const compression_figures& figures) noexcept {
  if (counted.packed + counted.unpackable + counted.unpacked == 0) return std::nullopt;
  compression_summary s;
  s.packed = counted.packed;
  s.unpackable = counted.unpackable;
  s.unpacked = counted.unpacked;
  s.raw_bytes = counted.packed_raw_bytes;
  s.packed_bytes = counted.packed_bytes;
  s.saved_bytes = static_cast<std::int64_t>(s.raw_bytes - s.packed_bytes);
  if (const auto share = percent(s.packed_bytes, s.raw_bytes)) {
    s.ratio = *share / 100;
    s.saved_percent = 100 - *share;
  }
  s.permille = distribution_of(figures.packed_permille);
  s.pack_nanoseconds = distribution_of(figures.pack_nanoseconds);
  s.unpack_nanoseconds = distribution_of(figures.unpack_nanoseconds);
  return s;
}

}  // namespace aicache
