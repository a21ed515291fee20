#include "tests/support/sim.hpp"

#include <random>

using namespace aicache;
using namespace aicache::test;

namespace {

std::vector<request> requests_for(std::uint64_t n) {
  std::vector<request> all;
  for (std::uint64_t i = 0; i < n; ++i) all.push_back(ask(i));
  return all;
}

std::size_t living(const shard_map& m) {
  return static_cast<std::size_t>(
      std::count_if(m.shards.begin(), m.shards.end(), [](const shard_actor& s) { return static_cast<bool>(s); }));
}

}  // namespace

TEST_CASE("a shard that is killed, and its successor, lose no reply and give no wrong answer", "[actors][front]") {
  sim s(small_node(2));
  const client c = s.connect();
  const auto requests = requests_for(200);
  std::mt19937_64 dice(5);
  std::uint64_t epoch = s.map().epoch;
  std::size_t hits = 0;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::future<std::vector<answer>>> gets;
    std::vector<std::future<put_result>> puts;
    for (std::uint64_t i = 0; i < 200; ++i) {
      puts.push_back(c.put_async(ask(i), reply_to(i)));
      if (i % 10 == 0) gets.push_back(c.get_async(requests));
      // In the middle of the load, with batches in its mailbox.
      if (i == 100) caf::anon_send_exit(s.map().shards[static_cast<std::size_t>(round % 2)], caf::exit_reason::kill);
    }
    s.pass(duration{2'000});
    for (auto& f : puts) {
      REQUIRE(sim::is_ready(f));
      CHECK(f.get() == put_result{});
    }
    for (auto& f : gets) {
      REQUIRE(sim::is_ready(f));
      const auto all = f.get();
      for (std::uint64_t i = 0; i < 200; ++i) {
        REQUIRE(all[i].status != get_status::error);
        if (!all[i].hit()) continue;
        ++hits;
        REQUIRE(all[i].text() == reply_to(i).text);
      }
    }
    const shard_map m = s.map();
    CHECK(m.epoch == epoch + 2);
    CHECK(living(m) == 2);
    epoch = m.epoch;
  }
  CHECK(hits > 0);
  s.pass(duration{500});
  CHECK(s.statistics().shard_restarts == 3);
}

TEST_CASE("a replacement is killed as well and replaced as well", "[actors][front]") {
  sim s(small_node(1));
  const client c = s.connect();
  for (int death = 0; death < 3; ++death) {
    s.kill(s.map().shards[0]);
    CHECK(living(s.map()) == 0);
    auto waiting = c.put_async(ask(1), reply_to(1));
    s.run();
    CHECK_FALSE(sim::is_ready(waiting));
    s.pass(duration{400});
    CHECK(s.result(std::move(waiting)) == put_result{});
    CHECK(s.result(c.get_async(ask(1))).text() == "answer 1");
  }
}

TEST_CASE("a shard under repeated death waits longer each time, and past the limit for the window", "[actors][front]") {
  node_options o = small_node(1);
  o.supervision = {duration{100}, duration{300}, 3, duration{10'000}};
  sim s(o);
  for (const std::int64_t wait : {100, 200, 300, 10'000}) {
    CAPTURE(wait);
    s.kill(s.map().shards[0]);
    s.pass(duration{wait - 10});
    CHECK(living(s.map()) == 0);
    s.pass(duration{10});
    CHECK(living(s.map()) == 1);
  }
  // The window has passed: the count starts anew.
  s.pass(duration{10'000});
  s.kill(s.map().shards[0]);
  s.pass(duration{100});
  CHECK(living(s.map()) == 1);
}

TEST_CASE("a call whose shard stays away is unavailable at its deadline", "[actors][front]") {
  node_options o = small_node(1);
  o.supervision = {duration{8'000}, duration{8'000}, 3, duration{60'000}};
  sim s(o);
  const client c = s.connect();
  s.kill(s.map().shards[0]);
  auto f = c.get_async(ask(1));
  s.pass(duration{4'990});
  CHECK_FALSE(sim::is_ready(f));
  s.pass(duration{20});
  CHECK(s.result(std::move(f)).error == errc::unavailable);
}

TEST_CASE("who waits by request for a shard that is killed is answered", "[actors][shard]") {
  sim s(small_node(1));
  const client c = s.connect();
  get_options o;
  o.lease = true;
  REQUIRE(s.result(c.get_async(ask(1), o)).must_compute());
  identifier names{identity_options{}};
  auto body = std::make_shared<get_body>();
  body->items.push_back({names.identify(ask(1))->id, 0, 0, text_tier::small, true});
  caf::error why;
  bool answered = false;
  const shard_actor shard = s.map().shards[0];
  const auto asker = [&](caf::event_based_actor* self, const std::shared_ptr<get_body>& b) {
    self->request(caf::actor_cast<caf::actor>(shard), caf::infinite, get_batch{1, 60'000, false, 0, b})
        .then([&](const get_reply&) { answered = true; }, [&](caf::error& e) { why = std::move(e); });
  };
  s.system.spawn(asker, body);
  s.run();
  CHECK_FALSE(answered);
  s.kill(shard);
  CHECK(to_errc(why) == errc::unavailable);
}

TEST_CASE("a monitor or a worker that dies is replaced and costs no answer", "[actors][front]") {
  sim s(small_node(2));
  const client c = s.connect();
  REQUIRE(s.result(c.put_async(ask(1), reply_to(1))) == put_result{});
  s.pass(duration{300});
  REQUIRE(s.statistics().total.puts == 1);
  const shard_map before = s.map();
  const monitor_actor monitor = s.told<colleagues>(s.node, colleagues_request{}).monitor;
  REQUIRE(monitor);
  caf::anon_send_exit(monitor, caf::exit_reason::kill);
  s.run();
  CHECK(s.map().shards == before.shards);
  CHECK(s.result(c.get_async(ask(1))).hit());
  s.pass(duration{300});
  const node_statistics after = s.statistics();
  CHECK(after.total.puts == 0);
  CHECK(after.total.hits() == 1);
  CHECK(after.present.entries_hot == 1);
}

TEST_CASE("totals are exact after any load, also across a shard's death", "[actors][monitor]") {
  sim s(small_node(3));
  const client c = s.connect();
  std::mt19937_64 dice(11);
  std::map<std::string, operation_counters> counted;
  std::map<std::string, tenant_counters> tenants;
  const char* operations[] = {"qa", "sum", "extract"};
  for (int step = 0; step < 600; ++step) {
    const std::uint64_t number = dice() % 60;
    const std::string operation = operations[dice() % 3];
    const std::string tenant = dice() % 2 == 0 ? "a" : "b";
    operation_counters& o = counted[operation];
    tenant_counters& t = tenants[tenant];
    if (dice() % 3 == 0) {
      REQUIRE(s.result(c.put_async(ask(number, operation, tenant), reply_to(number))) == put_result{});
      const std::uint64_t bytes = to_blob(reply_to(number))->size();
      ++o.puts;
      o.put_bytes += bytes;
      ++t.puts;
      t.put_bytes += bytes;
    } else {
      const answer a = s.result(c.get_async(ask(number, operation, tenant)));
      REQUIRE(a.status != get_status::error);
      ++o.gets_small;
      if (a.hit()) {
        ++o.hits_hot;
        o.saved_input_tokens += 10;
        o.saved_output_tokens += 20;
        o.saved_model_ms += 30;
        ++t.hits;
        t.saved_tokens += 30;
      } else {
        ++o.misses_absent;
        ++t.misses;
      }
    }
    if (step == 200 || step == 400) {
      s.kill(s.map().shards[static_cast<std::size_t>(dice() % 3)]);
      s.pass(duration{500});
    }
  }
  s.pass(duration{300});
  const node_statistics now = s.statistics();
  operation_counters total;
  REQUIRE(now.operations.size() >= 3);
  for (const operation_statistics& o : now.operations) {
    CAPTURE(o.name);
    CHECK(o.counted == counted[o.name]);
    CHECK(o.latency.count == o.counted.gets());
    add(total, counted[o.name]);
  }
  for (const tenant_statistics& t : now.tenants) CHECK(t.counted == tenants[t.name]);
  CHECK(now.total == total);
  CHECK(now.shard_restarts == 2);
  CHECK(now.epoch == s.map().epoch);
  CHECK(now.present.budget == 3 * small_node().shard.tiers.budget);
  CHECK(now.present.charged() <= now.present.budget);
}

TEST_CASE("what a dead shard held is no part of the present", "[actors][monitor]") {
  node_options o = small_node(1);
  o.supervision.backoff = duration{1'000};
  sim s(o);
  const client c = s.connect();
  REQUIRE(s.result(c.put_async(ask(1), reply_to(1))) == put_result{});
  s.pass(duration{300});
  CHECK(s.statistics().present.entries_hot == 1);
  s.kill(s.map().shards[0]);
  CHECK(s.statistics().present == shard_gauges{});
  CHECK(s.statistics().total.puts == 1);
}
