#include <catch2/catch.hpp>

#include "tests/support/lying_proxy.hpp"
#include "tests/system/shared_tier.hpp"

using namespace aicache;
using namespace aicache::test;

TEST_CASE("whatever stands between a node and Redis says, no answer is wrong and no caller sees an error",
          "[system][shared]") {
  const redis_server redis;
  lying_proxy proxy(redis.port());
  cache_caller caller;
  // Small, so that it must ask Redis again for what the other put.
  aicached_process node(usual(proxy.port(), {"memory.budget=4MiB", "redis.reconnect_max=100ms"}));
  aicached_process honest(patient(redis.port()));
  const client c = caller.connect(node);
  const client other = caller.connect(honest);
  REQUIRE(writes_to(c, redis));
  REQUIRE(writes_to(other, redis));
  struct told {
    lie what;
    const char* name;
    unsigned one_in;
    std::uint64_t enough;
  };
  const told all[] = {{lie::late, "late", 2, 20},  {lie::silence, "silence", 3, 2}, {lie::half, "half", 3, 5},
                      {lie::noise, "noise", 3, 5}, {lie::giant, "giant", 3, 2},     {lie::hang_up, "hang up", 3, 5},
                      {lie::twice, "twice", 3, 5}, {lie::flipped, "flipped", 2, 5}, {lie::refuse, "refuse", 1, 2}};
  for (const told& t : all) {
    CAPTURE(t.name);
    steady_load load({c, other});
    CHECK(load.goes_on(10));
    const std::uint64_t before = proxy.lies();
    proxy.tell(t.what, t.one_in, 80ms);
    CHECK(eventually([&] { return proxy.lies() >= before + t.enough; }));
    CHECK(load.goes_on(10));
    proxy.tell(lie::none);
    CHECK(writes_to(c, redis));
    const found f = load.end();
    CHECK(f.errors == 0);
    CHECK(f.wrong == 0);
    CHECK(f.hits > 0);
    if (f.errors > 0) FAIL(node.log());
  }
  CHECK(node.drain() == 0);
}

TEST_CASE("a node reads from a slow Redis within its deadline, and past it answers without", "[system][shared]") {
  const redis_server redis;
  lying_proxy proxy(redis.port());
  cache_caller caller;
  aicached_process writer(patient(redis.port()));
  REQUIRE(put_all(caller.connect(writer), 0, 100) == 100);
  REQUIRE(eventually([&] { return keys_in(redis) >= 100; }));
  proxy.tell(lie::late, 1, 20ms);
  aicached_process node(usual(proxy.port(), {"redis.get_deadline=1s", "redis.put_deadline=1s"}));
  const client c = caller.connect(node);
  CHECK(served_from_redis(c, 0, 50));
  proxy.tell(lie::late, 1, 60s);
  const auto begin = std::chrono::steady_clock::now();
  get_options o;
  o.deadline = duration{30'000};
  const answer a = c.get(question(70), o);
  CHECK(a.status == get_status::miss);
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
}
