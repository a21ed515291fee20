#include "engine/statistics/memory_trend.hpp"

#include <algorithm>

#include "engine/statistics/distribution.hpp"

namespace aicache {

namespace {
constexpr double ms_per_hour = 3'600'000;

std::uint64_t entries_of(const shard_gauges& g) noexcept { return g.entries_hot + g.entries_warm; }
}  // namespace

void memory_trend::sample(instant now, const shard_gauges& present) {
  if (samples_.size() == kept) samples_.pop_front();
  samples_.push_back({now, present});
}

std::optional<memory_summary> memory_trend::summarise() const {
  if (samples_.empty()) return std::nullopt;
  const shard_gauges& g = samples_.back().present;
  memory_summary s;
  s.used = g.charged();
  s.budget = g.budget;
  s.hot = g.bytes_hot;
  s.warm = g.bytes_warm;
  s.bookkeeping = s.used - s.hot - s.warm;
  s.entries_hot = g.entries_hot;
  s.entries_warm = g.entries_warm;
  s.used_percent = percent(s.used, s.budget);
  if (const std::uint64_t entries = entries_of(g); entries != 0)
    s.bytes_per_entry = static_cast<double>(s.hot + s.warm) / static_cast<double>(entries);
  s.samples = samples_.size();
  for (const memory_sample& m : samples_) {
    s.mean_used += static_cast<double>(m.present.charged()) / static_cast<double>(s.samples);
    s.mean_entries += static_cast<double>(entries_of(m.present)) / static_cast<double>(s.samples);
    s.most_used = std::max(s.most_used, m.present.charged());
    s.most_entries = std::max(s.most_entries, entries_of(m.present));
  }
  const memory_sample& first = samples_.front();
  const auto span = static_cast<double>((samples_.back().at - first.at).count());
  if (span > 0)
    s.growth_per_hour =
        (static_cast<double>(s.used) - static_cast<double>(first.present.charged())) / span * ms_per_hour;
  return s;
}

std::vector<notice> memory_trend::notices() const {
  std::vector<notice> found;
  const std::optional<memory_summary> s = summarise();
  if (!s || !s->used_percent) return found;
  if (*s->used_percent >= limits_.critical_percent) {
    found.push_back(
        {severity::critical,
         "memory_critical",
         "memory is as good as used up",
         {"raise memory.budget, or spread the keys over more nodes",
          "shorten ttl.default or the lives in ttl.operations", "lower limits.value_bytes if a few giants fill it",
          "raise memory.warm_share if answers compress well"}});
  } else if (*s->used_percent >= limits_.warning_percent) {
    found.push_back({severity::warning,
                     "memory_high",
                     "memory is nearly used up",
                     {"watch growth_per_hour", "compare the predicted hit ratio of a larger memory.budget",
                      "shorten the lives of operations that are rarely hit"}});
  }
  if (const auto hot = percent(s->hot, s->used);
      hot && *hot > limits_.full_tier_percent && s->warm == 0 && !found.empty())
    found.push_back({severity::info,
                     "no_warm_answers",
                     "nearly all that is held are uncompressed answers",
                     {"raise memory.warm_share above 0"}});
  return found;
}

}  // namespace aicache
