#include "engine/advice/expiry_ghost.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <vector>

namespace aicache::advice_expiry_ghost_test {

namespace {

void expire(expiry_ghost& g, std::uint64_t hash, std::int64_t end, std::int64_t life, std::uint16_t operation = 1) {
  const expired_key k{hash, instant{end}, duration{life}, operation};
  g.expired({&k, 1});
}
void ask(expiry_ghost& g, std::uint64_t hash, std::int64_t now) { g.missed({&hash, 1}, instant{now}); }

expiry_ghost that_samples_all() { return expiry_ghost{{1024, 1, 8}}; }

}  // namespace

TEST_CASE("a key that returns after its end tells which life would have been enough", "[engine][advice]") {
  auto g = that_samples_all();
  expire(g, 7, 1000, 100);
  ask(g, 7, 1030);  // 30 % of its life too late
  auto e = g.evidence(1);
  CHECK(e.expired == 1);
  CHECK(e.returned == std::array<std::uint64_t, 4>{0, 1, 1, 1});
  ask(g, 7, 1031);
  CHECK(g.evidence(1).returned == e.returned);
  expire(g, 7, 2000, 100);
  ask(g, 7, 2025);  // with exactly 125 % it would have ended just now
  CHECK(g.evidence(1).returned == std::array<std::uint64_t, 4>{0, 2, 2, 2});
  expire(g, 7, 3000, 100);
  ask(g, 7, 3024);
  CHECK(g.evidence(1).returned == std::array<std::uint64_t, 4>{1, 3, 3, 3});
  expire(g, 7, 4000, 100);
  ask(g, 7, 4300);
  CHECK(g.evidence(1).returned == std::array<std::uint64_t, 4>{1, 3, 3, 3});
  CHECK(g.evidence(2).expired == 0);
}

TEST_CASE("a key that did not expire tells nothing", "[engine][advice]") {
  auto g = that_samples_all();
  ask(g, 0, 10);
  ask(g, 5, 10);
  expire(g, 5, 10, 0);
  ask(g, 5, 11);
  CHECK(g.evidence(1).expired == 0);
  CHECK(g.evidence(1).returned[3] == 0);
}

TEST_CASE("operations without a number of their own are counted together", "[engine][advice]") {
  auto g = that_samples_all();
  expire(g, 1, 0, 10, 8);
  CHECK(g.evidence(0).expired == 1);
  expire(g, 2, 0, 10, 7);
  CHECK(g.evidence(7).expired == 1);
}

TEST_CASE("a sample of the keys gives the gain of all", "[engine][advice]") {
  expiry_ghost g{{1 << 14, 8, 4}};
  std::mt19937_64 random{3};
  std::uint64_t gets = 0;
  std::uint64_t really = 0;
  std::uint64_t looked_at = 0;
  for (int i = 0; i < 60'000; ++i) {
    const std::uint64_t hash = random();
    looked_at += hash <= g.threshold();
    expire(g, hash, i, 1000);
    gets += 3;
    if (random() % 4 != 0) continue;
    const auto late = static_cast<std::int64_t>(random() % 2000);
    really += late < 1000;
    ask(g, hash, i + late);
  }
  CHECK(g.evidence(1).expired == looked_at);
  CHECK(looked_at < 60'000 / 7);
  const auto e = g.evidence(1).effect_of(2, gets);  // twice the life
  REQUIRE(e);
  const double real = 100.0 * static_cast<double>(really) / static_cast<double>(gets);
  CHECK(e->points == Approx(real).margin(e->error));
  CHECK(e->error < 0.5);
}

TEST_CASE("the table is bounded and keeps those that expired last", "[engine][advice]") {
  expiry_ghost g{{16, 1, 4}};
  const std::size_t bytes = g.bytes();
  for (std::uint64_t h = 1; h <= 1000; ++h)
    expire(g, h * 0x9e3779b97f4a7c15ULL, static_cast<std::int64_t>(h), 1'000'000);
  CHECK(g.bytes() == bytes);
  for (std::uint64_t h = 1; h <= 1000; ++h) ask(g, h * 0x9e3779b97f4a7c15ULL, 1001);
  CHECK(g.evidence(1).expired == 1000);
  CHECK(g.evidence(1).returned[3] <= 16);
  CHECK(g.evidence(1).returned[3] >= 8);
}

TEST_CASE("without gets or expired answers there is no effect", "[engine][advice]") {
  lifetime_evidence e;
  CHECK_FALSE(e.effect_of(0, 100));
  e.expired = 1;
  CHECK_FALSE(e.effect_of(0, 0));
  CHECK_FALSE(e.effect_of(9, 100));
  CHECK(e.effect_of(0, 100)->points == 0);
  lifetime_evidence more;
  more.expired = 2;
  more.returned = {1, 2, 2, 2};
  e.merge(more);
  CHECK(e.expired == 3);
  CHECK(e.effect_of(1, 100)->points == 2);
}

}  // namespace aicache::advice_expiry_ghost_test
