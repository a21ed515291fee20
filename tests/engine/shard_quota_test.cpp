#include <catch2/catch.hpp>

#include "tests/support/shard_harness.hpp"

namespace aicache::shard_quota_test {

using namespace aicache::test;

namespace {

constexpr std::uint64_t mib = 1 << 20;

shard_options options_with(std::uint64_t budget, std::uint64_t quota = 0, double warm_share = 0.5) {
  shard_options o;
  o.tiers.budget = budget;
  o.tiers.warm_share = warm_share;
  o.quotas.otherwise = quota;
  return o;
}

shard_harness::about of(const char* tenant) {
  shard_harness::about a;
  a.tenant = tenant;
  return a;
}

/// What became of a tenant whose answers fit, asked for at random, while another asks for ever new ones.
double hit_percent_of_victim(std::uint64_t quota, unsigned flood_a_get) {
  constexpr std::uint64_t budget = 24 * mib;
  constexpr std::uint64_t own_keys = 8'000;
  constexpr std::uint64_t gets = 60'000;
  shard_harness s{options_with(budget, quota)};
  const auto ask = [&s](std::uint64_t key, const char* tenant) {
    const bool hit = s.get(key, of(tenant)).status == get_status::hit;
    if (!hit) s.put(key, noise(900, key), of(tenant));
    return hit;
  };
  std::uint64_t hits = 0;
  std::uint64_t fresh = 1'000'000;
  for (std::uint64_t i = 0; i < gets; ++i) {
    hits += ask(sample_hash({i, 7}) % own_keys, "steady") ? 1 : 0;
    for (unsigned k = 0; k < flood_a_get; ++k) ask(++fresh, "flood");
    if (i % 1000 == 0) REQUIRE(s.core.charged() <= budget);
  }
  CHECK(s.core.sound());
  if (flood_a_get > 0 && quota > 0) {
    const tenant_gauges flood = s.core.gauges_of("flood");
    CHECK(flood.bytes <= quota);
    CHECK(flood.bytes > quota - 4096);
    CHECK(flood.quota == quota);
    CHECK(s.core.of_tenant("flood").quota_evicted > 100'000);
    CHECK(s.core.of_tenant("steady").quota_evicted == 0);
  }
  return 100.0 * static_cast<double>(hits) / gets;
}

}  // namespace

TEST_CASE("a flood of one tenant costs another less than two points of its hits, if there is a quota",
          "[engine][shard][quota]") {
  const double alone = hit_percent_of_victim(0, 0);
  const double beside_a_flood = hit_percent_of_victim(8 * mib, 3);
  const double without_a_quota = hit_percent_of_victim(0, 3);
  CAPTURE(alone, beside_a_flood, without_a_quota);
  // The working set fits: only what is asked for the first time misses.
  CHECK(alone > 85);
  CHECK(alone - beside_a_flood < 2);
  CHECK(alone - without_a_quota > 10);
}

TEST_CASE("a tenant's quota is its own, and 0 is none", "[engine][shard][quota]") {
  shard_options o = options_with(16 * mib, 1 * mib);
  o.quotas.tenants = {{"large", 3 * mib}, {"free", 0}};
  shard_harness s{o};
  for (const char* tenant : {"large", "free", "any"})
    for (std::uint64_t k = 0; k < 6'000; ++k)
      s.put(sample_hash({k, std::string(tenant).size()}), noise(900, k), of(tenant));
  CHECK(s.core.gauges_of("any").bytes <= 1 * mib);
  CHECK(s.core.gauges_of("any").bytes > 1 * mib - 4096);
  CHECK(s.core.gauges_of("large").bytes <= 3 * mib);
  CHECK(s.core.gauges_of("large").bytes > 3 * mib - 4096);
  CHECK(s.core.gauges_of("free").bytes > 5 * mib);
  CHECK(s.core.gauges_of("free").quota == 0);
  CHECK(s.core.of_tenant("free").quota_evicted == 0);
  CHECK(s.core.sound());
}

TEST_CASE("a tenant at its quota keeps what it uses", "[engine][shard][quota]") {
  shard_harness s{options_with(16 * mib, 2 * mib)};
  constexpr std::uint64_t used = 500;
  for (std::uint64_t k = 0; k < used; ++k) s.put(k, noise(900, k));
  std::uint64_t missed = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    s.put(1'000 + i, noise(900, i));
    if (s.get(i % used).status != get_status::hit) {
      ++missed;
      s.put(i % used, noise(900, i));
    }
  }
  CHECK(missed < 200);
  CHECK(s.core.gauges_of("t").bytes <= 2 * mib);
  CHECK(s.core.sound());
}

TEST_CASE("an answer that is larger than its tenant's quota is refused, and drives nothing out",
          "[engine][shard][quota]") {
  shard_harness s{options_with(16 * mib, 64 << 10)};
  REQUIRE(s.put(1, noise(900, 1)).status == put_status::stored);
  const put_result r = s.put(2, noise(100'000, 2));
  CHECK(r == put_result{put_status::refused, errc::too_large});
  CHECK(s.exists(1));
  CHECK(s.core.counters().refused_quota == 1);
  CHECK(s.core.counters().refused_too_large == 0);
  CHECK(s.core.of_tenant("t").quota_refused == 1);
  CHECK(s.core.sound());
}

TEST_CASE("a tenant of few entries among very many is refused at times, and never for long", "[engine][shard][quota]") {
  shard_options o = options_with(64 * mib, 0, 0);
  o.quotas.tenants = {{"small", 20'000}};
  shard_harness s{o};
  for (std::uint64_t k = 0; k < 40'000; ++k) s.put(k, noise(900, k), of("many"));
  std::uint64_t stored = 0;
  constexpr std::uint64_t puts = 5'000;
  for (std::uint64_t k = 0; k < puts; ++k) {
    const put_result r = s.put(1'000'000 + k, noise(900, k), of("small"));
    stored += r.status == put_status::stored ? 1 : 0;
    if (r.status != put_status::stored) REQUIRE(r == put_result{put_status::refused, errc::overloaded});
    REQUIRE(s.core.gauges_of("small").bytes <= 20'000);
  }
  CHECK(stored > puts / 50);
  CHECK(stored < puts);
  CHECK(s.core.of_tenant("small").quota_refused == puts - stored);
  CHECK(s.core.counters().refused_quota == puts - stored);
  CHECK(s.core.gauges_of("many").entries == 40'000);
  CHECK(s.core.sound());
}

TEST_CASE("what grows as it moves up stays within its tenant's quota", "[engine][shard][quota]") {
  shard_options o = options_with(16 * mib, 1 * mib);
  shard_harness s{o};
  // Compressed, far more of them fit than raw.
  shard_harness::about medium = of("t");
  medium.text = text_tier::large;
  for (std::uint64_t k = 0; k < 600; ++k) s.put(k, prose(8'000, k), medium);
  const std::uint64_t many = s.core.gauges_of("t").entries;
  CHECK(many > 200);
  for (int turn = 0; turn < 3; ++turn)
    for (std::uint64_t k = 0; k < 600; ++k) {
      s.get(k);
      REQUIRE(s.core.gauges_of("t").bytes <= 1 * mib);
    }
  CHECK(s.core.counters().promotions > 0);
  CHECK(s.core.gauges_of("t").entries < many);
  CHECK(s.core.sound());
}

TEST_CASE("a report tells what tenants take, once whenever it changes", "[engine][shard][quota]") {
  shard_harness s{options_with(16 * mib, 1 * mib)};
  s.put(1, noise(900, 1), of("a"));
  const auto told_of = [](const shard_report& r, const char* name) -> std::optional<tenant_report> {
    for (const tenant_report& t : r.tenants)
      if (t.name == name) return t;
    return std::nullopt;
  };
  const auto first = told_of(s.core.take_report(), "a");
  REQUIRE(first);
  CHECK(first->present == s.core.gauges_of("a"));
  CHECK(first->present.entries == 1);
  CHECK(first->present.bytes > 900);
  CHECK(first->present.quota == 1 * mib);
  CHECK_FALSE(told_of(s.core.take_report(), "a"));
  s.erase(1);
  const auto second = told_of(s.core.take_report(), "a");
  REQUIRE(second);
  CHECK(second->present == tenant_gauges{0, 0, 1 * mib});
  CHECK(second->counted == tenant_counters{});
}

}  // namespace aicache::shard_quota_test
