#include "config/sources.hpp"

#include <catch2/catch.hpp>

#include "tests/config/file_of_settings.hpp"

#include <stdlib.h>

#include <algorithm>

namespace aicache::sources_test {

using namespace aicache::config;
using aicache::config::tests::file_of_settings;

namespace {

loaded load_text(const std::string& toml) {
  const file_of_settings file(toml);
  return load({file.path(), {}, {}});
}

loaded load_overrides(std::vector<std::string> overrides) { return load({std::nullopt, {}, std::move(overrides)}); }

/// "key: fix" of every problem, in order.
std::vector<std::string> fixes(const loaded& result) {
  std::vector<std::string> out;
  for (const auto& p : result.problems) out.push_back(p.key + ": " + p.fix);
  return out;
}

std::vector<std::string> keys(const loaded& result) {
  std::vector<std::string> out;
  for (const auto& p : result.problems) out.push_back(p.key);
  return out;
}

/// The one problem of a load that has just one.
problem only(const loaded& result) {
  CAPTURE(render(result.problems));
  REQUIRE(result.problems.size() == 1);
  CHECK(result.value == settings{});
  return result.problems.front();
}

}  // namespace

TEST_CASE("without any source there are the defaults, and they are sound", "[config][sources]") {
  const auto result = load({});
  CHECK(result.problems.empty());
  CHECK(result.value == settings{});
  CHECK(check(settings{}).empty());
}

TEST_CASE("overrides win over the environment, that over the file, that over the defaults", "[config][sources]") {
  const file_of_settings file(
      "[memory]\nbudget = \"2GiB\"\nwarm_share = 0.25\nexpected_answer = 2048\n[node]\nport = 1\n");
  const auto result = load({file.path(),
                            {{"AICACHE_MEMORY_BUDGET", "3GiB"}, {"AICACHE_MEMORY_WARM_SHARE", "0.75"}},
                            {"memory.budget=4GiB"}});
  settings expected;
  expected.memory.budget = 4_GiB;
  expected.memory.warm_share = 0.75;
  expected.memory.expected_answer = 2_KiB;
  expected.node.port = 1;
  CHECK(render(result.problems).empty());
  CHECK(result.value == expected);
}

TEST_CASE("equal values from every source give equal settings", "[config][sources]") {
  settings expected;
  expected.node.host = "::1";
  expected.node.port = 0;
  expected.node.shards = 8;
  expected.memory.budget = 64_MiB;
  expected.memory.warm_share = 0;
  expected.ttl.operations = {{"qa", 10_m}, {"translate.v2", 7_d}};
  expected.eviction.learning = false;
  expected.monitor.report_interval = 1_s;
  const auto from_file = load_text(
      "[node]\nhost = \"::1\"\nport = 0\nshards = 8\n[memory]\nbudget = \"64MiB\"\nwarm_share = 0\n[eviction]\n"
      "learning = false\n[monitor]\nreport_interval = \"1000ms\"\n[ttl.operations]\nqa = \"10m\"\n"
      "\"translate.v2\" = \"7d\"\n");
  const auto from_environment = load({std::nullopt,
                                      {{"AICACHE_NODE_HOST", "::1"},
                                       {"AICACHE_NODE_PORT", "0"},
                                       {"AICACHE_NODE_SHARDS", "8"},
                                       {"AICACHE_MEMORY_BUDGET", "65536KiB"},
                                       {"AICACHE_MEMORY_WARM_SHARE", "0.0"},
                                       {"AICACHE_TTL_OPERATIONS", "translate.v2=7d, qa=600s"},
                                       {"AICACHE_EVICTION_LEARNING", "false"},
                                       {"AICACHE_MONITOR_REPORT_INTERVAL", "1s"}},
                                      {}});
  const auto from_overrides = load_overrides({"node.host=::1", "node.port=0", "node.shards=8", "memory.budget=67108864",
                                              "memory.warm_share=0", "ttl.operations=qa=10m,translate.v2=168h",
                                              "eviction.learning=false", "monitor.report_interval=1s"});
  CHECK(render(from_file.problems).empty());
  CHECK(render(from_environment.problems).empty());
  CHECK(render(from_overrides.problems).empty());
  CHECK(from_file.value == expected);
  CHECK(from_environment.value == expected);
  CHECK(from_overrides.value == expected);
}

TEST_CASE("lives of operations that are given replace the whole table", "[config][sources]") {
  CHECK(load_overrides({"ttl.operations=none"}).value.ttl.operations.empty());
  CHECK(load_text("[ttl]\noperations = {}\n").value.ttl.operations.empty());
  CHECK(load_text("[ttl]\noperations = { qa = \"1m\" }\n").value.ttl.operations ==
        std::map<std::string, std::chrono::milliseconds>{{"qa", 1_m}});
}

TEST_CASE("auto is a value like others and can be restored by a later source", "[config][sources]") {
  const file_of_settings file("[node]\nthreads = 4\nshards = \"auto\"\n");
  const auto result = load({file.path(), {}, {"node.threads=auto", "node.shards=3"}});
  settings expected;
  expected.node.shards = 3;
  CHECK(result.problems.empty());
  CHECK(result.value == expected);
}

TEST_CASE("a problem says where, which key, what rule and what to do", "[config][sources]") {
  const file_of_settings file("[memory]\n\nbudget = \"64MB\"\n");
  CHECK(only(load({file.path(), {}, {}})) ==
        problem{"file \"" + file.path().string() + "\", line 3", "memory.budget",
                "must be a size from 1MiB to 1TiB; \"64MB\" has an unknown unit, \"MB\"",
                "write for example budget = \"256MiB\" in [memory]"});
  CHECK(only(load({std::nullopt, {{"AICACHE_NODE_SHARDS", "0"}}, {}})) ==
        problem{"environment AICACHE_NODE_SHARDS", "node.shards",
                "must be auto or a whole number from 1 to 1024; \"0\" is too small",
                "write for example AICACHE_NODE_SHARDS=auto"});
  CHECK(only(load_overrides({"node.shards=10000"})) ==
        problem{"override node.shards", "node.shards",
                "must be auto or a whole number from 1 to 1024; \"10000\" is too large",
                "write for example node.shards=auto"});
}

TEST_CASE("all problems of all sources are reported at once, in their order", "[config][sources]") {
  const file_of_settings file(
      "stray = 1\n[memory]\nbudget = \"\"\nbugdet = 5\n[node]\nport = 70000\nhost = \"0.0.0.0\"\n[lgo]\n[log]\nlevel = "
      "\"loud\"\n");
  const auto result = load({file.path(),
                            {{"AICACHE_TTL_MAX", "-5s"}, {"AICACHE_MEMORY_WARM_SHRE", "0.1"}},
                            {"node.threads=many", "node.threds=4", "nonsense"}});
  CHECK(keys(result) == std::vector<std::string>{"stray", "memory.budget", "memory.bugdet", "node.port", "lgo",
                                                 "AICACHE_MEMORY_WARM_SHRE", "ttl.max", "node.threads", "node.threds",
                                                 "nonsense", "node.host", "log.level"});
  CHECK(result.value == settings{});
  for (const auto& p : result.problems) {
    CHECK_FALSE(p.source.empty());
    CHECK(p.rule.starts_with("must be "));
    CHECK_FALSE(p.fix.empty());
  }
}

TEST_CASE("an unknown key is named with the nearest known one", "[config][sources]") {
  CHECK(fixes(load_text("[memory]\nbugdet = 1\n")) ==
        std::vector<std::string>{"memory.bugdet: did you mean memory.budget?"});
  CHECK(fixes(load_text("[memroy]\nbudget = 1\nwarm_share = 0\n")) ==
        std::vector<std::string>{"memroy.budget: did you mean memory.budget?",
                                 "memroy.warm_share: did you mean memory.warm_share?"});
  CHECK(fixes(load_text("[memroy]\n")) == std::vector<std::string>{"memroy: did you mean memory?"});
  CHECK(fixes(load_text("budget = 1\n")) == std::vector<std::string>{"budget: did you mean memory.budget?"});
  CHECK(fixes(load_text("memory = 1\n")) == std::vector<std::string>{"memory: write [memory]"});
  CHECK(fixes(load_overrides({"memory.bugdet=1GiB"})) ==
        std::vector<std::string>{"memory.bugdet: did you mean memory.budget?"});
  CHECK(fixes(load_overrides({"ttl.default_=1h"})) ==
        std::vector<std::string>{"ttl.default_: did you mean ttl.default?"});
  CHECK(fixes(load({std::nullopt, {{"AICACHE_MEMORY_BUGDET", "1GiB"}}, {}})) ==
        std::vector<std::string>{"AICACHE_MEMORY_BUGDET: did you mean AICACHE_MEMORY_BUDGET? Unset it otherwise"});
}

TEST_CASE("an empty section that exists is no problem", "[config][sources]") {
  CHECK(load_text("[memory]\n[node]\n").problems.empty());
}

TEST_CASE("variables of others and of tests are passed over", "[config][sources]") {
  const auto result =
      load({std::nullopt,
            {{"HOME", "/root"}, {"AICACHE_TEST_REDIS", "x"}, {"aicache_node_port", "1"}, {"AICACHE", "x"}},
            {}});
  CHECK(result.problems.empty());
  CHECK(result.value == settings{});
}

TEST_CASE("a variable in the wrong case is a problem, not a setting", "[config][sources]") {
  CHECK(fixes(load({std::nullopt, {{"AICACHE_node_port", "1"}}, {}})) ==
        std::vector<std::string>{"AICACHE_node_port: did you mean AICACHE_NODE_PORT? Unset it otherwise"});
}

TEST_CASE("an override that is given twice is a problem even if both agree", "[config][sources]") {
  const auto p = only(load_overrides({"node.port=1", "node.threads=2", "node.port=1"}));
  CHECK(p.key == "node.port");
  CHECK(p.rule == "must be given once; it is there 2 times");
}

TEST_CASE("a value that a later source overrides must be right all the same", "[config][sources]") {
  const file_of_settings file("[node]\nport = 70000\n");
  CHECK(only(load({file.path(), {}, {"node.port=1"}})).key == "node.port");
}

TEST_CASE("bad values of every kind are refused by every source", "[config][sources]") {
  const auto bad = GENERATE(values<std::pair<std::string, std::string>>({{"node.port", "-1"},
                                                                         {"node.port", "65536"},
                                                                         {"node.port", ""},
                                                                         {"node.port", "seven"},
                                                                         {"node.port", "99999999999999999999"},
                                                                         {"node.threads", "257"},
                                                                         {"node.host", ""},
                                                                         {"memory.budget", "99999999999GiB"},
                                                                         {"memory.budget", "1023KiB"},
                                                                         {"memory.budget", "2TiB"},
                                                                         {"memory.warm_share", "0.91"},
                                                                         {"memory.warm_share", "nan"},
                                                                         {"memory.warm_share", "-0.1"},
                                                                         {"ttl.default", "0ms"},
                                                                         {"ttl.default", "60"},
                                                                         {"ttl.operations", "qa=0s"},
                                                                         {"ttl.operations", "qa=3651d"},
                                                                         {"compression.level", "20"},
                                                                         {"eviction.learning", "maybe"},
                                                                         {"log.level", "verbosely"}}));
  CAPTURE(bad.first, bad.second);
  const std::size_t dot = bad.first.find('.');
  std::string name = "AICACHE_" + bad.first;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c == '.' ? '_' : static_cast<char>(toupper(c)); });
  const std::string section = "[" + bad.first.substr(0, dot) + "]\n" + bad.first.substr(dot + 1) + " = ";
  CHECK(only(load_overrides({bad.first + "=" + bad.second})).key == bad.first);
  CHECK(only(load({std::nullopt, {{name, bad.second}}, {}})).key == bad.first);
  CHECK(only(load_text(section + '"' + bad.second + "\"\n")).key == bad.first);
}

TEST_CASE("numbers that TOML itself cannot hold are refused", "[config][sources]") {
  CHECK(only(load_text("[node]\nport = 99999999999999999999\n")).key == "node.port");
  CHECK(only(load_text("[memory]\nbudget = 99999999999999999999\n")).key == "memory.budget");
  CHECK(only(load_text("[memory]\nwarm_share = 1e999\n")).key == "memory.warm_share");
  CHECK(only(load_text("[memory]\nwarm_share = nan\n")).key == "memory.warm_share");
  CHECK(only(load_text("[memory]\nwarm_share = inf\n")).key == "memory.warm_share");
}

TEST_CASE("a file that cannot be read is one problem, and the other sources are still checked", "[config][sources]") {
  const auto result = load({"/nowhere/aicache.toml", {}, {"node.port=x"}});
  REQUIRE(result.problems.size() == 2);
  CHECK(result.problems[0] == problem{"file \"/nowhere/aicache.toml\"", "the file", "must exist",
                                      "correct the path, or start without a file"});
  CHECK(result.problems[1].key == "node.port");
}

TEST_CASE("what an unknown or broken override holds is not repeated, for it may be a secret", "[config][sources]") {
  const std::string secret = "hunter2";
  for (const auto& text : {"redis.pasword=" + secret, "redis.password:" + secret, "redis.password " + secret}) {
    const std::string message = render(load_overrides({text}).problems);
    CHECK_FALSE(message.empty());
    CHECK(message.find(secret) == std::string::npos);
  }
  const std::string message = render(load({std::nullopt, {{"AICACHE_REDIS_PASSWD", secret}}, {}}).problems);
  CHECK(message.find("AICACHE_REDIS_PASSWD") != std::string::npos);
  CHECK(message.find(secret) == std::string::npos);
}

TEST_CASE("names with control characters do not reach the terminal", "[config][sources]") {
  const std::string escape = "\x1b[2J";
  const auto result =
      load({std::nullopt, {{"AICACHE_" + escape, escape}}, {escape + "=1", "node.port=" + escape, "="}});
  const std::string message = render(result.problems);
  CHECK(result.problems.size() == 4);
  CHECK(message.find('\x1b') == std::string::npos);
}

TEST_CASE("problems are rendered one below the other, and none as nothing", "[config][sources]") {
  CHECK(render({}).empty());
  CHECK(render({{"override node.port", "node.port", "must be a number", "write 1"}}) ==
        "1 problem in the settings\n- node.port (override node.port)\n  rule: must be a number\n  fix:  write 1\n");
  CHECK(render({{"a", "b", "c", "d"}, {"e", "f", "g", "h"}}).starts_with("2 problems in the settings\n"));
}

TEST_CASE("settings made in code are held to ranges and rules as well", "[config][sources]") {
  settings s;
  s.node.port = -1;
  s.ttl.operations["no good name"] = 1_h;
  s.lease.max_parked_per_key = s.lease.max_parked + 1;
  s.node.host = "example.org";
  std::vector<std::string> found;
  for (const auto& p : check(s)) found.push_back(p.key);
  CHECK(found == std::vector<std::string>{"node.port", "ttl.operations", "node.host", "lease.max_parked_per_key"});
}

TEST_CASE("the environment of the process is collected by the prefix", "[config][sources]") {
  REQUIRE(setenv("AICACHE_TEST_PRESENT", "a=b", 1) == 0);
  REQUIRE(setenv("AICACHE_TEST_EMPTY", "", 1) == 0);
  REQUIRE(setenv("AICACHETEST", "x", 1) == 0);
  const auto found = environment();
  CHECK(found.at("AICACHE_TEST_PRESENT") == "a=b");
  CHECK(found.at("AICACHE_TEST_EMPTY").empty());
  CHECK_FALSE(found.contains("AICACHETEST"));
  for (const auto& [name, value] : found) CHECK(name.starts_with("AICACHE_") + name.starts_with("AI_CACHE_") == 1);
  for (const char* name : {"AICACHE_TEST_PRESENT", "AICACHE_TEST_EMPTY", "AICACHETEST"}) REQUIRE(unsetenv(name) == 0);
}

}  // namespace aicache::sources_test
