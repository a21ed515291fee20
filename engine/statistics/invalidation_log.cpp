#include "engine/statistics/invalidation_log.hpp"

#include <algorithm>
#include <map>

#include "engine/statistics/distribution.hpp"

namespace aicache {

namespace {

constexpr duration minute{60'000};
constexpr duration quarter{900'000};
constexpr duration hour{3'600'000};
constexpr duration day{86'400'000};

const char* name_of(scope_kind k) noexcept {
  switch (k) {
    case scope_kind::tenant: return "tenant";
    case scope_kind::operation: return "operation";
    case scope_kind::tag: return "tag";
    case scope_kind::key: return "key";
    case scope_kind::pattern: return "pattern";
    case scope_kind::everything: break;
  }
  return "everything";
}

std::string label_of(const invalidation_event& e) {
  std::string label = name_of(e.kind);
  if (!e.name.empty() && e.kind != scope_kind::key) label.append(":").append(e.name);
  return label;
}

std::vector<std::pair<std::string, std::uint64_t>> by_frequency(const std::map<std::string, std::uint64_t>& counted) {
  std::vector<std::pair<std::string, std::uint64_t>> sorted(counted.begin(), counted.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

std::uint64_t sum_of(const time_ring<std::uint64_t>& ring, instant now, duration back) {
  std::uint64_t sum = 0;
  ring.each(now, back, [&](std::uint64_t n) { sum += n; });
  return sum;
}

}  // namespace

invalidation_log::invalidation_log(invalidation_limits limits)
    : limits_(limits), by_minute_(hour / minute, minute), by_quarter_(day / quarter, quarter) {}

void invalidation_log::record(invalidation_event e) {
  ++events_;
  entries_ += e.entries;
  ++by_minute_.at(e.at);
  ++by_quarter_.at(e.at);
  if (recent_.size() == kept) recent_.pop_front();
  recent_.push_back(std::move(e));
}

invalidation_summary invalidation_log::summarise(instant now) const {
  invalidation_summary s;
  s.events = events_;
  s.entries = entries_;
  s.last_hour = sum_of(by_minute_, now, hour);
  s.last_day = sum_of(by_quarter_, now, day);
  if (s.last_hour >= limits_.critical_per_hour) {
    s.level = alert_level::critical;
  } else if (s.last_hour >= limits_.warning_per_hour) {
    s.level = alert_level::warning;
  }
  if (events_ != 0) s.entries_per_event = static_cast<double>(entries_) / static_cast<double>(events_);
  if (recent_.empty()) return s;
  std::map<std::string, std::uint64_t> scopes;
  std::map<std::string, std::uint64_t> kinds;
  double nanoseconds = 0;
  std::uint64_t most = 0;
  for (const invalidation_event& e : recent_) {
    ++scopes[label_of(e)];
    ++kinds[name_of(e.kind)];
    nanoseconds += static_cast<double>(e.nanoseconds);
    most = std::max(most, e.nanoseconds);
  }
  s.recent = recent_.size();
  s.scopes = by_frequency(scopes);
  if (s.scopes.size() > listed) s.scopes.resize(listed);
  s.kinds = by_frequency(kinds);
  s.mean_nanoseconds = nanoseconds / static_cast<double>(recent_.size());
  s.most_nanoseconds = most;
  return s;
}

std::vector<notice> invalidation_log::notices(instant now) const {
  std::vector<notice> found;
  const invalidation_summary s = summarise(now);
  if (s.level != alert_level::normal) {
    found.push_back({s.level == alert_level::critical ? severity::critical : severity::warning,
                     "High invalidation frequency",
                     std::to_string(s.last_hour) + " invalidations within the last hour",
                     {"gather changes and invalidate once", "use tags that name exactly what changed",
                      "let short lives do what frequent invalidations do"}});
  }
  if (s.events < limits_.enough) return found;
  if (const auto top = percent(s.scopes.front().second, s.recent); *top > limits_.dominant_percent) {
    found.push_back({severity::info,
                     "Dominant invalidation pattern",
                     "most of the latest invalidations are of " + s.scopes.front().first,
                     {"look for the caller that repeats it", "give these answers a shorter life"}});
  }
  if (*s.entries_per_event < limits_.least_entries) {
    found.push_back({severity::info,
                     "Low invalidation efficiency",
                     "most invalidations remove nothing",
                     {"check the names that are invalidated", "leave out invalidations of what is rarely stored"}});
  } else if (*s.entries_per_event > limits_.most_entries) {
    found.push_back({severity::warning,
                     "High invalidation impact",
                     "an invalidation removes very many answers",
                     {"invalidate by tag or key where an operation or tenant is not meant as a whole",
                      "expect a wave of computations after each, and leases to take it"}});
  }
  return found;
}

void invalidation_log::clear() {
  events_ = 0;
  entries_ = 0;
  recent_.clear();
  by_minute_.clear();
  by_quarter_.clear();
}

}  // namespace aicache
