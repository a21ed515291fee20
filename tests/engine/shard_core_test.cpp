#include "engine/shard/shard_core.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "tests/support/shard_harness.hpp"

namespace aicache::shard_core_test {

using namespace aicache::test;

namespace {

constexpr std::uint64_t mib = 1 << 20;
using about = shard_harness::about;

shard_options options_with(std::uint64_t budget, double warm_share = 0.5) {
  shard_options o;
  o.tiers.budget = budget;
  o.tiers.warm_share = warm_share;
  o.lifetimes.operations = {{"summarize", duration{7'200'000}}, {"sentiment", duration{86'400'000}}};
  return o;
}

about of(const char* operation, text_tier text) {
  about a;
  a.operation = operation;
  a.text = text;
  return a;
}

about living(std::int64_t ttl_ms) {
  about a;
  a.ttl_ms = ttl_ms;
  return a;
}

/// All figures of a shard, summed over operations and tenants.
struct totals {
  shard_counters shard;
  operation_counters operations;
  tenant_counters tenants;
  std::uint64_t latencies = 0;
  std::uint64_t tier_latencies = 0;

  void add_report(const shard_report& r) {
    add(shard, r.counted);
    for (const auto& o : r.operations) {
      add(operations, o.counted);
      for (const auto& b : o.latency.buckets) latencies += b.count;
    }
    for (const auto& t : r.tenants) add(tenants, t.counted);
    for (const auto& h : r.latency_by_tier)
      for (const auto& b : h.buckets) tier_latencies += b.count;
  }
};

}  // namespace

TEST_CASE("what was put is got, with its facts, its age and how often it was asked for", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  CHECK(s.get(1).status == get_status::miss);
  about a;
  a.facts = {10, 20, 30, 0};
  REQUIRE(s.put(1, "answer", a) == put_result{});
  s.pass(duration{5});
  for (std::uint16_t i = 1; i <= 3; ++i) {
    const get_result r = s.get(1);
    CHECK(r.status == get_status::hit);
    CHECK(r.from == tier::hot);
    CHECK(text_of(r) == "answer");
    CHECK(r.value->facts() == answer_facts{10, 20, 30, 6});
    CHECK(r.created == instant{1'000'000});
    CHECK(r.expires == instant{1'000'000} + duration{3'600'000});
    CHECK(r.retrievals == i);
    CHECK(r.lease == 0);
  }
  const operation_counters& c = s.core.of_operation("qa");
  CHECK(c.saved_input_tokens == 30);
  CHECK(c.saved_output_tokens == 60);
  CHECK(c.saved_model_ms == 90);
  CHECK(s.core.of_tenant("t").saved_tokens == 90);
  CHECK(s.core.sound());
}

TEST_CASE("a newer answer takes the older one's place", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  for (const text_tier text : {text_tier::small, text_tier::xlarge, text_tier::xlarge, text_tier::small}) {
    const std::string answer = prose(2000 + 100 * s.batch, s.batch);
    s.put(1, answer, of("qa", text));
    CHECK(text_of(s.get(1)) == answer);
    CHECK(s.core.size() == 1);
    CHECK(s.core.sound());
  }
}

TEST_CASE("the promotion matrix says where an answer may live", "[engine][shard]") {
  struct row {
    const char* operation;
    tier small, medium, large, xlarge;
  };
  const row matrix[] = {{"sentiment", tier::hot, tier::hot, tier::hot, tier::warm},
                        {"summarize", tier::hot, tier::hot, tier::warm, tier::warm},
                        {"key_points", tier::hot, tier::hot, tier::warm, tier::warm},
                        {"classify", tier::hot, tier::hot, tier::warm, tier::warm},
                        {"qa", tier::hot, tier::warm, tier::warm, tier::warm}};
  shard_harness s{options_with(64 * mib)};
  std::uint64_t key = 0;
  for (const row& r : matrix) {
    const tier expected[] = {r.small, r.medium, r.large, r.xlarge};
    for (int text = 3; text >= 0; --text) {
      const about a = of(r.operation, static_cast<text_tier>(text));
      INFO(r.operation << " " << to_string(a.text));
      ++key;
      REQUIRE(s.put(key, prose(1000, key), a) == put_result{});
      for (int i = 0; i < (r.operation == std::string{"qa"} ? 1 : 4); ++i) CHECK(s.get(key, a).from == expected[text]);
    }
  }
  CHECK(s.core.sound());
}

TEST_CASE("an operation with enough hits may keep medium texts hot", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  const about medium = of("qa", text_tier::medium);
  s.put(1, prose(1000, 1), medium);
  for (int i = 0; i < 10; ++i) CHECK(s.get(1, medium).from == tier::warm);
  CHECK(s.get(1, medium).from == tier::warm);  // the hit that moves it
  CHECK(s.get(1, medium).from == tier::hot);
  s.put(2, prose(1000, 2), medium);
  CHECK(s.get(2, medium).from == tier::hot);
  CHECK(s.core.counters().promotions == 1);
  CHECK(s.core.sound());
}

TEST_CASE("without a warm tier the matrix does not keep anything out", "[engine][shard]") {
  shard_harness s{options_with(64 * mib, 0)};
  s.put(1, prose(1000, 1), of("qa", text_tier::xlarge));
  CHECK(s.get(1, of("qa", text_tier::xlarge)).from == tier::hot);
}

TEST_CASE("a large warm answer is unpacked by a worker, once for all who ask meanwhile", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  const about big = of("qa", text_tier::xlarge);
  const std::string text = prose(150'000, 1);
  REQUIRE(s.put(1, text, big) == put_result{});
  CHECK(s.get(1, big).from == tier::warm);  // not packed yet
  s.work();
  REQUIRE(s.core.counters().packed == 1);
  std::vector<std::uint64_t> asked;
  for (int i = 0; i < 3; ++i) {
    CHECK(s.get(1, big).status == get_status::pending);
    asked.push_back(s.batch);
  }
  CHECK(s.jobs.size() == 1);
  CHECK(s.core.sound());
  SECTION("and all get it") {
    s.work();
    for (const std::uint64_t b : asked) {
      REQUIRE(s.late(b) != nullptr);
      CHECK(s.late(b)->status == get_status::hit);
      CHECK(s.late(b)->from == tier::warm);
      CHECK(text_of(*s.late(b)) == text);
    }
    CHECK(s.core.of_operation("qa").hits_warm == 4);
  }
  SECTION("if it was corrupt all get a miss, and it is dropped") {
    s.workers_fail = true;
    s.work();
    for (const std::uint64_t b : asked) CHECK(s.late(b)->status == get_status::miss);
    CHECK(s.core.of_operation("qa").misses_corrupt == 3);
    CHECK(s.get(1, big).status == get_status::miss);
    CHECK(s.core.size() == 0);
  }
  SECTION("replaced meanwhile, it still answers those who asked before") {
    s.put(1, "fresh");
    s.work();
    CHECK(text_of(*s.late(asked[0])) == text);
    CHECK(text_of(s.get(1)) == "fresh");
  }
  SECTION("erased meanwhile, it does not come back") {
    CHECK(s.erase(1));
    s.work();
    CHECK(text_of(*s.late(asked[0])) == text);
    CHECK(s.get(1).status == get_status::miss);
  }
  SECTION("if the worker never answers, the waits end, and the next who asks gets a new worker") {
    s.jobs.clear();
    s.pass(duration{9'999});
    CHECK(s.answers.empty());
    s.pass(duration{1});
    for (const std::uint64_t b : asked) CHECK(s.late(b)->status == get_status::miss);
    CHECK(s.core.of_operation("qa").misses_waited == 3);
    CHECK(s.get(1, big).status == get_status::pending);
    s.work();
    CHECK(text_of(*s.late(s.batch)) == text);
  }
  SECTION("the end of the shard names all who wait") {
    CHECK(s.core.abandon().size() == 3);
    CHECK(s.core.counters().lost_waiters == 3);
  }
  CHECK(s.core.sound());
}

TEST_CASE("a warm answer whose bytes do not verify is a counted miss and is dropped", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  const about big = of("qa", text_tier::xlarge);
  s.put(1, prose(100'000, 1), big);
  REQUIRE(s.jobs.size() == 1);
  const pack_job job = std::get<pack_job>(s.jobs[0]);
  s.jobs.clear();
  const std::string rubbish = noise(50, 1);
  s.core.packed(job.key, job.raw, blob::make_packed(std::as_bytes(std::span{rubbish}), *blob::make("short", {}), 0),
                s.out);
  CHECK(s.get(1, big).status == get_status::miss);
  CHECK(s.core.of_operation("qa").misses_corrupt == 1);
  CHECK(s.core.size() == 0);
  CHECK(s.core.sound());
}

TEST_CASE("answers live as long as they were told, their operation says, or all do", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  s.put(1, "by default", of("qa", text_tier::small));
  s.put(2, "by operation", of("summarize", text_tier::small));
  s.put(3, "explicit", living(500));
  CHECK(s.time_left(1).left_ms == 3'600'000);
  CHECK(s.time_left(2).left_ms == 7'200'000);
  CHECK(s.time_left(3).left_ms == 500);
  s.now = s.now + duration{499};
  CHECK(s.get(3).status == get_status::hit);
  s.now = s.now + duration{1};
  CHECK_FALSE(s.exists(3));
  CHECK_FALSE(s.time_left(3).found);
  CHECK(s.get(3).status == get_status::miss);
  CHECK(s.core.of_operation("qa").misses_expired == 1);
  CHECK(s.core.of_operation("qa").expired == 1);
  s.now = instant{1'000'000} + duration{3'600'000};
  CHECK(s.core.size() == 2);
  s.tick();
  CHECK(s.core.size() == 1);
  CHECK(s.core.of_operation("qa").expired == 2);
  CHECK(s.get(2).status == get_status::hit);
  CHECK(s.core.sound());
}

TEST_CASE("times to live of zero, below it and beyond the limit are refused and change nothing", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  s.put(1, "kept");
  const put_result refused{put_status::refused, errc::invalid_argument};
  CHECK(s.put(1, "x", living(0)) == refused);
  CHECK(s.put(1, "x", living(-1)) == refused);
  CHECK(s.put(1, "x", living(INT64_MIN)) == refused);
  CHECK(s.put(1, "x", living(365LL * 86'400'000 + 1)) == refused);
  CHECK(s.put(1, "x", living(INT64_MAX - 1)) == refused);
  CHECK(s.put(1, blob_ref{}, about{}) == refused);
  CHECK(s.core.counters().refused_argument == 6);
  CHECK(text_of(s.get(1)) == "kept");
  CHECK(s.put(1, "x", living(365LL * 86'400'000)) == put_result{});
  CHECK(s.core.of_operation("qa").puts == 2);
  CHECK(s.core.sound());
}

TEST_CASE("a packed blob is not an answer", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  const std::string frame = "x";
  CHECK(s.put(1, blob::make_packed(std::as_bytes(std::span{frame}), *blob::make("raw", {}), 0), about{}).error ==
        errc::invalid_argument);
  CHECK(s.core.size() == 0);
}

TEST_CASE("an answer over the limit or larger than its shard is refused, and nothing leaves for it",
          "[engine][shard]") {
  shard_options o = options_with(16 * mib);
  o.tiers.value_bytes = 12 * mib;
  shard_harness s{o};
  for (std::uint64_t i = 0; i < 300; ++i) s.put(i, prose(1000, i));
  const put_result refused{put_status::refused, errc::too_large};
  CHECK(s.put(1000, noise(12 * mib + 1, 1)) == refused);
  CHECK(s.put(1001, noise(10 * mib, 1)) == refused);
  CHECK(s.core.counters().refused_too_large == 2);
  CHECK(s.core.size() == 300);
  CHECK(s.core.sound());
}

TEST_CASE("those who wait get even an answer that is too large to be kept", "[engine][shard]") {
  shard_options o = options_with(16 * mib);
  o.tiers.value_bytes = 100;
  shard_harness s{o};
  const get_result lease = s.get(1, leasing());
  s.get(1, leasing(2));
  CHECK(s.put(1, noise(101, 1), under(lease.lease)).error == errc::too_large);
  REQUIRE(s.late(s.batch) != nullptr);
  CHECK(text_of(*s.late(s.batch)) == noise(101, 1));
  CHECK(s.get(1).status == get_status::miss);
  CHECK(s.core.sound());
}

TEST_CASE("touch gives a new end, erase makes an end, and both say whether something was there", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  s.put(1, "x", living(1000));
  CHECK(s.touch(1, 5000) == key_result{true, errc::none, 5000});
  CHECK(s.time_left(1).left_ms == 5000);
  CHECK(s.touch(1, own_lifetime).left_ms == 3'600'000);
  CHECK(s.touch(1, 0).error == errc::invalid_argument);
  CHECK(s.touch(1, -7).error == errc::invalid_argument);
  CHECK(s.touch(2, 5000) == key_result{});
  CHECK(s.time_left(1).left_ms == 3'600'000);
  s.touch(1, 10);
  CHECK(s.core.sound());
  s.now = s.now + duration{10};
  CHECK(s.touch(1, 5000) == key_result{});
  CHECK_FALSE(s.erase(1));
  s.put(1, "y");
  CHECK(s.erase(1));
  CHECK_FALSE(s.erase(1));
  CHECK(s.core.of_operation("qa").erased == 1);
  CHECK(s.core.of_operation("qa").expired == 1);
  CHECK(s.core.size() == 0);
  CHECK(s.core.sound());
}

TEST_CASE("clear forgets every answer and says how many there were", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  for (std::uint64_t i = 0; i < 100; ++i)
    s.put(i, prose(1000, i), of("qa", i % 2 == 0 ? text_tier::small : text_tier::large));
  CHECK(s.clear() == 100);
  CHECK(s.clear() == 0);
  for (std::uint64_t i = 0; i < 100; ++i) CHECK(s.get(i).status == get_status::miss);
  CHECK(s.core.sound());
}

TEST_CASE("one caller computes a missing answer, the others get it from that one's put", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  const get_result first = s.get(1, leasing(1));
  CHECK(first.status == get_status::lease);
  CHECK(first.lease != 0);
  std::vector<std::uint64_t> waiting;
  for (std::uint64_t owner = 2; owner < 6; ++owner) {
    CHECK(s.get(1, leasing(owner)).status == get_status::pending);
    waiting.push_back(s.batch);
  }
  CHECK(s.get(1).status == get_status::miss);  // who asks for no lease does not wait
  CHECK(s.core.sound());
  s.pass(duration{7});
  CHECK(s.put(1, "computed", under(first.lease)) == put_result{});
  for (const std::uint64_t b : waiting) {
    REQUIRE(s.late(b) != nullptr);
    CHECK(s.late(b)->status == get_status::hit);
    CHECK(s.late(b)->from == tier::parked);
    CHECK(text_of(*s.late(b)) == "computed");
  }
  CHECK(s.core.of_operation("qa").hits_parked == 4);
  CHECK(s.core.counters().leases_granted == 1);
  CHECK(s.get(1, leasing(9)).from == tier::hot);
  CHECK(s.core.sound());
}

TEST_CASE("a lease that is given back, late, or whose holder left goes to the next in line", "[engine][shard]") {
  shard_options o = options_with(64 * mib);
  o.park = duration{100'000};
  shard_harness s{o};
  const get_result first = s.get(1, leasing(1, duration{100'000}));
  s.get(1, leasing(2, duration{100'000}));
  const std::uint64_t second = s.batch;
  s.get(1, leasing(3, duration{100'000}));
  const std::uint64_t third = s.batch;
  SECTION("given back") { CHECK(s.release(1, first.lease)); }
  SECTION("late") { s.pass(duration{30'000}); }
  SECTION("left") { s.owner_gone(1); }
  REQUIRE(s.late(second) != nullptr);
  REQUIRE(s.late(second)->status == get_status::lease);
  CHECK_FALSE(s.release(1, first.lease));
  CHECK(s.late(third) == nullptr);
  CHECK(s.put(1, "late but good", under(s.late(second)->lease)) == put_result{});
  CHECK(text_of(*s.late(third)) == "late but good");
  CHECK(s.core.counters().leases_passed == 1);
  CHECK(s.core.of_operation("qa").misses_waited == 1);
  CHECK(s.core.sound());
}

TEST_CASE("who waits for a client that leaves is counted, whether or not anyone is told", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  s.get(1, leasing(1));
  for (int i = 0; i < 5; ++i) s.get(1, leasing(2));
  s.get(1, leasing(3));
  const std::uint64_t other = s.batch;
  s.owner_gone(2);
  CHECK(s.answers_given == 0);
  CHECK(s.core.of_operation("qa").misses_waited == 5);
  CHECK(s.core.sound());
  s.owner_gone(1);
  REQUIRE(s.late(other) != nullptr);
  CHECK(s.late(other)->status == get_status::lease);
  CHECK(s.core.sound());
}

TEST_CASE("an answer computed before an invalidation is delivered but not stored", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  const get_result before = s.get(1, leasing(1));
  s.get(1, leasing(2));
  const std::uint64_t waiting = s.batch;
  SECTION("of the key") { s.erase(1); }
  SECTION("of everything") { s.clear(); }
  const get_result after = s.get(1, leasing(3));
  CHECK(after.status == get_status::lease);
  CHECK(s.put(1, "outdated", under(before.lease)).status == put_status::not_stored);
  CHECK(text_of(*s.late(waiting)) == "outdated");
  CHECK(s.get(1).status == get_status::miss);
  CHECK(s.put(1, "current", under(after.lease)) == put_result{});
  CHECK(text_of(s.get(1)) == "current");
  CHECK(s.core.counters().refused_lease == 1);
  CHECK(s.core.sound());
}

TEST_CASE("an invalid lease stores nothing", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  CHECK(s.put(1, "x", under(12345)).status == put_status::not_stored);
  CHECK(s.get(1).status == get_status::miss);
}

TEST_CASE("past a quarter of the budget nobody else may hold or wait", "[engine][shard]") {
  shard_options o = options_with(mib);
  o.leases.parked = 1'000'000;
  shard_harness s{o};
  std::uint64_t refused = 0;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    refused += s.get(i, leasing(i)).status == get_status::miss ? 1 : 0;
    REQUIRE(s.core.charged() <= mib);
  }
  CHECK(refused > 1000);
  CHECK(refused < 4900);
  CHECK(s.core.of_operation("qa").misses_unparked == refused);
  CHECK(s.core.gauges().bytes_waiting < mib / 3);
  s.put(9999, "still stores");
  CHECK(text_of(s.get(9999)) == "still stores");
  CHECK(s.core.sound());
}

TEST_CASE("two tenants never see each other's answers, and each has its own figures", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  about one;
  one.tenant = "one";
  about two;
  two.tenant = "two";
  // The tenant is part of the identity: one question of two tenants has two keys.
  s.put(1, "of one", one);
  s.put(2, "of two", two);
  CHECK(text_of(s.get(1, one)) == "of one");
  CHECK(text_of(s.get(2, two)) == "of two");
  s.get(3, two);
  CHECK(s.core.of_tenant("one").hits == 1);
  CHECK(s.core.of_tenant("one").misses == 0);
  CHECK(s.core.of_tenant("two").hits == 1);
  CHECK(s.core.of_tenant("two").misses == 1);
  CHECK(s.core.of_tenant("two").put_bytes == 6);
  CHECK(s.core.sound());
}

TEST_CASE("what hits save is told by tenant, operation and model, whatever tier the answers come from",
          "[engine][shard][ledger]") {
  shard_options o = options_with(64 * mib);
  o.accounts = 2;  // fewer than are needed: rows change their names, and no figure its place
  shard_harness s{o};
  const auto asking = [](const char* operation, const char* tenant, const char* model) {
    about a;
    a.operation = operation;
    a.tenant = tenant;
    a.model = model;
    a.facts = {10, 3, 700, 0};
    a.lease = true;
    return a;
  };
  s.put(1, "kept", asking("qa", "one", "large"));
  for (int i = 0; i < 3; ++i) {
    s.get(1, asking("qa", "one", "large"));
    s.get(1, asking("qa", "one", "small"));
    s.get(1, asking("sum", "one", "small"));
  }
  const get_result lease = s.get(2, asking("qa", "two", "small"));
  s.get(2, asking("qa", "two", "small"));
  about computed = asking("qa", "two", "small");
  computed.token = lease.lease;
  s.put(2, "computed", computed);
  const shard_report r = s.core.take_report();
  std::map<std::string, ledger_figures> told;
  for (const ledger_line& l : r.saved.lines) told[l.tenant + ' ' + l.operation + ' ' + l.model] += l.gained;
  ledger_figures three;
  three[saving::hot] = {3, 30, 9, 2100};
  ledger_figures one;
  one[saving::parked] = {1, 10, 3, 700};
  CHECK(told == std::map<std::string, ledger_figures>{
                    {"one qa large", three}, {"one qa small", three}, {"one sum small", three}, {"two qa small", one}});
  CHECK(r.saved.crowded_out == 0);
  CHECK(s.core.of_operation("qa").hits_hot == 6);
  CHECK(s.core.of_operation("sum").saved_model_ms == 2100);
  CHECK(s.core.of_tenant("one").saved_tokens == 9 * 13);
  CHECK(s.core.of_tenant("two").hits == 1);
  CHECK(s.core.of_tenant("two").misses == 1);
  CHECK(s.core.take_report().saved == ledger_report{});
  CHECK(s.core.sound());
}

TEST_CASE("what became of gets is told by the class of their texts", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  about large;
  large.text = text_tier::large;
  s.put(1, "kept", large);
  s.get(1, large);
  s.get(2, large);
  about waits = large;
  waits.lease = true;
  const get_result lease = s.get(3, waits);
  s.get(3, waits);
  s.get(4);
  about computed = large;
  computed.token = lease.lease;
  s.put(3, "computed", computed);
  const shard_report r = s.core.take_report();
  CHECK(r.misses_by_text == std::array<std::uint64_t, text_tier_count>{1, 0, 2, 0});
  std::array<std::uint64_t, text_tier_count> answered{};
  for (std::size_t i = 0; i < text_tier_count; ++i) {
    histogram h;
    REQUIRE(h.merge(r.latency_by_text[i]));
    answered[i] = h.count();
  }
  CHECK(answered == std::array<std::uint64_t, text_tier_count>{1, 0, 4, 0});
  CHECK(s.core.sound());
}

TEST_CASE("names beyond the table are counted together as other", "[engine][shard]") {
  shard_options o = options_with(64 * mib);
  o.operations = 4;
  o.tenants = 2;
  shard_harness s{o};
  for (int i = 0; i < 20; ++i) {
    about a;
    a.operation = "operation" + std::to_string(i);
    a.tenant = "tenant" + std::to_string(i);
    s.get(static_cast<std::uint64_t>(i), a);
  }
  CHECK(s.core.of_operation("other").misses_absent == 19);
  CHECK(s.core.of_tenant("other").misses == 19);
  const shard_report r = s.core.take_report();
  CHECK(r.operations.size() == 2);
  CHECK(s.core.sound());
}

TEST_CASE("items that name nothing of their batch are counted as other", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  s.core.resolve({{"qa"}, {}});
  const std::vector<get_item> items{{id_of(1), 7, 9, text_tier::small, false}};
  std::vector<get_result> results(1);
  s.core.get(items, {1, 1, never}, s.now, results, s.out);
  s.core.served(5);
  CHECK(s.core.of_operation("other").gets() == 1);
  CHECK(s.core.sound());
}

TEST_CASE("a batch is answered item by item, whatever its size and however often a key is in it", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  for (std::uint64_t i = 0; i < 50; ++i) s.put(i, "answer " + std::to_string(i));
  for (const std::size_t size : {0U, 1U, 2U, 15U, 16U, 17U, 100U}) {
    s.core.resolve({{"qa"}, {"t"}});
    std::vector<get_item> items;
    for (std::size_t i = 0; i < size; ++i) items.push_back({id_of(i % 60), 0, 0, text_tier::small, false});
    std::vector<get_result> results(size);
    s.core.get(items, {1, 1, never}, s.now, results, s.out);
    s.core.served(1);
    for (std::size_t i = 0; i < size; ++i)
      REQUIRE(text_of(results[i]) == (i % 60 < 50 ? "answer " + std::to_string(i % 60) : "(nothing)"));
  }
  CHECK(s.out.empty());
  CHECK(s.core.sound());
}

TEST_CASE("a result that is used again says nothing of its past", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  s.put(1, "x");
  std::uint64_t batch = 0;
  const auto again = [&](std::uint64_t key, bool lease) {
    s.core.resolve({{"qa"}, {"t"}});
    const get_item item{id_of(key), 0, 0, text_tier::small, lease};
    get_result r;
    r.status = get_status::error;
    r.error = errc::internal;
    r.lease = 5;
    r.value = blob::make("stale", {});
    s.core.get({&item, 1}, {++batch, 1, s.now + duration{10}}, s.now, {&r, 1}, s.out);
    s.core.served(1);
    return r;
  };
  const get_result hit = again(1, true);
  CHECK((hit.error == errc::none && hit.lease == 0 && text_of(hit) == "x"));
  const get_result miss = again(2, false);
  CHECK((miss.error == errc::none && miss.lease == 0 && !miss.value));
  const get_result lease = again(2, true);
  CHECK((lease.error == errc::none && lease.lease > 5 && !lease.value));
  const get_result pending = again(2, true);
  CHECK((pending.status == get_status::pending && pending.lease == 0 && !pending.value));
}

TEST_CASE("the reports of a shard add up to its figures", "[engine][shard]") {
  shard_harness s{options_with(9 * mib)};
  totals sum;
  std::uint64_t x = 1;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 200; ++i) {
      x = sample_hash({x, 1});
      about a;
      a.operation = "op" + std::to_string(x % 3);
      a.tenant = "tenant" + std::to_string(x % 4);
      a.text = static_cast<text_tier>(x >> 8 & 3);
      a.lease = (x >> 10 & 3) == 0;
      a.owner = x >> 12 & 3;
      a.facts = {1, 2, 3, 0};
      const std::uint64_t key = (x >> 20) % 300;
      if ((x >> 40 & 1) == 0) {
        s.put(key, prose((x >> 44) % 90'000, key), a);
      } else {
        s.get(key, a);
      }
    }
    s.pass(duration{4000});
    s.owner_gone(2);
    if (round % 3 == 0) s.work();
    sum.add_report(s.core.take_report());
  }
  s.pass(duration{100'000});
  sum.add_report(s.core.take_report());
  CHECK(s.core.take_report().operations.empty());
  operation_counters operations;
  tenant_counters tenants;
  for (const char* name : {"op0", "op1", "op2"}) add(operations, s.core.of_operation(name));
  for (const char* name : {"tenant0", "tenant1", "tenant2", "tenant3"}) add(tenants, s.core.of_tenant(name));
  CHECK(sum.operations == operations);
  CHECK(sum.tenants == tenants);
  CHECK(sum.shard == s.core.counters());
  CHECK(sum.operations.gets() == sum.operations.hits() + sum.operations.misses());
  CHECK(sum.tenants.hits == sum.operations.hits());
  CHECK(sum.tenants.misses == sum.operations.misses());
  CHECK(sum.latencies == sum.tier_latencies);
  CHECK(sum.latencies <= sum.operations.gets());
  CHECK(s.core.sound());
}

TEST_CASE("small budgets hold what they can and are never exceeded", "[engine][shard]") {
  for (const std::uint64_t budget : {mib, 300 * mib / 1024}) {
    shard_harness s{options_with(budget)};
    INFO("budget " << budget);
    CHECK(s.core.charged() < budget / 2);
    for (std::uint64_t i = 0; i < 5000; ++i) {
      about a;
      a.operation = "op" + std::to_string(i % 300);
      a.tenant = "tenant" + std::to_string(i % 400);
      REQUIRE(s.put(i, noise(500, i), a) == put_result{});
      REQUIRE(s.core.charged() <= budget);
      REQUIRE(text_of(s.get(i, a)) == noise(500, i));
      s.get(i * 31 % 1000, a);
      REQUIRE(s.core.charged() <= budget);
    }
    CHECK(s.core.size() * 500 > budget / 4);
    CHECK(s.core.sound());
  }
}

TEST_CASE("sampled keys are kept for the learner, up to a limit, and misses without a weight", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  s.put(1, "x");
  s.get(1);
  CHECK(s.core.take_samples().empty());
  s.core.steer(eviction_mode::lean, UINT64_MAX);
  s.get(1);
  s.get(2);
  auto taken = s.core.take_samples();
  REQUIRE(taken.size() == 2);
  CHECK(taken[0].hash == sample_hash(id_of(1).key()));
  CHECK(taken[0].weight > 0);
  CHECK(taken[1].weight == 0);
  for (std::uint64_t i = 0; i < 6000; ++i) s.get(i);
  CHECK(s.core.samples_full());
  CHECK(s.core.take_samples().size() == 512);
  CHECK_FALSE(s.core.samples_full());
  s.core.steer(eviction_mode::lean, sample_hash(id_of(7).key()));
  for (std::uint64_t i = 0; i < 100; ++i) s.get(i);
  for (const sampled& one : s.core.take_samples()) CHECK(one.hash <= sample_hash(id_of(7).key()));
  CHECK(s.core.counters().mode_switches == 1);
  CHECK(s.core.gauges().eviction_mode == static_cast<std::uint64_t>(eviction_mode::lean));
  CHECK(s.core.sound());
}

TEST_CASE("the gauges add up to what is charged", "[engine][shard]") {
  shard_harness s{options_with(16 * mib)};
  for (std::uint64_t i = 0; i < 20'000; ++i)
    s.put(i, prose(1500, i), of("qa", i % 2 == 0 ? text_tier::small : text_tier::large));
  for (std::uint64_t i = 0; i < 100; ++i) s.get(100'000 + i, leasing(i));
  const shard_gauges g = s.core.gauges();
  CHECK(g.charged() == s.core.charged());
  CHECK(g.entries_hot + g.entries_warm == s.core.size());
  CHECK(g.leases_out == 100);
  CHECK(g.bytes_waiting > 0);
  CHECK(g.budget == 16 * mib);
  CHECK(g.bytes_hot + g.bytes_warm > 13 * mib);
}

TEST_CASE("workers train a dictionary when they are asked to, and answers stay what they were", "[engine][shard]") {
  shard_harness s{options_with(64 * mib)};
  const auto json = [](std::uint64_t i) {
    return R"({"label":"neutral","scores":{"positive":0.)" + std::to_string(sample_hash({i, 1}) % 1000) +
           R"(,"negative":0.)" + std::to_string(sample_hash({i, 2}) % 1000) + R"(},"language":"en","comment":")" +
           prose(50, i) + R"("})";
  };
  for (std::uint64_t i = 0; i < 1200; ++i) {
    s.put(i, json(i), of("qa", text_tier::xlarge));
    s.work();
  }
  CHECK(s.core.gauges().dictionaries == 1);
  CHECK(s.core.counters().packed > 700);
  for (std::uint64_t i = 0; i < 1200; ++i) REQUIRE(text_of(s.get(i, of("qa", text_tier::xlarge))) == json(i));
  CHECK(s.core.sound());
}

}  // namespace aicache::shard_core_test
