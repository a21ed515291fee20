#include "actors/generic_store.hpp"
#include "tests/support/sim.hpp"

namespace aicache::events_test {
namespace {

using namespace aicache::test;

/// An actor that is told of events, and says that it has taken them unless it is slow.
struct heard {
  std::vector<cache_event> events;
  std::uint64_t batches = 0;
  std::uint64_t dropped = 0;
  std::uint64_t subscription = 0;
  errc refused = errc::none;
  bool takes = true;

  std::vector<event_kind> kinds() const {
    std::vector<event_kind> all;
    for (const cache_event& e : events) all.push_back(e.kind);
    return all;
  }
};
using hearing = std::shared_ptr<heard>;

caf::actor listen(sim& s, const client& c, const hearing& what, event_filter wanted = {}) {
  const auto listener = [what, c, wanted](caf::event_based_actor* self, int) -> caf::behavior {
    c.subscribe(
        self, wanted, [what](std::uint64_t made) { what->subscription = made; },
        [what](const caf::error& why) { what->refused = to_errc(why); });
    return {[what, c](const event_batch& b) {
      ++what->batches;
      CHECK(b.number == what->batches);
      what->dropped += b.dropped;
      what->events.insert(what->events.end(), b.events.begin(), b.events.end());
      if (what->takes) c.took(b);
    }};
  };
  const caf::actor made = s.system.spawn(listener, 0);
  s.run();
  return made;
}

constexpr duration a_tick{600};

}  // namespace

TEST_CASE("whoever subscribes is told what happens to entries, and nothing of what they say", "[actors][events]") {
  sim s(small_node(1));
  const client c = s.connect();
  CHECK(s.result(c.put_async(ask(1), reply_to(1))) == put_result{});
  const auto what = std::make_shared<heard>();
  listen(s, c, what);
  CHECK(what->subscription != 0);
  CHECK(s.result(c.get_async(ask(1))).hit());
  CHECK_FALSE(s.result(c.get_async(ask(2))).hit());
  CHECK(s.result(c.put_async(ask(2, "summarize", "other"), reply_to(2))) == put_result{});
  const generic_store store = c.generic("acme");
  CHECK(s.result(store.set_async("user:1", "x")) == put_result{});
  const std::string key = "user:1";
  CHECK(s.result(store.by_key_async(call_kind::erase, {&key, 1})).front().found);
  CHECK_FALSE(s.result(store.by_key_async(call_kind::erase, {&key, 1})).front().found);
  s.pass(a_tick);
  CHECK(what->kinds() == std::vector<event_kind>{event_kind::hit, event_kind::miss, event_kind::put, event_kind::put,
                                                 event_kind::erased});
  REQUIRE(what->events.size() == 5);
  identifier names{identity_options{}};
  cache_event hit;
  hit.kind = event_kind::hit;
  hit.from = tier::hot;
  hit.at = what->events[0].at;
  hit.id = names.identify(ask(1))->id;
  hit.tenant = "t";
  hit.operation = "qa";
  CHECK(what->events[0] == hit);
  CHECK(what->events[2].tenant == "other");
  CHECK(what->events[2].operation == "summarize");
  CHECK(what->events[3].operation.empty());
  CHECK(what->events[3].id == names.identify_generic("acme", key)->id);
  CHECK(s.told<invalidated>(s.node, invalidate_request{scope_kind::tenant, "t"}).in_memory == 1);
  REQUIRE(what->events.size() == 6);
  CHECK(what->events[5].kind == event_kind::invalidate);
  CHECK(what->events[5].tenant == "t");
  CHECK(what->events[5].entries == 1);
  CHECK(what->dropped == 0);
}

TEST_CASE("hits and misses that come late are told when they are known", "[actors][events]") {
  sim s(small_node(1));
  const client c = s.connect();
  const auto what = std::make_shared<heard>();
  listen(s, c, what);
  get_options lease;
  lease.lease = true;
  const answer first = s.result(c.get_async(ask(1), lease));
  REQUIRE(first.must_compute());
  auto second = c.get_async(ask(1), lease);
  s.run();
  put_options under;
  under.lease = first.lease;
  CHECK(s.result(c.put_async(ask(1), reply_to(1), under)) == put_result{});
  CHECK(s.result(std::move(second)).hit());
  s.pass(a_tick);
  CHECK(what->kinds() == std::vector<event_kind>{event_kind::miss, event_kind::put, event_kind::hit});
  CHECK(what->events.back().from == tier::parked);
}

TEST_CASE("a subscriber gets what it asked for, and nothing once it has gone", "[actors][events]") {
  sim s(small_node(2));
  const client c = s.connect();
  event_filter of_a;
  of_a.one_tenant = true;
  of_a.tenant = "a";
  of_a.kinds = bit_of(event_kind::put);
  const auto one = std::make_shared<heard>();
  const auto other = std::make_shared<heard>();
  listen(s, c, one, of_a);
  const caf::actor dying = listen(s, c, other);
  for (std::uint64_t i = 0; i < 10; ++i)
    CHECK(s.result(c.put_async(ask(i, "qa", i % 2 == 0 ? "a" : "b"), reply_to(i))) == put_result{});
  s.pass(a_tick);
  CHECK(one->events.size() == 5);
  CHECK(other->events.size() == 10);
  caf::anon_send_exit(dying, caf::exit_reason::kill);
  s.run();
  c.unsubscribe(one->subscription);
  s.run();
  CHECK(s.result(c.put_async(ask(1), reply_to(1))) == put_result{});
  s.pass(a_tick);
  CHECK(one->events.size() == 5);
  CHECK(other->events.size() == 10);
  CHECK_FALSE(s.told<unsubscribed>(s.node, unsubscribe_request{one->subscription}).found);
}

TEST_CASE("a subscriber that says nothing gets two batches, and the others everything", "[actors][events]") {
  sim s(small_node(1));
  const client c = s.connect();
  const auto slow = std::make_shared<heard>();
  slow->takes = false;
  const auto quick = std::make_shared<heard>();
  listen(s, c, slow);
  listen(s, c, quick);
  for (std::uint64_t i = 0; i < 6; ++i) {
    CHECK(s.result(c.put_async(ask(i), reply_to(i))) == put_result{});
    s.pass(a_tick);
  }
  CHECK(quick->events.size() == 6);
  CHECK(slow->batches == 2);
  CHECK(slow->events.size() == 2);
  slow->takes = true;
  c.took({slow->subscription});
  s.run();
  CHECK(slow->events.size() == 6);
  CHECK(slow->dropped == 0);
}

TEST_CASE("a new shard notes what its predecessor noted, and wishes that are none are refused", "[actors][events]") {
  sim s(small_node(1));
  const client c = s.connect();
  const auto what = std::make_shared<heard>();
  listen(s, c, what);
  s.kill(s.map().shards[0]);
  s.pass(duration{200});
  CHECK(s.result(c.put_async(ask(1), reply_to(1))) == put_result{});
  s.pass(a_tick);
  CHECK(what->kinds() == std::vector<event_kind>{event_kind::put});
  const auto none = std::make_shared<heard>();
  event_filter nothing;
  nothing.kinds = 0;
  listen(s, c, none, nothing);
  CHECK(none->refused == errc::invalid_argument);
  CHECK(s.told<subscribed>(s.node, subscribe_request{}).why == errc::invalid_argument);
}

}  // namespace aicache::events_test
