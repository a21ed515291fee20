#include "actors/client.hpp"
#include "actors/node.hpp"
#include "config/sources.hpp"
#include "tests/support/program.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace aicache;
using aicache::test::program;
using std::chrono::seconds;

namespace {

constexpr seconds within{20};

// Without HTTP, which has tests of its own: nodes of tests that run at once would meet on its port.
std::vector<std::string> aicached(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {AICACHE_BINARY_DIR "/aicached", "--set", "http.enabled=false"});
  return arguments;
}

struct folder {
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "aicached-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~folder() { std::filesystem::remove_all(path); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  std::string with(const std::string& name, const std::string& text) const {
    std::ofstream(path / name) << text;
    return (path / name).string();
  }
  std::filesystem::path path;
};

// The port of a node that says that it is ready.
std::uint16_t port_of(program& node) {
  const auto line = node.line(within);
  REQUIRE(line);
  const std::string begin = "ready caf=127.0.0.1:";
  REQUIRE(line->starts_with(begin));
  const std::string digits = line->substr(begin.size());
  REQUIRE(!digits.empty());
  REQUIRE(digits.find_first_not_of("0123456789") == std::string::npos);
  return static_cast<std::uint16_t>(std::stoi(digits));
}

}  // namespace

#if !defined(__SANITIZE_ADDRESS__)  // which brings an allocator of its own
TEST_CASE("a node asks for huge pages for the first memory that its allocator takes, too", "[system]") {
  program node(aicached({"--set", "node.port=0", "--set", "memory.budget=8MiB"}));
  port_of(node);
  constexpr std::uint64_t piece_kib = 32 * 1024;  // what it takes at a time; pieces side by side are shown as one
  std::ifstream maps("/proc/" + std::to_string(node.pid()) + "/smaps");
  std::vector<std::string> pieces;
  std::string range;
  std::uint64_t size = 0;
  bool writable = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.starts_with("Size:")) {
      size = std::stoull(line.substr(5));
    } else if (line.starts_with("VmFlags:")) {
      if (writable && size >= piece_kib) pieces.push_back(line.find(" hg") == std::string::npos ? range : "huge");
    } else if (const auto space = line.find(' '); space != std::string::npos && line.find('-') < space) {
      range = line;
      writable = line.compare(space + 1, 2, "rw") == 0;
    }
  }
  CHECK(pieces == std::vector<std::string>(std::max<std::size_t>(pieces.size(), 1), "huge"));
  node.signal(SIGTERM);
  CHECK(node.end(within) == 0);
}
#endif

TEST_CASE("a node says that it is ready, serves, and ends orderly on SIGTERM and SIGINT", "[system]") {
  program node(aicached({"--set", "node.port=0", "--set", "memory.budget=8MiB"}));
  const std::uint16_t port = port_of(node);
  CHECK(port != 0);
  {
    system_config config({}, system_config::network::on);
    caf::actor_system system{config};
    const auto c = client::connect(system, "127.0.0.1", port);
    REQUIRE(c);
    const request r{"t", "m", "qa", "text", "", ""};
    CHECK(c->put(r, {"answer", "m", 1, 2, 3}) == put_result{});
    CHECK(c->get(r).text() == "answer");
  }
  node.signal(GENERATE(SIGTERM, SIGINT));
  CHECK(node.end(within) == 0);
  // Standard output holds what scripts read, and nothing else.
  CHECK(node.rest().empty());
  CHECK(node.errors().find("drained") != std::string::npos);
}

TEST_CASE("a caller that waits when its node ends is told so", "[system]") {
  program node(aicached({"--set", "node.port=0", "--set", "memory.budget=8MiB"}));
  system_config config({}, system_config::network::on);
  caf::actor_system system{config};
  const auto c = client::connect(system, "127.0.0.1", port_of(node));
  REQUIRE(c);
  const request r{"t", "m", "qa", "text", "", ""};
  get_options o;
  o.lease = true;
  REQUIRE(c->get(r, o).must_compute());
  auto waiting = c->get_async(r, o);
  // A call behind the other on the same way: when it is answered, the first is parked.
  REQUIRE(c->get(r).status == get_status::miss);
  SECTION("by an orderly end") {
    node.signal(SIGTERM);
    CHECK(waiting.get().error == errc::shutting_down);
    CHECK(node.end(within) == 0);
    CHECK(node.errors().find("1 waiting callers were sent away") != std::string::npos);
  }
  SECTION("by a kill") {
    node.signal(SIGKILL);
    CHECK(waiting.get().error == errc::unavailable);
    CHECK(node.end(within) == 128 + SIGKILL);
  }
  CHECK(c->get(r).error == errc::unavailable);
}

TEST_CASE("a node that cannot have its port says how to mend that", "[system]") {
  program first(aicached({"--set", "node.port=0", "--set", "memory.budget=8MiB"}));
  const auto port = std::to_string(port_of(first));
  program second(aicached({"--set", "node.port=" + port, "--set", "memory.budget=8MiB"}));
  CHECK(second.end(within) == 1);
  CHECK(second.rest().empty());
  CHECK(second.errors().find("cannot listen on 127.0.0.1:" + port) != std::string::npos);
  CHECK(second.errors().find("fix: choose another node.port") != std::string::npos);
}

TEST_CASE("bad settings are all told at once, and nothing starts", "[system]") {
  const folder here;
  const std::string file = here.with("bad.toml", "[node]\nport = 70000\n[memory]\nbugdet = \"1GiB\"\n");
  program node(aicached({"--config", file, "--set", "lease.duration=never", "--set", "ttl.default=1h"}),
               {"AICACHE_LOG_LEVEL=loud"});
  CHECK(node.end(within) == 2);
  CHECK(node.rest().empty());
  for (const char* part : {"node.port", "65535", "memory.bugdet", "memory.budget", "lease.duration", "log.level"}) {
    CAPTURE(part, node.errors());
    CHECK(node.errors().find(part) != std::string::npos);
  }
}

TEST_CASE("settings that cannot work on this machine keep a node from starting; doubtful ones are only told",
          "[system]") {
  program large(aicached({"--set", "node.port=0", "--set", "memory.budget=1TiB"}));
  CHECK(large.end(within) == 2);
  CHECK(large.rest().empty());
  CHECK(large.errors().find("memory.budget") != std::string::npos);
  program doubtful(aicached({"--set", "node.port=0", "--set", "memory.budget=8MiB", "--set", "ttl.default=10m"}),
                   {"AI_CACHE_DEFAULT_TTL=1800", "AICACHE_TTL_DEFAULT=20m"});
  CHECK(port_of(doubtful) != 0);
  doubtful.signal(SIGTERM);
  CHECK(doubtful.end(within) == 0);
  CHECK(doubtful.errors().find("[warning] ttl.default") != std::string::npos);
}

TEST_CASE("a file of settings that is none is a problem, not a crash", "[system]") {
  const folder here;
  const std::string missing = here.path.string() + "/missing.toml";
  const std::string no_toml = here.with("x.toml", "= what");
  const int which = GENERATE(0, 1, 2);
  const std::string file = which == 0 ? here.path.string() : which == 1 ? missing : no_toml;
  program node(aicached({"--config", file}));
  CHECK(node.end(within) == 2);
  CHECK(node.errors().find(file) != std::string::npos);
  CHECK(node.errors().size() > file.size() + 20);
}

TEST_CASE("the settings that a node prints are the ones that it would load", "[system]") {
  const folder here;
  program first(aicached({"--print-config", "--set", "node.port=0", "--set", "memory.budget=64MiB", "--set",
                          "ttl.operations=qa=5m,sum=1h"}),
                {"AICACHE_LEASE_DURATION=7s"});
  REQUIRE(first.end(within) == 0);
  const std::string printed = first.rest();
  const std::string file = here.with("printed.toml", printed);
  const config::loaded again = config::load({file, {}, {}});
  REQUIRE(again.problems.empty());
  CHECK(again.value.node.port == 0);
  CHECK(again.value.memory.budget == 64 << 20);
  CHECK(again.value.lease.duration == duration{7'000});
  CHECK(again.value.ttl.operations.size() == 2);
  program second(aicached({"--config", file, "--print-config"}));
  REQUIRE(second.end(within) == 0);
  CHECK(second.rest() == printed);
}

TEST_CASE("a command line that means nothing is refused with help", "[system]") {
  program node(aicached({"--no-such-option"}));
  const auto code = node.end(within);
  REQUIRE(code);
  CHECK(*code != 0);
  CHECK(node.errors().find("--no-such-option") != std::string::npos);
  program version(aicached({"--version"}));
  CHECK(version.end(within) == 0);
  CHECK(!version.rest().empty());
}
