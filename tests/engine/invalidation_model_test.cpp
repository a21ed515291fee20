#include "tests/support/invalidation_world.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>

namespace aicache::invalidation_model_test {

using namespace aicache::test;

namespace {

void live(std::uint64_t seed, generation_book::limits book, std::size_t journal, std::uint64_t& allowed,
          std::uint64_t& refused, std::uint64_t& losses, std::uint64_t& collapses) {
  INFO("seed " << seed);
  invalidation_world w(seed, book, journal);
  for (int part = 0; part < 3; ++part) {
    for (int i = 0; i < 2'000; ++i) w.step();
    w.calm();
  }
  allowed += w.allowed;
  refused += w.refused;
  losses += w.losses;
  collapses += w.collapses;
}

}  // namespace

TEST_CASE("whatever becomes of Redis and of its nodes, an open gate lets through nothing that was invalidated",
          "[shared][model]") {
  const char* rounds = std::getenv("AICACHE_TEST_ROUNDS");
  const std::uint64_t factor = rounds == nullptr ? 1 : std::strtoull(rounds, nullptr, 10);
  std::uint64_t allowed = 0, refused = 0, losses = 0, collapses = 0;
  for (std::uint64_t seed = 1; seed <= 40 * factor; ++seed) {
    live(seed, {1'000, 1'000}, 1'000, allowed, refused, losses, collapses);
    live(seed, {8, 5}, 1'000, allowed, refused, losses, collapses);
    live(seed, {1'000, 1'000}, 4, allowed, refused, losses, collapses);
  }
  CHECK(allowed > 10'000);
  CHECK(refused > 10'000);
  CHECK(losses > 20);
  CHECK(collapses > 20);
}

}  // namespace aicache::invalidation_model_test
