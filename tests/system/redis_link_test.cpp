#include <catch2/catch.hpp>

#include "tests/support/link_caller.hpp"
#include "tests/support/redis_server.hpp"

using namespace aicache;
using namespace aicache::test;
using namespace std::chrono_literals;

namespace {

using clock_type = std::chrono::steady_clock;

link_setup linked_to(const redis_server& s, std::uint32_t connections = 1, std::chrono::milliseconds deadline = 10s) {
  return {link_caller::at(s.port(), deadline), connections, false, {}, nullptr};
}

}  // namespace

TEST_CASE("what is stored is fetched, over one connection and over a pool, in batches of any size", "[redis][system]") {
  redis_server server;
  for (const std::uint32_t connections : {1U, 4U}) {
    link_caller c(linked_to(server, connections));
    c.until_served();
    CHECK(c.fetch(std::vector<std::string>{}).values.empty());
    CHECK(c.store({}).empty());
    std::vector<store_item> items;
    std::vector<std::string> keys;
    for (int i = 0; i < 1'000; ++i) {
      keys.push_back("k" + std::to_string(i));
      if (i % 3 != 0)
        items.push_back({keys.back(), std::string("v\0", 2) + std::to_string(i), i % 2 == 0 ? 60'000 : 0});
    }
    for (store_status s : c.store(items)) CHECK(s == store_status::done);
    const fetched f = c.fetch(keys);
    REQUIRE(f.values.size() == 1'000);
    int right = 0;
    for (std::size_t i = 0; i < 1'000; ++i) {
      const auto& v = f.values[i];
      right += i % 3 == 0 ? v.how == fetch_status::absent && v.bytes.empty()
                          : v.how == fetch_status::present && v.bytes == std::string("v\0", 2) + std::to_string(i);
    }
    CHECK(right == 1'000);
    CHECK(c.run({"PTTL", "k2"}).reply.integer > 50'000);
    CHECK(c.run({"PTTL", "k1"}).reply.integer == -1);
    CHECK(c.store("k1", "") == store_status::done);
    CHECK(c.store("k1", "") == store_status::absent);
    CHECK(c.fetch("k1").how == fetch_status::absent);
    const link_counters counted = c.counters();
    CHECK(counted.reads_present == 666);
    CHECK(counted.writes_done == 668);
    CHECK(counted.outages == 0);
    CHECK(c.run({"FLUSHALL"}).answered);
  }
}

TEST_CASE("writes of one key keep their order over a pool", "[redis][system]") {
  redis_server server;
  link_caller c(linked_to(server, 4));
  c.until_served();
  for (int round = 0; round < 200; ++round)
    for (int key = 0; key < 10; ++key)
      c.send(store_request{0, nullptr, {{"k" + std::to_string(key), std::to_string(round), 0}}});
  for (int key = 0; key < 10; ++key) CHECK(c.store("k" + std::to_string(key), "last") == store_status::done);
  for (int key = 0; key < 10; ++key) CHECK(c.fetch("k" + std::to_string(key)).bytes == "last");
}

TEST_CASE("nothing is read or written for shards before the gate is opened by its number, and commands pass",
          "[redis][system]") {
  redis_server server;
  link_caller c(linked_to(server), false);
  REQUIRE(c.until_reachable());
  CHECK(c.story->last().outages == 0);
  CHECK(c.run({"SET", "k", "v"}).reply.text == "OK");
  CHECK(c.fetch("k").how == fetch_status::unavailable);
  CHECK(c.store("k", "w") == store_status::unavailable);
  c.send(open_gate{7});
  CHECK(c.fetch("k").how == fetch_status::unavailable);
  c.send(open_gate{0});
  CHECK(c.fetch("k").bytes == "v");
  c.send(close_gate{});
  CHECK(c.fetch("k").how == fetch_status::unavailable);
  c.send(open_gate{0});
  CHECK(c.fetch("k").how == fetch_status::present);

  server.kill();
  REQUIRE(c.until_reachable(false));
  REQUIRE(server.start());
  REQUIRE(c.until_reachable());
  CHECK(c.story->last().outages == 1);
  CHECK(c.run({"SET", "k", "new"}).answered);
  c.send(open_gate{0});
  CHECK(c.fetch("k").how == fetch_status::unavailable);
  c.send(open_gate{1});
  CHECK(c.fetch("k").bytes == "new");
}

TEST_CASE("a stopped server is unavailable within 100 ms, costs nothing then, and is back within 2 s of going on",
          "[redis][system]") {
  redis_server server;
  link_caller c(linked_to(server, 2, 50ms));
  c.until_served();
  CHECK(c.store("k", "v") == store_status::done);
  server.signal(SIGSTOP);
  const auto stopped = clock_type::now();
  while (c.story->last().reachable) {
    CHECK(c.fetch("k").how == fetch_status::unavailable);
    REQUIRE(clock_type::now() - stopped < 5s);
  }
  // Two deadlines of 50 ms, one per connection of the pool, and room for a busy machine.
  CHECK(clock_type::now() - stopped < 300ms);
  const auto begin = clock_type::now();
  for (int i = 0; i < 100; ++i) CHECK(c.fetch("k").how == fetch_status::unavailable);
  CHECK(clock_type::now() - begin < 100ms);
  CHECK(c.store("k", "w") == store_status::unavailable);
  CHECK_FALSE(c.run({"PING"}).answered);
  server.signal(SIGCONT);
  CHECK(c.until_served("k") < 2s);
  CHECK(c.fetch("k").bytes == "v");
  CHECK(c.counters().late > 0);
  CHECK(c.counters().outages == 1);
}

TEST_CASE("a killed server is unavailable at once and found again by itself", "[redis][system]") {
  redis_server server;
  link_caller c(linked_to(server, 3));
  c.until_served();
  server.kill();
  REQUIRE(c.until_reachable(false, 1s));
  CHECK(c.fetch("k").how == fetch_status::unavailable);
  REQUIRE(server.start());
  CHECK(c.until_served() < 2s);
  CHECK(c.store("k", "v") == store_status::done);
}

TEST_CASE("connections that are killed, paused or put to sleep come back, and the gate with them", "[redis][system]") {
  redis_server server({"--enable-debug-command", "yes"});
  link_caller c(linked_to(server, 2, 100ms));
  c.until_served();
  REQUIRE(c.store("k", "v") == store_status::done);
  const std::uint64_t before = c.story->last().outages;
  CHECK(c.run({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}).reply.integer == 1);
  CHECK(c.story->wait([&](const link_state& s) { return s.outages > before; }));
  c.until_served("k");
  CHECK(c.run({"CLIENT", "PAUSE", "300", "ALL"}).answered);
  while (c.fetch("k").how == fetch_status::present) {
  }
  CHECK(c.until_served("k") < 3s);
  c.send(link_commands{0, {{{"DEBUG", "SLEEP", "0.3"}, "", -1}}});
  CHECK_FALSE(c.receive<link_replies>().replies.at(0).answered);
  CHECK(c.until_served("k") < 3s);
  CHECK(c.fetch("k").bytes == "v");
}

TEST_CASE("a full server refuses, a replica is unavailable for writes, and both still read", "[redis][system]") {
  redis_server full({"--maxmemory", "3mb", "--maxmemory-policy", "noeviction"});
  link_caller c(linked_to(full));
  c.until_served();
  CHECK(c.store("k", "v") == store_status::done);
  store_status last = store_status::done;
  for (int i = 0; i < 100 && last == store_status::done; ++i)
    last = c.store("large" + std::to_string(i), std::string(100'000, 'x'));
  CHECK(last == store_status::refused);
  CHECK(c.fetch("k").bytes == "v");
  CHECK(c.store("k", "") == store_status::done);
  CHECK(c.counters().writes_refused == 1);

  redis_server master({"--repl-diskless-sync-delay", "0"});
  redis_server replica({"--replicaof", "127.0.0.1", std::to_string(master.port())});
  link_caller to_master(linked_to(master));
  link_caller to_replica(linked_to(replica));
  to_master.until_served();
  to_replica.until_served();
  CHECK(to_master.store("k", "v") == store_status::done);
  CHECK(to_replica.store("k", "w") == store_status::unavailable);
  const auto until = clock_type::now() + 10s;
  while (to_replica.fetch("k").how != fetch_status::present) REQUIRE(clock_type::now() < until);
  CHECK(to_replica.fetch("k").bytes == "v");
}

TEST_CASE("whoever waits when the link ends is answered", "[redis][system]") {
  redis_server server;
  link_caller c(linked_to(server));
  c.until_served();
  server.signal(SIGSTOP);
  c.send(fetch_request{1, {"a", "b"}});
  c.send(link_commands{2, {{{"PING"}, "", -1}}});
  caf::anon_send_exit(c.link, caf::exit_reason::kill);
  const auto replies = c.receive<link_replies>();
  CHECK(replies.ticket == 2);
  CHECK_FALSE(replies.replies.at(0).answered);
  const auto values = c.receive<fetched>();
  CHECK(values.ticket == 1);
  REQUIRE(values.values.size() == 2);
  CHECK(values.values[1].how == fetch_status::unavailable);
}
