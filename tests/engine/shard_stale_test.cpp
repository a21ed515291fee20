#include <catch2/catch.hpp>

#include "engine/client/response.hpp"
#include "tests/support/shard_harness.hpp"

namespace aicache::shard_stale_test {

using namespace aicache::test;

namespace {

// Answers live for a second, are served for two more while they are computed anew, and for ten if that fails.
shard_options lingering() {
  shard_options o;
  o.tiers.budget = 64 << 20;
  o.lifetimes.otherwise = duration{1'000};
  o.stale.while_revalidate = duration{2'000};
  o.stale.if_error = duration{10'000};
  return o;
}

shard_options only_if_error() {
  shard_options o = lingering();
  o.stale.while_revalidate = duration{0};
  return o;
}

blob_ref failed_with(errc why) { return to_blob(failed_response(why)); }

bool is_stale(const get_result& r) { return r.status == get_status::hit && r.stale == staleness::stale; }

void outlive(shard_harness& s, duration by = duration{500}) { s.pass(duration{1'000} + by); }

}  // namespace

TEST_CASE("an answer past its time is served to all but the first who can compute a new one",
          "[engine][shard][stale]") {
  shard_harness s{lingering()};
  s.put(1, "old", {.facts = {10, 20, 30, 0}});
  CHECK(s.get(1).stale == staleness::fresh);
  outlive(s);
  const get_result plain = s.get(1);
  CHECK(is_stale(plain));
  CHECK(text_of(plain) == "old");
  CHECK(plain.from == tier::hot);
  CHECK(plain.expires == instant{1'001'000});
  const get_result first = s.get(1, leasing(1));
  CHECK(first.status == get_status::lease);
  CHECK(first.stale == staleness::stale);
  CHECK(text_of(first) == "old");
  for (std::uint64_t owner = 2; owner < 5; ++owner) CHECK(is_stale(s.get(1, leasing(owner))));
  CHECK(s.core.gauges().leases_out == 1);
  CHECK(s.put(1, "new", under(first.lease)) == put_result{});
  const get_result fresh = s.get(1, leasing(9));
  CHECK(fresh.status == get_status::hit);
  CHECK(fresh.stale == staleness::fresh);
  CHECK(text_of(fresh) == "new");
  const operation_counters& c = s.core.of_operation("qa");
  CHECK(c.stale == 4);
  CHECK(c.hits() == 2);
  CHECK(c.misses_expired == 1);
  CHECK(c.saved_input_tokens == 50);  // of one hit and of four that were stale
  CHECK(s.core.of_tenant("t").stale == 4);
  CHECK(s.core.sound());
}

TEST_CASE("without windows an answer is gone when its time is over", "[engine][shard][stale]") {
  shard_options o = lingering();
  o.stale = {};
  shard_harness s{o};
  s.put(1, "old");
  outlive(s, duration{0});
  CHECK(s.get(1).status == get_status::miss);
  CHECK(s.core.size() == 0);
}

TEST_CASE("each operation has windows of its own", "[engine][shard][stale]") {
  shard_options o = lingering();
  o.stale.while_revalidate_of = {{"sentiment", duration{0}}, {"summarize", duration{5'000}}};
  o.stale.if_error_of = {{"sentiment", duration{0}}};
  shard_harness s{o};
  std::uint64_t key = 0;
  for (const char* operation : {"qa", "sentiment", "summarize"}) s.put(++key, "old", {.operation = operation});
  s.pass(duration{1'000});
  CHECK(s.core.size() == 2);
  CHECK(is_stale(s.get(1, {.operation = "qa"})));
  CHECK(s.get(2, {.operation = "sentiment"}).status == get_status::miss);
  CHECK(is_stale(s.get(3, {.operation = "summarize"})));
  s.pass(duration{2'000});
  CHECK(s.get(1, {.operation = "qa"}).status == get_status::miss);
  CHECK(is_stale(s.get(3, {.operation = "summarize"})));
  s.pass(duration{3'000});
  CHECK(s.get(3, {.operation = "summarize"}).status == get_status::miss);
  CHECK(s.core.size() == 2);  // in case that computing fails
  s.pass(duration{5'100});
  CHECK(s.core.size() == 0);
  CHECK(s.core.of_operation("qa").expired == 1);
  CHECK(s.core.sound());
}

TEST_CASE("past its time an answer neither exists nor has time left nor can be touched", "[engine][shard][stale]") {
  shard_harness s{lingering()};
  s.put(1, "old");
  outlive(s);
  CHECK_FALSE(s.exists(1));
  CHECK_FALSE(s.time_left(1).found);
  CHECK_FALSE(s.touch(1, 1'000).found);
  CHECK_FALSE(s.erase(1));
  CHECK(s.get(1).status == get_status::miss);
}

TEST_CASE("when computing fails the old answer bridges the outage, with a try now and then", "[engine][shard][stale]") {
  shard_harness s{only_if_error()};
  s.put(1, "old");
  outlive(s);
  // Nobody has tried yet, so nobody is told an old answer.
  CHECK(s.get(1).status == get_status::miss);
  const get_result first = s.get(1, leasing(1));
  REQUIRE(first.status == get_status::lease);
  CHECK(first.stale == staleness::fallback);
  CHECK_FALSE(first.value);
  CHECK(s.get(1, leasing(2)).status == get_status::pending);
  const std::uint64_t second = s.batch;
  CHECK(s.put(1, failed_with(errc::provider_failed), under(first.lease)).status == put_status::negative);
  REQUIRE(s.late(second) != nullptr);
  CHECK(is_stale(*s.late(second)));
  CHECK(text_of(*s.late(second)) == "old");
  // While the error is fresh nobody tries again.
  CHECK(is_stale(s.get(1)));
  CHECK(is_stale(s.get(1, leasing(3))));
  s.pass(duration{3'000});
  const get_result again = s.get(1, leasing(4));
  CHECK(again.status == get_status::lease);
  CHECK(again.stale == staleness::stale);
  CHECK(text_of(again) == "old");
  CHECK(is_stale(s.get(1, leasing(5))));
  // The provider is back.
  CHECK(s.put(1, "new", under(again.lease)) == put_result{});
  CHECK(s.get(1).stale == staleness::fresh);
  outlive(s);
  CHECK(s.get(1).status == get_status::miss);
  CHECK(s.core.of_operation("qa").stale == 4);
  CHECK(s.core.sound());
}

TEST_CASE("the bridge ends when its window does", "[engine][shard][stale]") {
  shard_harness s{only_if_error()};
  s.put(1, "old");
  outlive(s, duration{0});
  const get_result first = s.get(1, leasing(1));
  s.put(1, failed_with(errc::compute_failed), under(first.lease));
  s.pass(duration{9'999});
  CHECK(is_stale(s.get(1)));
  s.now = s.now + duration{1};
  CHECK(s.get(1).status == get_status::miss);
  CHECK(s.core.sound());
}

TEST_CASE("an answer that may not be kept is a failure too; giving up is none", "[engine][shard][stale]") {
  shard_harness s{only_if_error()};
  response cut{"cut o", "model-1", 1, 2, 3};
  for (const auto& [how, bridges] : {std::pair{finish_reason::length, true}, std::pair{finish_reason::failed, true},
                                     std::pair{finish_reason::cancelled, false}}) {
    INFO(to_string(how));
    s.put(1, "old");
    outlive(s);
    const get_result first = s.get(1, leasing(1));
    s.get(1, leasing(2));
    const std::uint64_t second = s.batch;
    cut.finish = how;
    CHECK(s.put(1, to_blob(cut), under(first.lease)).status == put_status::refused);
    REQUIRE(s.late(second) != nullptr);
    CHECK(s.late(second)->status == (bridges ? get_status::hit : get_status::lease));
    CHECK((s.get(1).status == get_status::hit) == bridges);
  }
  // Nor is a lease that is given back.
  shard_harness t{only_if_error()};
  t.put(1, "old");
  outlive(t);
  CHECK(t.release(1, t.get(1, leasing(1)).lease));
  CHECK(t.get(1).status == get_status::miss);
}

TEST_CASE("nothing that was invalidated is served past its time", "[engine][shard][stale]") {
  for (const scope& dead :
       {scope{}, scope_of_tenant("t"), scope_of_operation("qa"), scope_of_tag(7), scope_of_key(id_of(1).key())}) {
    for (const bool before : {true, false}) {
      shard_harness s{lingering()};
      s.put(1, "old", {.tags = {7}});
      if (before) s.invalidate(dead);
      s.now = s.now + duration{1'500};  // without a tick: the sweep has not been there
      if (!before) s.invalidate(dead);
      const get_result r = s.get(1, leasing(1));
      CHECK(r.status == get_status::lease);
      CHECK(r.stale == staleness::fresh);
      CHECK_FALSE(r.value);
      s.put(1, failed_with(errc::provider_failed), under(r.lease));
      CHECK(s.get(1).status == get_status::negative);
      s.tick();
      CHECK(s.core.sound());
    }
  }
}

TEST_CASE("an invalidation while computing leaves nothing to fall back to", "[engine][shard][stale]") {
  shard_harness s{only_if_error()};
  s.put(1, "old");
  outlive(s);
  const get_result first = s.get(1, leasing(1));
  REQUIRE(first.stale == staleness::fallback);
  s.get(1, leasing(2));
  const std::uint64_t second = s.batch;
  s.invalidate(scope_of_operation("qa"));
  s.put(1, failed_with(errc::provider_failed), under(first.lease));
  REQUIRE(s.late(second) != nullptr);
  CHECK(s.late(second)->status == get_status::lease);
  CHECK_FALSE(s.late(second)->value);
  CHECK(s.get(1).status == get_status::miss);
  CHECK(s.core.sound());
}

TEST_CASE("a compressed answer is served past its time, a large one by a worker", "[engine][shard][stale]") {
  shard_options o = lingering();
  shard_harness s{o};
  const shard_harness::about big{.text = text_tier::xlarge};
  const std::string small_text = prose(3'000, 1);
  const std::string large_text = prose(150'000, 2);
  REQUIRE(s.put(1, small_text, big) == put_result{});
  REQUIRE(s.put(2, large_text, big) == put_result{});
  s.work();
  REQUIRE(s.core.counters().packed == 2);
  outlive(s);
  CHECK(is_stale(s.get(1, big)));
  CHECK(s.get(1, big).from == tier::warm);
  CHECK(s.get(2, big).status == get_status::pending);
  const std::uint64_t asked = s.batch;
  s.work();
  REQUIRE(s.late(asked) != nullptr);
  CHECK(is_stale(*s.late(asked)));
  CHECK(text_of(*s.late(asked)) == large_text);
  CHECK(s.late(asked)->expires == instant{1'001'000});
  CHECK(s.core.of_operation("qa").stale == 3);
  CHECK(s.core.sound());
}

TEST_CASE("the lease of an old answer passes on like any other", "[engine][shard][stale]") {
  shard_harness s{lingering()};
  s.put(1, "old");
  outlive(s);
  const get_result first = s.get(1, leasing(1));
  CHECK(s.release(1, first.lease));
  const get_result next = s.get(1, leasing(2));
  CHECK(next.status == get_status::lease);
  CHECK(next.stale == staleness::stale);
  s.owner_gone(2);
  CHECK(s.get(1, leasing(3)).status == get_status::lease);
  CHECK(s.core.sound());
}

TEST_CASE("what another node has computed anew takes the old answer's place", "[engine][shard][stale][shared]") {
  shard_options o = lingering();
  o.shared.on = true;
  shard_harness s{o};
  s.shared(true);
  s.put(1, "old");
  s.work();
  outlive(s);
  s.put_elsewhere(1, "new");
  CHECK(is_stale(s.get(1)));
  s.work();
  CHECK(text_of(s.get(1)) == "new");
  CHECK(s.get(1).stale == staleness::fresh);
  CHECK(s.core.sound());
}

TEST_CASE("who would compute anew looks in the shared tier first, the others do not wait for that",
          "[engine][shard][stale][shared]") {
  shard_options o = lingering();
  o.shared.on = true;
  shard_harness s{o};
  s.shared(true);
  s.put(1, "old");
  s.work();
  s.redis.data.clear();
  outlive(s);
  CHECK(s.get(1, leasing(1)).status == get_status::pending);
  const std::uint64_t first = s.batch;
  CHECK(is_stale(s.get(1, leasing(2))));
  CHECK(is_stale(s.get(1)));
  s.work();
  REQUIRE(s.late(first) != nullptr);
  CHECK(s.late(first)->status == get_status::lease);
  CHECK(s.late(first)->stale == staleness::stale);
  CHECK(text_of(*s.late(first)) == "old");
  CHECK(is_stale(s.get(1, leasing(3))));
  CHECK(s.core.sound());
}

TEST_CASE("nor does the invalidation of a tag that only the old answer had", "[engine][shard][stale]") {
  shard_harness s{only_if_error()};
  s.put(1, "old", {.tags = {7}});
  outlive(s);
  const get_result first = s.get(1, leasing(1));
  REQUIRE(first.stale == staleness::fallback);
  s.get(1, leasing(2));
  const std::uint64_t second = s.batch;
  s.invalidate(scope_of_tag(7));
  s.put(1, failed_with(errc::compute_failed), under(first.lease));
  REQUIRE(s.late(second) != nullptr);
  CHECK(s.late(second)->status == get_status::lease);
  CHECK(s.late(second)->stale == staleness::fresh);
  CHECK(s.core.sound());
}

}  // namespace aicache::shard_stale_test
