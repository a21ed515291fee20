#include <catch2/catch.hpp>

#include "tests/system/shared_tier.hpp"

using namespace aicache;
using namespace aicache::test;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr auto honoured = 3s;
#else
constexpr auto honoured = 1s;
#endif

invalidate_request of_operation(const std::string& name, bool wait = false) {
  invalidate_request r;
  r.kind = scope_kind::operation;
  r.name = name;
  r.wait = wait;
  return r;
}

}  // namespace

TEST_CASE("what one node invalidates or erases, no node serves a second later, and Redis is swept",
          "[system][shared]") {
  const redis_server redis;
  cache_caller caller;
  aicached_process one(patient(redis.port()));
  aicached_process two(patient(redis.port()));
  const client first = caller.connect(one);
  const client second = caller.connect(two);
  for (const char* operation : {"qa", "other"}) REQUIRE(put_all(first, 0, 300, operation) == 300);
  for (const char* operation : {"qa", "other"}) REQUIRE(served_from_redis(second, 0, 300, operation));
  const auto said = caller.ask<invalidated>(one, of_operation("qa", true));
  REQUIRE(said);
  CHECK(said->why == errc::none);
  CHECK(said->numbered);
  CHECK(said->swept);
  CHECK(said->in_memory == 300);
  CHECK(said->in_redis == 300);
  CHECK(get_all(first, 0, 300).hits == 0);
  CHECK(eventually([&] { return get_all(second, 0, 300).hits == 0; }, 1s));
  // The second node cannot have kept what others could fetch again.
  CHECK(get_all(first, 0, 300).hits == 0);
  CHECK(get_all(first, 0, 300, "other").hits == 300);
  CHECK(get_all(second, 0, 300, "other").hits == 300);
  // New answers of the operation live.
  REQUIRE(put_all(first, 0, 10) == 10);
  CHECK(served_from_redis(second, 0, 10));
  // A single one.
  REQUIRE(second.erase(question(3, "other")).found);
  CHECK(!second.get(question(3, "other")).hit());
  CHECK(eventually([&] { return !first.get(question(3, "other")).hit(); }, 1s));
}

TEST_CASE("a node that hears no announcement honours an invalidation all the same within a second",
          "[system][shared]") {
  // A user who may do anything but subscribe.
  const redis_server redis({"--user", "deaf", "on", ">word", "~*", "resetchannels", "+@all"});
  cache_caller caller;
  aicached_process one(patient(redis.port()));
  aicached_process two(patient(redis.port(), {"redis.user=deaf", "redis.password=word"}));
  const client first = caller.connect(one);
  const client second = caller.connect(two);
  REQUIRE(put_all(first, 0, 100) == 100);
  REQUIRE(served_from_redis(second, 0, 100));
  const auto said = caller.ask<invalidated>(one, of_operation("qa"));
  REQUIRE(said);
  CHECK(said->numbered);
  CHECK(eventually([&] { return get_all(second, 0, 100).hits == 0; }, honoured));
  CHECK(get_all(first, 0, 100).hits == 0);
}

TEST_CASE("an invalidation made while Redis hung holds after its return, on every node and after restarts",
          "[system][shared]") {
  redis_server redis;
  cache_caller caller;
  const scratch_folder folder;
  const auto settings = [&](const std::string& name) {
    return usual(redis.port(), {"invalidation.journal_file=" + (folder.path() / name).string()});
  };
  const bool restarts = GENERATE(false, true);
  CAPTURE(restarts);
  auto one = std::make_unique<aicached_process>(settings("one"));
  auto two = std::make_unique<aicached_process>(settings("two"));
  {
    const client first = caller.connect(*one);
    const client second = caller.connect(*two);
    REQUIRE(put_all(first, 0, 100) == 100);
    REQUIRE(put_all(first, 0, 100, "other") == 100);
    REQUIRE(served_from_redis(second, 0, 100));
    REQUIRE(served_from_redis(second, 0, 100, "other"));
    const std::uint64_t before = caller.statistics(*one).link.outages;
    redis.signal(SIGSTOP);
    REQUIRE(eventually([&] { return caller.statistics(*one).link.outages > before; }));
    const auto said = caller.ask<invalidated>(*one, of_operation("qa"));
    REQUIRE(said);
    CHECK(!said->numbered);
    CHECK(said->in_memory == 100);
    CHECK(get_all(first, 0, 100).hits == 0);
    if (restarts) {
      one->signal(SIGKILL);
      two->signal(SIGKILL);
    }
  }
  if (restarts) {
    one = std::make_unique<aicached_process>(settings("one"));
    two = std::make_unique<aicached_process>(settings("two"));
  }
  const client first = caller.connect(*one);
  const client second = caller.connect(*two);
  redis.signal(SIGCONT);
  const auto back = std::chrono::steady_clock::now();
  // The node that knows of it serves none of them at any time.
  CHECK(eventually([&] {
    CHECK(get_all(first, 0, 100).hits == 0);
    return get_all(first, 0, 100, "other").hits == 100;
  }));
  // The other serves none from the moment on that it could have been told.
  CHECK(eventually([&] { return get_all(second, 0, 100).hits == 0; }, recovery));
  CHECK(std::chrono::steady_clock::now() - back < 20s);
  CHECK(eventually([&] { return get_all(second, 0, 100, "other").hits == 100; }));
  CHECK(get_all(second, 0, 100).hits == 0);
  aicached_process fresh(patient(redis.port()));
  const client third = caller.connect(fresh);
  CHECK(served_from_redis(third, 0, 100, "other"));
  CHECK(get_all(third, 0, 100).hits == 0);
}

TEST_CASE("a Redis that comes back from an old dump brings nothing back that was invalidated since",
          "[system][shared]") {
  redis_server redis;
  cache_caller caller;
  aicached_process one(usual(redis.port()));
  const client first = caller.connect(one);
  REQUIRE(put_all(first, 0, 100) == 100);
  REQUIRE(put_all(first, 0, 100, "other") == 100);
  REQUIRE(eventually([&] { return keys_in(redis) == 200; }));
  CHECK(redis.ask({"SAVE"}) == "OK");
  const auto said = caller.ask<invalidated>(one, of_operation("qa", true));
  REQUIRE(said);
  CHECK(said->numbered);
  CHECK(said->in_redis == 100);
  const std::uint64_t before = caller.statistics(one).link.outages;
  redis.kill();
  REQUIRE(eventually([&] { return caller.statistics(one).link.outages > before; }));
  REQUIRE(redis.start());
  REQUIRE(keys_in(redis) == 200);
  // The node tells Redis again what it has forgotten, before it reads.
  REQUIRE(writes_to(first, redis, 10s));
  CHECK(get_all(first, 0, 100).hits == 0);
  aicached_process two(patient(redis.port()));
  const client second = caller.connect(two);
  CHECK(served_from_redis(second, 0, 100, "other"));
  CHECK(get_all(second, 0, 100).hits == 0);
}

TEST_CASE("a Redis that comes back empty is filled again, and brings back nothing that was erased",
          "[system][shared]") {
  redis_server redis;
  cache_caller caller;
  aicached_process one(usual(redis.port()));
  aicached_process two(usual(redis.port()));
  const client first = caller.connect(one);
  const client second = caller.connect(two);
  REQUIRE(put_all(first, 0, 100) == 100);
  REQUIRE(served_from_redis(second, 0, 100));
  REQUIRE(caller.ask<invalidated>(one, of_operation("qa")));
  REQUIRE(eventually([&] { return get_all(second, 0, 100).hits == 0; }, recovery));
  redis.kill();
  REQUIRE(redis.start());
  CHECK(writes_to(first, redis));
  CHECK(writes_to(second, redis));
  CHECK(get_all(first, 0, 100).hits == 0);
  CHECK(get_all(second, 0, 100).hits == 0);
  // Counting begins where it was: an answer put now is not taken for one from before.
  REQUIRE(put_all(first, 0, 100) == 100);
  CHECK(served_from_redis(second, 0, 100));
}
