#include <catch2/catch.hpp>

#include "engine/eviction/shadow_cache.hpp"

#include <cstdint>
#include <random>

namespace aicache::eviction_shadow_cache_test {
namespace {

TEST_CASE("a shadow holds what its policy keeps, and finds nothing else", "[engine][eviction]") {
  shadow_cache shadow{eviction_mode::middle, 100, 150};
  std::mt19937_64 random{1};
  for (int n = 0; n < 20'000; ++n) {
    // As sampled keys are: the upper bits of the hash are all zero.
    shadow.request((random() % 400) * 0x9e3779b97f4a7c15ULL >> 7, 1, true);
    if (n % 1000 == 0) REQUIRE(shadow.sound());
  }
  CHECK(shadow.count() == 100);
  CHECK(shadow.sound());
}

TEST_CASE("keys that collide in the index are all found after any of them left", "[engine][eviction]") {
  shadow_cache shadow{eviction_mode::recency, 64, 64};
  std::mt19937_64 random{2};
  for (int n = 0; n < 20'000; ++n) {
    shadow.request(random() % 90, static_cast<std::uint32_t>(1 + random() % 3), true);
    REQUIRE(shadow.sound());
  }
}

TEST_CASE("a weight that becomes known is corrected, and the capacity still holds", "[engine][eviction]") {
  shadow_cache shadow{eviction_mode::middle, 1000, 100};
  CHECK_FALSE(shadow.request(7, 10, false));
  CHECK(shadow.used() == 10);
  CHECK(shadow.request(7, 400, true));
  CHECK(shadow.used() == 400);
  CHECK(shadow.request(7, 10, false));
  CHECK(shadow.used() == 400);
  CHECK(shadow.request(7, 2000, true));
  CHECK(shadow.used() == 0);
  CHECK_FALSE(shadow.request(7, 2000, true));
  CHECK(shadow.count() == 0);
  CHECK(shadow.sound());
}

TEST_CASE("no more keys than the pool holds, and no allocation once built", "[engine][eviction]") {
  shadow_cache shadow{eviction_mode::history, 1'000'000, 50};
  std::mt19937_64 random{3};
  const std::size_t bytes = shadow.bytes();
  for (int n = 0; n < 20'000; ++n) {
    shadow.request(random() % 200, static_cast<std::uint32_t>(random() % 4), true);
    REQUIRE(shadow.count() <= 50);
  }
  CHECK(shadow.bytes() == bytes);
  CHECK(shadow.sound());
}

TEST_CASE("a shadow follows its capacity down at once and up again", "[engine][eviction]") {
  shadow_cache shadow{eviction_mode::middle, 100, 100};
  for (std::uint64_t key = 0; key < 300; ++key) shadow.request(key, 1, true);
  CHECK(shadow.used() == 100);
  shadow.capacity(30);
  CHECK(shadow.used() == 30);
  CHECK(shadow.sound());
  shadow.capacity(90);
  for (std::uint64_t key = 1000; key < 1300; ++key) shadow.request(key, 1, true);
  CHECK(shadow.used() == 90);
  CHECK(shadow.sound());
}

}  // namespace
}  // namespace aicache::eviction_shadow_cache_test
