#include <catch2/catch.hpp>

#include "tests/support/aicachectl_run.hpp"
#include "tests/support/aicached_process.hpp"

namespace aicache::events_command_test {
namespace {

using namespace aicache::test;
using words = std::vector<std::string>;

/// `aicachectl events`, which has said that it listens.
struct listening {
  listening(const aicached_process& node, words more) : run(command(node, std::move(more))) {
    REQUIRE(eventually([&] { return run.errors_so_far().find("subscribed") != std::string::npos; },
                       std::chrono::seconds{30}));
  }
  static words command(const aicached_process& node, words more) {
    words all{AICACHE_BINARY_DIR "/aicachectl", "events", "--node", node.address()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  program run;
};

command_result put(const aicached_process& node, const std::string& text, const std::string& tenant = "acme") {
  return aicachectl(
      {"put", "--node", node.address(), "--tenant", tenant, "--operation", "qa", "--text", text, "--value", "secret"});
}

}  // namespace

TEST_CASE("aicachectl events writes what happens as it happens, and ends after so many",
          "[system][aicachectl][events]") {
  const aicached_process node({});
  listening events(node, {"--json", "--tenant", "acme", "--count", "4"});
  REQUIRE(put(node, "one").code == 0);
  REQUIRE(put(node, "other", "other").code == 0);
  REQUIRE(
      aicachectl({"get", "--node", node.address(), "--tenant", "acme", "--operation", "qa", "--text", "one"}).code ==
      0);
  REQUIRE(aicachectl({"set", "--node", node.address(), "--tenant", "acme", "--key", "k", "--value", "secret"}).code ==
          0);
  REQUIRE(aicachectl({"invalidate", "--node", node.address(), "--tenant", "acme"}).code == 0);
  CHECK(events.run.end(std::chrono::seconds{30}) == 0);
  const std::string said = events.run.rest();
  CHECK(said.find("secret") == std::string::npos);
  std::vector<nlohmann::json> lines;
  std::istringstream in(said);
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  REQUIRE(lines.size() == 4);
  std::vector<std::string> kinds;
  for (const auto& l : lines) kinds.push_back(l.at("event"));
  std::sort(kinds.begin(), kinds.end());
  CHECK(kinds == words{"hit", "invalidate", "put", "put"});
  for (const auto& l : lines) {
    CHECK(l.at("tenant") == "acme");
    if (l.at("event") == "invalidate") {
      CHECK(l.at("entries") == 2);
    } else {
      CHECK(l.at("id").get<std::string>().size() == 64);
      CHECK(l.contains("generic") != l.contains("operation"));
    }
  }
}

TEST_CASE("aicachectl events ends when it is interrupted, and says when its node has ended",
          "[system][aicachectl][events]") {
  aicached_process node({});
  listening interrupted(node, {"--kind", "put"});
  REQUIRE(put(node, "one").code == 0);
  const auto line = interrupted.run.line(std::chrono::seconds{30});
  REQUIRE(line);
  CHECK(line->find("  put  ") != std::string::npos);
  CHECK(line->find("tenant=\"acme\"  operation=\"qa\"") != std::string::npos);
  interrupted.run.signal(SIGINT);
  CHECK(interrupted.run.end(std::chrono::seconds{30}) == 0);
  listening left(node, {});
  node.signal(SIGKILL);
  CHECK(left.run.end(std::chrono::seconds{30}) == 3);
  CHECK(aicachectl({"events", "--kind", "nonsense"}).code == 2);
}

}  // namespace aicache::events_command_test
