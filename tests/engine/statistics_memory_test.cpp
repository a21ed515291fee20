#include "engine/statistics/memory_trend.hpp"

#include <catch2/catch.hpp>

namespace aicache::statistics_memory_test {

namespace {

shard_gauges holding(std::uint64_t hot, std::uint64_t warm, std::uint64_t budget) {
  shard_gauges g;
  g.bytes_hot = hot;
  g.bytes_warm = warm;
  g.entries_hot = hot / 10;
  g.entries_warm = warm / 5;
  g.budget = budget;
  return g;
}

}  // namespace

TEST_CASE("nothing is said of memory before anybody looked", "[engine][statistics]") {
  memory_trend t;
  CHECK_FALSE(t.summarise());
  CHECK(t.notices().empty());
}

TEST_CASE("one look has no trend", "[engine][statistics]") {
  memory_trend t;
  t.sample(instant{1000}, holding(200, 100, 1000));
  const auto s = t.summarise();
  REQUIRE(s);
  CHECK(s->used == 300);
  CHECK(s->used_percent == 30.0);
  CHECK(s->bytes_per_entry == 300.0 / 40);
  CHECK(s->samples == 1);
  CHECK_FALSE(s->growth_per_hour);
}

TEST_CASE("growth is over the last ten looks", "[engine][statistics]") {
  memory_trend t;
  t.sample(instant{0}, holding(900, 0, 1000));  // forgotten below
  for (int i = 0; i < 10; ++i)
    t.sample(instant{60'000 * (i + 1)}, holding(100 + static_cast<std::uint64_t>(i) * 10, 0, 1000));
  const auto s = t.summarise();
  REQUIRE(s);
  CHECK(s->samples == 10);
  CHECK(s->most_used == 190);
  CHECK(s->mean_used == Approx(145));
  CHECK(*s->growth_per_hour == Approx(90.0 / 9 * 60));
  t.sample(instant{60'000 * 11}, holding(20, 0, 1000));
  CHECK(*t.summarise()->growth_per_hour < 0);
}

TEST_CASE("memory is high from its limit on, and critical from the next", "[engine][statistics]") {
  const auto issue_at = [](std::uint64_t used) {
    memory_trend t;
    t.sample(instant{0}, holding(used / 2, used - used / 2, 1000));
    const auto found = t.notices();
    return found.empty() ? std::string{} : found.front().issue;
  };
  CHECK(issue_at(899).empty());
  CHECK(issue_at(900) == "memory_high");
  CHECK(issue_at(979) == "memory_high");
  CHECK(issue_at(980) == "memory_critical");
  memory_trend own{memory_limits{10, 20, 90}};
  own.sample(instant{0}, holding(100, 100, 1000));
  REQUIRE(own.notices().size() == 1);
  CHECK(own.notices()[0].how_bad == severity::critical);
  CHECK_FALSE(own.notices()[0].suggestions.empty());
}

TEST_CASE("without a budget there is no share of it", "[engine][statistics]") {
  memory_trend t;
  t.sample(instant{0}, holding(100, 0, 0));
  CHECK_FALSE(t.summarise()->used_percent);
  CHECK(t.notices().empty());
}

TEST_CASE("uncompressed answers alone are noticed once memory is high", "[engine][statistics]") {
  const auto noticed = [](std::uint64_t hot, std::uint64_t warm) {
    memory_trend t;
    t.sample(instant{0}, holding(hot, warm, 1000));
    for (const notice& n : t.notices())
      if (n.issue == "no_warm_answers") return true;
    return false;
  };
  CHECK(noticed(950, 0));
  CHECK_FALSE(noticed(950, 5));
  CHECK_FALSE(noticed(899, 0));
}

}  // namespace aicache::statistics_memory_test
