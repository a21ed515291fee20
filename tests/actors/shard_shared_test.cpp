#include "actors/codec_worker.hpp"
#include "actors/shard.hpp"
#include "tests/support/shard_harness.hpp"
#include "tests/support/sim.hpp"

using namespace aicache;
using namespace aicache::test;

// A shard actor's way to the shared tier: the link is a stand-in in the test's hand, the worker is a real one.

namespace {

struct at_the_link {
  std::deque<fetch_request> fetches;
  std::deque<store_request> stores;
};

shared_reader stand_in(caf::actor_system& system, std::shared_ptr<at_the_link> came) {
  // With an argument: without one CAF refers to a tuple that is not there.
  const auto receive = [](const std::shared_ptr<at_the_link>& to) -> shared_reader::behavior_type {
    return {[to](const fetch_request& r) { to->fetches.push_back(r); },
            [to](const store_request& r) { to->stores.push_back(r); }};
  };
  return system.spawn(receive, std::move(came));
}

struct shard_alone {
  shard_alone() {
    setup.options.tiers.budget = 4 << 20;
    setup.options.tiers.warm_share = 0;
    setup.options.shared.on = true;
    setup.clock = node_clock({1'000'000}, system.clock().now());
    setup.drain_timeout = duration{1'000};
    worker = system.spawn(codec_worker, shared_codec::options{});
    link = stand_in(system, came);
    caf::anon_send(worker, serve_link{link});
    setup.with = {{}, {worker}, link, {}, {}};
    it = system.spawn(shard, setup);
    caf::anon_send(it, shared_tier_state{true, 1});
    run();
  }
  ~shard_alone() {
    for (const auto& a :
         {caf::actor_cast<caf::actor>(it), caf::actor_cast<caf::actor>(worker), caf::actor_cast<caf::actor>(link)})
      caf::anon_send_exit(a, caf::exit_reason::kill);
    run();
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }
  void run() { scheduler().run(); }
  void pass(duration d) {
    for (duration gone{0}; gone < d; gone += duration{10}) {
      scheduler().advance_time(duration{10});
      run();
    }
  }
  template <class Batch, class Item>
  void send(std::uint64_t correlation, std::vector<Item> items, std::int64_t wait_ms = 10'000, bool partial = true) {
    Batch b;
    b.correlation = correlation;
    b.wait_ms = wait_ms;
    b.partial = partial;
    b.body = std::make_shared<typename decltype(b.body)::element_type>();
    b.body->names = std::make_shared<const name_lists>(name_lists{{"qa"}, {"t"}});
    b.body->items = std::move(items);
    caller->send(it, std::move(b));
    run();
  }
  void get(std::uint64_t correlation, std::vector<std::uint64_t> keys, bool lease = false, bool partial = true) {
    std::vector<get_item> items;
    for (std::uint64_t k : keys) items.push_back({id_of(k), 0, 0, text_tier::small, lease});
    send<get_batch>(correlation, items, 10'000, partial);
  }
  void put(std::uint64_t correlation, std::uint64_t key, bool through = false) {
    put_item item{id_of(key), 0, 0, text_tier::small, 0, own_lifetime, blob::make("answer", {}), through, {}};
    send<put_batch>(correlation, std::vector{item});
  }
  /// The next message to the caller, if it is of this kind.
  template <class Reply>
  std::optional<Reply> heard() {
    std::optional<Reply> r;
    caller->receive([&](Reply& m) { r = std::move(m); }, caf::after(std::chrono::seconds{0}) >> [] {});
    return r;
  }
  void answer_fetch(const std::vector<std::uint64_t>& present) {
    const fetch_request r = came->fetches.front();
    came->fetches.pop_front();
    fetched f{r.ticket, {}};
    for (const std::string& key : r.keys) {
      fetched_value v{fetch_status::absent, {}};
      for (std::uint64_t k : present)
        if (held_redis::name_of(id_of(k)) == key) {
          redis.put(key, {id_of(k), blob::make("answer", {}), {900'000}, {9'000'000}, 1, {}});
          v = {fetch_status::present, redis.data[key]};
        }
      f.values.push_back(std::move(v));
    }
    caf::anon_send(it, std::move(f));
    run();
  }
  void answer_store(store_status how) {
    const store_request r = came->stores.front();
    came->stores.pop_front();
    caf::anon_send(it, stored{r.ticket, std::vector<store_status>(r.items.size(), how)});
    run();
  }

  sim_config config;
  caf::actor_system system{config};
  caf::scoped_actor caller{system};
  std::shared_ptr<at_the_link> came = std::make_shared<at_the_link>();
  held_redis redis;
  shard_setup setup;
  codec_worker_actor worker;
  shared_reader link;
  shard_actor it;
};

}  // namespace

TEST_CASE("what a look-up brings travels in one late reply a batch", "[actors][shard]") {
  shard_alone s;
  s.get(1, {1, 2, 3});
  s.get(2, {3, 4});
  REQUIRE(s.came->fetches.size() == 2);
  CHECK(s.came->fetches[1].keys.size() == 1);  // the third is being looked up
  const auto at_once = s.heard<get_reply>();
  REQUIRE(at_once);
  CHECK(at_once->body->results[0].status == get_status::pending);
  CHECK(s.heard<get_reply>());
  s.answer_fetch({1, 3});
  // Both batches wait for the third key: one message each, whatever their order.
  std::map<std::uint64_t, std::vector<late_result>> late;
  while (auto r = s.heard<late_reply>()) {
    CHECK(late.count(r->correlation) == 0);
    late[r->correlation] = r->results;
  }
  REQUIRE(late[1].size() == 3);
  REQUIRE(late[2].size() == 1);
  CHECK(late[1][0].result.from == tier::shared);
  CHECK(late[1][1].result.status == get_status::miss);
  CHECK(late[2][0].result.from == tier::shared);
  s.answer_fetch({});
  CHECK(s.heard<late_reply>()->results[0].position == 1);
}

TEST_CASE("who asks for a whole reply gets it when the look-up is over", "[actors][shard]") {
  shard_alone s;
  s.get(1, {1, 2}, false, false);
  CHECK_FALSE(s.heard<get_reply>());
  s.answer_fetch({2});
  const auto r = s.heard<get_reply>();
  REQUIRE(r);
  CHECK(r->body->results[0].status == get_status::miss);
  CHECK(r->body->results[1].status == get_status::hit);
}

TEST_CASE("a put that is written through is answered after Redis has it, another at once", "[actors][shard]") {
  shard_alone s;
  s.put(1, 1);
  CHECK(s.heard<put_reply>()->body->results[0].shared == shared_copy::later);
  s.answer_store(store_status::done);
  for (const store_status how : {store_status::done, store_status::refused, store_status::unavailable}) {
    s.put(2, 2, true);
    CHECK_FALSE(s.heard<put_reply>());
    s.answer_store(how);
    const auto r = s.heard<put_reply>();
    REQUIRE(r);
    CHECK(r->body->results[0].shared == (how == store_status::done ? shared_copy::written : shared_copy::failed));
  }
}

TEST_CASE("an erase is answered after the removal, and says whether anybody had the answer", "[actors][shard]") {
  shard_alone s;
  for (const store_status how : {store_status::done, store_status::absent}) {
    s.send<erase_batch>(1, std::vector{key_item{id_of(1), own_lifetime, 0, 0}});
    CHECK_FALSE(s.heard<erase_reply>());
    REQUIRE(s.came->stores.size() == 1);
    CHECK(s.came->stores[0].items[0].bytes.empty());
    s.answer_store(how);
    const auto r = s.heard<erase_reply>();
    REQUIRE(r);
    CHECK(r->body->results[0].found == (how == store_status::done));
  }
}

TEST_CASE("an operation by key looks in Redis first", "[actors][shard]") {
  shard_alone s;
  s.send<touch_batch>(1, std::vector{key_item{id_of(1), 5'000, 0, 0}});
  CHECK_FALSE(s.heard<touch_reply>());
  s.answer_fetch({1});
  const auto r = s.heard<touch_reply>();
  REQUIRE(r);
  CHECK(r->body->results[0].found);
  CHECK(s.came->stores.size() == 1);  // its new end is written
}

TEST_CASE("a drain waits for what Redis does not have yet, and gives up at its deadline", "[actors][shard]") {
  shard_alone s;
  s.put(1, 1);
  s.heard<put_reply>();
  s.get(2, {9});
  s.heard<get_reply>();
  s.caller->send(s.it, drain_shard{});
  s.run();
  // Who waits is sent away at once.
  CHECK(s.heard<late_reply>()->results[0].result.error == errc::shutting_down);
  s.pass(duration{500});
  CHECK_FALSE(s.heard<drained>());
  SECTION("Redis has it") { s.answer_store(store_status::done); }
  SECTION("Redis does not answer") {
    s.pass(duration{400});
    CHECK_FALSE(s.heard<drained>());
    s.pass(duration{100});
  }
  s.pass(duration{60});
  const auto r = s.heard<drained>();
  REQUIRE(r);
  CHECK(r->abandoned == 1);
  s.put(3, 3);
  CHECK(s.heard<put_reply>()->why == errc::shutting_down);
}

TEST_CASE("a shard that is killed while it drains answers who waits for that", "[actors][shard]") {
  shard_alone s;
  s.put(1, 1);
  auto told = std::make_shared<bool>(false);
  const auto asker = [told](caf::event_based_actor* self, const shard_actor& it) {
    self->request(it, caf::infinite, drain_shard{})
        .then([](const drained&) {}, [told](const caf::error&) { *told = true; });
  };
  s.system.spawn(asker, s.it);
  s.run();
  CHECK_FALSE(*told);
  caf::anon_send_exit(s.it, caf::exit_reason::kill);
  s.run();
  CHECK(*told);
}

TEST_CASE("when the link is replaced, who waits for the old one is answered, and changes go to the new one",
          "[actors][shard]") {
  shard_alone s;
  s.get(1, {1});
  s.heard<get_reply>();
  s.put(2, 2, true);
  auto anew = std::make_shared<at_the_link>();
  const shared_reader other = stand_in(s.system, anew);
  caf::anon_send(s.worker, serve_link{other});
  caf::anon_send(s.it, colleagues{{}, {s.worker}, other, {}, {}});
  s.run();
  bool late = false;
  bool put = false;
  for (int i = 0; i < 2; ++i)
    s.caller->receive([&](const late_reply& r) { late = r.results[0].result.status == get_status::miss; },
                      [&](const put_reply& r) { put = r.body->results[0].shared == shared_copy::failed; },
                      caf::after(std::chrono::seconds{0}) >> [] {});
  CHECK(late);
  CHECK(put);
  CHECK(anew->stores.empty());  // nothing is believed of it yet
  caf::anon_send(s.it, shared_tier_state{true, 1});
  s.run();
  CHECK(anew->stores.size() == 1);
  caf::anon_send_exit(other, caf::exit_reason::kill);
}

TEST_CASE("when the worker is replaced, its changes are made ready again", "[actors][shard]") {
  shard_alone s;
  s.put(1, 1, true);
  s.came->stores.clear();
  const codec_worker_actor other = s.system.spawn(codec_worker, shared_codec::options{});
  caf::anon_send(other, serve_link{s.link});
  caf::anon_send(s.it, colleagues{{}, {other}, s.link, {}, {}});
  s.pass(duration{300});
  CHECK(s.heard<put_reply>()->body->results[0].shared == shared_copy::failed);
  CHECK(s.came->stores.size() == 1);
  caf::anon_send_exit(other, caf::exit_reason::kill);
}

TEST_CASE("a shedding shard refuses puts and leases, and answers hits", "[actors][shard]") {
  shard_alone s;
  s.put(1, 1);
  s.heard<put_reply>();
  caf::anon_send(s.it, serve_level{service_level::shedding});
  s.run();
  s.put(2, 2);
  CHECK(s.heard<put_reply>()->why == errc::overloaded);
  s.get(3, {1}, true);
  CHECK(s.heard<get_reply>()->body->results[0].status == get_status::hit);
  s.get(4, {2}, true);
  s.heard<get_reply>();
  s.answer_fetch({});
  CHECK(s.heard<late_reply>()->results[0].result.status == get_status::miss);
}
