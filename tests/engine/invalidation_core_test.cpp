#include "engine/shared/invalidation_core.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/model_generations.hpp"

namespace aicache::invalidation_core_test {

using namespace aicache::test;

namespace {

using core = invalidation_core;

// A core with two shards, whose effects are kept, and a model of Redis that answers when it is told to.
struct desk {
  explicit desk(core::options o = {}, std::vector<scope> written = {}) : it(std::move(o), written) {
    const std::uint64_t shards[] = {1, 2};
    it.shards_changed(shards, now, out);
  }
  desk& up() {
    it.link_changed(true, 1, outages, now, out);
    return *this;
  }
  void down() { it.link_changed(false, 1, ++outages, now, out); }
  void pass(duration d) {
    now = now + d;
    it.tick(now, out);
  }
  template <class E>
  std::vector<E> all() const {
    std::vector<E> found;
    for (const auto& e : out)
      if (const auto* one = std::get_if<E>(&e)) found.push_back(*one);
    return found;
  }
  template <class E>
  std::ptrdiff_t first() const {
    return std::find_if(out.begin(), out.end(), [](const auto& e) { return std::holds_alternative<E>(e); }) -
           out.begin();
  }
  // A sweep finds nothing here.
  redis_reply carry_out(const link_command& c) {
    if (c.words[0] == "EVAL") return redis.run(c.words);
    return {redis_reply::kind::array,
            0,
            "",
            {{redis_reply::kind::bulk, 0, "0", {}}, {redis_reply::kind::array, 0, "", {}}}};
  }
  // Carries out what has been asked; `answers` false: nobody hears what came of it.
  void work(bool answers = true) {
    for (int rounds = 0; rounds < 100; ++rounds) {
      const auto waiting = all<core::run_commands>();
      if (waiting.size() == done) return;
      const auto batch = waiting[done++];
      std::vector<link_reply> replies;
      for (const auto& c : batch.commands) replies.push_back({answers, carry_out(c)});
      it.replied(batch.ticket, replies, now, out);
    }
    FAIL("it never ends");
  }
  void count_all(std::uint64_t entries = 2) {
    for (const auto& t : all<core::tell_shards>())
      if (t.ticket != 0)
        for (std::uint32_t shard = 0; shard < 2; ++shard) it.counted(shard, t.ticket, entries, now, out);
  }
  void ask(std::uint64_t caller, scope_kind kind, std::string tenant, std::string name) {
    it.requested(caller, {kind, std::move(tenant), std::move(name), false}, now, out);
  }
  void forget() {
    REQUIRE(all<core::run_commands>().size() == done);
    out.clear();
    done = 0;
  }

  instant now{1'000'000};
  core::effects out;
  core it;
  model_generations redis;
  std::uint64_t outages = 0;
  std::size_t done = 0;
};

}  // namespace

TEST_CASE("after an outage the journal is replayed, then the generations are read, and only then the gate opens",
          "[shared]") {
  desk d;
  d.ask(1, scope_kind::tenant, "t", "");
  CHECK(d.all<core::journal_append>().size() == 1);
  CHECK(d.all<core::reply>().empty());
  d.count_all();
  REQUIRE(d.all<core::reply>().size() == 1);
  CHECK_FALSE(d.all<core::reply>()[0].numbered);
  CHECK(d.all<core::reply>()[0].in_memory == 4);
  d.forget();
  d.up();
  auto asked = d.all<core::run_commands>();
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].commands[0].words[1] == generation_scripts::invalidate);
  CHECK(d.all<core::open_gate>().empty());
  d.work();
  asked = d.all<core::run_commands>();
  CHECK(asked[1].commands[0].words[1] == generation_scripts::learn);
  REQUIRE(d.all<core::open_gate>().size() == 1);
  const auto state = d.all<core::tell_state>();
  CHECK(state.back().available);
  CHECK(state.back().newest == 1);
  CHECK(d.first<core::tell_shards>() < d.first<core::open_gate>());
  CHECK(d.all<core::journal_clear>().size() == 1);
  CHECK(d.it.counters().replayed == 1);
}

TEST_CASE("a number settles its scope only when the scope was not invalidated again meanwhile", "[shared]") {
  desk d;
  d.up().work();
  d.forget();
  d.ask(1, scope_kind::tag, "t", "x");
  d.ask(2, scope_kind::tag, "t", "x");
  d.count_all();
  const auto first = d.all<core::run_commands>()[0];
  d.done = 1;
  const std::vector<link_reply> reply{{true, d.redis.run(first.commands[0].words)}};
  d.it.replied(first.ticket, reply, d.now, d.out);
  auto settled = [&] {
    const auto told = d.all<core::tell_shards>();
    return std::count_if(told.begin(), told.end(), [](const auto& t) { return t.settles; });
  };
  CHECK(settled() == 0);
  CHECK(d.all<core::reply>().size() == 1);
  const auto second = d.all<core::run_commands>()[1];
  REQUIRE(second.commands[0].words[1] == generation_scripts::invalidate);
  d.done = 2;
  const std::vector<link_reply> again{{true, d.redis.run(second.commands[0].words)}};
  d.it.replied(second.ticket, again, d.now, d.out);
  CHECK(settled() == 1);
  CHECK(d.all<core::tell_shards>().back().since == 2);
  CHECK(d.all<core::reply>().size() == 2);
}

TEST_CASE("a reply that is lost leaves the invalidation in the journal, and it is told again", "[shared]") {
  desk d;
  d.up().work();
  d.forget();
  d.ask(1, scope_kind::operation, "", "qa");
  d.count_all();
  d.work(false);
  REQUIRE(d.all<core::reply>().size() == 1);
  CHECK_FALSE(d.all<core::reply>()[0].numbered);
  CHECK(d.all<core::journal_append>().size() == 1);
  CHECK_FALSE(d.it.is_idle());
  d.pass(duration{200});
  d.work();
  CHECK(d.it.is_idle());
  CHECK(d.all<core::journal_clear>().size() == 1);
  CHECK(d.redis.newest == 2);
  CHECK(d.it.book().of(scope_of_operation("qa")) == 2);
}

TEST_CASE("when the generations cannot be read for a lease the gate is closed until they can", "[shared]") {
  desk d;
  d.up().work();
  for (int i = 0; i < 20; ++i) {
    d.pass(duration{100});
    d.work();
  }
  CHECK(d.it.is_available());
  CHECK(d.it.counters().reread >= 4);
  d.forget();
  for (int i = 0; i < 12; ++i) {
    d.pass(duration{100});
    d.work(false);
  }
  CHECK_FALSE(d.it.is_available());
  CHECK(d.all<core::close_gate>().size() == 1);
  CHECK_FALSE(d.all<core::tell_state>().back().available);
  d.pass(duration{200});
  d.work();
  CHECK(d.it.is_available());
  CHECK(d.all<core::open_gate>().size() == 1);
}

TEST_CASE("replies do not hang on shards that are late, or dead, or on a link that says nothing", "[shared]") {
  desk d;
  d.up().work();
  d.forget();
  d.ask(1, scope_kind::tenant, "t", "");
  d.work();
  const std::uint64_t ticket = d.all<core::tell_shards>()[0].ticket;
  d.it.counted(0, ticket, 5, d.now, d.out);
  CHECK(d.all<core::reply>().empty());
  SECTION("late") { d.pass(duration{4'000}); }
  SECTION("dead") {
    const std::uint64_t shards[] = {1, 0};
    d.it.shards_changed(shards, d.now, d.out);
  }
  REQUIRE(d.all<core::reply>().size() == 1);
  CHECK(d.all<core::reply>()[0].in_memory == 5);
  CHECK(d.all<core::reply>()[0].numbered);
  d.it.counted(1, ticket, 5, d.now, d.out);
  CHECK(d.all<core::reply>().size() == 1);
  d.ask(2, scope_kind::tenant, "u", "");
  d.count_all();
  d.pass(duration{5'000});
  REQUIRE(d.all<core::reply>().size() == 2);
  CHECK_FALSE(d.all<core::reply>()[1].numbered);
}

TEST_CASE("counts that waited because the one who asked was held up are counted all the same", "[shared]") {
  desk d;
  d.ask(1, scope_kind::tenant, "t", "");
  const std::uint64_t ticket = d.all<core::tell_shards>()[0].ticket;
  d.now = d.now + duration{60'000};
  d.it.counted(0, ticket, 5, d.now, d.out);
  CHECK(d.all<core::reply>().empty());
  d.it.counted(1, ticket, 7, d.now, d.out);
  REQUIRE(d.all<core::reply>().size() == 1);
  CHECK(d.all<core::reply>()[0].in_memory == 12);
}

TEST_CASE("a full journal invalidates everything, and settles all that it has swallowed", "[shared]") {
  core::options o;
  o.journal = 10;
  desk d(o);
  std::vector<scope> scopes;
  for (int i = 0; i < 15; ++i) {
    d.ask(static_cast<std::uint64_t>(i), scope_kind::tag, "t", std::to_string(i));
    scopes.push_back(scope_of_tag("t", std::to_string(i)));
  }
  d.count_all();
  CHECK(d.it.counters().collapsed == 1);
  CHECK(d.all<core::reply>().size() == 15);
  CHECK(d.all<core::journal_append>().back().scopes == std::vector<scope>{scope{}});
  d.forget();
  d.up().work();
  CHECK(d.redis.scopes.size() == 1);
  CHECK(d.redis.scopes.contains("e"));
  std::vector<scope> settled;
  for (const auto& t : d.all<core::tell_shards>())
    if (t.settles) settled.insert(settled.end(), t.scopes.begin(), t.scopes.end());
  CHECK(settled.size() == 16);
  for (const scope& s : scopes) CHECK(std::find(settled.begin(), settled.end(), s) != settled.end());
}

TEST_CASE("erased keys go to Redis together, and concern their owners only", "[shared]") {
  desk d;
  d.up().work();
  d.forget();
  const key128 low{1, 1}, high{UINT64_MAX, 1};
  const key128 keys[] = {low, high};
  d.it.keys_erased({&low, 1}, d.now, d.out);
  d.it.keys_erased(keys, d.now, d.out);
  d.it.keys_erased({&high, 1}, d.now, d.out);
  CHECK(d.all<core::tell_shards>().empty());
  CHECK(d.all<core::run_commands>().size() == 1);
  d.work();
  CHECK(d.redis.newest == 2);
  for (const auto& t : d.all<core::tell_shards>()) {
    CHECK(t.settles);
    for (const scope& s : t.scopes) CHECK(t.shard == (s.name == low ? 0 : 1));
  }
  CHECK(d.it.counters().erased == 4);
}

TEST_CASE("without Redis an invalidation has its number at once and owes nobody anything", "[shared]") {
  core::options o;
  o.alone = true;
  desk d(o);
  d.ask(1, scope_kind::tenant, "t", "");
  d.count_all();
  REQUIRE(d.all<core::reply>().size() == 1);
  CHECK(d.all<core::reply>()[0].numbered);
  CHECK(d.all<core::tell_shards>()[0].since == 1);
  CHECK(d.all<core::tell_state>().back().newest == 1);
  d.pass(duration{10'000});
  CHECK(d.all<core::run_commands>().empty());
  CHECK(d.all<core::journal_append>().empty());
}

TEST_CASE("announcements that fit are applied, what does not fit is read, and what makes no sense does no harm",
          "[shared]") {
  desk d;
  d.up().work();
  d.forget();
  const scope s = scope_of_tenant("t");
  d.redis.newest = 1;
  d.redis.scopes[to_text(s)] = 1;
  d.it.announced("1 99 " + to_text(s), d.now, d.out);
  CHECK(d.it.learned() == 1);
  CHECK(d.all<core::run_commands>().empty());
  CHECK(d.all<core::tell_shards>().size() == 1);
  d.it.announced("1 99 " + to_text(s), d.now, d.out);
  CHECK(d.all<core::tell_shards>().size() == 1);
  d.redis.newest = 3;
  d.redis.scopes[to_text(scope_of_tenant("u"))] = 2;
  d.redis.scopes[to_text(s)] = 3;
  d.it.announced("3 99 " + to_text(s), d.now, d.out);
  d.work();
  CHECK(d.it.learned() == 3);
  CHECK(d.it.book().of(scope_of_tenant("u")) == 2);
  for (const char* nonsense : {"", " ", "x", "5", "18446744073709551615 1 e", "99999999999999999999 1", "4 -1 e"}) {
    d.it.announced(nonsense, d.now, d.out);
    d.work();
    CHECK(d.it.learned() == 3);
  }
  d.redis.newest = 4;
  d.redis.scopes["e"] = 4;
  d.it.announced("4 99 a-kind-of-a-later-version", d.now, d.out);
  CHECK(d.it.book().of(scope{}) == 4);
}

TEST_CASE("a number that was given before is no number: Redis is told again first, then the invalidation", "[shared]") {
  desk d;
  d.up().work();
  for (std::uint64_t i = 0; i < 5; ++i) d.ask(i, scope_kind::tag, "t", std::to_string(i));
  d.count_all();
  d.work();
  d.forget();
  // The same server, emptied: no outage, no other run id.
  const std::uint64_t learned = d.it.learned();
  d.redis = {};
  d.ask(9, scope_kind::tenant, "t", "");
  d.count_all();
  d.work();
  CHECK_FALSE(d.all<core::reply>().back().numbered);
  for (const auto& t : d.all<core::tell_shards>())
    if (t.settles) CHECK(t.since > learned);
  CHECK(d.it.is_idle());
  CHECK(d.it.book().of(scope_of_tenant("t")) > learned);
  CHECK(d.redis.scopes.size() == 6);
  CHECK(d.it.counters().restored == 1);
}

}  // namespace aicache::invalidation_core_test
