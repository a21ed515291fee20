#include <catch2/catch.hpp>

#include "tests/support/shard_harness.hpp"

namespace aicache::shard_figures_test {

using namespace aicache::test;

namespace {

constexpr std::uint64_t keys = 1'000;

// As many as a sample of one key in 16 has of them.
std::uint64_t sampled_of(std::uint64_t from, std::uint64_t to) {
  std::uint64_t n = 0;
  for (std::uint64_t k = from; k < to; ++k) n += sample_hash(id_of(k).key()) <= UINT64_MAX / 16 ? 1 : 0;
  return n;
}

lifetime_evidence told_of(const shard_report& r, const char* operation) {
  for (const operation_report& o : r.operations)
    if (o.name == operation) return o.lifetimes;
  return {};
}

struct expiring {
  expiring() {
    shard_harness::about brief;
    brief.ttl_ms = 1'000;
    for (std::uint64_t k = 0; k < keys; ++k) s.put(k, noise(300, k), brief);
  }
  shard_harness s{shard_options{}};
};

std::uint64_t ticks() {
  static std::uint64_t now = 0;
  return now += 500;
}

}  // namespace

TEST_CASE("what expired and is asked for again soon is evidence for longer lives", "[engine][shard][expiry]") {
  expiring e;
  e.s.pass(duration{1'200});
  REQUIRE(e.s.core.size() == 0);
  for (std::uint64_t k = 0; k < keys / 2; ++k) e.s.get(k);
  // A second miss of the same key is no second chance.
  for (std::uint64_t k = 0; k < keys / 2; ++k) e.s.get(k);
  const lifetime_evidence early = told_of(e.s.core.take_report(), "qa");
  CHECK(early.expired == sampled_of(0, keys));
  REQUIRE(early.expired > 30);
  const std::uint64_t first = sampled_of(0, keys / 2);
  CHECK(early.returned == std::array<std::uint64_t, 4>{first, first, first, first});
  CHECK(early.rate == 1.0 / 16);
  // Late ones would have needed far longer lives; what was told is not told again.
  e.s.pass(duration{1'300});
  for (std::uint64_t k = keys / 2; k < keys; ++k) e.s.get(k);
  const lifetime_evidence late = told_of(e.s.core.take_report(), "qa");
  CHECK(late.expired == 0);
  CHECK(late.returned == std::array<std::uint64_t, 4>{0, 0, 0, sampled_of(keys / 2, keys)});
  CHECK(e.s.core.take_report().operations.empty());
  CHECK(e.s.core.sound());
}

TEST_CASE("an answer whose end is found by a get is evidence as well", "[engine][shard][expiry]") {
  expiring e;
  e.s.now = e.s.now + duration{1'100};
  for (std::uint64_t k = 0; k < keys; ++k) CHECK(e.s.get(k).status == get_status::miss);
  const lifetime_evidence seen = told_of(e.s.core.take_report(), "qa");
  CHECK(seen.expired == sampled_of(0, keys));
  CHECK(seen.returned[0] == sampled_of(0, keys));
}

TEST_CASE("what was evicted, erased or invalidated is no evidence for longer lives", "[engine][shard][expiry]") {
  expiring e;
  for (std::uint64_t k = 0; k < keys; ++k) REQUIRE(e.s.erase(k));
  e.s.pass(duration{1'200});
  for (std::uint64_t k = 0; k < keys; ++k) e.s.get(k);
  CHECK(told_of(e.s.core.take_report(), "qa") == lifetime_evidence{1.0 / 16, 0, {}});
}

TEST_CASE("compression is timed where there is a watch, in the shard and by workers", "[engine][shard]") {
  shard_options o;
  o.tiers.budget = 16 << 20;
  o.tiers.stopwatch = ticks;
  shard_harness s{o};
  shard_harness::about large;
  large.text = text_tier::large;
  for (std::uint64_t k = 0; k < 50; ++k) s.put(k, prose(4'000, k), large);
  s.work();
  for (std::uint64_t k = 0; k < 20; ++k) REQUIRE(s.get(k, large).status == get_status::hit);
  const shard_counters counted = s.core.counters();
  REQUIRE(counted.packed == 50);
  REQUIRE(counted.unpacked == 20);
  s.core.packed(id_of(1).key(), {}, {}, s.out, 700);  // of nobody any more
  compression_figures figures;
  REQUIRE(figures.merge(s.core.take_report().compression));
  CHECK(figures.packed_permille.count() == 50);
  CHECK(figures.packed_permille.max() < 500);
  CHECK(figures.pack_nanoseconds.count() == 50);
  CHECK(figures.pack_nanoseconds.sum() == 50 * 500);
  CHECK(figures.unpack_nanoseconds.count() == 20);
  CHECK(s.core.take_report().compression == compression_report{});
}

TEST_CASE("without a watch nothing is timed, and nothing told of it", "[engine][shard]") {
  shard_harness s{shard_options{}};
  shard_harness::about large;
  large.text = text_tier::large;
  s.put(1, prose(4'000, 1), large);
  s.get(1, large);
  const compression_report told = s.core.take_report().compression;
  CHECK(told.pack_nanoseconds == sparse_histogram{});
  CHECK(told.unpack_nanoseconds == sparse_histogram{});
  CHECK(told.packed_permille.buckets.size() == 1);
}

TEST_CASE("what the shared tier took is told once", "[engine][shard][shared]") {
  shard_harness s{shard_options{}};
  s.core.shared_answered(1'000);
  s.core.shared_answered(2'000);
  const shard_report r = s.core.take_report();
  CHECK(r.shared_reads.sum == 3'000);
  CHECK(s.core.take_report().shared_reads == sparse_histogram{});
}

}  // namespace aicache::shard_figures_test
