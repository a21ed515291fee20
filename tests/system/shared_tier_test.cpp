#include <catch2/catch.hpp>

#include "tests/support/aicachectl_run.hpp"
#include "tests/support/load_run.hpp"
#include "tests/system/shared_tier.hpp"

using namespace aicache;
using namespace aicache::test;

TEST_CASE("what one node puts, every other node on the same Redis serves", "[system][shared]") {
  const redis_server redis;
  cache_caller caller;
  aicached_process one(patient(redis.port()));
  aicached_process two(patient(redis.port()));
  const client first = caller.connect(one);
  const client second = caller.connect(two);
  REQUIRE(put_all(first, 0, 200) == 200);
  REQUIRE(eventually([&] { return keys_in(redis) >= 200; }));
  found all;
  REQUIRE(eventually([&] {
    const found now = get_all(second, 0, 200);
    all.shared += now.shared;
    all.wrong += now.wrong + now.errors;
    return now.hits == 200;
  }));
  CHECK(all.shared == 200);
  CHECK(all.wrong == 0);
  // From now on they are in its own memory.
  CHECK(get_all(second, 0, 200).shared == 0);
  CHECK(eventually([&] { return caller.statistics(two).total.hits_shared == 200; }));
  // An answer keeps what came with it.
  const answer a = second.get(question(7));
  CHECK(a.model() == "model-1");
  CHECK(a.facts().output_tokens == 20);
  // Other tenants and operations have answers of their own.
  CHECK(!second.get(question(7, "qa", "other")).hit());
  CHECK(!second.get(question(7, "summarize")).hit());
}

TEST_CASE("an answer outlives the node that put it, and not its own time", "[system][shared]") {
  const redis_server redis;
  cache_caller caller;
  {
    aicached_process one(patient(redis.port()));
    const client c = caller.connect(one);
    REQUIRE(put_all(c, 0, 500) == 500);
    put_options brief;
    brief.ttl = duration{1'500};
    REQUIRE(c.put(question(1'000), right_answer(1'000), brief) == put_result{});
    // What was put is written before the end, without waiting for it here.
    CHECK(one.drain() == 0);
  }
  CHECK(keys_in(redis) == 501);
  aicached_process two(patient(redis.port()));
  const client c = caller.connect(two);
  REQUIRE(eventually([&] { return get_all(c, 0, 1).hits == 1; }));
  const found rest = get_all(c, 1, 500);
  CHECK(rest.shared == 499);
  CHECK(rest.wrong == 0);
  CHECK(eventually([&] { return !c.get(question(1'000)).hit() && keys_in(redis) == 500; }));
}

TEST_CASE("a load on one node finds what a load on another has computed", "[system][shared]") {
  const redis_server redis;
  aicached_process two(patient(redis.port()));
  const std::vector<std::string> each = {"--popularity", "sequential", "--requests", "3000", "--node"};
  const auto at = [&](const aicached_process& node) {
    std::vector<std::string> all = each;
    all.push_back(node.address());
    return all;
  };
  {
    aicached_process one(patient(redis.port()));
    const loaded first = load(at(one));
    INFO(first.errors);
    CHECK(first.code == 0);
    CHECK(first.number("misses") == 3'000);
    CHECK(one.drain() == 0);
  }
  cache_caller caller;
  REQUIRE(writes_to(caller.connect(two), redis));
  const loaded second = load(at(two));
  INFO(second.errors);
  CHECK(second.code == 0);
  CHECK(second.number("wrong") == 0);
  CHECK(second.number("errors") == 0);
  CHECK(second.number("hits_shared") == 3'000);
  // What Redis took is told by its nodes.
  const auto summary = [&] { return aicachectl({"stats", "summary", "--json", "--node", two.address()}).json(); };
  CHECK(eventually([&] { return summary().value("/redis_read_nanoseconds/count"_json_pointer, 0) > 0; }));
  CHECK(summary().at("redis_read_nanoseconds").at("p50") > 1'000);
  CHECK(second.number("misses") == 0);
  // The same for a node inside of the application.
  const loaded third = load({"--in-process", "--redis", "redis://127.0.0.1:" + std::to_string(redis.port()),
                             "--popularity", "sequential", "--requests", "30000", "--set", "redis.get_deadline=5s"});
  CHECK(third.code == 0);
  CHECK(third.number("wrong") == 0);
  CHECK(third.number("hits_shared") > 0);
}

TEST_CASE("a node that must have Redis does not start without it, and says why", "[system][shared]") {
  const std::uint16_t nobody = free_port();
  program strict(aicached_process::words(usual(nobody, {"redis.required=true"})));
  const auto code = strict.end(20s);
  REQUIRE(code);
  CHECK(*code != 0);
  CHECK(strict.rest().empty());
  CHECK(strict.errors().find(std::to_string(nobody)) != std::string::npos);
  CHECK(strict.errors().find("redis.required") != std::string::npos);
  const redis_server redis;
  aicached_process served(patient(redis.port(), {"redis.required=true"}));
  CHECK(served.drain() == 0);
}

TEST_CASE("a unix socket, a database and a prefix are used as told", "[system][shared]") {
  const redis_server redis;
  cache_caller caller;
  aicached_process node({"redis.url=unix://" + redis.socket(), "redis.get_deadline=5s"});
  CHECK(writes_to(caller.connect(node), redis));
  aicached_process other({"redis.url=redis://127.0.0.1:" + std::to_string(redis.port()) + "/3", "redis.prefix=other",
                          "redis.get_deadline=5s"});
  const client c = caller.connect(other);
  REQUIRE(put_all(c, 0, 5) == 5);
  CHECK(eventually([&] {
    return redis.ask({"EVAL", "return #redis.call('KEYS', 'other:acme:qa:*')", "0"}, {"-n", "3"}) == "5";
  }));
  CHECK(redis.ask({"EVAL", "return #redis.call('KEYS', 'aicache:*')", "0"}, {"-n", "3"}) == "0");
}
