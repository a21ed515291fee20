#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/support/tls_certificates.hpp"
#include "tests/system/shared_tier.hpp"

using namespace aicache;
using namespace aicache::test;

namespace {

// A node with these settings serves and stores nothing in Redis, and works from memory all the same.
void check_kept_out(cache_caller& caller, const redis_server& redis, std::vector<std::string> settings,
                    const std::vector<std::string>& how = {}) {
  const std::uint64_t before = keys_in(redis, how);
  // Nothing can be written at the end: it need not be tried for long.
  settings.push_back("node.drain_timeout=100ms");
  settings.push_back("redis.connect_deadline=400ms");
  aicached_process node(std::move(settings));
  const client c = caller.connect(node);
  REQUIRE(put_all(c, 0, 20, "kept out") == 20);
  // The node has tried, and said so: from then on nothing can follow.
  CHECK(eventually([&] { return node.log().find("redis ") != std::string::npos; }));
  const found f = get_all(c, 0, 20, "kept out");
  CHECK(f.hits == 20);
  CHECK(f.errors + f.wrong == 0);
  CHECK(node.drain() == 0);
  CHECK(keys_in(redis, how) == before);
  CHECK(node.log().find("wrong-password") == std::string::npos);
}

}  // namespace

TEST_CASE("a password or an ACL user opens Redis; a wrong one is neither an error to callers nor in the log",
          "[system][shared]") {
  const redis_server redis(
      {"--requirepass", "right-password", "--user", "cache", "on", ">cache-password", "~*", "&*", "+@all"});
  const std::vector<std::string> how{"--no-auth-warning", "-a", "right-password"};
  cache_caller caller;
  const scratch_folder folder;
  const std::string file = (folder.path() / "password").string();
  std::ofstream(file) << "right-password\n";
  const std::vector<std::vector<std::string>> right = {{"redis.password=right-password"},
                                                       {"redis.password_file=" + file},
                                                       {"redis.user=cache", "redis.password=cache-password"}};
  for (const auto& given : right) {
    CAPTURE(given.front());
    aicached_process node(patient(redis.port(), given));
    CHECK(writes_to(caller.connect(node), redis, 10s, how));
    CHECK(node.log().find("-password") == std::string::npos);
  }
  check_kept_out(caller, redis, usual(redis.port()), how);
  check_kept_out(caller, redis, usual(redis.port(), {"redis.password=wrong-password"}), how);
  check_kept_out(caller, redis, usual(redis.port(), {"redis.user=cache", "redis.password=wrong-password"}), how);
  program strict(
      aicached_process::words(usual(redis.port(), {"redis.required=true", "redis.password=wrong-password"})));
  const auto code = strict.end(20s);
  CHECK((code && *code != 0));
  CHECK(strict.errors().find("wrong-password") == std::string::npos);
}

namespace {

// The words of deploy/README.md's command that makes a Redis user for nodes.
std::vector<std::string> documented_user(const std::string& password) {
  std::ifstream page(AICACHE_SOURCE_DIR "/deploy/README.md");
  std::string line;
  while (std::getline(page, line) && !line.starts_with("ACL SETUSER")) {
  }
  std::istringstream words(line);
  std::vector<std::string> all{std::istream_iterator<std::string>(words), {}};
  for (std::string& w : all)
    if (w == ">PASSWORD") w = ">" + password;
  return all;
}

}  // namespace

TEST_CASE("nodes do all their work with the rights that deploy/README.md names", "[system][shared]") {
  const redis_server redis;
  REQUIRE(redis.ask(documented_user("cache-password")) == "OK");
  cache_caller caller;
  const auto settings = patient(redis.port(), {"redis.user=aicache", "redis.password=cache-password"});
  aicached_process one(settings);
  aicached_process two(settings);
  const client first = caller.connect(one);
  const client second = caller.connect(two);
  REQUIRE(writes_to(first, redis));
  REQUIRE(put_all(first, 0, 50) == 50);
  REQUIRE(served_from_redis(second, 0, 50));
  const auto said = first.invalidate({scope_kind::operation, "", "qa", true}, duration{20'000});
  REQUIRE(said);
  CHECK(said->numbered);
  CHECK(said->swept);
  CHECK(said->in_memory == 50);
  CHECK(said->in_redis == 50);
  CHECK(eventually([&] { return get_all(second, 0, 50).hits == 0; }, 1s));
  REQUIRE(put_all(second, 0, 1) == 1);
  REQUIRE(served_from_redis(first, 0, 1));
  const std::uint64_t before = keys_in(redis);
  CHECK(first.erase(question(0)).found);
  CHECK(eventually([&] { return keys_in(redis) == before - 1; }));
  // The generations are told again.
  REQUIRE(redis.ask({"FLUSHALL"}) == "OK");
  CHECK(eventually([&] {
    return redis.ask({"GET", "aicache:{generations}:restored"}).find_first_of("123456789") == 0;
  }));
  for (aicached_process* node : {&one, &two}) CHECK(node->log().find("credentials") == std::string::npos);
}

TEST_CASE("over TLS a node talks to the Redis that its certificate proves, and to no other", "[system][shared]") {
  const tls_certificates made;
  cache_caller caller;
  const auto settings = [&](const std::string& host, std::uint16_t port, const std::string& authority) {
    return std::vector<std::string>{"redis.url=rediss://" + host + ":" + std::to_string(port),
                                    "redis.ca_file=" + made.at(authority + ".pem"), "redis.get_deadline=5s",
                                    "redis.put_deadline=5s"};
  };
  const std::uint16_t good_port = free_port();
  const redis_server good(made.server_words("good", good_port));
  {
    aicached_process node(settings("localhost", good_port, "ca"));
    CHECK(writes_to(caller.connect(node), good));
  }
  check_kept_out(caller, good, settings("localhost", good_port, "stranger"));
  // Plain text to a port that speaks TLS.
  check_kept_out(caller, good, usual(good_port));
  for (const char* name : {"expired", "elsewhere"}) {
    CAPTURE(name);
    const std::uint16_t port = free_port();
    const redis_server bad(made.server_words(name, port));
    check_kept_out(caller, bad, settings("localhost", port, "ca"));
    if (std::string(name) != "elsewhere") continue;
    std::vector<std::string> unverified = settings("localhost", port, "ca");
    unverified.push_back("redis.verify_name=false");
    aicached_process node(unverified);
    CHECK(writes_to(caller.connect(node), bad));
  }
}

TEST_CASE("a node proves itself by its certificate to a Redis that asks, and never speaks an older TLS than 1.2",
          "[system][shared]") {
  const tls_certificates made;
  cache_caller caller;
  const auto settings = [&](std::uint16_t port, std::vector<std::string> more) {
    more.insert(more.end(), {"redis.url=rediss://localhost:" + std::to_string(port),
                             "redis.ca_file=" + made.at("ca.pem"), "redis.get_deadline=5s", "redis.put_deadline=5s"});
    return more;
  };
  const auto server = [&](std::uint16_t port, const std::vector<std::string>& more) {
    std::vector<std::string> words = made.server_words("good", port);
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  const std::uint16_t asking_port = free_port();
  const redis_server asking(server(asking_port, {"--tls-auth-clients", "yes"}));
  check_kept_out(caller, asking, settings(asking_port, {}));
  {
    aicached_process node(settings(
        asking_port, {"redis.certificate_file=" + made.at("good.pem"), "redis.key_file=" + made.at("good.key")}));
    CHECK(writes_to(caller.connect(node), asking));
  }
  const std::uint16_t old_port = free_port();
  const redis_server old(server(old_port, {"--tls-protocols", "TLSv1.1", "--tls-ciphers", "DEFAULT@SECLEVEL=0"}));
  program other({"/bin/sh", "-c",
                 "openssl s_client -connect 127.0.0.1:" + std::to_string(old_port) +
                     " -tls1_1 -cipher DEFAULT@SECLEVEL=0 </dev/null"},
                {"PATH=/usr/bin:/bin"});
  // It does speak, to those who would.
  CHECK(other.end(20s) == 0);
  check_kept_out(caller, old, settings(old_port, {}));
}

namespace {

const std::string key_one = "1=" + std::string(64, '1');
const std::string key_two = "2=" + std::string(64, '2');

std::string saved(const redis_server& redis) {
  CHECK(redis.ask({"CONFIG", "SET", "rdbcompression", "no"}) == "OK");
  CHECK(redis.ask({"SAVE"}) == "OK");
  std::ifstream file(redis.folder() / "dump.rdb", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("with encryption neither a question nor an answer can be read in Redis", "[system][shared]") {
  const redis_server redis;
  cache_caller caller;
  {
    aicached_process open(patient(redis.port()));
    REQUIRE(put_all(caller.connect(open), 0, 50) == 50);
    CHECK(open.drain() == 0);
  }
  // Without it the answer can be: the search is one that would find it. The question is in neither.
  std::string bytes = saved(redis);
  CHECK(bytes.find(right_answer(7).text) != std::string::npos);
  CHECK(bytes.find(question(7).text) == std::string::npos);
  {
    aicached_process closed(patient(redis.port(), {"encryption.enabled=true", "encryption.keys=" + key_one}));
    const client c = caller.connect(closed);
    // What lies there unencrypted could be anybody's: it is not believed.
    CHECK(!eventually([&] { return get_all(c, 0, 50).hits > 0; }, 200ms));
    REQUIRE(put_all(c, 0, 100) == 100);
    CHECK(closed.drain() == 0);
  }
  bytes = saved(redis);
  CHECK(bytes.find("aicache:acme:qa:") != std::string::npos);
  for (const std::uint64_t n : {7, 50, 99}) CHECK(bytes.find(right_answer(n).text) == std::string::npos);
  CHECK(bytes.find(" is on shelf ") == std::string::npos);
  CHECK(bytes.find(" item ") == std::string::npos);
  aicached_process same(patient(redis.port(), {"encryption.enabled=true", "encryption.keys=" + key_one}));
  CHECK(served_from_redis(caller.connect(same), 0, 100));
}

TEST_CASE(
    "keys are rotated under load without a wrong answer, and what they sealed stays readable as long as they are kept",
    "[system][shared]") {
  const redis_server redis;
  cache_caller caller;
  const scratch_folder folder;
  const std::string file = (folder.path() / "keys").string();
  std::ofstream(file) << key_one << "\n";
  const std::vector<std::string> settings =
      patient(redis.port(), {"encryption.enabled=true", "encryption.keys_file=" + file});
  aicached_process one(settings);
  aicached_process two(settings);
  const std::vector<client> both{caller.connect(one), caller.connect(two)};
  REQUIRE(put_all(both[0], 0, 50, "old") == 50);
  REQUIRE(writes_to(both[1], redis));
  steady_load load(both);
  REQUIRE(load.goes_on());
  std::ofstream(file) << key_one << "\n" << key_two << "\n";
  for (aicached_process* node : {&one, &two}) {
    node->signal(SIGHUP);
    CHECK(eventually([&] { return node->log().find("number 2") != std::string::npos; }));
  }
  CHECK(load.goes_on());
  REQUIRE(put_all(both[0], 0, 50, "new") == 50);
  CHECK(load.goes_on());
  const found f = load.end();
  CHECK(f.errors == 0);
  CHECK(f.wrong == 0);
  CHECK(f.hits > 0);
  CHECK(served_from_redis(both[1], 0, 50, "old"));
  CHECK(served_from_redis(both[1], 0, 50, "new"));
  CHECK(one.drain() == 0);
  CHECK(two.drain() == 0);
  // Who has the new key alone reads what was sealed after the rotation, and nothing from before.
  aicached_process late(patient(redis.port(), {"encryption.enabled=true", "encryption.keys=" + key_two}));
  const client c = caller.connect(late);
  CHECK(served_from_redis(c, 0, 50, "new"));
  CHECK(get_all(c, 0, 50, "old").hits == 0);
  CHECK(eventually([&] { return caller.statistics(late).total.misses_corrupt == 50; }));
}

TEST_CASE("encryption without a usable key refuses to start, and quotes no key", "[system][shared]") {
  const scratch_folder folder;
  const std::string file = (folder.path() / "keys").string();
  const std::string secret = "deadbeefcafe";
  std::ofstream(file) << "1=" << secret << "\n";
  const std::vector<std::vector<std::string>> all = {
      {"encryption.enabled=true"},
      {"encryption.enabled=true", "encryption.keys_file=" + file},
      {"encryption.enabled=true", "encryption.keys_file=" + file + ".not-there"},
      {"encryption.enabled=true", "encryption.keys=1=" + secret}};
  for (const auto& settings : all) {
    CAPTURE(settings.back());
    program node(aicached_process::words(usual(free_port(), settings)));
    const auto code = node.end(20s);
    REQUIRE(code);
    CHECK(*code != 0);
    CHECK(node.rest().empty());
    CHECK(node.errors().find("encryption.") != std::string::npos);
    CHECK(node.errors().find(secret) == std::string::npos);
  }
}
