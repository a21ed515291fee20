#include <catch2/catch.hpp>

#include "tests/support/shard_harness.hpp"

using namespace aicache;
using namespace aicache::test;

namespace {

shard_options with_redis(bool on) {
  shard_options o;
  o.tiers.budget = 32ULL << 20;
  o.shared.on = on;
  return o;
}

range_set range_of_key(std::uint64_t key) {
  range_set r;
  r[range_of(id_of(key).key())] = true;
  return r;
}

struct cluster_shard : shard_harness {
  using shard_harness::shard_harness;
  void forget(const range_set& lost) {
    core.forget(lost, false, now, out);
    // As after every event of the harness.
    pass(duration{0});
  }
};

}  // namespace

TEST_CASE("what memory has of a range that goes to another node is gone, and nothing else, also when it comes back") {
  cluster_shard s(with_redis(false));
  s.put(1, "mine until now");
  s.put(2, "mine");
  REQUIRE(range_of(id_of(1).key()) != range_of(id_of(2).key()));
  s.core.forget(range_of_key(1), false, s.now, s.out);
  CHECK(s.get(1).status == get_status::miss);
  CHECK(text_of(s.get(2)) == "mine");
  s.tick();
  CHECK(s.core.size() == 1);
  s.put(1, "mine again");
  CHECK(text_of(s.get(1)) == "mine again");
  s.forget(~range_set{});
  CHECK(s.core.size() == 0);
  CHECK(s.core.has_let_go());
  CHECK(s.core.sound());
}

TEST_CASE("who waits for an answer of a range that goes is told that it moved, and the lease is worth nothing") {
  cluster_shard s(with_redis(false));
  const get_result first = s.get(1, leasing(1));
  REQUIRE(first.status == get_status::lease);
  REQUIRE(s.get(1, leasing(2)).status == get_status::pending);
  const std::uint64_t second = s.batch;
  REQUIRE(s.get(2, leasing(3)).status == get_status::lease);
  s.forget(range_of_key(1));
  REQUIRE(s.late(second) != nullptr);
  CHECK(s.late(second)->status == get_status::error);
  CHECK(s.late(second)->error == errc::moved);
  CHECK_FALSE(s.release(1, first.lease));
  CHECK(s.core.gauges().leases_out == 1);
  CHECK(s.core.sound());
}

TEST_CASE("who waits for a look-up of a range that goes is told that it moved, and what it brings is not kept") {
  cluster_shard s(with_redis(true));
  s.shared(true);
  s.put_elsewhere(1, "from Redis");
  REQUIRE(s.get(1, leasing(1)).status == get_status::pending);
  const std::uint64_t asked = s.batch;
  s.forget(range_of_key(1));
  REQUIRE(s.late(asked) != nullptr);
  CHECK(s.late(asked)->error == errc::moved);
  s.work();
  CHECK(s.core.size() == 0);
  CHECK(s.core.sound());
}

TEST_CASE("what waits to be written of a range that goes reaches Redis, at once or when that is back") {
  cluster_shard s(with_redis(true));
  const bool reachable = GENERATE(true, false);
  s.shared(reachable);
  s.put(1, "acknowledged");
  s.put(2, "stays");
  s.forget(range_of_key(1));
  CHECK_FALSE(s.core.has_let_go());
  CHECK(s.get(1, leasing(1)).status != get_status::hit);
  if (!reachable) {
    s.pass(duration{1'000});
    CHECK_FALSE(s.core.has_let_go());
    s.shared(true);
  }
  s.work();
  s.tick();
  CHECK(s.in_redis(1) == "acknowledged");
  CHECK(s.core.has_let_go());
  CHECK(s.core.size() == 1);
  CHECK(s.core.sound());
}

TEST_CASE("what was invalidated before its range went is not written any more") {
  cluster_shard s(with_redis(true));
  s.shared(false);
  s.put(1, "dead");
  s.invalidate(scope_of_tenant("t"), 1, 2);
  s.forget(range_of_key(1));
  s.shared(true, 2);
  s.work();
  s.tick();
  CHECK(s.in_redis(1) == "(nothing)");
  CHECK(s.core.size() == 0);
}

TEST_CASE("a node that leaves writes what waits, and keeps its memory for whoever hands it over") {
  cluster_shard s(with_redis(true));
  s.shared(true);
  s.put(1, "hot");
  s.core.forget(~range_set{}, true, s.now, s.out);
  s.tick();
  s.work();
  s.tick();
  CHECK(s.core.has_let_go());
  CHECK(s.in_redis(1) == "hot");
  CHECK(s.core.walk({}, 1 << 20, s.now).page.items.size() == 1);
}
