#include "engine/statistics/invalidation_log.hpp"

#include <catch2/catch.hpp>

namespace aicache::statistics_invalidation_test {

namespace {

constexpr std::int64_t hour = 3'600'000;

invalidation_event of(const char* operation, std::int64_t at, std::uint64_t entries = 5) {
  return {instant{at}, scope_kind::operation, operation, entries, 1000};
}

std::vector<std::string> issues(const invalidation_log& log, std::int64_t now) {
  std::vector<std::string> names;
  for (const notice& n : log.notices(instant{now})) names.push_back(n.issue);
  return names;
}

}  // namespace

TEST_CASE("without invalidations there are totals of zero and no averages", "[engine][statistics]") {
  const invalidation_summary s = invalidation_log{}.summarise(instant{0});
  CHECK(s.events == 0);
  CHECK(s.level == alert_level::normal);
  CHECK_FALSE(s.entries_per_event);
  CHECK_FALSE(s.mean_nanoseconds);
  CHECK(issues(invalidation_log{}, 0).empty());
}

TEST_CASE("the alert rises at its limits and falls within an hour", "[engine][statistics]") {
  invalidation_log log;
  for (int i = 0; i < 49; ++i) log.record(of("a", i));
  CHECK(log.summarise(instant{100}).level == alert_level::normal);
  log.record(of("a", 100));
  CHECK(log.summarise(instant{100}).level == alert_level::warning);
  for (int i = 0; i < 49; ++i) log.record(of("a", 200));
  CHECK(log.summarise(instant{200}).level == alert_level::warning);
  log.record(of("a", 200));
  CHECK(log.summarise(instant{200}).level == alert_level::critical);
  CHECK(log.summarise(instant{200 + hour}).level == alert_level::normal);
  CHECK(log.summarise(instant{200 + hour}).last_day == 100);
  CHECK(log.summarise(instant{200 + 24 * hour}).last_day == 0);
  CHECK(log.summarise(instant{200 + 24 * hour}).events == 100);
}

TEST_CASE("the most frequent scopes come first, ten at most", "[engine][statistics]") {
  invalidation_log log;
  for (int i = 0; i < 12; ++i)
    for (int n = 0; n <= i % 4; ++n) log.record(of(std::string(1, static_cast<char>('a' + i)).c_str(), i));
  const invalidation_summary s = log.summarise(instant{20});
  REQUIRE(s.scopes.size() == 10);
  CHECK(s.scopes[0] == std::pair<std::string, std::uint64_t>{"operation:d", 4});
  CHECK(s.scopes[9].second <= s.scopes[0].second);
  CHECK(s.kinds == std::vector<std::pair<std::string, std::uint64_t>>{{"operation", 30}});
}

TEST_CASE("a caller's key never shows", "[engine][statistics]") {
  invalidation_log log;
  log.record({instant{0}, scope_kind::key, "secret", 1, 1});
  CHECK(log.summarise(instant{0}).scopes[0].first == "key");
}

TEST_CASE("a scope dominates when it has more than half of the recent ones", "[engine][statistics]") {
  invalidation_log log;
  // However many there were before: only the same recent ones are compared.
  for (int i = 0; i < 200; ++i) log.record(of(std::to_string(i).c_str(), -3 * hour));
  for (int i = 0; i < 25; ++i) log.record(of("a", -3 * hour));
  CHECK(issues(log, 0).empty());
  log.record(of("a", -3 * hour));
  CHECK(issues(log, 0) == std::vector<std::string>{"Dominant invalidation pattern"});
}

TEST_CASE("little and heavy effect are noticed strictly beyond their limits", "[engine][statistics]") {
  const auto with = [](std::uint64_t entries, int last) {
    invalidation_log log;
    for (int i = 0; i < 9; ++i) log.record(of(std::to_string(i).c_str(), 0, entries));
    log.record(of("z", 0, static_cast<std::uint64_t>(static_cast<std::int64_t>(entries) + last)));
    return issues(log, 10);
  };
  CHECK(with(1, 0).empty());
  CHECK(with(1, -1) == std::vector<std::string>{"Low invalidation efficiency"});
  CHECK(with(100, 0).empty());
  CHECK(with(100, 1) == std::vector<std::string>{"High invalidation impact"});
}

TEST_CASE("forgetting invalidations keeps their limits", "[engine][statistics]") {
  invalidation_log log{invalidation_limits{1, 2, 1, 100, 50, 10}};
  log.record(of("a", 0));
  CHECK(log.summarise(instant{0}).level == alert_level::warning);
  log.clear();
  CHECK(log.summarise(instant{0}).events == 0);
  CHECK(log.summarise(instant{0}).last_hour == 0);
  CHECK(log.limits().warning_per_hour == 1);
}

}  // namespace aicache::statistics_invalidation_test
