#include "engine/statistics/slow_operations.hpp"

#include <catch2/catch.hpp>

namespace aicache::statistics_slow_test {

namespace {

slow_event get_of(std::uint64_t ns, std::int64_t at = 0) { return {instant{at}, work_kind::get, "qa", ns, 10}; }

slow_operations that_knows(std::uint64_t usual_ns) {
  histogram h;
  h.record(usual_ns, 100);
  slow_operations s;
  s.learn(work_kind::get, h);
  return s;
}

constexpr std::uint64_t ms = 1'000'000;

}  // namespace

TEST_CASE("nothing is slow before anything is usual", "[engine][statistics]") {
  slow_operations s;
  s.record(get_of(UINT64_MAX));
  CHECK(s.recent(instant{0}).empty());
  histogram few;
  few.record(5, 19);
  s.learn(work_kind::get, few);
  CHECK(s.threshold(work_kind::get) == UINT64_MAX);
}

TEST_CASE("only what exceeds the threshold is kept, and says how much slower it was", "[engine][statistics]") {
  slow_operations s = that_knows(10 * ms);
  const std::uint64_t limit = s.threshold(work_kind::get);
  CHECK(limit == 20 * ms);
  s.record(get_of(limit));
  CHECK(s.recent(instant{0}).empty());
  s.record(get_of(limit + 1));
  s.record(get_of(50 * ms));
  const auto found = s.recent(instant{0});
  REQUIRE(found.size() == 2);
  CHECK(found[0].times_slower == Approx(5));
  CHECK(found[1].event.nanoseconds == limit + 1);
  CHECK(s.recent(instant{0}, 3).size() == 1);
  CHECK(s.recent(instant{0}, 10).empty());
}

TEST_CASE("uniform times have no slow ones, and times of zero make nothing slow", "[engine][statistics]") {
  slow_operations s = that_knows(0);
  s.record(get_of(5 * ms));
  CHECK(s.recent(instant{0}).empty());
  slow_operations fast = that_knows(1000);
  fast.record(get_of(900'000));  // nine hundred times as slow, and still fast
  CHECK(fast.recent(instant{0}).empty());
}

TEST_CASE("slow cases are the latest ones, and grow old", "[engine][statistics]") {
  slow_operations s = that_knows(ms);
  for (std::uint64_t i = 0; i < 100; ++i) s.record(get_of(10 * ms + i, static_cast<std::int64_t>(i)));
  const auto found = s.recent(instant{100});
  REQUIRE(found.size() == slow_operations::kept);
  for (const slow_case& c : found) CHECK(c.event.at.ms >= 100 - static_cast<std::int64_t>(slow_operations::kept));
  CHECK(s.recent(instant{100 + 3'600'000}).empty());
}

TEST_CASE("kinds are judged each by its own", "[engine][statistics]") {
  slow_operations s = that_knows(10 * ms);
  s.record({instant{0}, work_kind::compression, "qa", 500 * ms, 10});
  CHECK(s.recent(instant{0}).empty());
  s.record(get_of(500 * ms));
  CHECK(s.recent(instant{0}).size() == 1);
  s.clear();
  CHECK(s.recent(instant{0}).empty());
  CHECK(s.settings().times == 2);
}

}  // namespace aicache::statistics_slow_test
