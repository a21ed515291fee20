#include "tests/support/sim.hpp"

#include <memory>

namespace aicache::test {

// Something to be done in an actor, on its turn.
struct on_turn {
  std::function<void()> what;
};

}  // namespace aicache::test

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::test::on_turn)

using namespace aicache;
using namespace aicache::test;

namespace {

// An actor that does what it is told to, once, and lives until it is told to go.
using work = std::function<void(caf::event_based_actor*)>;

caf::behavior user(caf::event_based_actor* self, const work& what) {
  what(self);
  return {[](const on_turn& t) { t.what(); }};
}

void in_turn(sim& s, const caf::actor& who, std::function<void()> what) {
  caf::anon_send(who, on_turn{std::move(what)});
  s.run();
}

caf::actor user_of(sim& s, work what) { return s.system.spawn(user, std::move(what)); }

std::vector<request> many(std::uint64_t n, const std::string& operation = "qa") {
  std::vector<request> all;
  for (std::uint64_t i = 0; i < n; ++i) all.push_back(ask(i, operation));
  return all;
}

std::vector<response> replies_to(std::uint64_t n) {
  std::vector<response> all;
  for (std::uint64_t i = 0; i < n; ++i) all.push_back(reply_to(i));
  return all;
}

}  // namespace

TEST_CASE("an answer that was put is got, with all that was said of it", "[actors][client]") {
  sim s;
  const client c = s.connect();
  CHECK(s.result(c.get_async(ask(1))).status == get_status::miss);
  CHECK(s.result(c.put_async(ask(1), reply_to(1))) == put_result{});
  s.pass(duration{50});
  const answer a = s.result(c.get_async(ask(1)));
  CHECK(a.hit());
  CHECK(a.text() == "answer 1");
  CHECK(a.model() == "model-1");
  CHECK(a.facts() == answer_facts{10, 20, 30, 8});
  CHECK(a.from == tier::hot);
  CHECK(a.retrievals == 1);
  CHECK(a.created == instant{1'000'000});
  CHECK(a.expires == instant{1'000'000} + node_options{}.shard.lifetimes.otherwise);
  CHECK(s.result(c.get_async(ask(1, "qa", "another tenant"))).status == get_status::miss);
}

TEST_CASE("an actor uses the cache by request and response", "[actors][client]") {
  sim s(small_node(4));
  const client c = s.connect();
  const auto requests = many(100);
  std::vector<put_result> stored;
  std::vector<answer> got;
  std::string one;
  int errors = 0;
  const auto user = user_of(s, [&](caf::event_based_actor* self) {
    auto otherwise = [&](const caf::error&) { ++errors; };
    c.put_list(
        self, requests, replies_to(100), {}, [&](std::vector<put_result> r) { stored = std::move(r); }, otherwise);
    c.put(
        self, ask(100), reply_to(100), {},
        [&, self, otherwise](put_result) {
          c.get(
              self, ask(100), {}, [&](answer a) { one = a.text(); }, otherwise);
          c.get_list(
              self, requests, {}, [&](std::vector<answer> all) { got = std::move(all); }, otherwise);
        },
        otherwise);
  });
  s.run();
  CHECK(errors == 0);
  CHECK(stored == std::vector<put_result>(100));
  CHECK(one == "answer 100");
  REQUIRE(got.size() == 100);
  for (std::uint64_t i = 0; i < 100; ++i) CHECK(got[i].text() == reply_to(i).text);
}

TEST_CASE("requests that break a rule are refused each by itself", "[actors][client]") {
  node_options o = small_node();
  o.limits.text_bytes = 64;
  o.limits.value_bytes = 100;
  o.shard.tiers.value_bytes = 100;
  sim s(o);
  const client c = s.connect();
  auto asked = many(3);
  asked[1].text.clear();
  asked[2].text.assign(65, 'x');
  const auto got = s.result(c.get_async(asked));
  CHECK(got[0].status == get_status::miss);
  CHECK(got[1].error == errc::invalid_argument);
  CHECK(got[2].error == errc::too_large);
  response large = reply_to(0);
  large.text.assign(101, 'x');
  CHECK(s.result(c.put_async(asked[0], large)) == put_result{put_status::refused, errc::too_large});
  put_options dead;
  dead.ttl = duration{0};
  CHECK(s.result(c.put_async(asked[0], reply_to(0), dead)) == put_result{put_status::refused, errc::invalid_argument});
  CHECK(s.result(c.get_async(std::span<const request>{})).empty());
}

TEST_CASE("one of two concurrent callers computes and both are answered", "[actors][client][lease]") {
  sim s;
  const client c = s.connect();
  int computed = 0;
  std::vector<std::string> texts;
  std::function<void(outcome<response>)> finish;
  std::vector<caf::actor> users;
  for (int i = 0; i < 2; ++i)
    users.push_back(user_of(s, [&](caf::event_based_actor* self) {
      c.get_or_compute(
          self, ask(1),
          [&](auto done) {
            ++computed;
            finish = done;
          },
          [&](answer a) { texts.emplace_back(a.text()); }, [](const caf::error&) { FAIL("an error"); });
    }));
  s.run();
  REQUIRE(computed == 1);
  CHECK(texts.empty());
  in_turn(s, users[0], [&] {
    finish(reply_to(1));
    // Telling twice changes nothing.
    finish(reply_to(2));
    finish = nullptr;
  });
  CHECK(computed == 1);
  CHECK(texts == std::vector<std::string>{"answer 1", "answer 1"});
  CHECK(s.result(c.get_async(ask(1))).hit());
}

TEST_CASE("when a computation fails, its caller is told and the next in line computes", "[actors][client][lease]") {
  sim s;
  const client c = s.connect();
  std::vector<std::function<void(outcome<response>)>> finish;
  std::vector<answer> told;
  const auto ask_it = [&](caf::event_based_actor* self) {
    c.get_or_compute(
        self, ask(1), [&](auto done) { finish.push_back(done); }, [&](answer a) { told.push_back(std::move(a)); },
        [](const caf::error&) { FAIL("an error"); });
  };
  const auto first = user_of(s, ask_it);
  s.run();
  const auto second = user_of(s, ask_it);
  s.run();
  REQUIRE(finish.size() == 1);
  SECTION("by saying so") {
    in_turn(s, first, [&] { finish[0](fault{errc::compute_failed, "no"}); });
    REQUIRE(told.size() == 1);
    CHECK(told[0].error == errc::compute_failed);
  }
  SECTION("by letting go of it") { finish[0] = nullptr; }
  SECTION("by an answer that is too large") {
    response large = reply_to(1);
    large.text.assign(c.limits().value_bytes + 1, 'x');
    in_turn(s, first, [&] { finish[0](large); });
    REQUIRE(told.size() == 1);
    CHECK(told[0].text() == large.text);
  }
  SECTION("by the death of its actor") {
    caf::anon_send_exit(first, caf::exit_reason::kill);
    finish[0] = nullptr;
  }
  s.run();
  REQUIRE(finish.size() == 2);
  told.clear();
  in_turn(s, second, [&] {
    finish[1](reply_to(1));
    finish.clear();
  });
  REQUIRE(told.size() == 1);
  CHECK(told[0].text() == "answer 1");
}

TEST_CASE("a lease that comes when its actor is gone passes on", "[actors][client][lease]") {
  sim s;
  const client c = s.connect();
  int computed = 0;
  const auto ask_it = [&](caf::event_based_actor* self) {
    c.get_or_compute(
        self, ask(1),
        [&](auto done) {
          ++computed;
          done(reply_to(1));
        },
        [](answer) {}, [](const caf::error&) {});
  };
  const auto gone = user_of(s, ask_it);
  caf::anon_send_exit(gone, caf::exit_reason::kill);
  s.run();
  CHECK(s.statistics().present.parked == 0);
  user_of(s, ask_it);
  s.run();
  CHECK(computed == 1);
  CHECK(s.result(c.get_async(ask(1))).text() == "answer 1");
}

TEST_CASE("a caller that waits in vain is told so at its deadline", "[actors][client][lease]") {
  sim s;
  const client c = s.connect();
  get_options o;
  o.lease = true;
  o.deadline = duration{300};
  const answer first = s.result(c.get_async(ask(1), o));
  CHECK(first.must_compute());
  auto second = c.get_async(ask(1), o);
  s.pass(duration{280});
  CHECK_FALSE(sim::is_ready(second));
  s.pass(duration{300});
  const answer a = s.result(std::move(second));
  // The shard's miss and the client's deadline come together; neither is a lease.
  CHECK((a.status == get_status::miss || a.error == errc::deadline));
  CHECK(a.lease == 0);
  put_options p;
  p.lease = first.lease;
  CHECK(s.result(c.put_async(ask(1), reply_to(1), p)) == put_result{});
}

TEST_CASE("a lease that takes too long goes to the next in line, and the late answer still counts",
          "[actors][client][lease]") {
  node_options n = small_node();
  n.shard.leases.lease = duration{1'000};
  sim s(n);
  const client c = s.connect();
  get_options o;
  o.lease = true;
  const answer slow = s.result(c.get_async(ask(1), o));
  auto second = c.get_async(ask(1), o);
  auto third = c.get_async(ask(1), o);
  s.pass(duration{1'300});
  const answer next = s.result(std::move(second));
  REQUIRE(next.must_compute());
  CHECK(next.lease != slow.lease);
  CHECK_FALSE(sim::is_ready(third));
  put_options late;
  late.lease = slow.lease;
  CHECK(s.result(c.put_async(ask(1), reply_to(1), late)) == put_result{});
  CHECK(s.result(std::move(third)).text() == "answer 1");
}

TEST_CASE("what is invalidated while it is computed reaches who waits and is not stored", "[actors][client][lease]") {
  sim s;
  const client c = s.connect();
  get_options o;
  o.lease = true;
  const answer first = s.result(c.get_async(ask(1), o));
  auto second = c.get_async(ask(1), o);
  s.run();
  // Who does not take the reply does no harm.
  const auto sender = user_of(s, [&](caf::event_based_actor* self) {
    auto body = std::make_shared<key_body>();
    identifier names{identity_options{}};
    body->items.push_back({names.identify(ask(1))->id});
    self->send(s.node, erase_batch{1, 100, false, 0, body});
  });
  s.run();
  put_options p;
  p.lease = first.lease;
  CHECK(s.result(c.put_async(ask(1), reply_to(1), p)) == put_result{put_status::not_stored, errc::none});
  CHECK(s.result(std::move(second)).text() == "answer 1");
  CHECK(s.result(c.get_async(ask(1))).status == get_status::miss);
}

TEST_CASE("too much in flight is refused at once", "[actors][client]") {
  node_options n = small_node(1);
  n.limits.batch_keys = 10;
  n.limits.in_flight_keys = 20;
  sim s(n);
  const client c = s.connect();
  const auto requests = many(30);
  auto f = c.get_async(requests);
  const auto all = s.result(std::move(f));
  CHECK(std::count_if(all.begin(), all.end(), [](const answer& a) { return a.error == errc::overloaded; }) == 10);
  CHECK(s.result(c.get_async(std::span(requests).first(20)))[19].status == get_status::miss);
}

TEST_CASE("a client outlives neither its handles nor its node", "[actors][client]") {
  sim s;
  std::optional<client> c = s.connect();
  const caf::actor_addr actor = c->actor().address();
  SECTION("without handles it ends, after its last call") {
    get_options o;
    o.lease = true;
    REQUIRE(s.result(c->get_async(ask(1), o)).must_compute());
    auto waiting = c->get_async(ask(1), o);
    c.reset();
    s.run();
    CHECK_FALSE(sim::is_ready(waiting));
    s.pass(duration{5'300});
    REQUIRE(sim::is_ready(waiting));
    CHECK(caf::actor_cast<caf::strong_actor_ptr>(actor) == nullptr);
  }
  SECTION("without a node every call is unavailable at once") {
    get_options o;
    o.lease = true;
    REQUIRE(s.result(c->get_async(ask(1), o)).must_compute());
    auto waiting = c->get_async(ask(1), o);
    s.run();
    caf::anon_send_exit(s.node, caf::exit_reason::kill);
    CHECK(s.result(std::move(waiting)).error == errc::unavailable);
    CHECK(s.result(c->get_async(ask(2))).error == errc::unavailable);
  }
  SECTION("a client actor that is killed answers what it had and what it never saw") {
    get_options o;
    o.lease = true;
    REQUIRE(s.result(c->get_async(ask(1), o)).must_compute());
    auto waiting = c->get_async(ask(1), o);
    s.run();
    caf::anon_send_exit(c->actor(), caf::exit_reason::kill);
    auto unseen = c->get_async(ask(2));
    CHECK(s.result(std::move(waiting)).error == errc::shutting_down);
    CHECK(s.result(std::move(unseen)).error == errc::unavailable);
    CHECK(s.result(c->get_async(ask(3))).error == errc::unavailable);
  }
}
