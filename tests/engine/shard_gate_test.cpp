#include <catch2/catch.hpp>

#include "engine/client/response.hpp"
#include "tests/support/shard_harness.hpp"

namespace aicache::shard_gate_test {

using namespace aicache::test;

namespace {

shard_options gated() {
  shard_options o;
  o.tiers.budget = 64 << 20;
  return o;
}

blob_ref ended(finish_reason how, std::string text = "some answer") {
  response r{std::move(text), "model-1", 1, 2, 3};
  r.finish = how;
  return to_blob(r);
}

blob_ref failure(errc why) { return to_blob(failed_response(why)); }

constexpr put_result not_kept(errc why) { return {put_status::refused, why}; }

}  // namespace

TEST_CASE("what is empty, cut off, withheld, given up or failed is not stored, and counted by its reason",
          "[engine][shard][gate]") {
  shard_harness s{gated()};
  REQUIRE(s.put(1, "good") == put_result{});
  CHECK(s.put(1, ended(finish_reason::stop, " \n"), {}) == not_kept(errc::answer_empty));
  CHECK(s.put(1, ended(finish_reason::length), {}) == not_kept(errc::answer_truncated));
  CHECK(s.put(1, ended(finish_reason::content_filter), {}) == not_kept(errc::answer_filtered));
  CHECK(s.put(1, ended(finish_reason::other), {}) == not_kept(errc::answer_not_kept));
  CHECK(s.put(1, ended(finish_reason::cancelled), {}) == not_kept(errc::answer_cancelled));
  CHECK(s.put(1, ended(finish_reason::failed), {}) == not_kept(errc::compute_failed));
  const shard_counters& n = s.core.counters();
  CHECK(n.refused_empty == 1);
  CHECK(n.refused_truncated == 1);
  CHECK(n.refused_filtered == 1);
  CHECK(n.refused_not_kept == 1);
  CHECK(n.refused_cancelled == 1);
  CHECK(n.refused_failed == 1);
  // What was there is as good as before.
  CHECK(text_of(s.get(1)) == "good");
  CHECK(s.core.of_operation("qa").puts == 1);
  CHECK(s.put(2, ended(finish_reason::tool_calls), {}) == put_result{});
  CHECK(finish_of(*s.get(2).value) == finish_reason::tool_calls);
  CHECK(s.core.sound());
}

TEST_CASE("when an answer may not be kept, the next in line computes", "[engine][shard][gate]") {
  for (const finish_reason how : {finish_reason::length, finish_reason::content_filter, finish_reason::other,
                                  finish_reason::cancelled, finish_reason::failed}) {
    INFO(to_string(how));
    shard_harness s{gated()};
    const get_result first = s.get(1, leasing(1));
    REQUIRE(first.status == get_status::lease);
    REQUIRE(s.get(1, leasing(2)).status == get_status::pending);
    const std::uint64_t second = s.batch;
    CHECK(s.put(1, ended(how), under(first.lease)).status == put_status::refused);
    REQUIRE(s.late(second) != nullptr);
    REQUIRE(s.late(second)->status == get_status::lease);
    CHECK_FALSE(s.late(second)->value);
    CHECK(s.put(1, "good", under(s.late(second)->lease)) == put_result{});
    CHECK(text_of(s.get(1)) == "good");
    CHECK(s.core.sound());
  }
}

TEST_CASE("what is not kept may be shared with those who wait", "[engine][shard][gate]") {
  shard_options o = gated();
  o.gate.share_unstored = true;
  shard_harness s{o};
  const get_result first = s.get(1, leasing(1));
  s.get(1, leasing(2));
  const std::uint64_t second = s.batch;
  CHECK(s.put(1, ended(finish_reason::length, "cut o"), under(first.lease)) == not_kept(errc::answer_truncated));
  REQUIRE(s.late(second) != nullptr);
  CHECK(s.late(second)->status == get_status::hit);
  CHECK(text_of(*s.late(second)) == "cut o");
  CHECK(finish_of(*s.late(second)->value) == finish_reason::length);
  CHECK(s.get(1).status == get_status::miss);
  CHECK(s.core.sound());
}

TEST_CASE("who has no lease cannot end another's computation with what is not kept", "[engine][shard][gate]") {
  shard_options o = gated();
  o.gate.share_unstored = true;
  shard_harness s{o};
  const get_result first = s.get(1, leasing(1));
  s.get(1, leasing(2));
  const std::uint64_t second = s.batch;
  s.put(1, ended(finish_reason::length), {});
  s.put(1, failure(errc::provider_failed), {});
  CHECK(s.late(second) == nullptr);
  CHECK(s.put(1, "good", under(first.lease)) == put_result{});
  REQUIRE(s.late(second) != nullptr);
  CHECK(text_of(*s.late(second)) == "good");
  CHECK(s.core.sound());
}

TEST_CASE("a provider's error is told to who waits and to who comes, until its time is over", "[engine][shard][gate]") {
  shard_options o = gated();
  o.negatives.ttl = duration{3'000};
  shard_harness s{o};
  const get_result first = s.get(1, leasing(1));
  s.get(1, leasing(2));
  const std::uint64_t second = s.batch;
  CHECK(s.put(1, failure(errc::provider_rate_limited), under(first.lease)) ==
        put_result{put_status::negative, errc::none});
  REQUIRE(s.late(second) != nullptr);
  CHECK(s.late(second)->status == get_status::negative);
  CHECK(s.late(second)->error == errc::provider_rate_limited);
  s.pass(duration{1'000});
  for (const bool lease : {false, true}) {
    shard_harness::about a;
    a.lease = lease;
    const get_result r = s.get(1, a);
    CHECK(r.status == get_status::negative);
    CHECK(r.error == errc::provider_rate_limited);
    CHECK(r.expires - s.now == duration{2'000});
    CHECK_FALSE(r.value);
  }
  CHECK(s.core.gauges().negatives == 1);
  CHECK(s.get(2).status == get_status::miss);
  s.pass(duration{2'000});
  CHECK(s.get(1, leasing(1)).status == get_status::lease);
  CHECK(s.core.gauges().negatives == 0);
  const operation_counters& c = s.core.of_operation("qa");
  CHECK(c.negatives == 3);
  CHECK(c.hits() == 0);
  CHECK(c.misses() == 3);
  CHECK(c.saved_tokens() == 0);
  CHECK(s.core.of_tenant("t").negatives == 3);
  CHECK(s.core.counters().negatives_kept == 1);
  CHECK(s.core.sound());
}

TEST_CASE("an error lives as long as its provider said, within bounds", "[engine][shard][gate]") {
  shard_options o = gated();
  o.negatives.longest = duration{60'000};
  shard_harness s{o};
  const auto left = [&](std::int64_t ttl) {
    shard_harness::about a;
    a.ttl_ms = ttl;
    s.put(1, failure(errc::provider_rate_limited), a);
    const get_result r = s.get(1);
    REQUIRE(r.status == get_status::negative);
    return (r.expires - s.now).count();
  };
  CHECK(left(20'000) == 20'000);
  CHECK(left(7'200'000) == 60'000);
  CHECK(left(own_lifetime) == 3'000);
}

TEST_CASE("only the kinds that are switched on are remembered, and never a caller's own failure",
          "[engine][shard][gate]") {
  shard_options o = gated();
  o.negatives.refused = false;
  shard_harness s{o};
  CHECK(s.put(1, failure(errc::provider_refused), {}) == not_kept(errc::provider_refused));
  CHECK(s.put(2, failure(errc::compute_failed), {}) == not_kept(errc::compute_failed));
  CHECK(s.get(1).status == get_status::miss);
  CHECK(s.get(2).status == get_status::miss);
  CHECK(s.put(3, failure(errc::provider_bad_request), {}).status == put_status::negative);
  CHECK(s.put(4, failure(errc::provider_failed), {}).status == put_status::negative);
  CHECK(s.put(5, failure(errc::provider_rate_limited), {}).status == put_status::negative);
  shard_options none = gated();
  none.negatives.ttl = duration{0};
  shard_harness off{none};
  CHECK(off.put(1, failure(errc::provider_failed), {}) == not_kept(errc::provider_failed));
  CHECK(off.get(1).status == get_status::miss);
}

TEST_CASE("an answer, an erase or an invalidation ends what is known of an error", "[engine][shard][gate]") {
  const auto fail = [](shard_harness& s) {
    REQUIRE(s.put(1, failure(errc::provider_failed), {}).status == put_status::negative);
    REQUIRE(s.get(1).status == get_status::negative);
  };
  shard_harness s{gated()};
  fail(s);
  s.put(1, "good");
  CHECK(text_of(s.get(1)) == "good");
  s.erase(1);
  CHECK(s.get(1).status == get_status::miss);
  fail(s);
  s.erase(1);
  CHECK(s.get(1).status == get_status::miss);
  for (const scope& dead :
       {scope{}, scope_of_tenant("t"), scope_of_operation("qa"), scope_of_tag(7), scope_of_key(id_of(1).key())}) {
    fail(s);
    s.invalidate(dead);
    CHECK(s.get(1).status == get_status::miss);
  }
  fail(s);
  s.invalidate(scope_of_key(id_of(2).key()));
  CHECK(s.get(1).status == get_status::negative);
  s.clear();
  CHECK(s.get(1).status == get_status::miss);
  CHECK(s.core.sound());
}

TEST_CASE("an error of a computation from before an invalidation says nothing", "[engine][shard][gate]") {
  shard_harness s{gated()};
  const get_result first = s.get(1, leasing(1));
  s.get(1, leasing(2));
  const std::uint64_t second = s.batch;
  s.erase(1);
  CHECK(s.put(1, failure(errc::provider_failed), under(first.lease)).status == put_status::not_stored);
  REQUIRE(s.late(second) != nullptr);
  CHECK(s.late(second)->status == get_status::lease);
  CHECK(s.get(1).status == get_status::miss);
  const get_result third = s.get(2, leasing(1));
  s.invalidate(scope_of_operation("qa"));
  CHECK(s.put(2, failure(errc::provider_failed), under(third.lease)).status == put_status::not_stored);
  CHECK(s.get(2).status == get_status::miss);
  CHECK(s.core.sound());
}

TEST_CASE("a stored answer is better than an error", "[engine][shard][gate]") {
  shard_harness s{gated()};
  s.put(1, "good");
  CHECK(s.put(1, failure(errc::provider_failed), {}) == not_kept(errc::provider_failed));
  CHECK(text_of(s.get(1)) == "good");
}

TEST_CASE("what another node has computed is better than an error", "[engine][shard][gate][shared]") {
  shard_options o = gated();
  o.shared.on = true;
  shard_harness s{o};
  s.shared(true);
  s.put(1, failure(errc::provider_failed), {});
  s.put_elsewhere(1, "good");
  CHECK(s.get(1).status == get_status::pending);
  s.work();
  REQUIRE(s.late(s.batch) != nullptr);
  CHECK(text_of(*s.late(s.batch)) == "good");
  s.put(2, failure(errc::provider_failed), {});
  CHECK_FALSE(s.lies_in_redis(2));
  CHECK(s.get(2, leasing(1)).status == get_status::pending);
  s.work();
  REQUIRE(s.late(s.batch) != nullptr);
  CHECK(s.late(s.batch)->status == get_status::negative);
  CHECK(s.core.sound());
}

TEST_CASE("lives of the settings are shortened alike on every node, those that a caller states are exact",
          "[engine][shard][gate]") {
  shard_options o = gated();
  o.lifetimes.jitter_percent = 10;
  shard_harness a{o};
  o.seed = 99;
  shard_harness b{o};
  bool shorter = false;
  for (std::uint64_t k = 0; k < 100; ++k) {
    shard_harness::about hour;
    hour.ttl_ms = k % 2 == 0 ? 3'600'000 : own_lifetime;
    a.put(k, "x", hour);
    b.put(k, "x", hour);
    const auto left = a.time_left(k).left_ms;
    CHECK(left == b.time_left(k).left_ms);
    CHECK(left == (k % 2 == 0 ? 3'600'000 : shortened(duration{3'600'000}, id_of(k).key(), 10).count()));
    shorter = shorter || left < 3'400'000;
    CHECK(a.touch(k, 1'000'000).left_ms == 1'000'000);  // who touches one answer means that one
  }
  CHECK(shorter);
}

}  // namespace aicache::shard_gate_test
