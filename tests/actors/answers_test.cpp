#include "tests/support/sim.hpp"

#include <optional>

// What callers are told of answers: what they are, whether they are kept, and what there is when a computation fails.
using namespace aicache;
using namespace aicache::test;

namespace {

node_options answers_node() {
  node_options o = small_node(1);
  o.shard.lifetimes.otherwise = duration{1'000};
  return o;
}

response ended(finish_reason how, std::string text = "some answer") {
  response r{std::move(text), "model-1", 10, 20, 30};
  r.finish = how;
  return r;
}

/// A caller who computes in an actor of its own, and finishes when the test says so.
struct computing_caller {
  computing_caller(sim& in, const client& c, const request& r) : s(in) {
    // CAF binds the arguments of an actor without any to a null reference, which a sanitizer minds.
    const auto computing = [this, c](caf::event_based_actor* self, const request& wanted) -> caf::behavior {
      c.get_or_compute(
          self, wanted,
          [this](auto f) {
            asked_to_compute = true;
            tell = [f](outcome<response> what) mutable { f(std::move(what)); };
          },
          [this](answer a) {
            ++times_told;
            told = std::move(a);
          },
          [](const caf::error&) { FAIL("the cache is gone"); });
      // What ends a computation is said by the actor that computes.
      return {[this](int) { tell(std::move(*made)); }};
    };
    who = s.system.spawn(computing, r);
    s.run();
  }
  ~computing_caller() {
    tell = nullptr;
    caf::anon_send_exit(who, caf::exit_reason::user_shutdown);
    s.run();
  }
  computing_caller(const computing_caller&) = delete;
  computing_caller& operator=(const computing_caller&) = delete;

  void finish(outcome<response> what) {
    made = std::move(what);
    caf::anon_send(who, 1);
    s.run();
  }

  std::optional<answer> told;
  int times_told = 0;
  bool asked_to_compute = false;

 private:
  sim& s;
  caf::actor who;
  std::optional<outcome<response>> made;
  std::function<void(outcome<response>)> tell;
};

}  // namespace

TEST_CASE("an answer comes with everything that is known of it", "[actors][answers]") {
  sim s(answers_node());
  const client c = s.connect();
  CHECK(s.result(c.put_async(ask(1), ended(finish_reason::tool_calls))) == put_result{});
  s.pass(duration{400});
  const answer a = s.result(c.get_async(ask(1)));
  CHECK(a.finish() == finish_reason::tool_calls);
  CHECK(a.age() == duration{400});
  CHECK(a.time_left() == duration{600});
  price_table prices;
  REQUIRE(prices.set("model-1", {1'000'000, 2'000'000}));
  const answer_metadata m = a.metadata(&prices);
  CHECK(m.operation == "qa");
  CHECK(m.text == text_tier::small);
  CHECK(m.text_length == ask(1).text.size());
  CHECK(m.model == "model-1");
  CHECK(m.input_tokens == 10);
  CHECK(m.output_tokens == 20);
  CHECK(m.from == tier::hot);
  CHECK(m.retrievals == 1);
  CHECK(m.cached_at == a.created);
  CHECK(m.age == duration{400});
  REQUIRE(m.worth);
  CHECK(m.worth->millionths() == 50);
  // The front tells the time as well.
  auto body = std::make_shared<get_body>();
  body->items.push_back({});
  const auto reply = s.told<get_reply>(s.node, get_batch{1, 1'000, false, 0, body});
  CHECK(reply.body->now == a.now);
  // What was not in the cache has no age.
  CHECK(s.result(c.get_async(ask(2))).age() == duration{0});
}

TEST_CASE("a caller is told why its answer is not kept", "[actors][answers]") {
  sim s(answers_node());
  const client c = s.connect();
  CHECK(s.result(c.put_async(ask(1), ended(finish_reason::length))) ==
        put_result{put_status::refused, errc::answer_truncated});
  CHECK(s.result(c.put_async(ask(1), ended(finish_reason::stop, ""))) ==
        put_result{put_status::refused, errc::answer_empty});
  computing_caller first(s, c, ask(1));
  computing_caller second(s, c, ask(1));
  REQUIRE(first.asked_to_compute);
  CHECK_FALSE(second.asked_to_compute);
  first.finish(ended(finish_reason::length, "cut o"));
  REQUIRE(first.told);
  CHECK(first.told->text() == "cut o");
  CHECK(first.told->not_kept == errc::answer_truncated);
  REQUIRE(second.asked_to_compute);
  second.finish(ended(finish_reason::stop, "whole"));
  REQUIRE(second.told);
  CHECK(second.told->not_kept == errc::none);
  CHECK(s.result(c.get_async(ask(1))).text() == "whole");
}

TEST_CASE("a provider's error is told to all who ask meanwhile, and the provider is asked once", "[actors][answers]") {
  node_options o = answers_node();
  o.shard.negatives.ttl = duration{3'000};
  sim s(o);
  const client c = s.connect();
  computing_caller first(s, c, ask(1));
  computing_caller second(s, c, ask(1));
  first.finish(fault{errc::provider_rate_limited, "429"});
  REQUIRE(first.told);
  CHECK(first.told->error == errc::provider_rate_limited);
  REQUIRE(second.told);
  CHECK_FALSE(second.asked_to_compute);
  CHECK(second.told->is_negative());
  CHECK(second.told->error == errc::provider_rate_limited);
  s.pass(duration{1'000});
  const answer a = s.result(c.get_async(ask(1)));
  CHECK(a.is_negative());
  CHECK_FALSE(a);
  CHECK(a.time_left() == duration{2'000});
  s.pass(duration{2'000});
  CHECK(s.result(c.get_async(ask(1))).status == get_status::miss);
  // Who knows it without a lease may say so, and for how long.
  put_options wait;
  wait.ttl = duration{10'000};
  CHECK(s.result(c.put_async(ask(2), failed_response(errc::provider_failed), wait)).status == put_status::negative);
  CHECK(s.result(c.get_async(ask(2))).time_left() == duration{10'000});
}

TEST_CASE("an answer past its time is told at once and computed anew behind it", "[actors][answers]") {
  node_options o = answers_node();
  o.shard.stale.while_revalidate = duration{5'000};
  sim s(o);
  const client c = s.connect();
  s.result(c.put_async(ask(1), ended(finish_reason::stop, "old")));
  s.pass(duration{1'500});
  computing_caller first(s, c, ask(1));
  REQUIRE(first.told);
  CHECK(first.told->is_stale());
  CHECK(first.told->hit());
  CHECK_FALSE(first.told->must_compute());
  CHECK(first.told->text() == "old");
  CHECK(first.told->age() == duration{1'500});
  REQUIRE(first.asked_to_compute);
  computing_caller second(s, c, ask(1));
  REQUIRE(second.told);
  CHECK(second.told->is_stale());
  CHECK_FALSE(second.asked_to_compute);
  first.finish(ended(finish_reason::stop, "new"));
  CHECK(first.times_told == 1);
  const answer a = s.result(c.get_async(ask(1)));
  CHECK(a.text() == "new");
  CHECK_FALSE(a.is_stale());
}

TEST_CASE("when a computation fails, an answer past its time bridges the outage", "[actors][answers]") {
  node_options o = answers_node();
  o.shard.stale.if_error = duration{60'000};
  sim s(o);
  const client c = s.connect();
  s.result(c.put_async(ask(1), ended(finish_reason::stop, "old")));
  s.pass(duration{1'500});
  computing_caller first(s, c, ask(1));
  computing_caller second(s, c, ask(1));
  CHECK_FALSE(first.told);
  REQUIRE(first.asked_to_compute);
  first.finish(fault{errc::compute_failed, "down"});
  for (const computing_caller* caller : {&first, &second}) {
    REQUIRE(caller->told);
    CHECK(caller->told->is_stale());
    CHECK(caller->told->text() == "old");
    CHECK(caller->times_told == 1);
  }
  CHECK_FALSE(second.asked_to_compute);
}

TEST_CASE("a computation that fails without anything to fall back to lets the next in line try", "[actors][answers]") {
  sim s(answers_node());
  const client c = s.connect();
  computing_caller first(s, c, ask(1));
  computing_caller second(s, c, ask(1));
  first.finish(fault{errc::internal, "a bug"});
  REQUIRE(first.told);
  CHECK(first.told->error == errc::internal);
  REQUIRE(second.asked_to_compute);
  second.finish(ended(finish_reason::stop, "good"));
  CHECK(s.result(c.get_async(ask(1))).text() == "good");
}
