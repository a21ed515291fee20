#include <catch2/catch.hpp>

#include "actors/generic_store.hpp"
#include "tests/support/aicachectl_run.hpp"
#include "tests/system/shared_tier.hpp"

namespace aicache::generic_entries_test {
namespace {

using namespace aicache::test;
using words = std::vector<std::string>;

command_result at(const aicached_process& node, words command, const std::string& input = "") {
  command.insert(command.begin() + 1, {"--node", node.address()});
  return aicachectl(std::move(command), input);
}
void set_at(const aicached_process& node, const std::string& key, words more = {}) {
  words all{"set", "--tenant", "acme", "--key", key, "--value", "value of " + key};
  all.insert(all.end(), more.begin(), more.end());
  REQUIRE(at(node, all).code == 0);
}
std::string keys_at(const aicached_process& node, const std::string& pattern, words more = {}) {
  words all{"keys", "--tenant", "acme", pattern};
  all.insert(all.end(), more.begin(), more.end());
  return at(node, all).out;
}

}  // namespace

TEST_CASE("aicachectl sets, gets, lists and forgets what stands under keys", "[system][aicachectl][generic]") {
  const aicached_process node({});
  for (const char* key : {"user:1", "user:2", "qa", "qa_long"}) set_at(node, key, {"--ttl", "10m", "--tag", "doc"});
  CHECK(at(node, {"get", "--tenant", "acme", "--key", "user:1"}).out == "value of user:1");
  CHECK(at(node, {"get", "--key", "user:1"}).code == 1);
  const auto facts = at(node, {"get", "--tenant", "acme", "--key", "user:1", "--json"}).json();
  CHECK(facts.at("text") == "value of user:1");
  CHECK(facts.at("tier") == "hot");
  CHECK_FALSE(facts.contains("input_tokens"));
  CHECK(at(node, {"exists", "--tenant", "acme", "--key", "qa"}).out == "found: yes\n");
  CHECK(at(node, {"ttl", "--tenant", "acme", "--key", "qa"}).code == 0);
  CHECK(at(node, {"touch", "--tenant", "acme", "--key", "qa", "--ttl", "1h"}).code == 0);
  CHECK(at(node, {"touch", "--tenant", "acme", "--key", "none", "--ttl", "1h"}).code == 1);
  CHECK(keys_at(node, "*") == "qa\nqa_long\nuser:1\nuser:2\n");
  CHECK(keys_at(node, "user:?") == "user:1\nuser:2\n");
  CHECK(keys_at(node, "*", {"--after", "qa", "--limit", "2"}) == "qa_long\nuser:1\n");
  const auto page = at(node, {"keys", "--tenant", "acme", "q*", "--json"}).json();
  CHECK(page.at("keys") == words{"qa", "qa_long"});
  CHECK(page.at("more") == false);
  const auto invalidate = [&](words more) {
    words all{"invalidate", "--tenant", "acme"};
    all.insert(all.end(), more.begin(), more.end());
    return at(node, all);
  };
  CHECK(invalidate({"--pattern", "user:*", "--dry-run"}).out == "in_memory: 2\n");
  CHECK(invalidate({"--tag", "doc", "--dry-run"}).out == "in_memory: 4\n");
  CHECK(keys_at(node, "*") == "qa\nqa_long\nuser:1\nuser:2\n");
  CHECK(invalidate({"--pattern", "user:*", "--json"}).json().at("in_memory") == "2");
  CHECK(at(node, {"delete", "--tenant", "acme", "--key", "qa"}).code == 0);
  CHECK(keys_at(node, "*") == "qa_long\n");
  CHECK(at(node, {"clear", "--dry-run"}).out == "in_memory: 1\n");
  CHECK(invalidate({"--pattern", "*"}).code == 0);
  CHECK(keys_at(node, "*").empty());
}

TEST_CASE("aicachectl keeps bytes as they are, and refuses what is no key", "[system][aicachectl][generic]") {
  const aicached_process node({});
  const std::string bytes("\xff\x00 bytes\n", 9);
  CHECK(at(node, {"set", "--key", "k", "--value-file", "-"}, bytes).code == 0);
  CHECK(at(node, {"get", "--key", "k"}).out == bytes);
  CHECK(at(node, {"set", "--key", "odd \xff key", "--value", ""}).code == 0);
  CHECK(at(node, {"keys", "odd*", "--json"}).json().at("keys").at(0).at("base64") == "b2RkIP8ga2V5");
  CHECK(at(node, {"set", "--key", "", "--value", "x"}).code == 2);
  CHECK(at(node, {"set", "--key", "k"}).code == 2);
  CHECK(at(node, {"set", "--value", "x"}).code == 2);
  CHECK(at(node, {"set", "--key", "k", "--value", "x", "--ttl", "soon"}).code == 2);
  CHECK(at(node, {"get", "--key", "k", "--operation", "qa"}).code == 2);
  CHECK(at(node, {"keys", ""}).code == 2);
  CHECK(at(node, {"invalidate", "--pattern", "x", "--tag", "y"}).code == 2);
}

TEST_CASE("generic entries are shared by nodes, listed from Redis, and dead everywhere once a pattern fitted them",
          "[system][shared][generic]") {
  const redis_server redis;
  aicached_process one(patient(redis.port()));
  for (const char* key : {"user:1", "user:2", "user:3", "other"}) set_at(one, key, {"--write-through"});
  REQUIRE(keys_in(redis) == 4);
  // In no key of Redis stands a key of a user.
  CHECK(redis.ask({"KEYS", "*user*"}).empty());
  CHECK(redis.ask({"KEYS", "aicache:acme::*"}).find("aicache:acme::") == 0);
  aicached_process two(patient(redis.port()));
  // It lies only in Redis as far as this node knows.
  CHECK(keys_at(two, "*") == "other\nuser:1\nuser:2\nuser:3\n");
  CHECK(keys_at(two, "user:[13]") == "user:1\nuser:3\n");
  const auto dry = at(two, {"invalidate", "--tenant", "acme", "--pattern", "user:*", "--dry-run", "--wait"});
  CHECK(dry.out == "in_memory: 0\nsearched: yes\nin_redis: 3\n");
  CHECK(at(two, {"get", "--tenant", "acme", "--key", "user:1"}).out == "value of user:1");
  const auto tenant = at(two, {"invalidate", "--tenant", "acme", "--dry-run", "--wait"});
  CHECK(tenant.out == "in_memory: 1\nsearched: yes\nin_redis: 4\n");
  const auto gone = at(two, {"invalidate", "--tenant", "acme", "--pattern", "user:*"});
  CHECK(gone.out == "in_memory: 1\nwaits_for_redis: no\nswept: yes\nin_redis: 3\n");
  CHECK(at(two, {"get", "--tenant", "acme", "--key", "user:1"}).code == 1);
  CHECK(keys_in(redis) == 1);
  CHECK(eventually([&] { return at(one, {"get", "--tenant", "acme", "--key", "user:2"}).code == 1; }));
  CHECK(keys_at(two, "*") == "other\n");
  CHECK(eventually([&] { return keys_at(one, "*") == "other\n"; }));
  // All of a tenant's, by one generation.
  CHECK(at(one, {"invalidate", "--tenant", "acme", "--pattern", "*", "--wait"}).out ==
        "in_memory: 1\nwaits_for_redis: no\nswept: yes\nin_redis: 1\n");
  CHECK(keys_at(two, "*").empty());
}

TEST_CASE("what a pattern has fitted while Redis hung stays dead after its return, on every node",
          "[system][shared][generic]") {
  const redis_server redis;
  cache_caller caller;
  aicached_process one(usual(redis.port()));
  aicached_process two(usual(redis.port()));
  const generic_store first = caller.connect(one).generic("acme");
  const generic_store second = caller.connect(two).generic("acme");
  put_options through;
  through.write_through = true;
  for (const char* key : {"user:1", "user:2", "other"}) {
    REQUIRE(eventually([&] { return first.set(key, key, through).shared == shared_copy::written; }));
    REQUIRE(eventually([&] { return second.get(key).hit(); }));
  }
  const std::uint64_t before = caller.statistics(one).link.outages;
  redis.signal(SIGSTOP);
  REQUIRE(eventually([&] { return caller.statistics(one).link.outages > before; }));
  const auto gone = first.invalidate("user:*");
  REQUIRE(gone);
  CHECK(gone->in_memory == 2);
  CHECK_FALSE(gone->swept);
  const auto listed = first.keys();
  REQUIRE(listed);
  CHECK(listed->keys == words{"other"});
  CHECK_FALSE(listed->all_of_redis);
  redis.signal(SIGCONT);
  CHECK(eventually([&] {
    CHECK_FALSE(first.get("user:1").hit());
    const auto all = first.keys();
    return all && all->all_of_redis && all->keys == words{"other"};
  }));
  CHECK(eventually([&] { return !second.get("user:1").hit() && !second.get("user:2").hit(); }, recovery));
  CHECK(second.get("other").hit());
}

TEST_CASE("with encryption nothing of a generic entry can be read in Redis, and its node lists it all the same",
          "[system][shared][generic]") {
  const redis_server redis({"--save", "3600 1"});
  const scratch_folder folder;
  const std::string file = (folder.path() / "keys").string();
  std::ofstream(file) << "1=" << std::string(64, 'a') << "\n";
  std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  aicached_process node(patient(redis.port(), {"encryption.enabled=true", "encryption.keys_file=" + file}));
  set_at(node, "user:secret-name", {"--write-through"});
  REQUIRE(keys_in(redis) == 1);
  const std::string at_place = redis.ask({"KEYS", "aicache:acme::*"});
  const std::string lies = redis.ask({"GET", at_place});
  CHECK(lies.find("secret") == std::string::npos);
  CHECK(at_place.find("secret") == std::string::npos);
  aicached_process fresh(patient(redis.port(), {"encryption.enabled=true", "encryption.keys_file=" + file}));
  CHECK(keys_at(fresh, "user:*") == "user:secret-name\n");
  CHECK(node.log().find("secret") == std::string::npos);
  CHECK(fresh.log().find("secret") == std::string::npos);
}

}  // namespace aicache::generic_entries_test
