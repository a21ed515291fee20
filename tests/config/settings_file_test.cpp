#include "config/settings_file.hpp"

#include <catch2/catch.hpp>

#include "config/sources.hpp"
#include "tests/config/file_of_settings.hpp"

#include <random>

namespace aicache::settings_file_test {

using namespace aicache::config;
using aicache::config::tests::file_of_settings;

namespace {

file_contents contents_of(const std::string& text, const std::string& ending) {
  return read_settings_file(file_of_settings(text, ending).path());
}

/// "line section.name = value" of every entry.
std::vector<std::string> entries_in(const file_contents& contents) {
  CAPTURE(contents.rule);
  std::vector<std::string> out;
  for (const auto& e : contents.entries)
    out.push_back(std::to_string(e.line) + ' ' + e.section + '.' + e.name + " = " + shown(e.value));
  return out;
}

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the same settings in TOML, JSON and YAML are the same", "[config][file]") {
  settings expected;
  expected.node.port = 0;
  expected.node.shards = 8;
  expected.memory.budget = 64_MiB;
  expected.memory.warm_share = .25;
  expected.eviction.learning = false;
  expected.ttl.operations = {{"qa", 10_m}, {"translate.v2", 7_d}};
  expected.log.level = "warn";
  const std::vector<std::pair<std::string, std::string>> files = {
      {".toml",
       "[node]\nport = 0\nshards = 8\n[memory]\nbudget = \"64MiB\"\nwarm_share = 0.25\n[eviction]\nlearning = false\n"
       "[ttl.operations]\nqa = \"10m\"\n\"translate.v2\" = \"7d\"\n[log]\nlevel = \"warn\"\n"},
      {".json",
       R"({"node": {"port": 0, "shards": 8}, "memory.budget": 67108864, "memory": {"warm_share": 0.25},
           "eviction": {"learning": false}, "ttl": {"operations": {"qa": "10m", "translate.v2": "7d"}},
           "log.level": "warn"})"},
      {".yaml",
       "# as people write it\nnode: {port: 0x0, shards: 8}\nmemory:\n  budget: 64MiB\n  warm_share: 2.5e-1\neviction:\n"
       "  learning: false\nttl.operations:\n  qa: 10m\n  'translate.v2': \"7d\"\nlog:\n  level: warn\n"},
      {".yml",
       "---\n{node: {port: 0, shards: 8}, memory: {budget: 64MiB, warm_share: 0.25}, eviction: {learning: False},\n"
       "ttl: {operations: {qa: 10m, translate.v2: 7d}}, log: {level: warn}}\n...\n"}};
  for (const auto& [ending, text] : files) {
    CAPTURE(ending);
    const file_of_settings file(text, ending);
    const auto result = load({file.path(), {}, {}});
    CHECK(render(result.problems).empty());
    CHECK(result.value == expected);
  }
}

TEST_CASE("entries of JSON and YAML have the lines of their keys", "[config][file]") {
  CHECK(entries_in(contents_of("{\n\"top\": 1,\n\"memory\": {\n  \"budget\":\n\"1GiB\",\n\"list\": [1, {\"x\": 2}],\n"
                               "\"deep\": {\"a\": {\"b\": 1}}},\n\"empty\": {},\n\"none\": null, \"big\": 1e3}\n",
                               ".json")) == lines{"2 .top = 1", "4 memory.budget = \"1GiB\"", "6 memory.list = a list",
                                                  "7 memory.deep = a table", "8 empty. = a table", "9 .none = null",
                                                  "9 .big = 1000"});
  CHECK(entries_in(
            contents_of("top: 1\nmemory:\n  budget:\n    1GiB\n  list:\n  - 1\n  - x: 2\n  deep:\n    a:\n      b: 1\n"
                        "empty: {}\nnone:\nyes: yes\nnumber: '7'\n",
                        ".yaml")) == lines{"1 .top = 1", "3 memory.budget = \"1GiB\"", "5 memory.list = a list",
                                           "8 memory.deep = a table", "11 empty. = a table", "12 .none = null",
                                           "13 .yes = \"yes\"", "14 .number = \"7\""});
}

TEST_CASE("an empty JSON or YAML file says nothing and is fine", "[config][file]") {
  for (const char* text : {"", "\n", "  \n ", "{}"})
    for (const char* ending : {".json", ".yaml"}) {
      CAPTURE(text, ending);
      CHECK(contents_of(text, ending).rule.empty());
      CHECK(contents_of(text, ending).entries.empty());
    }
  CHECK(contents_of("# nothing\n---\n# more\n", ".yaml").rule.empty());
}

TEST_CASE("what is no JSON or YAML is refused with the line, and repeats nothing of the file", "[config][file]") {
  struct broken {
    std::string ending;
    std::string text;
    std::size_t line;
    std::string part;
  };
  const auto c = GENERATE(values<broken>({
      {".json", "{\"node\":\n{\"port\": hunter2}}", 2, "cannot stand there"},
      {".json", "{\"node\": {\"port\": 1}", 1, "breaks off"},
      {".json", "{\"node\": {\"port\": 1}} hunter2", 1, "cannot stand there"},
      {".json", "{\"a\": {\"x\": 1,\n\"x\": 2}}", 2, "the key \"a.x\" is there twice"},
      {".json", "{\"a\": {},\n\n\"a\": {}}", 3, "the key \"a\" is there twice"},
      {".json", "{\"a.x\": 1,\n\"a\": {\"x\": 2}}", 2, "the key \"a.x\" is there twice"},
      {".json", "{\"ttl\": {\"operations\": {\"qa\": 1, \"qa\": 2}}}", 1,
       "the key \"ttl.operations.qa\" is there twice"},
      {".json", "[1]", 1, "holds a list"},
      {".json", "\"hunter2\"", 1, "holds one value"},
      {".json", "{\"\": 1}", 1, "a key is empty"},
      {".json", "{\"a\": \"\xff hunter2\"}", 1, "cannot stand there"},
      {".json", "{\"a\": {\"b\": 1e999}}", 1, ""},
      {".yaml", "node:\n  port: 'hunter2\n", 0, ""},
      {".yaml", "a: \"hunter2\n\n  \n", 0, ""},
      {".yaml", "node: [1, 2\n", 0, ""},
      {".yaml", "node:\n  port: 1\n  port: 2\n", 3, "the key \"node.port\" is there twice"},
      {".yaml", "node: {}\nnode: {}\n", 2, "the key \"node\" is there twice"},
      {".yaml", "- 1\n- 2\n", 1, "holds a list"},
      {".yaml", "hunter2\n", 1, "holds one value"},
      {".yaml", "a: &hunter2 1\n", 1, "anchors"},
      {".yaml", "a: *hunter2\n", 1, "anchor"},
      {".yaml", "a: !hunter2 1\n", 1, "tags"},
      {".yaml", "? {a: 1}\n: 2\n", 1, "plain texts"},
      {".yaml", "? [a]\n: 2\n", 1, "plain texts"},
      {".yaml", "node: {}\n---\nnode: {}\n", 0, "one document"},
      {".yaml", "node:\n\t- port: 1\n", 2, ""},
  }));
  CAPTURE(c.ending, c.text);
  const auto contents = contents_of(c.text, c.ending);
  CAPTURE(contents.rule);
  CHECK(contents.rule.starts_with(c.ending == ".json" ? "must be JSON; " : "must be YAML; "));
  CHECK(contents.rule.find(c.part) != std::string::npos);
  CHECK(contents.rule.find("hunter2") == std::string::npos);
  CHECK(contents.rule.find('\n') == std::string::npos);
  CHECK_FALSE(contents.fix.empty());
  CHECK(contents.entries.empty());
  if (c.line != 0) CHECK(contents.line == c.line);
}

TEST_CASE("a JSON or YAML file that would exhaust memory or stack is refused", "[config][file]") {
  for (const char* ending : {".json", ".yaml"}) {
    CAPTURE(ending);
    CHECK(contents_of(std::string((1 << 20) + 1, ' '), ending).rule == "must be shorter than 1 MiB");
    CHECK(contents_of(std::string(100'000, '['), ending).rule == "must not be nested more deeply than settings are");
    CHECK_FALSE(contents_of(std::string(900, '[') + std::string(900, ']'), ending).rule.empty());
  }
  std::string dashes = "a:\n  ";
  for (int i = 0; i < 100'000; ++i) dashes += "- ";
  CHECK_FALSE(contents_of(dashes, ".yaml").rule.empty());
  std::string questions;
  for (int i = 0; i < 100'000; ++i) questions += "? ";
  CHECK_FALSE(contents_of(questions, ".yaml").rule.empty());
}

TEST_CASE("a thousand lives of operations are read, and are right", "[config][file]") {
  std::string text = "{\"ttl\": {\"operations\": {";
  for (int i = 0; i < 1000; ++i) text += (i == 0 ? "\"op" : ", \"op") + std::to_string(i) + "\": \"1h\"";
  const file_of_settings file(text + "}}}", ".json");
  const auto result = load({file.path(), {}, {}});
  CHECK(render(result.problems).empty());
  CHECK(result.value.ttl.operations.size() == 1000);
}

TEST_CASE("a problem in JSON and YAML says file, line, key, rule and fix as one in TOML does", "[config][file]") {
  const std::vector<std::pair<std::string, std::string>> files = {{".toml", "[memory]\nbudget = \"64MB\"\n"},
                                                                  {".json", "{\"memory\": {\n\"budget\": \"64MB\"}}"},
                                                                  {".yaml", "memory:\n  budget: 64MB\n"}};
  for (const auto& [ending, text] : files) {
    const file_of_settings file(text, ending);
    const auto result = load({file.path(), {}, {}});
    REQUIRE(result.problems.size() == 1);
    CHECK(result.problems.front() == problem{"file \"" + file.path().string() + "\", line 2", "memory.budget",
                                             "must be a size from 1MiB to 1TiB; \"64MB\" has an unknown unit, \"MB\"",
                                             "write for example budget = \"256MiB\" in [memory]"});
  }
}

TEST_CASE("values of the wrong type are refused in JSON and YAML", "[config][file]") {
  const auto c = GENERATE(values<std::pair<std::string, std::string>>({
      {".json", R"({"node": {"port": "7411"}})"},
      {".json", R"({"node": {"port": true}})"},
      {".json", R"({"node": {"port": null}})"},
      {".json", R"({"node": {"port": 1.5}})"},
      {".json", R"({"node": {"port": 99999999999999999999}})"},
      {".json", R"({"node": {"port": [1]}})"},
      {".json", R"({"eviction": {"learning": 1}})"},
      {".json", R"({"ttl": {"default": 3600}})"},
      {".yaml", "node: {port: '7411'}"},
      {".yaml", "node: {port: }"},
      {".yaml", "eviction: {learning: yes}"},
      {".yaml", "memory: {warm_share: .nan}"},
      {".yaml", "ttl: {default: 60}"},
      {".yaml", "ttl: {operations: [qa]}"},
      {".yaml", "memory: 5"},
  }));
  CAPTURE(c.second);
  const file_of_settings file(c.second, c.first);
  CHECK(load({file.path(), {}, {}}).problems.size() == 1);
}

TEST_CASE("no damage to a JSON or YAML file does more than have it refused", "[config][file]") {
  const std::vector<std::pair<std::string, std::string>> whole = {
      {".json",
       "{\"memory\": {\"budget\": \"64MiB\", \"warm_share\": 0.25},\n\"ttl\": {\"operations\": {\"qa\": \"1h\"}},\n"
       "\"list\": [1, [2, 3], {\"a\": null}], \"text\": \"\\u00e9\", \"on\": true}"},
      {".yaml",
       "memory: {budget: \"64MiB\", warm_share: 0.25} # some\nttl:\n  operations:\n    qa: '1h'\n    ? b\n    : 2h\n"
       "list:\n- 1\n- [2, 3]\ntext: |\n  more\n  lines\non: true\n"}};
  const std::string letters = "\"'[]{}=.,#\n\r\\ \t\0-+_eE?:|>&*!%@`~xoabc019T\x80\xff";
  std::mt19937 random(7411);
  for (const auto& [ending, text] : whole) {
    REQUIRE(contents_of(text, ending).rule.empty());
    for (int round = 0; round < 400; ++round) {
      const std::string damaged = tests::damaged(text, letters, random);
      CAPTURE(damaged);
      const auto contents = contents_of(damaged, ending);
      REQUIRE((contents.rule.empty() || contents.entries.empty()));
      REQUIRE(contents.rule.empty() == contents.fix.empty());
    }
  }
}

}  // namespace aicache::settings_file_test
