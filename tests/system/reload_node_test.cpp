#include <signal.h>

#include <catch2/catch.hpp>

#include <fstream>

#include "tests/support/aicachectl_run.hpp"
#include "tests/support/aicached_process.hpp"
#include "tests/support/cache_caller.hpp"
#include "tests/support/http_caller.hpp"
#include "tests/system/shared_tier.hpp"

// Settings that change while the program runs, from its own file.
namespace aicache::reload_node_test {
namespace {

using namespace test;
using nlohmann::json;

constexpr const char* token = "0123456789abcdef of this test";

/// A file of settings, and a node that runs by it.
struct filed_node {
  explicit filed_node(const std::string& text, std::vector<std::string> settings = {"http.refresh=100ms"})
      : file((folder.path() / "aicache.toml").string()) {
    write(text);
    settings.push_back("http.token=" + std::string(token));
    node.emplace(std::move(settings), file);
  }
  void write(const std::string& text) const { std::ofstream(file, std::ios::trunc) << text; }
  bool logs(const std::string& part) {
    return eventually([&] { return node->log().find(part) != std::string::npos; });
  }
  command_result reload() const { return aicachectl({"config", "reload", "--node", node->address(), "--json"}); }

  scratch_folder folder;
  std::string file;
  std::optional<aicached_process> node;
};

duration life_of(const client& c, std::uint64_t number) {
  REQUIRE(put_all(c, number, number + 1, "plain") == 1);
  return c.get(question(number, "plain")).time_left().value_or(duration{0});
}

}  // namespace

TEST_CASE("on SIGHUP a node does by its changed file, and says what waits for a restart", "[system][reload]") {
  filed_node n("[ttl]\ndefault = \"1h\"\njitter = 0\n");
  cache_caller caller;
  const client c = caller.connect(*n.node);
  CHECK(life_of(c, 1) > duration{3'500'000});
  n.write("[ttl]\ndefault = \"100s\"\njitter = 0\n[limits]\ntenants = 17\n[log]\nlevel = \"debug\"\n");
  n.node->signal(SIGHUP);
  CHECK(n.logs("reload: ttl.default is now \"100s\", after \"1h\""));
  CHECK(n.logs("reload: log.level is now \"debug\", after \"info\""));
  CHECK(n.logs("reload: limits.tenants stays 256 until a restart, not 17: tables of names are sized"));
  const duration now = life_of(c, 2);
  CHECK(now <= duration{100'000});
  CHECK(now > duration{50'000});
  // What was kept before keeps its end.
  CHECK(c.get(question(1, "plain")).time_left() > duration{3'400'000});
  CHECK(eventually([&] {
    const auto shown = json::parse(ask_http(n.node->http_port(), "GET", "/api/v1/config").body, nullptr, false);
    return shown.is_object() && shown.at("settings").dump().find("100s") != std::string::npos;
  }));
}

TEST_CASE("a file with mistakes changes nothing, and all of them are told", "[system][reload]") {
  filed_node n("[ttl]\njitter = 0\n");
  cache_caller caller;
  const client c = caller.connect(*n.node);
  n.write("[ttl]\ndefault = \"100s\"\njitter = 99\n[gate]\nstore_emtpy = true\n");
  const command_result r = n.reload();
  CHECK(r.code == 1);
  CHECK(r.json().at("problems").size() == 2);
  CHECK(r.out.find("store_empty") != std::string::npos);
  CHECK(life_of(c, 1) > duration{3'500'000});
  const http_answer told =
      ask_http(n.node->http_port(), "POST", "/api/v1/reload", {"Authorization: Bearer " + std::string(token)});
  CHECK(told.status == 400);
  CHECK(told.body.find("store_empty") != std::string::npos);
  n.write("[gate]\nstore_fitlered = true\n");
  n.node->signal(SIGHUP);
  CHECK(n.logs("store_filtered"));
  CHECK(n.node->log().find("reload: nothing changes") != std::string::npos);
  // Once it is mended it counts.
  n.write("[ttl]\ndefault = \"100s\"\njitter = 0\n");
  const command_result mended = n.reload();
  CHECK(mended.code == 0);
  CHECK(mended.json().at("applied") == "1");
  CHECK(mended.json().at("changed").at(0).at("key") == "ttl.default");
  CHECK(life_of(c, 2) <= duration{100'000});
  // What may only change at a restart is no success.
  n.write("[ttl]\ndefault = \"100s\"\njitter = 0\n[node]\nthreads = 3\n");
  const command_result later = n.reload();
  CHECK(later.code == 1);
  CHECK(later.json().at("changes_at_restart").at(0).at("key") == "node.threads");
}

TEST_CASE("what is set on the command line stays stronger than a changed file", "[system][reload]") {
  filed_node n("", {"ttl.default=200s", "ttl.jitter=0", "http.refresh=100ms"});
  cache_caller caller;
  const client c = caller.connect(*n.node);
  n.write("[ttl]\ndefault = \"100s\"\n");
  const command_result r = n.reload();
  CHECK(r.code == 0);
  CHECK(r.json().at("applied") == "0");
  CHECK(life_of(c, 1) > duration{150'000});
}

TEST_CASE("the way to Redis is made anew with another password, and nobody is told an error",
          "[system][reload][shared]") {
  redis_server redis({"--requirepass", "pw-eins-77"});
  const std::vector<std::string> as_first{"-a", "pw-eins-77", "--no-auth-warning"};
  const std::vector<std::string> as_second{"-a", "pw-zwei-88", "--no-auth-warning"};
  const scratch_folder folder;
  const std::string password = (folder.path() / "password").string();
  std::ofstream(password) << "pw-eins-77\n";
  filed_node n("", patient(redis.port(), {"redis.password_file=" + password, "http.refresh=100ms"}));
  cache_caller caller;
  const client c = caller.connect(*n.node);
  CHECK(writes_to(c, redis, 10s, as_first));
  steady_load load({c});
  REQUIRE(load.goes_on());
  redis.ask({"CONFIG", "SET", "requirepass", "pw-zwei-88"}, as_first);
  std::ofstream(password) << "pw-zwei-88\n";
  // Connections that stand are not asked again; new ones are.
  redis.ask({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}, as_second);
  const command_result r = n.reload();
  CHECK(r.code == 0);
  CHECK(n.logs("the link to redis is made anew"));
  CHECK(load.goes_on());
  CHECK(writes_to(c, redis, 10s, as_second));
  const found f = load.end();
  CHECK(f.errors == 0);
  CHECK(f.wrong == 0);
  CHECK(n.node->log().find("pw-") == std::string::npos);
}

}  // namespace aicache::reload_node_test
