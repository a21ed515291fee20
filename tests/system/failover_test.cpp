#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/load_run.hpp"
#include "tests/system/shared_tier.hpp"

using namespace aicache;
using namespace aicache::test;

namespace {

std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// A load that runs beside the test.
class load_beside {
 public:
  explicit load_beside(const std::vector<std::string>& arguments)
      : report_((folder_.path() / "report.json").string()), program_(words(arguments, report_)) {}

  loaded end() {
    loaded l;
    l.code = program_.end(std::chrono::seconds{120}).value_or(-1);
    l.text = program_.rest();
    l.errors = program_.errors();
    std::ifstream file(report_);
    l.report = nlohmann::json::parse(file, nullptr, false);
    return l;
  }

 private:
  static std::vector<std::string> words(std::vector<std::string> all, const std::string& report) {
    all.insert(all.begin(), AICACHE_BINARY_DIR "/aicache-load");
    all.insert(all.end(), {"--json", report});
    return all;
  }
  scratch_folder folder_;
  std::string report_;
  program program_;
};

std::uint64_t gets_of(cache_caller& caller, const aicached_process& node) {
  const operation_counters c = caller.statistics(node).total;
  return c.gets_small + c.gets_medium + c.gets_large + c.gets_xlarge;
}

}  // namespace

TEST_CASE("a load on two nodes that share a Redis goes on when the one that serves is killed, or hangs",
          "[system][failover]") {
  const int how = GENERATE(SIGKILL, SIGSTOP);
  CAPTURE(how);
  redis_server redis;
  aicached_process first(patient(redis.port()));
  aicached_process second(patient(redis.port()));
  cache_caller caller;
  load_beside load({"--node", first.address() + "," + second.address(), "--requests", "120000", "--batch", "4",
                    "--concurrency", "8", "--deadline-ms", "5000"});
  REQUIRE(eventually([&] { return gets_of(caller, first) > 10'000; }));
  CHECK(gets_of(caller, second) == 0);
  const std::int64_t event = unix_ms();
  first.signal(how);
  const loaded l = load.end();
  INFO(l.text << l.errors);
  REQUIRE(l.report.is_object());
  CHECK(l.number("requests") == 120'000);
  CHECK(l.number("wrong") == 0);
  CHECK(l.number("hits") + l.number("misses") + l.number("errors") == 120'000);
  const auto began = l.report.at("began_unix_ms").get<std::int64_t>();
  for (const auto& e : l.report.at("errors_by_time")) {
    CHECK(began + e.at("ms").get<std::int64_t>() + 100 >= event);
    CHECK(began + e.at("ms").get<std::int64_t>() <= event + 2'000);
  }
  // The rest was asked of the other, and much of it was found: what the first had stored lay in Redis.
  CHECK(gets_of(caller, second) > 10'000);
  const node_statistics after = caller.statistics(second);
  CHECK(after.total.hits_shared > 0);
  CHECK(after.total.hits_hot + after.total.hits_warm + after.total.hits_shared > 10'000);
}

TEST_CASE("a client finds its only node again when that was restarted at the same place", "[system][failover]") {
  redis_server redis;
  system_config config({}, system_config::network::on);
  caf::actor_system system{config};
  const std::uint16_t port = free_port();
  const auto start = [&] {
    auto settings = aicached_process::words(patient(redis.port()));
    for (std::string& s : settings)
      if (s == "node.port=0") s = "node.port=" + std::to_string(port);
    auto node = std::make_unique<program>(std::move(settings));
    REQUIRE(node->line(std::chrono::seconds{30}));
    return node;
  };
  auto node = start();
  auto c = client::connect(system, {"127.0.0.1:" + std::to_string(port)});
  REQUIRE(c);
  const front_actor before = c->front();
  REQUIRE(put_all(*c, 0, 50) == 50);
  REQUIRE(eventually([&] { return keys_in(redis) >= 50; }));
  node.reset();
  const std::int64_t lost = unix_ms();
  // A call that begins while nobody is there waits for the node's return.
  get_options patient_one;
  patient_one.deadline = duration{30'000};
  auto waiting = c->get_async(question(7), patient_one);
  const bool quick = GENERATE(true, false);
  if (!quick) {
    // When all were tried in vain for a while, nobody waits longer.
    CHECK(waiting.get().error == errc::unavailable);
    CHECK(c->get(question(7)).error == errc::unavailable);
    CHECK_FALSE(c->invalidate({scope_kind::operation, "", "qa"}));
  }
  node = start();
  // Unless this machine took longer than callers are kept waiting.
  if (quick && unix_ms() - lost < 1'500) CHECK(waiting.get().hit());
  CHECK(eventually([&] { return c->get(question(8)).text() == right_answer(8).text; }));
  CHECK(c->front() != before);
  CHECK(c->invalidate({scope_kind::operation, "", "qa"}));
}

TEST_CASE("a client that nobody answers says which addresses it tried, and why in vain", "[system][failover]") {
  system_config config({}, system_config::network::on);
  caf::actor_system system{config};
  const std::string one = "127.0.0.1:" + std::to_string(free_port());
  const std::string two = "127.0.0.1:" + std::to_string(free_port());
  const auto nobody = client::connect(system, {one, two});
  REQUIRE_FALSE(nobody);
  CHECK(nobody.why().code == errc::unavailable);
  CHECK(nobody.why().detail ==
        "no node at " + one + ": Connection refused; no node at " + two + ": Connection refused");
  const auto none = client::connect(system, {"127.0.0.1:7411", "nonsense"});
  REQUIRE_FALSE(none);
  CHECK(none.why().code == errc::invalid_argument);
  CHECK(none.why().detail.find("\"nonsense\"") != std::string::npos);
  aicached_process node({});
  const auto found = client::connect(system, {one, node.address()});
  REQUIRE(found);
  CHECK(found->put(question(1), right_answer(1)) == put_result{});
}
