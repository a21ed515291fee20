#include <catch2/catch.hpp>

#include "engine/redis/slots.hpp"
#include "tests/support/redis_cluster.hpp"
#include "tests/system/shared_tier.hpp"

using namespace aicache;
using namespace aicache::test;

TEST_CASE("nodes on a cluster serve on while slots move and when a master dies", "[system][shared][cluster]") {
  redis_cluster cluster;
  cache_caller caller;
  const auto on = [&](std::size_t server) { return patient(cluster.port(server), {"redis.cluster=true"}); };
  aicached_process one(on(0));
  // Any of the cluster's servers may be named, a replica too.
  aicached_process two(on(4));
  const std::vector<client> both{caller.connect(one), caller.connect(two)};
  REQUIRE(put_all(both[0], 0, 300) == 300);
  REQUIRE(served_from_redis(both[1], 0, 300));
  // The answers lie on all masters.
  for (std::size_t m = 0; m < 3; ++m) CHECK(keys_in(cluster.server(m)) > 0);

  steady_load load(both);
  REQUIRE(load.goes_on());
  // A slot that holds an answer moves from its master to the next, with all that is in it.
  const std::string key = cluster.ask(0, {"EVAL", "return redis.call('KEYS', 'aicache:acme:qa:*')[1]", "0"});
  REQUIRE(cluster.home(key) == 0);
  const std::string slot = std::to_string(slot_of(key));
  CHECK(cluster.ask(1, {"CLUSTER", "SETSLOT", slot, "IMPORTING", cluster.id(0)}) == "OK");
  CHECK(cluster.ask(0, {"CLUSTER", "SETSLOT", slot, "MIGRATING", cluster.id(1)}) == "OK");
  CHECK(load.goes_on());
  CHECK(cluster.ask(0, {"MIGRATE", "127.0.0.1", std::to_string(cluster.port(1)), key, "0", "5000"}) == "OK");
  CHECK(load.goes_on());
  {
    aicached_process fresh(on(0));
    CHECK(served_from_redis(caller.connect(fresh), 0, 300));
  }
  redis_cluster::until([&] {
    const std::string left = cluster.ask(0, {"CLUSTER", "GETKEYSINSLOT", slot, "1"});
    if (left.empty()) return true;
    cluster.ask(0, {"MIGRATE", "127.0.0.1", std::to_string(cluster.port(1)), left, "0", "5000"});
    return false;
  });
  for (std::size_t m : {1, 0, 2}) CHECK(cluster.ask(m, {"CLUSTER", "SETSLOT", slot, "NODE", cluster.id(1)}) == "OK");
  CHECK(load.goes_on());
  {
    aicached_process fresh(on(0));
    CHECK(served_from_redis(caller.connect(fresh), 0, 300));
  }

  // The master of a part dies; its replica has what it had, and takes over.
  for (std::size_t m = 0; m < 3; ++m) CHECK(cluster.ask(m, {"WAIT", "1", "5000"}) != "0");
  cluster.server(2).kill();
  CHECK(load.goes_on());
  redis_cluster::until([&] { return cluster.ask(5, {"ROLE"}).starts_with("master"); });
  CHECK(load.goes_on());
  {
    aicached_process fresh(on(1));
    CHECK(served_from_redis(caller.connect(fresh), 0, 300));
  }
  const found f = load.end();
  CHECK(f.errors == 0);
  CHECK(f.wrong == 0);
  CHECK(f.hits > 0);
  // New answers find their way to the replica that is a master now.
  const std::uint64_t before = keys_in(cluster.server(5));
  REQUIRE(put_all(both[0], 0, 300, "afterwards") == 300);
  CHECK(eventually([&] { return keys_in(cluster.server(5)) > before; }));
  CHECK(one.drain() == 0);
  CHECK(two.drain() == 0);
}
