#include "engine/statistics/distribution.hpp"

#include <catch2/catch.hpp>

#include "engine/statistics/time_ring.hpp"

namespace aicache::statistics_distribution_test {

TEST_CASE("a percentage of nothing is absent", "[engine][statistics]") {
  CHECK_FALSE(percent(0, 0));
  CHECK_FALSE(percent(3, 0));
  CHECK(percent(0, 4) == 0.0);
  CHECK(percent(125, 150) == Approx(83.33).epsilon(0.001));
}

TEST_CASE("nothing is said of an empty histogram", "[engine][statistics]") {
  CHECK_FALSE(distribution_of(histogram{}));
  CHECK_FALSE(usual(histogram{}));
}

TEST_CASE("a distribution of three values", "[engine][statistics]") {
  histogram h;
  for (const std::uint64_t ms : {120, 150, 180}) h.record(ms * 1'000'000);
  const auto d = distribution_of(h);
  REQUIRE(d);
  CHECK(d->count == 3);
  CHECK(d->mean == 150e6);
  CHECK(d->most == 180'000'000);
  CHECK(static_cast<double>(d->least) == Approx(120e6).epsilon(1.0 / 128));
  CHECK(static_cast<double>(d->p50) == Approx(150e6).epsilon(1.0 / 128));
  CHECK(d->p95 == 180'000'000);
  CHECK(d->p999 == 180'000'000);
}

TEST_CASE("a single value is its own every quantile", "[engine][statistics]") {
  histogram h;
  h.record(50);
  const auto d = distribution_of(h);
  REQUIRE(d);
  CHECK(d->p50 == 50);
  CHECK(d->p95 == 50);
  CHECK(d->p99 == 50);
  CHECK(d->least <= 50);
  CHECK(usual(h) == 50.0);
}

TEST_CASE("what is usual is not moved by the slowest fifth", "[engine][statistics]") {
  histogram h;
  h.record(10, 80);
  h.record(1'000'000, 20);
  CHECK(usual(h) == 10.0);
  h.record(20, 100);  // the lowest 160 of 200: 80 of 10, 80 of 20
  CHECK(usual(h) == 15.0);
}

TEST_CASE("a ring of time forgets slot by slot", "[engine][statistics]") {
  time_ring<int> ring{3, duration{100}};
  const auto sum = [&](std::int64_t now, std::int64_t back) {
    int s = 0;
    ring.each(instant{now}, duration{back}, [&](int n) { s += n; });
    return s;
  };
  CHECK(sum(0, 300) == 0);
  ring.at(instant{50}) += 1;
  ring.at(instant{99}) += 1;
  ring.at(instant{100}) += 10;
  ring.at(instant{299}) += 100;
  CHECK(sum(299, 300) == 112);
  CHECK(sum(299, 200) == 110);
  CHECK(sum(299, 1) == 100);
  CHECK(sum(300, 300) == 110);
  CHECK(sum(400, 300) == 100);
  CHECK(sum(500, 300) == 0);
  ring.at(instant{300}) += 1000;
  CHECK(sum(300, 300) == 1110);
  CHECK(ring.span() == duration{300});
}

TEST_CASE("what comes late counts in the newest slot, once", "[engine][statistics]") {
  time_ring<int> ring{2, duration{10}};
  ring.at(instant{25}) += 1;
  ring.at(instant{4}) += 1;
  int sum = 0;
  ring.each(instant{29}, duration{20}, [&](int n) { sum += n; });
  CHECK(sum == 2);
  ring.clear();
  ring.at(instant{-5}) += 7;
  sum = 0;
  ring.each(instant{-1}, duration{10}, [&](int n) { sum += n; });
  CHECK(sum == 7);
}

}  // namespace aicache::statistics_distribution_test
