#include <catch2/catch.hpp>

#include "engine/eviction/ghost_table.hpp"

#include <cstdint>
#include <random>
#include <vector>

namespace aicache::eviction_ghost_table_test {
namespace {

constexpr std::uint64_t stamp_range = std::uint64_t{1} << 18;

TEST_CASE("a key is known for exactly as long as the window reaches, and once", "[engine][eviction]") {
  ghost_table ghosts{1000};
  REQUIRE(ghosts.grow(1000));
  std::mt19937_64 random{1};
  const std::uint64_t inside = random();
  const std::uint64_t outside = random();
  ghosts.remember(outside, 1);
  ghosts.remember(inside, 1);
  for (int i = 0; i < 900; ++i) ghosts.remember(random(), 1);
  CHECK(ghosts.take(inside, 900));
  CHECK_FALSE(ghosts.take(inside, 900));
  CHECK_FALSE(ghosts.take(outside, 900));
  CHECK_FALSE(ghosts.take(outside, 2000));
}

TEST_CASE("time passes by weight, not by keys", "[engine][eviction]") {
  ghost_table ghosts{1'000'000};
  REQUIRE(ghosts.grow(100));
  ghosts.remember(77, 10);
  ghosts.remember(78, 500'000);
  CHECK(ghosts.take(77, 900'000));
  ghosts.remember(77, 10);
  for (int i = 0; i < 8; ++i) ghosts.remember(78, 500'000);
  CHECK_FALSE(ghosts.take(77, 900'000));
}

TEST_CASE("a stamp that wrapped around is not taken for a young one", "[engine][eviction]") {
  // A table far too large for its window: nothing but the sweep ever clears the slot.
  ghost_table ghosts{1000};
  REQUIRE(ghosts.grow(10'000));
  const std::uint64_t old_key = 0x123456789abcdefULL;
  ghosts.remember(old_key, 1);
  for (std::uint64_t i = 0; i < stamp_range - 100; ++i) ghosts.remember(42, 1);
  for (int i = 0; i < 200; i += 10) {
    ghost_table* const asked = &ghosts;
    CHECK_FALSE(asked->take(old_key, 2000));
    for (int k = 0; k < 10; ++k) ghosts.remember(42, 1);
  }
}

TEST_CASE("very heavy keys cannot drive the clock around its range before the sweep has passed", "[engine][eviction]") {
  const std::uint64_t capacity = 1 << 20;
  const auto key = [](std::uint64_t n) { return n * 0x9e3779b97f4a7c15ULL; };
  const auto known_after = [&](int heavy, int light) {
    ghost_table ghosts{capacity};
    REQUIRE(ghosts.grow(200'000));
    for (std::uint64_t n = 1; n <= 64; ++n) ghosts.remember(key(n), 1);
    for (int i = 0; i < heavy; ++i) ghosts.remember(42, capacity / 4);
    for (int i = 0; i < light; ++i) ghosts.remember(42, 1);
    unsigned known = 0;
    for (std::uint64_t n = 1; n <= 64; ++n) known += ghosts.take(key(n), 2 * capacity) ? 1U : 0U;
    return known;
  };
  // A stamp counts 128 here, so that 128 of the heavy keys would be one turn of the stamps. Held back, the clock may
  // keep a key known for longer; but what was forgotten must not come back.
  unsigned known = 64;
  for (int heavy = 1; heavy <= 200; ++heavy) {
    const unsigned now_known = known_after(heavy, 0);
    CHECK(now_known <= known);
    known = now_known;
  }
  CHECK(known_after(200, 1000) == 0);
}

TEST_CASE("growing keeps what is remembered until it is too old", "[engine][eviction]") {
  ghost_table ghosts{10'000};
  REQUIRE(ghosts.grow(100));
  CHECK(ghosts.wants_to_grow(1000));
  std::mt19937_64 random{2};
  std::vector<std::uint64_t> before(100);
  for (auto& key : before) ghosts.remember(key = random(), 1);
  const std::size_t bytes_before = ghosts.bytes();
  REQUIRE(ghosts.grow(1000));
  CHECK_FALSE(ghosts.wants_to_grow(1000));
  CHECK(ghosts.bytes() >= bytes_before + ghost_table::growth_bytes(1000));
  int known = 0;
  for (std::size_t i = 0; i < 50; ++i) known += ghosts.take(before[i], 9000) ? 1 : 0;
  CHECK(known >= 48);
  for (int i = 0; i < 20'000; ++i) ghosts.remember(random(), 1);
  CHECK(ghosts.bytes() < bytes_before + ghost_table::growth_bytes(1000));
  for (std::size_t i = 50; i < 100; ++i) CHECK_FALSE(ghosts.take(before[i], 9000));
}

TEST_CASE("a capacity that outgrows the stamps asks for a new generation, and a smaller cache for less memory",
          "[engine][eviction]") {
  ghost_table ghosts{1000};
  REQUIRE(ghosts.grow(1000));
  CHECK_FALSE(ghosts.wants_to_grow(1000));
  ghosts.capacity(1'000'000);
  CHECK(ghosts.wants_to_grow(1000));
  REQUIRE(ghosts.grow(1000));
  CHECK_FALSE(ghosts.wants_to_grow(1000));
  ghosts.capacity(1000);
  CHECK(ghosts.wants_to_grow(1000));
  ghosts.capacity(1'000'000);
  CHECK(ghosts.wants_to_grow(50));
}

TEST_CASE("a key never remembered is seldom taken for known", "[engine][eviction]") {
  ghost_table ghosts{20'000};
  REQUIRE(ghosts.grow(10'000));
  std::mt19937_64 random{3};
  for (int i = 0; i < 40'000; ++i) ghosts.remember(random(), 1);
  int known = 0;
  for (int i = 0; i < 100'000; ++i) known += ghosts.take(random(), 40'000) ? 1 : 0;
  CHECK(known < 100'000 * 4 / 16383 * 3 / 2);
}

TEST_CASE("hashes that share their upper bits, as sampled ones do, fill the whole table", "[engine][eviction]") {
  ghost_table ghosts{20'000};
  REQUIRE(ghosts.grow(10'000));
  std::mt19937_64 random{4};
  std::vector<std::uint64_t> keys(10'000);
  for (auto& key : keys) ghosts.remember(key = random() >> 12, 1);
  int known = 0;
  for (const auto key : keys) known += ghosts.take(key, 20'000) ? 1 : 0;
  CHECK(known > 9700);
}

TEST_CASE("without memory nothing is remembered and nothing breaks", "[engine][eviction]") {
  ghost_table ghosts{1000};
  ghosts.remember(1, 1);
  CHECK_FALSE(ghosts.take(1, 1000));
  CHECK(ghosts.bytes() == 0);
  CHECK_FALSE(ghosts.wants_to_grow(0));
  REQUIRE(ghosts.grow(100));
  ghosts.remember(1, 1);
  ghosts.forget_all();
  CHECK(ghosts.bytes() == 0);
  CHECK_FALSE(ghosts.take(1, 1000));
}

}  // namespace
}  // namespace aicache::eviction_ghost_table_test
