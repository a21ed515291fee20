#include <catch2/catch.hpp>

#include "tests/support/link_caller.hpp"
#include "tests/support/redis_cluster.hpp"

using namespace aicache;
using namespace aicache::test;
using namespace std::chrono_literals;

namespace {

link_setup to(const redis_cluster& c, std::size_t first) {
  return {link_caller::at(c.port(first), 2s), 1, true, {}, nullptr};
}

std::vector<std::string> keys_named(const std::string& prefix, int n) {
  std::vector<std::string> all;
  for (int i = 0; i < n; ++i) all.push_back(prefix + std::to_string(i));
  return all;
}

std::vector<store_item> items_of(const std::vector<std::string>& keys, const std::string& mark) {
  std::vector<store_item> all;
  for (const std::string& k : keys) all.push_back({k, mark + k, 0});
  return all;
}

// How many of the keys have the value that items_of gave them.
std::size_t right(link_caller& c, const std::vector<std::string>& keys, const std::string& mark) {
  const fetched f = c.fetch(keys);
  std::size_t n = 0;
  for (std::size_t i = 0; i < keys.size(); ++i)
    n += f.values[i].how == fetch_status::present && f.values[i].bytes == mark + keys[i] ? 1 : 0;
  return n;
}

template <class T>
std::size_t count(const std::vector<T>& all, T what) {
  return static_cast<std::size_t>(std::count(all.begin(), all.end(), what));
}

// Until all of these keys are served: the masters come up one after the other.
void until_all_served(link_caller& c, const std::vector<std::string>& keys) {
  redis_cluster::until([&] {
    const fetched f = c.fetch(keys);
    return std::none_of(f.values.begin(), f.values.end(),
                        [](const fetched_value& v) { return v.how == fetch_status::unavailable; });
  });
}

}  // namespace

TEST_CASE("a cluster's slots may move under reads and writes: every answer is the right one",
          "[redis][system][cluster]") {
  redis_cluster cluster;
  // Any of its servers may be named, also a replica.
  link_caller c(to(cluster, 5));
  const std::vector<std::string> keys = keys_named("k", 300);
  until_all_served(c, keys);
  CHECK(c.story->last().masters == 3);
  CHECK(count(c.store(items_of(keys, "a")), store_status::done) == keys.size());
  CHECK(right(c, keys, "a") == keys.size());
  CHECK(c.run({"DBSIZE"}, "", 0).reply.integer + c.run({"DBSIZE"}, "", 1).reply.integer +
            c.run({"DBSIZE"}, "", 2).reply.integer ==
        300);
  CHECK_FALSE(c.run({"DBSIZE"}, "", 3).answered);
  CHECK(c.run({"PING"}, "k0").reply.text == "PONG");
  CHECK(c.store("k0", "") == store_status::done);

  const std::vector<std::string> moving = keys_named("{tag}", 100);
  const std::string slot = std::to_string(slot_of(moving[0]));
  const std::size_t from = cluster.home(moving[0]);
  const std::size_t into = (from + 1) % 3;
  CHECK(count(c.store(items_of(moving, "a")), store_status::done) == moving.size());
  CHECK(c.counters().redirections == 0);
  CHECK(cluster.ask(into, {"CLUSTER", "SETSLOT", slot, "IMPORTING", cluster.id(from)}) == "OK");
  CHECK(cluster.ask(from, {"CLUSTER", "SETSLOT", slot, "MIGRATING", cluster.id(into)}) == "OK");
  std::string mark = "a";
  for (std::size_t i = 0; i < moving.size(); i += 20) {
    std::vector<std::string> words{"MIGRATE", "127.0.0.1", std::to_string(cluster.port(into)), "", "0", "5000", "KEYS"};
    words.insert(words.end(), moving.begin() + static_cast<std::ptrdiff_t>(i),
                 moving.begin() + static_cast<std::ptrdiff_t>(i + 20));
    CHECK(cluster.ask(from, words) == "OK");
    CHECK(right(c, moving, mark) == moving.size());
    mark += "b";
    CHECK(count(c.store(items_of(moving, mark)), store_status::done) == moving.size());
    CHECK(c.fetch("{tag} none").how == fetch_status::absent);
  }
  for (std::size_t i : {into, from, (from + 2) % 3})
    CHECK(cluster.ask(i, {"CLUSTER", "SETSLOT", slot, "NODE", cluster.id(into)}) == "OK");
  CHECK(right(c, moving, mark) == moving.size());
  CHECK(c.counters().redirections > 100);
  // From now on it knows.
  redis_cluster::until([&] {
    const std::uint64_t before = c.counters().redirections;
    return right(c, moving, mark) == moving.size() && c.counters().redirections == before;
  });
  CHECK(c.story->last().outages == 0);
}

TEST_CASE("a master's death costs its own keys until a replica follows it", "[redis][system][cluster]") {
  redis_cluster cluster;
  link_caller c(to(cluster, 0));
  const std::vector<std::string> keys = keys_named("k", 200);
  until_all_served(c, keys);
  CHECK(count(c.store(items_of(keys, "a")), store_status::done) == keys.size());
  const std::string lost = keys[0];
  const std::size_t victim = cluster.home(lost);
  for (const std::string& k : keys) CHECK(c.run({"WAIT", "1", "5000"}, k).reply.integer == 1);
  std::vector<std::string> others;
  for (const std::string& k : keys)
    if (cluster.home(k) != victim) others.push_back(k);
  const std::uint64_t before = c.story->last().outages;
  cluster.server(victim).kill();
  redis_cluster::until([&] { return c.fetch(lost).how == fetch_status::unavailable; });
  CHECK(right(c, others, "a") == others.size());
  CHECK(c.store(lost, "w") == store_status::unavailable);
  CHECK(c.story->last().reachable);
  // The others' keys are served all the while, but for the moment in which the gate closes for the new master.
  std::size_t missed = 0;
  std::size_t rounds = 0;
  redis_cluster::until([&] {
    ++rounds;
    missed += right(c, others, "a") == others.size() ? 0 : 1;
    return c.fetch(lost).how != fetch_status::unavailable;
  });
  CHECK(c.story->last().outages > before);
  CHECK(missed * 4 <= rounds);
  until_all_served(c, keys);
  CHECK(right(c, keys, "a") == keys.size());
  CHECK(count(c.store(items_of(keys, "b")), store_status::done) == keys.size());
  // The dead one comes back as a replica of its successor, and is no longer asked.
  REQUIRE(cluster.server(victim).start());
  CHECK(right(c, keys, "b") == keys.size());
  CHECK(c.story->last().masters == 3);
  CHECK(c.counters().outages == 0);
}
