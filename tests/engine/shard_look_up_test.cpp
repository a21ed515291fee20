#include <catch2/catch.hpp>

#include "tests/support/shard_harness.hpp"

namespace aicache::shard_look_up_test {

using namespace aicache::test;

// A shard that looks up in the shared tier what it does not have.

namespace {

using about = shard_harness::about;

shard_options shared_options_with(std::uint64_t budget = 64 << 20) {
  shard_options o;
  o.tiers.budget = budget;
  o.tiers.warm_share = 0;
  o.shared.on = true;
  return o;
}

struct shared_shard : shard_harness {
  explicit shared_shard(const shard_options& o = shared_options_with()) : shard_harness(o) { shared(true, 1); }
  const operation_counters& qa() { return core.of_operation("qa"); }
};

}  // namespace

TEST_CASE("ten thousand gets of one key are one look-up, and all are answered", "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "answer");
  std::vector<std::uint64_t> asked;
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE(s.get(1).status == get_status::pending);
    asked.push_back(s.batch);
  }
  CHECK(s.core.sound());
  s.work();
  CHECK(s.redis.keys_looked_up == 1);
  CHECK(s.answers_given == 10'000);
  for (const std::uint64_t b : asked) {
    REQUIRE(s.late(b) != nullptr);
    REQUIRE(s.late(b)->status == get_status::hit);
    REQUIRE(s.late(b)->from == tier::shared);
  }
  CHECK(s.qa().hits_shared == 10'000);
  CHECK(s.qa().saved_output_tokens == 20'000);
  CHECK(s.get(1).from == tier::hot);
  CHECK(s.core.sound());
}

TEST_CASE("the same key twice in one batch is looked up once, and one of the two may compute it",
          "[engine][shard][shared]") {
  shared_shard s;
  s.core.resolve({{"qa"}, {"t"}});
  const get_item twice[] = {{id_of(1), 0, 0, text_tier::small, true}, {id_of(1), 0, 0, text_tier::small, true}};
  get_result r[2];
  s.core.get(twice, {7, 1, s.now + duration{5'000}}, s.now, r, s.out);
  REQUIRE(s.out.size() == 1);
  const fetch_request asked = std::get<fetch_request>(s.out[0]);
  CHECK(asked.keys.size() == 1);
  s.out.clear();
  s.core.fetched(asked.ticket, s.redis.look(asked), s.now, s.out);
  REQUIRE(s.out.size() == 2);
  CHECK(std::get<late_answer>(s.out[0]).result.status == get_status::lease);
  CHECK(std::get<late_answer>(s.out[1]).result.status == get_status::miss);
  CHECK(s.core.sound());
}

TEST_CASE("what Redis had enters memory with what is left of its life", "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "answer", 1, duration{5'000});
  const instant born = s.now;
  s.pass(duration{2'000});
  s.get(1);
  s.work();
  REQUIRE(s.late(s.batch) != nullptr);
  CHECK(s.late(s.batch)->expires == born + duration{5'000});
  CHECK(s.late(s.batch)->created == born);
  CHECK(s.time_left(1).left_ms == 3'000);
  CHECK(s.core.counters().shared_kept == 1);
  s.redis.data.clear();
  s.now = s.now + duration{2'999};
  CHECK(s.get(1).from == tier::hot);
  s.now = s.now + duration{1};
  CHECK(s.get(1).status == get_status::pending);
  s.work();
  CHECK(s.late(s.batch)->status == get_status::miss);
}

TEST_CASE("who asks for a lease gets it after the look-up, and the put answers the line", "[engine][shard][shared]") {
  shared_shard s;
  s.get(1, leasing(1));
  const std::uint64_t first = s.batch;
  s.get(1, leasing(2));
  const std::uint64_t second = s.batch;
  s.get(1);
  const std::uint64_t plain = s.batch;
  s.work();
  REQUIRE(s.late(first)->status == get_status::lease);
  CHECK(s.late(second) == nullptr);
  CHECK(s.late(plain)->status == get_status::miss);
  CHECK(s.get(1).status == get_status::miss);  // somebody computes it: Redis is not asked again
  CHECK(s.core.sound());
  CHECK(s.put(1, "answer", under(s.late(first)->lease)) == put_result{});
  CHECK(s.late(second)->from == tier::parked);
  s.work();
  CHECK(s.redis.keys_looked_up == 1);
  CHECK(s.in_redis(1) == "answer");
  CHECK(s.qa().misses_absent == 3);
  CHECK(s.qa().hits_parked == 1);
  CHECK(s.core.sound());
}

TEST_CASE("a look-up that is late ends as a miss, and what it brings is kept", "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "answer");
  s.get(1);
  const std::uint64_t asked = s.batch;
  s.pass(duration{1'999});
  CHECK(s.late(asked) == nullptr);
  s.pass(duration{1});
  REQUIRE(s.late(asked) != nullptr);
  CHECK(s.late(asked)->status == get_status::miss);
  CHECK(s.qa().misses_unreachable == 1);
  s.work();
  CHECK(s.answers_given == 1);
  CHECK(text_of(s.get(1)) == "answer");
  CHECK(s.core.sound());
}

TEST_CASE("a look-up that is never answered is forgotten in the end, and the next get asks anew",
          "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "answer");
  s.get(1);
  s.jobs.clear();  // the message is lost
  s.pass(duration{3'000});
  CHECK(s.get(1).status == get_status::pending);
  CHECK(s.jobs.empty());  // it is still hoped for
  const std::uint64_t joined = s.batch;
  s.pass(duration{1'000});
  CHECK(s.late(joined)->status == get_status::miss);
  CHECK(s.core.gauges().looked_up == 0);
  CHECK(s.get(1).status == get_status::pending);
  s.work();
  CHECK(text_of(*s.late(s.batch)) == "answer");
  CHECK(s.core.sound());
}

TEST_CASE("a late answer under a forgotten ticket changes nothing", "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "old");
  s.get(1);
  s.pass(duration{4'000});
  s.put(1, "new");
  s.work();
  CHECK(text_of(s.get(1)) == "new");
  CHECK(s.answers_given == 1);
  CHECK(s.core.sound());
}

TEST_CASE("without Redis a miss says so, and nobody waits", "[engine][shard][shared]") {
  shared_shard s;
  SECTION("it is known to be away") {
    s.shared(false);
    CHECK(s.get(1).status == get_status::miss);
    CHECK(s.get(2, leasing()).status == get_status::lease);
    CHECK(s.jobs.empty());
  }
  SECTION("it goes away under way") {
    s.redis.away = true;
    s.get(1);
    s.get(2, leasing());
    s.work();
    CHECK(s.late(s.batch - 1)->status == get_status::miss);
    CHECK(s.late(s.batch)->status == get_status::lease);
  }
  SECTION("the way to it is made anew under way") {
    s.get(1);
    s.get(2, leasing());
    s.core.shared_tier_reset(s.now, s.out);
    s.tick();
    CHECK(s.late(s.batch - 1)->status == get_status::miss);
    CHECK(s.late(s.batch)->status == get_status::lease);
    s.work();  // the old link's answers
    CHECK(s.answers_given == 2);
  }
  CHECK(s.qa().misses_unreachable == 2);
  CHECK(s.core.sound());
}

TEST_CASE("what does not verify is a counted miss, and is removed from Redis", "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "answer");
  s.put_elsewhere(2, "of another question");
  std::string& bytes = s.redis.data.begin()->second;
  std::string lie = "a damaged one";
  SECTION("a damaged byte") {
    lie = s.redis.data[held_redis::name_of(id_of(1))];
    lie[lie.size() / 2] = static_cast<char>(lie[lie.size() / 2] ^ 1);
  }
  SECTION("cut short") { lie = bytes.substr(0, bytes.size() - 1); }
  SECTION("another question's answer") { lie = s.redis.data[held_redis::name_of(id_of(2))]; }
  SECTION("rubbish") { lie = noise(300, 1); }
  SECTION("nothing") { lie.clear(); }
  s.redis.data[held_redis::name_of(id_of(1))] = lie;
  s.get(1);
  s.work();
  CHECK(s.late(s.batch)->status == get_status::miss);
  CHECK(s.qa().misses_corrupt == 1);
  CHECK(s.core.counters().shared_corrupt == 1);
  CHECK(s.core.size() == 0);
  s.tick();
  s.work();
  CHECK_FALSE(s.lies_in_redis(1));
  CHECK(s.lies_in_redis(2));
  CHECK(s.core.counters().dirty_gone == 0);
  CHECK(s.core.sound());
}

TEST_CASE("an answer of Redis that is larger than this node keeps is a miss, and left to other nodes",
          "[engine][shard][shared]") {
  shard_options o = shared_options_with();
  o.tiers.value_bytes = 1'024;
  shared_shard s(o);
  s.put_elsewhere(1, std::string(8'000, 'x'));
  s.get(1);
  s.work();
  CHECK(s.late(s.batch)->status == get_status::miss);
  CHECK(s.qa().misses_absent == 1);
  CHECK(s.core.counters().shared_corrupt == 0);
  s.tick();
  s.work();
  CHECK(s.lies_in_redis(1));
  CHECK(s.core.sound());
}

TEST_CASE("an answer of Redis whose time is over is a miss", "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "answer", 1, duration{100});
  s.now = s.now + duration{100};
  s.get(1);
  s.work();
  CHECK(s.late(s.batch)->status == get_status::miss);
  CHECK(s.qa().misses_expired == 1);
  CHECK(s.core.counters().shared_dead == 1);
  CHECK(s.core.sound());
}

TEST_CASE("an answer of Redis that is older than an invalidation is a miss", "[engine][shard][shared]") {
  shared_shard s;
  const std::uint64_t tag = tag_hash("t", "x");
  const scope what = GENERATE_COPY(scope{}, scope_of_tenant("t"), scope_of_operation("qa"), scope_of_tag(tag),
                                   scope_of_key(id_of(1).key()));
  INFO(to_text(what));
  s.put_elsewhere(1, "old", 4, duration{60'000}, {tag});
  SECTION("that has its number") { s.invalidate(what, 0, 5); }
  SECTION("that has none yet") { s.invalidate(what); }
  SECTION("that got its number later") {
    s.invalidate(what);
    s.settle(what, 5);
  }
  SECTION("that came while it was looked up") {
    s.get(1);
    s.invalidate(what, 0, 5);
    s.work();
  }
  s.get(1);
  s.work();
  REQUIRE(s.late(s.batch) != nullptr);
  CHECK(s.late(s.batch)->status == get_status::miss);
  CHECK(s.qa().misses_invalidated >= 1);
  CHECK(s.core.size() == 0);
  // What was born after it is believed, once it has a number.
  s.settle(what, 5);
  s.put_elsewhere(1, "new", 5, duration{60'000}, {tag});
  s.get(1);
  s.work();
  CHECK(text_of(*s.late(s.batch)) == "new");
  CHECK(s.core.sound());
}

TEST_CASE("of what was looked up before everything was dropped nothing is believed", "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "perhaps erased since", 9);
  s.get(1);
  s.invalidate(invalidate_scopes{0, unnumbered, false, true, 0, {}});
  s.work();
  CHECK(s.late(s.batch)->status == get_status::miss);
  CHECK(s.core.size() == 0);
  s.get(1);
  s.work();
  CHECK(s.late(s.batch)->status == get_status::hit);
}

TEST_CASE("an answer from below the floor is dead", "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "old", 4);
  s.put_elsewhere(2, "new", 5);
  s.invalidate(invalidate_scopes{0, unnumbered, false, false, 5, {}});
  s.get(1);
  s.get(2);
  s.work();
  CHECK(s.late(s.batch - 1)->status == get_status::miss);
  CHECK(s.late(s.batch)->status == get_status::hit);
}

TEST_CASE("a put answers who waits for a look-up, and the look-up cannot bring the older answer back",
          "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "old");
  s.get(1);
  s.get(1, leasing(2));
  s.put(1, "new");
  CHECK(text_of(*s.late(s.batch - 1)) == "new");
  CHECK(text_of(*s.late(s.batch)) == "new");
  s.work();
  CHECK(s.answers_given == 2);
  CHECK(text_of(s.get(1)) == "new");
  CHECK(s.in_redis(1) == "new");
  CHECK(s.core.sound());
}

TEST_CASE("an erase while a look-up is under way makes what it brings a miss", "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "old");
  s.get(1);
  CHECK_FALSE(s.erase(1));
  CHECK(s.erased == std::vector{id_of(1).key()});
  s.work();
  CHECK(s.late(s.batch)->status == get_status::miss);
  CHECK_FALSE(s.lies_in_redis(1));
  CHECK_FALSE(s.exists(1));
  CHECK(s.core.sound());
}

TEST_CASE("operations by key find what only Redis has", "[engine][shard][shared]") {
  shared_shard s;
  s.put_elsewhere(1, "answer", 1, duration{5'000});
  REQUIRE(s.look_up(1) == 1);
  REQUIRE(s.look_up(1) == 1);
  REQUIRE(s.look_up(2) == 1);
  s.work();
  CHECK(s.redis.keys_looked_up == 2);
  CHECK(s.news[s.changes - 2] == store_status::done);
  CHECK(s.news[s.changes - 1] == store_status::done);
  CHECK(s.news[s.changes] == store_status::absent);
  CHECK(s.exists(1));
  CHECK(s.time_left(1).left_ms == 5'000);
  CHECK(s.look_up(1) == 0);  // it is here now
  CHECK(s.touch(1, 9'000).found);
  s.work();
  CHECK(s.redis.codec.open(s.redis.data.begin()->second, id_of(1), keep_packed::no)->expires ==
        s.now + duration{9'000});
  SECTION("in time or not") {
    REQUIRE(s.look_up(3) == 1);
    s.jobs.clear();
    s.pass(duration{2'000});
    CHECK(s.news[s.changes] == store_status::unavailable);
  }
  SECTION("or without Redis not at all") {
    s.shared(false);
    CHECK(s.look_up(3) == 0);
  }
  CHECK(s.core.sound());
}

TEST_CASE("a large answer of Redis is opened by a worker, and only as long as it is wanted",
          "[engine][shard][shared]") {
  shared_shard s;
  const std::string text = noise(200'000, 1);
  s.put_elsewhere(1, text);
  s.get(1);
  s.work_once();
  REQUIRE(s.jobs.size() == 1);
  REQUIRE(std::holds_alternative<open_job>(s.jobs[0]));
  CHECK(s.get(1).status == get_status::pending);
  CHECK(s.core.sound());
  SECTION("it answers all") {
    s.work();
    CHECK(text_of(*s.late(s.batch - 1)) == text);
    CHECK(text_of(*s.late(s.batch)) == text);
  }
  SECTION("a put comes first") {
    s.put(1, "new");
    s.work();
    CHECK(text_of(s.get(1)) == "new");
    CHECK(text_of(*s.late(s.batch - 1)) == "new");
  }
  SECTION("an invalidation comes first") {
    s.invalidate(scope_of_tenant("t"), 0, 5);
    s.work();
    CHECK(s.late(s.batch)->status == get_status::miss);
    CHECK(s.core.size() == 0);
  }
  SECTION("the worker dies") {
    s.jobs.clear();
    s.pass(duration{4'000});
    CHECK(s.late(s.batch)->status == get_status::miss);
    s.get(1);
    s.work();
    CHECK(text_of(*s.late(s.batch)) == text);
  }
  CHECK(s.core.sound());
}

TEST_CASE("with other keys under way nothing is believed that they cannot open", "[engine][shard][shared]") {
  const auto ring = [](const char* text) { return *parse_key_ring(text); };
  const auto one = ring("1=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const auto both = ring(
      "2=202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f\n"
      "1=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  shared_shard s;
  s.core.use_keys(one);
  s.redis.codec.use(one);
  s.put_elsewhere(1, "under key one");
  SECTION("a rotation keeps what is there") {
    s.core.use_keys(both);
    s.redis.codec.use(both);
    s.put_elsewhere(2, "under key two");
    s.get(1);
    s.get(2);
    s.work();
    CHECK(text_of(*s.late(s.batch - 1)) == "under key one");
    CHECK(text_of(*s.late(s.batch)) == "under key two");
  }
  SECTION("what is not encrypted is not believed") {
    s.redis.codec.use(nullptr);
    s.put_elsewhere(1, "plain");
    s.get(1);
    s.work();
    CHECK(s.qa().misses_corrupt == 1);
  }
  SECTION("nor is what is, without keys") {
    s.core.use_keys(nullptr);
    s.get(1);
    s.work();
    CHECK(s.qa().misses_corrupt == 1);
  }
  CHECK(s.core.sound());
}

TEST_CASE("who waits for look-ups is bounded by the budget", "[engine][shard][shared]") {
  shared_shard s(shared_options_with(1 << 20));
  std::uint64_t waiting = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    waiting += s.get(i % 5'000).status == get_status::pending ? 1 : 0;
    if (s.core.charged() > (1 << 20)) FAIL("over the budget after " << i);
  }
  CHECK(waiting > 100);
  CHECK(waiting < 5'000);
  for (std::uint64_t i = 0; i < 20'000; ++i) waiting += s.look_up(i);
  CHECK(waiting < 5'000);
  CHECK(s.core.sound());
}

TEST_CASE("a client that is gone leaves the lines of look-ups, and the shard's end names who waits",
          "[engine][shard][shared]") {
  shared_shard s;
  s.get(1, leasing(7));
  s.get(1, leasing(8));
  s.owner_gone(7);
  CHECK(s.core.sound());
  REQUIRE(s.core.abandon().size() == 1);
  s.work();
  CHECK(s.answers_given == 0);
  CHECK(s.core.sound());
}

}  // namespace aicache::shard_look_up_test
