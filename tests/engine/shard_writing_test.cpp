#include <catch2/catch.hpp>

#include "tests/support/shard_harness.hpp"

namespace aicache::shard_writing_test {

using namespace aicache::test;

// A shard that tells the shared tier what was put, erased and touched, behind its answers.

namespace {

using about = shard_harness::about;

shard_options options_of(std::size_t dirty_keys = 16'384) {
  shard_options o;
  o.tiers.budget = 64 << 20;
  o.tiers.warm_share = 0;
  o.shared.on = true;
  o.shared.dirty_keys = dirty_keys;
  return o;
}

struct shared_shard : shard_harness {
  explicit shared_shard(const shard_options& o = options_of(), bool available = true) : shard_harness(o) {
    shared(available, 1);
  }
};

about through() {
  about a;
  a.write_through = true;
  return a;
}

}  // namespace

TEST_CASE("what is put is written behind, in order, and a key that is put again once", "[engine][shard][shared]") {
  shared_shard s(options_of(), false);
  for (std::uint64_t k : {3, 1, 2, 3, 1}) s.put(k, "answer " + std::to_string(s.changes));
  s.put(3, "the last");
  CHECK(s.core.gauges().dirty == 3);
  CHECK(s.jobs.empty());
  s.shared(true);
  s.work();
  CHECK(s.redis.order == std::vector<std::string>{held_redis::name_of(id_of(3)), held_redis::name_of(id_of(1)),
                                                  held_redis::name_of(id_of(2))});
  CHECK(s.in_redis(3) == "the last");
  CHECK(s.core.gauges().dirty == 0);
  CHECK(s.core.sound());
}

TEST_CASE("over the limit the oldest change is given up, counted, and this shard does not ask for it any more",
          "[engine][shard][shared]") {
  shared_shard s(options_of(16), false);
  s.put_elsewhere(0, "older");
  for (std::uint64_t k = 0; k < 20; ++k) s.put(k, "answer");
  CHECK(s.core.gauges().dirty == 16);
  CHECK(s.core.counters().dirty_dropped == 4);
  s.shared(true);
  s.work();
  CHECK(s.redis.writes == 16);
  CHECK(s.in_redis(0) == "older");
  s.core.clear(s.out);
  s.get(0);
  CHECK(s.redis.look_ups == 0);
  CHECK(s.get(0).status == get_status::miss);
  CHECK(s.get(19).status == get_status::pending);
  // A newer put is written like any other.
  s.put(0, "new");
  s.work();
  CHECK(s.in_redis(0) == "new");
  CHECK(s.core.gauges().dirty == 0);
  s.core.clear(s.out);
  s.get(0);
  s.work();
  CHECK(text_of(*s.late(s.batch)) == "new");
  CHECK(s.core.sound());
}

TEST_CASE("what left memory before it was written is removed from Redis, and counted once", "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "older");
  s.put(1, "new", through());
  s.redis.away = true;
  s.work();
  CHECK(s.news[s.changes] == store_status::unavailable);
  s.core.clear(s.out);
  for (int i = 0; i < 3; ++i) {
    s.tick();
    s.work();
  }
  CHECK(s.core.counters().dirty_gone == 1);
  s.redis.away = false;
  s.tick();
  s.work();
  CHECK_FALSE(s.lies_in_redis(1));
  CHECK(s.core.counters().dirty_gone == 1);
  CHECK(s.core.sound());
}

TEST_CASE("what Redis does not have yet is not looked up there in an older form", "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "older");
  s.put(1, "new");
  const std::size_t open_write = s.jobs.size();
  REQUIRE(open_write == 1);
  s.core.clear(s.out);  // out of memory, and still on its way
  CHECK(s.get(1).status == get_status::miss);
  CHECK(s.look_up(1) == 0);
  s.work();
  CHECK(s.get(1).status == get_status::pending);
  s.work();
  CHECK(text_of(*s.late(s.batch)) == "new");
  CHECK(s.core.sound());
}

TEST_CASE("what Redis will not take is counted, and the older answer there is not asked for",
          "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "older");
  s.redis.full = true;
  s.put(1, "new", through());
  s.work();
  CHECK(s.news[s.changes] == store_status::refused);
  CHECK(s.core.counters().dirty_refused == 1);
  CHECK(s.core.gauges().dirty == 0);
  s.core.clear(s.out);
  CHECK(s.get(1).status == get_status::miss);
  CHECK(s.core.sound());
}

TEST_CASE("without Redis changes are kept, and written when it is back", "[engine][shard][shared]") {
  shared_shard s;
  s.redis.away = true;
  for (std::uint64_t k = 0; k < 1'000; ++k) s.put(k, "answer " + std::to_string(k));
  s.work();
  CHECK(s.core.gauges().dirty == 1'000);
  CHECK(s.core.sound());
  s.redis.away = false;
  s.shared(true);
  s.work();
  CHECK(s.redis.data.size() == 1'000);
  CHECK(s.in_redis(999) == "answer 999");
  CHECK(s.core.gauges().dirty == 0);
  CHECK(s.core.sound());
}

TEST_CASE("the changes of a worker that died are sent again", "[engine][shard][shared]") {
  shared_shard s;
  s.put(1, "answer", through());
  s.jobs.clear();
  s.core.changes_lost(s.now, s.out);
  s.tick();
  s.work();
  CHECK(s.news[s.changes] == store_status::unavailable);
  CHECK(s.in_redis(1) == "answer");
  CHECK(s.core.gauges().dirty == 0);
}

TEST_CASE("only so much is on its way at once, and the rest follows", "[engine][shard][shared]") {
  shard_options o = options_of();
  o.shared.write_bytes = 10'000;
  shared_shard s(o);
  for (std::uint64_t k = 0; k < 200; ++k) s.put(k, noise(1'000, k));
  CHECK(s.jobs.size() < 15);
  CHECK(s.core.sound());
  s.work();
  CHECK(s.redis.data.size() == 200);
}

TEST_CASE("a put that is written through is told what became of it", "[engine][shard][shared]") {
  shared_shard s;
  SECTION("Redis has it") {
    s.put(1, "answer", through());
    CHECK(s.news.empty());
    s.work();
    CHECK(s.news[s.changes] == store_status::done);
  }
  SECTION("Redis is known to be away") {
    s.shared(false);
    CHECK(s.put(1, "answer", through()).shared == shared_copy::failed);
    CHECK(s.news.empty());
    CHECK(s.core.gauges().dirty == 1);
  }
  SECTION("Redis goes away before it is sent") {
    s.invalidate(scope_of_tenant("t"));  // without its number nothing of the tenant can be written
    s.put(1, "answer", through());
    CHECK(s.jobs.empty());
    s.shared(false);
    CHECK(s.news[s.changes] == store_status::unavailable);
    s.settle(scope_of_tenant("t"), 2);
    s.shared(true, 2);
    s.work();
    CHECK(s.in_redis(1) == "answer");
  }
  SECTION("it is erased before it is sent") {
    s.invalidate(scope_of_tenant("t"));
    s.put(1, "answer", through());
    const std::uint64_t put = s.changes;
    s.erase(1);
    s.settle(scope_of_tenant("t"), 2);
    s.shared(true, 2);
    s.work();
    CHECK(s.news[put] == store_status::refused);
    CHECK(s.news[s.changes] == store_status::absent);
    CHECK_FALSE(s.lies_in_redis(1));
  }
  SECTION("it leaves memory before it is sent") {
    s.put_elsewhere(1, "older");
    s.invalidate(scope_of_tenant("t"));
    s.put(1, "answer", through());
    s.core.clear(s.out);
    s.settle(scope_of_tenant("t"), 2);
    s.shared(true, 2);
    s.work();
    CHECK(s.news[s.changes] == store_status::refused);
    CHECK_FALSE(s.lies_in_redis(1));
  }
  CHECK(s.core.sound());
}

TEST_CASE("an erase is told whether Redis had the answer", "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "answer");
  CHECK_FALSE(s.erase(1));
  const std::uint64_t first = s.changes;
  CHECK_FALSE(s.erase(2));
  CHECK(s.news.empty());
  s.work();
  CHECK(s.news[first] == store_status::done);
  CHECK(s.news[s.changes] == store_status::absent);
  CHECK_FALSE(s.lies_in_redis(1));
  CHECK(s.erased.size() == 2);
  s.shared(false);
  s.erase(3);
  CHECK(s.news.count(s.changes) == 0);  // it does not wait for what is away
  CHECK(s.core.sound());
}

TEST_CASE("a put after an erase is written once the erase has its number", "[engine][shard][shared]") {
  shared_shard s;
  s.put(1, "old");
  s.work();
  s.erase(1);
  s.put(1, "new");
  s.work();
  CHECK(s.in_redis(1) == "(nothing)");
  s.settle(scope_of_key(id_of(1).key()), 5);
  s.shared(true, 5);
  s.work();
  CHECK(s.in_redis(1) == "new");
  // A removal that comes back as failed only now must not undo it.
  CHECK(s.core.gauges().dirty == 0);
  CHECK(s.core.sound());
}

TEST_CASE("a removal that failed is not tried again over a newer answer", "[engine][shard][shared]") {
  shared_shard s;
  s.erase(1);
  REQUIRE(s.jobs.size() == 1);
  const std::uint64_t removal = std::get<write_job>(s.jobs[0]).ticket;
  s.jobs.clear();
  s.settle(scope_of_key(id_of(1).key()), 5);
  s.shared(true, 5);
  s.put(1, "new");
  s.work();
  CHECK(s.in_redis(1) == "new");
  const store_status failed[] = {store_status::unavailable};
  s.core.written(removal, failed, s.now, s.out);
  s.tick();
  s.work();
  CHECK(s.in_redis(1) == "new");
  CHECK(s.core.sound());
}

TEST_CASE("a compressed answer is written in a form that others can read", "[engine][shard][shared]") {
  shard_options o = options_of();
  o.tiers.warm_share = 0.5;
  o.tiers.dictionary_samples = 50;
  shared_shard s(o, false);
  about a;
  a.text = text_tier::xlarge;  // straight into warm
  for (std::uint64_t k = 0; k < 400; ++k) {
    s.put(k, prose(600, k), a);
    if (k % 50 == 0) s.work();
  }
  CHECK(s.core.gauges().dictionaries > 0);
  s.shared(true);
  s.work();
  for (std::uint64_t k = 0; k < 400; ++k) REQUIRE(s.in_redis(k) == prose(600, k));
  CHECK(s.core.sound());
}

TEST_CASE("what waits to be written is held by the budget", "[engine][shard][shared]") {
  shard_options o = options_of();
  o.tiers.budget = 1 << 20;
  shared_shard s(o, false);
  for (std::uint64_t k = 0; k < 20'000; ++k) {
    s.put(k, "answer");
    if (k % 3 == 0) s.erase(k);
    s.touch(k, 5'000);
    if (s.core.charged() > (1 << 20)) FAIL("over the budget after " << k);
  }
  for (std::uint64_t t = 0; t < 20'000; ++t) {
    s.invalidate(scope_of_tag(t), 0, t);
    if (s.core.charged() > (1 << 20)) FAIL("over the budget after tag " << t);
  }
  CHECK(s.core.sound());
  CHECK(s.core.size() > 0);
}

}  // namespace aicache::shard_writing_test
