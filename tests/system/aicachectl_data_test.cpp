#include "tests/support/aicachectl_run.hpp"
#include "tests/support/aicached_process.hpp"
#include "tests/system/shared_tier.hpp"

#include <catch2/catch.hpp>

// Names of its own: the sources of this folder are compiled together.
namespace aicache::aicachectl_data_test {
namespace {

using test::aicachectl;
using test::command_result;
using words = std::vector<std::string>;

/// A node, and commands that are sent to it.
struct commanded_node {
  explicit commanded_node(words settings = {}) : node(std::move(settings)) {}

  command_result run(words command, const std::string& input = "") const {
    command.insert(command.begin() + 1, {"--node", node.address()});
    return aicachectl(std::move(command), input);
  }
  /// The same about one request.
  command_result about(const std::string& verb, const std::string& text, words more = {}) const {
    words all{verb, "--tenant", "acme", "--model", "m-1", "--operation", "qa", "--text", text};
    all.insert(all.end(), more.begin(), more.end());
    return run(std::move(all));
  }
  bool has(const std::string& text) const { return about("exists", text).code == 0; }
  void put(const std::string& text, words more = {}) const {
    more.insert(more.end(), {"--value", "answer to " + text});
    REQUIRE(about("put", text, std::move(more)).code == 0);
  }

  test::aicached_process node;
};

std::int64_t number_in(const nlohmann::json& page, const char* fact) {
  return std::stoll(page.at(fact).get<std::string>());
}

}  // namespace

TEST_CASE("an answer that is put is got byte for byte, and by nobody else", "[system][aicachectl]") {
  const commanded_node n;
  const auto stored = n.about("put", "what?", {"--value", "forty-two", "--options", R"({"a": 1, "b": 2.0})"});
  CHECK(stored.code == 0);
  CHECK(stored.out == "stored: yes\n");
  const auto got = n.about("get", "what?", {"--options", R"({"b":2,"a":1})"});
  CHECK(got.code == 0);
  CHECK(got.out == "forty-two");
  CHECK(got.errors.empty());
  const words others[] = {{"--options", "{}"}, {"--options", R"({"b":2,"a":1})", "--question", "why?"}};
  for (const words& other : others) {
    const auto miss = n.about("get", "what?", other);
    CHECK(miss.code == 1);
    CHECK(miss.out.empty());
    CHECK(miss.complains_of("there is no answer"));
  }
  CHECK(n.run({"get", "--tenant", "evil", "--model", "m-1", "--operation", "qa", "--text", "what?", "--options",
               R"({"b":2,"a":1})"})
            .code == 1);
}

TEST_CASE("get tells the facts of an answer", "[system][aicachectl]") {
  const commanded_node n;
  REQUIRE(n.about("put", "what?",
                  {"--value", "forty-two", "--ttl", "10m", "--answer-model", "m-1b", "--input-tokens", "7",
                   "--output-tokens", "2", "--model-ms", "900"})
              .code == 0);
  const auto page = n.about("get", "what?", {"--json"}).json();
  CHECK(page.at("text") == "forty-two");
  CHECK(page.at("tier") == "hot");
  CHECK(page.at("model") == "m-1b");
  CHECK(number_in(page, "retrievals") == 1);
  CHECK(number_in(page, "input_tokens") == 7);
  CHECK(number_in(page, "output_tokens") == 2);
  CHECK(number_in(page, "model_ms") == 900);
  CHECK(number_in(page, "left_ms") > 500'000);
  CHECK(number_in(page, "left_ms") <= 600'000);
  CHECK(number_in(page, "age_ms") >= 0);
  CHECK(number_in(page, "age_ms") + number_in(page, "left_ms") == 600'000);
  const auto text = n.about("get", "what?", {"--verbose"}).out;
  CHECK(text.starts_with("tier: hot\n"));
  CHECK(text.ends_with("\n\nforty-two"));
  const auto miss = n.about("get", "what else?", {"--json"});
  CHECK(miss.code == 1);
  CHECK(miss.json().at("error") == "there is no answer");
}

TEST_CASE("texts and answers come from files and standard input as they are", "[system][aicachectl]") {
  const commanded_node n;
  const test::scratch_folder folder;
  const std::string value(std::string("\xff\x00line\r\n", 8) + "end\n");
  const std::string file = (folder.path() / "value").string();
  std::ofstream(file, std::ios::binary) << value;
  const words request{"--operation", "qa", "--text-file", "-"};
  const auto with = [&](words command, words more) {
    command.insert(command.end(), request.begin(), request.end());
    command.insert(command.end(), more.begin(), more.end());
    return command;
  };
  REQUIRE(n.run(with({"put"}, {"--value-file", file}), "a long text\n").code == 0);
  CHECK(n.run(with({"get"}, {}), "a long text\n").out == value);
  CHECK(n.run(with({"get"}, {}), "a long text").code == 1);
  CHECK(n.run(with({"get"}, {"--json"}), "a long text\n").json().at("base64") == "/wBsaW5lDQplbmQK");
  CHECK(n.run(with({"put"}, {"--value-file", "-"}), "both").code == 2);
  CHECK(n.run(with({"put"}, {"--value-file", file + ".none"}), "text").code == 2);
}

TEST_CASE("exists, ttl, touch and delete tell whether there was an answer", "[system][aicachectl]") {
  const commanded_node n;
  for (const char* verb : {"exists", "ttl", "delete"}) {
    const auto none = n.about(verb, "what?");
    CHECK(none.code == 1);
    CHECK(none.out == "found: no\n");
  }
  CHECK(n.about("touch", "what?", {"--ttl", "1h"}).code == 1);
  n.put("what?", {"--ttl", "1m"});
  CHECK(n.about("exists", "what?").out == "found: yes\n");
  CHECK(number_in(n.about("ttl", "what?", {"--json"}).json(), "left_ms") <= 60'000);
  CHECK(n.about("touch", "what?", {"--ttl", "1h"}).code == 0);
  CHECK(number_in(n.about("ttl", "what?", {"--json"}).json(), "left_ms") > 60'000);
  CHECK(n.about("delete", "what?").code == 0);
  CHECK_FALSE(n.has("what?"));
}

TEST_CASE("a request that is none is told with code 2, without a node", "[system][aicachectl]") {
  const std::string nobody = "127.0.0.1:" + std::to_string(test::free_port());
  const auto code = [&](words command) {
    command.insert(command.end(), {"--node", nobody});
    const auto r = aicachectl(std::move(command));
    CHECK(r.out.empty());
    CHECK_FALSE(r.errors.empty());
    return r.code;
  };
  CHECK(code({"get", "--operation", "qa"}) == 2);
  CHECK(code({"get", "--text", "x"}) == 2);
  CHECK(code({"get", "--operation", "qa", "--text", "x", "--text-file", "-"}) == 2);
  CHECK(code({"put", "--operation", "qa", "--text", "x"}) == 2);
  CHECK(code({"put", "--operation", "qa", "--text", "x", "--value", "y", "--ttl", "60"}) == 2);
  CHECK(code({"put", "--operation", "qa", "--text", "x", "--value", "y", "--ttl", "0s"}) == 2);
  CHECK(code({"touch", "--operation", "qa", "--text", "x"}) == 2);
  CHECK(code({"invalidate"}) == 2);
  CHECK(code({"invalidate", "--tenant", "acme", "--operation", "qa"}) == 2);
  CHECK(code({"clear"}) == 2);
  const commanded_node n;
  CHECK(n.about("get", "x", {"--options", "[1]"}).code == 2);
}

TEST_CASE("a node that is not there is code 3, and where it is may be told by the environment",
          "[system][aicachectl]") {
  const std::string nobody = "127.0.0.1:" + std::to_string(test::free_port());
  const words get{"get", "--operation", "qa", "--text", "x"};
  const auto gone = aicachectl({"get", "--operation", "qa", "--text", "x", "--node", nobody});
  CHECK(gone.code == 3);
  CHECK(gone.complains_of(nobody));
  CHECK(aicachectl({"clear", "--yes", "--node", nobody}).code == 3);
  CHECK(aicachectl({"get", "--lines", "--node", nobody}, "{}\n").code == 3);
  CHECK(aicachectl(get, "", {"AICACHE_NODE=" + nobody}).code == 3);
  for (const char* wrong : {"[::1", ":7411", "host:", "host:0", "host:x", "[::1]x:5"})
    CHECK(aicachectl({"clear", "--yes", "--node", wrong}).code == 2);
  const commanded_node n;
  n.put("x");
  CHECK(aicachectl({"get", "--tenant", "acme", "--model", "m-1", "--operation", "qa", "--text", "x"}, "",
                   {"AICACHE_NODE=" + n.node.address()})
            .out == "answer to x");
  // That variable is no setting, and no reason to complain of one.
  CHECK(aicachectl({"config", "show"}, "", {"AICACHE_NODE=x"}).code == 0);
}

TEST_CASE("invalidate and clear forget what they name, and nothing else", "[system][aicachectl]") {
  const commanded_node n;
  const auto forgotten = [&](words command) {
    command.push_back("--json");
    const auto r = n.run(std::move(command));
    CHECK(r.code == 0);
    return number_in(r.json(), "in_memory");
  };
  n.put("one", {"--tag", "doc-1", "--tag", "doc-2"});
  n.put("two", {"--tag", "doc-2"});
  n.put("three");
  CHECK(forgotten({"invalidate", "--tag", "doc-1", "--tenant", "evil"}) == 0);
  CHECK(n.has("one"));
  CHECK(forgotten({"invalidate", "--tag", "doc-1", "--tenant", "acme"}) == 1);
  CHECK_FALSE(n.has("one"));
  CHECK(n.has("two"));
  CHECK(forgotten({"invalidate", "--operation", "summarize"}) == 0);
  CHECK(forgotten({"invalidate", "--operation", "qa"}) == 2);
  CHECK_FALSE(n.has("two"));
  CHECK_FALSE(n.has("three"));
  n.put("two");
  CHECK(forgotten({"invalidate", "--tenant", "evil"}) == 0);
  CHECK(forgotten({"invalidate", "--tenant", "acme"}) == 1);
  n.put("two");
  CHECK(n.run({"clear"}).code == 2);
  CHECK(n.has("two"));
  CHECK(forgotten({"clear", "--yes"}) == 1);
  CHECK_FALSE(n.has("two"));
}

TEST_CASE("with Redis a put can wait for it, and an invalidation for its sweep", "[system][aicachectl]") {
  const test::redis_server redis;
  const commanded_node n(test::patient(redis.port()));
  const auto stored = n.about("put", "one", {"--value", "x", "--tag", "doc", "--write-through", "--json"});
  CHECK(stored.code == 0);
  CHECK(stored.json().at("in_redis") == "yes");
  CHECK(test::keys_in(redis) == 1);
  const auto swept = n.run({"invalidate", "--tenant", "acme", "--tag", "doc", "--wait", "--json"});
  CHECK(swept.code == 0);
  CHECK(swept.json().at("waits_for_redis") == "no");
  CHECK(swept.json().at("swept") == "yes");
  CHECK(number_in(swept.json(), "in_redis") == 1);
  CHECK(test::keys_in(redis) == 0);
}

TEST_CASE("many are put, got, looked for and deleted as lines, in their order", "[system][aicachectl]") {
  const commanded_node n;
  const int count = 600;  // more than a batch
  std::string puts;
  std::string asks;
  for (int i = 0; i < count; ++i) {
    const nlohmann::json asked{{"operation", "qa"}, {"text", "question " + std::to_string(i)}, {"options", {{"i", i}}}};
    asks += asked.dump() + '\n';
    nlohmann::json put = asked;
    put["value"] = "answer " + std::to_string(i);
    put["ttl"] = std::to_string(i + 60) + "m";
    put["tags"] = {"all"};
    put["input_tokens"] = i;
    puts += put.dump() + '\n';
  }
  const words acme{"--tenant", "acme"};
  const auto run = [&](const std::string& verb, const std::string& input) {
    const auto r = n.run({verb, "--lines", "--tenant", "acme"}, input);
    CHECK(r.code == 0);
    CHECK(r.errors.empty());
    auto lines = r.json_lines();
    REQUIRE(lines.size() == static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) REQUIRE(lines[static_cast<std::size_t>(i)].at("line") == i + 1);
    return lines;
  };
  for (const auto& line : run("put", puts)) REQUIRE(line.at("status") == "stored");
  const auto got = run("get", asks);
  const auto left = run("ttl", asks);
  for (std::size_t i = 0; i < got.size(); ++i) {
    REQUIRE(got[i].at("status") == "hit");
    REQUIRE(got[i].at("text") == "answer " + std::to_string(i));
    REQUIRE(got[i].at("input_tokens") == i);
    const auto life = static_cast<std::int64_t>(i + 60) * 60'000;
    REQUIRE(got[i].at("expires_ms").get<std::int64_t>() - got[i].at("created_ms").get<std::int64_t>() == life);
    REQUIRE(left[i].at("left_ms").get<std::int64_t>() <= life);
    REQUIRE(left[i].at("left_ms").get<std::int64_t>() > life - 60'000);
  }
  CHECK(run("exists", asks).back().at("found") == true);
  CHECK(run("delete", asks).back().at("found") == true);
  CHECK(run("delete", asks).back().at("found") == false);
  CHECK(run("get", asks).front() == nlohmann::json{{"line", 1}, {"status", "miss"}});
  // What lines were tagged with can be invalidated by it.
  run("put", puts);
  const auto gone = n.run({"invalidate", "--tenant", "acme", "--tag", "all", "--json"});
  CHECK(number_in(gone.json(), "in_memory") == count);
}

TEST_CASE("bad lines are answered in their places, counted, and told with their numbers", "[system][aicachectl]") {
  const commanded_node n;
  const std::string input = R"({"operation": "qa", "text": "one", "value": "1"})"
                            "\n"
                            "not JSON\n"
                            "\n"
                            R"({"operation": "qa", "text": "two"})"
                            "\n"
                            R"({"operation": "qa", "text": "three", "value": "3", "tll": "5m"})"
                            "\n"
                            R"({"operation": "qa", "text": "four", "value": "4", "ttl": "-5m"})"
                            "\n"
                            R"({"operation": "qa", "text": "five", "value": "5", "options": [1]})"
                            "\n"
                            R"({"text": "six", "value": "6"})"
                            "\n"
                            R"({"operation": "qa", "text": "seven", "text": "eight", "value": "7"})"
                            "\n"
                            R"({"operation": "qa", "text": "nine", "value": "9"})";
  const auto r = n.run({"put", "--lines"}, input);
  CHECK(r.code == 1);
  CHECK(r.complains_of("lines not taken: 7, number 2, 4, 5, 6, 7, 8, 9\n"));
  std::vector<std::string> status;
  for (const auto& line : r.json_lines())
    status.push_back(std::to_string(line.at("line").get<int>()) + " " + line.at("status").get<std::string>());
  CHECK(status == words{"1 stored", "2 refused", "4 refused", "5 refused", "6 refused", "7 refused", "8 refused",
                        "9 refused", "10 stored"});
  const auto found = n.run({"get", "--lines"}, "{\"operation\":\"qa\",\"text\":\"nine\"}\nx\n").json_lines();
  REQUIRE(found.size() == 2);
  CHECK(found[0].at("text") == "9");
  CHECK(found[1].at("status") == "refused");
}

TEST_CASE("a line beyond all measure is passed over, and the next ones are answered", "[system][aicachectl]") {
  const commanded_node n;
  const std::string one = R"({"operation": "qa", "text": "one"})";
  const std::string input = one + "\n{\"text\": \"" + std::string(std::size_t{81} << 20, 'x') + "\"}\n" + one + "\n";
  const auto r = n.run({"get", "--lines"}, input);
  CHECK(r.code == 1);
  const auto lines = r.json_lines();
  REQUIRE(lines.size() == 3);
  CHECK(lines[1] == nlohmann::json{{"line", 2}, {"status", "refused"}, {"error", "too long"}});
  CHECK(lines[2].at("status") == "miss");
}

TEST_CASE("who writes line by line is answered line by line", "[system][aicachectl]") {
  const commanded_node n;
  n.put("one");
  const std::string script =
      "coproc asked { " AICACHE_BINARY_DIR "/aicachectl get --lines --tenant acme --model m-1 --node " +
      n.node.address() +
      "; }\n"
      "for text in one two one; do\n"
      "  echo \"{\\\"operation\\\": \\\"qa\\\", \\\"text\\\": \\\"$text\\\"}\" >&\"${asked[1]}\"\n"
      "  read -r -t 20 answer <&\"${asked[0]}\" && echo \"$answer\"\n"
      "done\n";
  test::program talk({"/bin/bash", "--norc", "-c", script});
  REQUIRE(talk.end(std::chrono::seconds{60}) == 0);
  std::vector<std::string> status;
  for (const auto& line : command_result{0, talk.rest(), {}}.json_lines()) status.push_back(line.at("status"));
  CHECK(status == words{"hit", "miss", "hit"});
}

}  // namespace aicache::aicachectl_data_test
