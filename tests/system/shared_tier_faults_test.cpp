#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/load_run.hpp"
#include "tests/system/shared_tier.hpp"

using namespace aicache;
using namespace aicache::test;

namespace {

std::uint64_t outages(cache_caller& caller, const aicached_process& node) {
  return caller.statistics(node).link.outages;
}

// What a typical one of many misses takes.
std::chrono::microseconds typical_miss(const client& c) {
  std::vector<std::chrono::microseconds> took;
  for (std::uint64_t n = 0; n < 201; ++n) {
    const auto begin = std::chrono::steady_clock::now();
    const answer a = c.get(question(n, "never asked"));
    took.push_back(std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin));
    CHECK(a.status == get_status::miss);
  }
  std::nth_element(took.begin(), took.begin() + 100, took.end());
  return took[100];
}

std::chrono::milliseconds since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
}

}  // namespace

TEST_CASE("a Redis that hangs or dies costs no caller anything, and gets what it missed when it is back",
          "[system][shared]") {
  const bool dies = GENERATE(false, true);
  CAPTURE(dies);
  redis_server redis;
  cache_caller caller;
  // Deadlines far above a quick miss: a miss that asks Redis cannot pass for one that does not.
  aicached_process node(usual(redis.port(), {"redis.get_deadline=200ms"}));
  const client c = caller.connect(node);
  REQUIRE(put_all(c, 0, 100) == 100);
  REQUIRE(eventually([&] { return keys_in(redis) >= 100; }));
  steady_load load({c});
  REQUIRE(load.goes_on());
  const std::uint64_t before = outages(caller, node);
  if (dies) {
    redis.kill();
  } else {
    redis.signal(SIGSTOP);
  }
  REQUIRE(eventually([&] { return outages(caller, node) > before; }));
  CHECK(load.goes_on(100));
  const found f = load.end();
  CHECK(f.errors == 0);
  CHECK(f.wrong == 0);
  CHECK(f.hits > 0);
  CHECK(typical_miss(c) < miss_is_quick);
  CHECK(get_all(c, 0, 100).hits == 100);
  REQUIRE(put_all(c, 0, 300, "meanwhile") == 300);
  if (dies) {
    REQUIRE(redis.start());
  } else {
    redis.signal(SIGCONT);
  }
  const auto back = std::chrono::steady_clock::now();
  CHECK(writes_to(c, redis));
  CHECK(since(back) < recovery);
  aicached_process fresh(patient(redis.port()));
  CHECK(served_from_redis(caller.connect(fresh), 0, 300, "meanwhile"));
}

TEST_CASE("a node that starts without its Redis serves from memory, and finds it when it comes", "[system][shared]") {
  redis_server redis;
  redis.kill();
  cache_caller caller;
  aicached_process node(usual(redis.port()));
  const client c = caller.connect(node);
  const loaded l = load({"--node", node.address(), "--requests", "20000"});
  INFO(l.errors);
  CHECK(l.code == 0);
  CHECK(l.number("errors") == 0);
  CHECK(l.number("wrong") == 0);
  CHECK(l.number("hits_hot") > 0);
  CHECK(typical_miss(c) < miss_is_quick);
  REQUIRE(put_all(c, 0, 300) == 300);
  REQUIRE(redis.start());
  const auto back = std::chrono::steady_clock::now();
  CHECK(writes_to(c, redis));
  CHECK(since(back) < recovery);
  aicached_process fresh(patient(redis.port()));
  CHECK(served_from_redis(caller.connect(fresh), 0, 300));
}

TEST_CASE("a load that loses Redis between its requests ends without an error, and its misses are quick",
          "[system][shared]") {
  redis_server redis;
  aicached_process node(usual(redis.port(), {"redis.get_deadline=200ms", "node.drain_timeout=200ms"}));
  cache_caller caller;
  REQUIRE(writes_to(caller.connect(node), redis));
  const loaded hits = load({"--node", node.address(), "--requests", "20000", "--fill", "--after-fill",
                            "kill -STOP " + std::to_string(redis.pid())});
  INFO(hits.errors);
  CHECK(hits.code == 0);
  CHECK(hits.number("errors") == 0);
  CHECK(hits.number("wrong") == 0);
  CHECK(hits.number("hits") == 20'000);
  const auto lost = [&] { return outages(caller, node) > 0; };
  REQUIRE(eventually(lost));
  const loaded misses = load({"--node", node.address(), "--requests", "1000", "--batch", "1", "--concurrency", "1",
                              "--seed", "2", "--popularity", "sequential"});
  INFO(misses.errors);
  CHECK(misses.code == 0);
  CHECK(misses.number("errors") == 0);
  CHECK(misses.number("misses") > 0);
  REQUIRE(misses.report.is_object());
  CHECK(misses.report.at("miss_latency_us").at("p50").get<double>() < std::chrono::microseconds(miss_is_quick).count());
  // It hangs to the end, which takes no longer for it than it may.
  CHECK(node.drain() == 0);
}

TEST_CASE("pauses, cut connections and sleeps of Redis cost no caller anything", "[system][shared]") {
  redis_server redis({"--enable-debug-command", "yes"});
  cache_caller caller;
  aicached_process one(usual(redis.port(), {"memory.budget=4MiB"}));
  aicached_process two(usual(redis.port(), {"memory.budget=4MiB"}));
  const std::vector<client> both{caller.connect(one), caller.connect(two)};
  REQUIRE(writes_to(both[0], redis));
  REQUIRE(writes_to(both[1], redis));
  steady_load load(both);
  REQUIRE(load.goes_on());
  for (int round = 0; round < 3; ++round) {
    CHECK(redis.ask({"CLIENT", "PAUSE", "300"}) == "OK");
    CHECK(load.goes_on());
    CHECK(redis.ask({"CLIENT", "KILL", "TYPE", "normal"}) != "0");
    CHECK(redis.ask({"CLIENT", "KILL", "TYPE", "pubsub"}).find("ERR") == std::string::npos);
    CHECK(load.goes_on());
    CHECK(redis.ask({"DEBUG", "SLEEP", "0.3"}) == "OK");
    CHECK(load.goes_on());
  }
  const found f = load.end();
  CHECK(f.errors == 0);
  CHECK(f.wrong == 0);
  for (const client& c : both) CHECK(writes_to(c, redis));
}

TEST_CASE("a Redis that is full takes no more, and nobody notices but the counters", "[system][shared]") {
  redis_server redis({"--maxmemory", "3mb", "--maxmemory-policy", "noeviction"});
  cache_caller caller;
  aicached_process node(patient(redis.port()));
  const client c = caller.connect(node);
  REQUIRE(writes_to(c, redis));
  const loaded l = load({"--node", node.address(), "--requests", "10000", "--popularity", "sequential"});
  INFO(l.errors);
  CHECK(l.code == 0);
  CHECK(l.number("errors") == 0);
  CHECK(l.number("wrong") == 0);
  CHECK(l.number("puts_refused") == 0);
  CHECK(eventually([&] { return caller.statistics(node).link.writes_refused > 0; }));
  // What fitted is served; and with room again, it is used again.
  CHECK(redis.ask({"CONFIG", "SET", "maxmemory", "100mb"}) == "OK");
  CHECK(writes_to(c, redis));
}

TEST_CASE("a Redis that became a replica takes no writes; promoted again, it takes them", "[system][shared]") {
  redis_server master;
  redis_server redis;
  cache_caller caller;
  aicached_process node(patient(redis.port()));
  const client c = caller.connect(node);
  REQUIRE(writes_to(c, redis));
  CHECK(redis.ask({"REPLICAOF", "127.0.0.1", std::to_string(master.port())}) == "OK");
  steady_load load({c});
  CHECK(load.goes_on(50));
  REQUIRE(put_all(c, 0, 100) == 100);
  CHECK(load.goes_on(50));
  CHECK(redis.ask({"REPLICAOF", "NO", "ONE"}) == "OK");
  CHECK(writes_to(c, redis));
  const found f = load.end();
  CHECK(f.errors == 0);
  CHECK(f.wrong == 0);
  aicached_process fresh(patient(redis.port()));
  CHECK(served_from_redis(caller.connect(fresh), 0, 100));
}
