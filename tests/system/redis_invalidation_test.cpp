#include <catch2/catch.hpp>
#include <random>

#include "engine/codec/envelope.hpp"
#include "engine/shared/generation_commands.hpp"
#include "engine/shared/redis_key.hpp"
#include "tests/support/invalidation_node.hpp"
#include "tests/support/link_caller.hpp"
#include "tests/support/model_generations.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/shard_harness.hpp"

using namespace aicache;
using namespace aicache::test;
using namespace std::chrono_literals;

namespace {

link_setup to(const redis_server& s) { return {link_caller::at(s.port()), 1, false, {}, nullptr}; }

// A set's scores may come as bulk strings or be made of integers: numbers are compared as numbers.
std::string flat(const redis_reply& r) {
  if (r.what == redis_reply::kind::integer) return std::to_string(r.integer);
  return r.text;
}
std::vector<std::string> flattened(const redis_reply& r) {
  std::vector<std::string> all{flat(r)};
  for (const auto& e : r.elements) all.push_back(flat(e));
  if (all.size() > 7) all[7] = "run";
  // Members of one generation come in any order.
  for (std::size_t i = 9; i + 1 < all.size(); i += 2) all[i] += ' ' + std::exchange(all[i + 1], "");
  if (all.size() > 9) std::sort(all.begin() + 9, all.end());
  return all;
}

std::string envelope_of(const identity& id, generation born, std::vector<std::uint64_t> tags = {}) {
  std::vector<std::uint64_t> list{born};
  list.insert(list.end(), tags.begin(), tags.end());
  envelope_view v;
  v.id = id;
  v.created = {1'000'000};
  v.generations = generation_list{std::span<const std::uint64_t>(list)};
  v.payload = "answer";
  v.raw_bytes = 6;
  std::string bytes;
  REQUIRE(encode(v, {}, bytes));
  return bytes;
}

}  // namespace

TEST_CASE("the scripts do in a real server what they do in the model", "[redis][system]") {
  redis_server server;
  link_caller c(to(server));
  c.until_served();
  model_generations model;
  const generation_commands commands("test", {6, 4}, 7);
  std::mt19937_64 dice(11);
  auto any = [&] {
    const std::string name = std::to_string(dice() % 9);
    switch (dice() % 4) {
      case 0: return scope_of_tenant(name);
      case 1: return scope_of_tag("t", name);
      case 2: return scope_of_key({dice() % 9, 5});
      default: return scope_of_operation(name);
    }
  };
  auto both = [&](const link_command& command) {
    const redis_reply real = c.run(command.words, command.route).reply;
    INFO(real.text);
    REQUIRE_FALSE(real.is_error());
    REQUIRE(flattened(real) == flattened(model.run(command.words)));
  };
  for (int i = 0; i < 600; ++i) {
    // One member to a generation, so that it is clear which of them is the lowest.
    const scope one[] = {any()};
    both(commands.invalidate(one));
    if (i % 3 == 0) both(commands.learn(dice() % (model.newest + 1), 1 + dice() % 5));
    if (i % 10 == 0) {
      std::vector<numbered_scope> lost;
      for (std::uint64_t n = 0; n < dice() % 6; ++n) lost.push_back({any(), model.newest + 1 + n});
      for (const auto& command : commands.restore(model.newest + 7, dice() % 3, dice() % 3, lost)) both(command);
    }
  }
  CHECK(model.floor > 0);
  CHECK(model.key_floor > 0);
  CHECK(model.restored > 0);
}

TEST_CASE("an invalidation gets its number when Redis is full", "[redis][system]") {
  redis_server server({"--maxmemory", "3mb", "--maxmemory-policy", "noeviction"});
  link_caller c(to(server));
  c.until_served();
  bool full = false;
  for (int i = 0; i < 100 && !full; ++i)
    full = c.run({"SET", "fill" + std::to_string(i), std::string(100'000, 'x')}).reply.is_error();
  REQUIRE(full);
  const generation_commands commands("test", {}, 7);
  const scope one[] = {scope_of_tenant("t")};
  const auto command = commands.invalidate(one);
  CHECK(generation_commands::number_in(c.run(command.words, command.route).reply) == 1);
  const auto told = commands.restore(40, 0, 0, {});
  CHECK(generation_commands::number_in(c.run(told[0].words, told[0].route).reply) == 40);
}

TEST_CASE("an invalidation on one node is known to the other at once, also to its later shards", "[redis][system]") {
  redis_server server;
  // A lease so long that only an announcement can be in time.
  invalidation_node a(server.port(), 1, {}, 60s);
  invalidation_node b(server.port(), 2, {}, 60s);
  REQUIRE(a.until_available());
  REQUIRE(b.until_available());
  // Whether a node's subscription stands cannot be seen from here: the first may be heard by reading only.
  std::uint64_t heard = 0;
  for (int round = 0; round < 20; ++round) {
    const generation before = b.newest();
    const auto done = a.invalidate(scope_kind::tag, "t", "doc-" + std::to_string(round));
    CHECK(done.why == errc::none);
    CHECK(done.numbered);
    CHECK(done.in_memory == 6);
    heard += b.until_dead(scope_of_tag("t", "doc-" + std::to_string(round)), before, round < 2 ? 200ms : 10s) ? 1 : 0;
  }
  CHECK(heard >= 18);
  const key128 key = id_of(5).key();
  a.send(erased_keys{{key}});
  const auto owner = shard_of(key, 2);
  CHECK(b.stories[owner]->wait([&](const shard_story& s) { return s.book.own(scope_of_key(key)) > 0; }));
  b.stories[1 - owner]->change([&](const shard_story& s) { CHECK(s.book.own(scope_of_key(key)) == 0); });
  b.serve();
  CHECK(b.until_dead(scope_of_tag("t", "doc-19"), 1));
  CHECK(b.until_available());
  CHECK(b.ask<invalidation_counters>(invalidation_statistics_request{}).heard == 21);
}

TEST_CASE("what was invalidated while Redis was away holds on both nodes after its return, and after their restart",
          "[redis][system]") {
  redis_server server({"--appendonly", "yes"});
  scratch_folder folder;
  const auto file = folder.path() / "journal";
  const scope what = scope_of_operation("qa");
  generation before = 0;
  {
    auto a = std::make_unique<invalidation_node>(server.port(), 1, file);
    invalidation_node b(server.port(), 2);
    REQUIRE(a->until_available());
    REQUIRE(b.until_available());
    CHECK(a->invalidate(scope_kind::tenant, "t", "").numbered);
    REQUIRE(b.until_dead(scope_of_tenant("t"), 0));
    before = b.newest();
    server.kill();
    REQUIRE(a->until_available(false));
    REQUIRE(b.until_available(false));
    const auto done = a->invalidate(scope_kind::operation, "", "qa");
    CHECK(done.why == errc::none);
    CHECK_FALSE(done.numbered);
    CHECK(done.in_memory == 6);
    // The node ends before Redis is back: the journal remembers.
    a.reset();
    a = std::make_unique<invalidation_node>(server.port(), 3, file);
    REQUIRE(a->until_dead(what, before));
    REQUIRE(server.start());
    REQUIRE(a->until_available());
    REQUIRE(b.until_available());
    CHECK(b.until_dead(what, before, 1'000ms));
    a->stories[0]->change([&](const shard_story& s) {
      CHECK(s.book.own(what) != unnumbered);
      CHECK(s.book.own(what) > before);
    });
    CHECK(std::filesystem::file_size(file) == 0);
  }
  invalidation_node a(server.port(), 4, file);
  invalidation_node b(server.port(), 5);
  REQUIRE(a.until_available());
  REQUIRE(b.until_available());
  for (auto* node : {&a, &b}) CHECK(node->until_dead(what, before, 1ms));
}

TEST_CASE("a Redis that comes back empty is told again, and numbers go on", "[redis][system]") {
  redis_server server;
  invalidation_node a(server.port(), 1);
  invalidation_node b(server.port(), 2);
  REQUIRE(a.until_available());
  REQUIRE(b.until_available());
  for (int i = 0; i < 5; ++i) CHECK(a.invalidate(scope_kind::tag, "t", std::to_string(i)).numbered);
  REQUIRE(b.until_dead(scope_of_tag("t", "4"), 4));
  server.kill();
  REQUIRE(a.until_available(false));
  REQUIRE(b.until_available(false));
  REQUIRE(server.start());
  REQUIRE(a.until_available());
  REQUIRE(b.until_available());
  link_caller c(to(server));
  c.until_served();
  CHECK(c.run({"GET", "aicache:{generations}:newest"}).reply.text == "5");
  CHECK(c.run({"ZCARD", "aicache:{generations}:scopes"}).reply.integer == 5);
  invalidation_node late(server.port(), 3);
  REQUIRE(late.until_available());
  CHECK(late.until_dead(scope_of_tag("t", "0"), 0, 1ms));
  CHECK(late.invalidate(scope_kind::everything, "", "").numbered);
  CHECK(a.until_dead(scope{}, 5));
}

TEST_CASE("who waits for a sweep is told exactly how many answers went, and what is not ours stays",
          "[redis][system]") {
  redis_server server;
  invalidation_node node(server.port(), 1);
  REQUIRE(node.until_available());
  link_caller c(to(server));
  c.until_served();
  std::vector<store_item> items;
  for (std::uint64_t i = 0; i < 1'200; ++i) {
    const identity id = id_of(i);
    std::vector<std::uint64_t> tags;
    if (i % 4 == 0) tags.push_back(scope_of_tag(i % 2 == 0 ? "t:0" : "t1", "doc").name.lo);
    items.push_back({redis_key("aicache", i % 2 == 0 ? "t:0" : "t1", "q*", id), envelope_of(id, 0, tags), 0});
  }
  for (const store_status s : c.store(items)) REQUIRE(s == store_status::done);
  CHECK(c.run({"SET", "aicache:t1:q%2a:foreign", "not an envelope"}).reply.text == "OK");
  CHECK(c.run({"HSET", "aicache:t1:q%2a:hash", "a", "b"}).reply.integer == 1);
  CHECK(c.run({"SET", "elsewhere", "AICE"}).reply.text == "OK");

  const auto tagged = node.invalidate(scope_kind::tag, "t:0", "doc", true);
  CHECK(tagged.swept);
  CHECK(tagged.in_redis == 300);
  const auto again = node.invalidate(scope_kind::tag, "t:0", "doc", true);
  CHECK(again.swept);
  CHECK(again.in_redis == 0);
  CHECK(c.run({"DBSIZE"}).reply.integer == 900 + 3 + 2);
  const auto tenant = node.invalidate(scope_kind::tenant, "t1", "", true);
  CHECK(tenant.in_redis == 600);

  // What was born since stays.
  const identity young = id_of(5'000);
  CHECK(c.store(redis_key("aicache", "t:0", "q*", young), envelope_of(young, 1'000)) == store_status::done);
  node.send(pause_sweeps{true});
  CHECK_FALSE(node.invalidate(scope_kind::operation, "", "q*").swept);
  CHECK(node.ask<invalidation_counters>(invalidation_statistics_request{}).swept == 900);
  CHECK(c.run({"DBSIZE"}).reply.integer == 301 + 3 + 2);
  node.send(pause_sweeps{false});
  const auto operation = node.invalidate(scope_kind::operation, "", "q*", true);
  CHECK(operation.swept);
  const auto counted = node.ask<invalidation_counters>(invalidation_statistics_request{});
  CHECK(counted.swept == 1'200);
  CHECK(counted.foreign > 0);
  CHECK(counted.sweeps >= 4);
  CHECK(c.fetch(redis_key("aicache", "t:0", "q*", young)).how == fetch_status::present);
  CHECK(c.run({"EXISTS", "aicache:t1:q%2a:foreign"}).reply.integer == 1);
  CHECK(c.run({"GET", "elsewhere"}).reply.text == "AICE");
}

TEST_CASE("a request that names nothing is refused, and a name too long", "[redis][system]") {
  redis_server server;
  invalidation_node node(server.port(), 1);
  CHECK(node.invalidate(scope_kind::key, "t", "x").why == errc::invalid_argument);
  CHECK(node.invalidate(static_cast<scope_kind>('?'), "t", "x").why == errc::invalid_argument);
  CHECK(node.invalidate(scope_kind::tag, "t", "").why == errc::invalid_argument);
  CHECK(node.invalidate(scope_kind::tenant, std::string(5'000, 't'), "").why == errc::too_large);
}
