#include "tests/support/prometheus_server.hpp"

#include <catch2/catch.hpp>

#include "tests/support/cache_caller.hpp"
#include "tests/support/load_run.hpp"

using namespace aicache;
using namespace aicache::test;
using namespace std::chrono_literals;
using nlohmann::json;

// With a real Prometheus, whose clock is the world's: not in the run of every day. tests/run.sh --long has them.

namespace {

bool is_missing() {
  if (prometheus_server::is_installed()) return false;
  WARN("skipped: there is no " << prometheus_server::path << "; deploy/setup.sh --operating installs it");
  return true;
}

double in(const std::map<std::string, double>& values, const json& labels) {
  const auto at = values.find(labels.dump());
  return at == values.end() ? 0 : at->second;
}

}  // namespace

TEST_CASE("what Prometheus has of a node is what the load program reports, to the last get", "[.][prometheus]") {
  if (is_missing()) return;
  aicached_process node({"http.refresh=200ms"});
  prometheus_server prometheus({node.http_port()});
  const loaded l = load({"--node", node.address(), "--requests", "200000", "--concurrency", "16"});
  REQUIRE(l.code == 0);
  REQUIRE(l.number("requests") == 200'000);
  const auto reported = [&](const char* name) { return static_cast<double>(l.number(name)); };
  const double gets = reported("gets");
  CHECK(
      eventually([&] { return prometheus.value("sum(aicache_hits_total) + sum(aicache_misses_total)") == gets; }, 30s));
  const auto hits = prometheus.values("sum by (tier) (aicache_hits_total)");
  CHECK(in(hits, {{"tier", "hot"}}) == reported("hits_hot"));
  CHECK(in(hits, {{"tier", "warm"}}) == reported("hits_warm"));
  CHECK(in(hits, {{"tier", "shared"}}) == reported("hits_shared"));
  CHECK(in(hits, {{"tier", "parked"}}) == reported("hits_parked"));
  CHECK(prometheus.value("sum(aicache_hits_total)") == reported("hits"));
  CHECK(prometheus.value("sum(aicache_puts_total)") == reported("computed"));
  CHECK(prometheus.value("sum(aicache_puts_refused_total)") == reported("puts_refused"));
  CHECK(prometheus.value("sum(aicache_saved_tokens_total)") == reported("tokens_saved"));
  CHECK(prometheus.value("sum(aicache_saved_model_seconds_total)") ==
        Approx(l.report.at("model_seconds_saved").get<double>()));
  const auto hits_of = prometheus.values("sum by (operation) (aicache_hits_total)");
  const auto misses_of = prometheus.values("sum by (operation) (aicache_misses_total)");
  const auto tokens_of = prometheus.values("sum by (operation) (aicache_saved_tokens_total)");
  const auto timed_of = prometheus.values("sum by (operation) (aicache_get_seconds_count)");
  const auto counted_of = prometheus.values(R"(aicache_get_seconds_bucket{le="+Inf"})");
  for (const json& o : l.report.at("operations")) {
    const json label{{"operation", o.at("operation")}};
    CAPTURE(label);
    CHECK(in(hits_of, label) == o.at("hits"));
    CHECK(in(hits_of, label) + in(misses_of, label) == o.at("gets"));
    CHECK(in(tokens_of, label) == o.at("tokens_saved"));
    CHECK(in(timed_of, label) == o.at("gets"));
    CHECK(in(counted_of, {{"le", "+Inf"}, {"operation", o.at("operation")}}) == o.at("gets"));
  }
  CHECK(hits_of.size() == l.report.at("operations").size());
  // Histograms are of use: a quantile of them lies near the one that the node itself tells, which is finer.
  const json own = json::parse(ask_http(node.http_port(), "GET", "/api/v1/statistics").body).at("tiers").at("hot");
  const double p99 = prometheus.value(R"(histogram_quantile(0.99, aicache_tier_get_seconds_bucket{tier="hot"}))") * 1e9;
  CHECK(p99 == Approx(own.at("p99").get<double>()).epsilon(0.25));
  CHECK(node.drain() == 0);
}

TEST_CASE("what a node exposes has nothing that promtool finds fault with", "[.][prometheus]") {
  if (is_missing()) return;
  redis_server redis;
  aicached_process node({"http.refresh=200ms", "redis.url=redis://127.0.0.1:" + std::to_string(redis.port())});
  REQUIRE(load({"--node", node.address(), "--requests", "5000"}).code == 0);
  const scratch_folder here;
  std::string page;
  CHECK(eventually([&] {
    page = ask_http(node.http_port(), "GET", "/metrics").body;
    return page.find("aicache_redis_reads_total") != std::string::npos &&
           page.find("aicache_get_seconds_bucket") != std::string::npos;
  }));
  std::ofstream(here.path() / "page") << page;
  std::ofstream(here.path() / "alerts.yml") << prometheus_server::quick_alerts();
  const std::string at = here.path().string();
  for (const std::string& what : {"metrics < " + at + "/page", "rules --lint=all --lint-fatal " + at + "/alerts.yml"}) {
    program promtool({"/bin/sh", "-c", "/usr/bin/promtool check " + what});
    CAPTURE(what);
    CHECK(promtool.end(30s) == 0);
    CHECK(promtool.errors().empty());
    if (what.starts_with("metrics")) CHECK(promtool.rest().empty());
  }
}

TEST_CASE("alerts are silent while all is well, and each speaks of what it is for", "[.][prometheus]") {
  if (is_missing()) return;
  redis_server redis;
  aicached_process shared({"http.refresh=200ms", "redis.url=redis://127.0.0.1:" + std::to_string(redis.port())});
  aicached_process alone({"http.refresh=200ms", "node.shards=1", "memory.budget=8MiB", "lease.duration=2m",
                          "http.token=0123456789abcdef of this test", "http.requests_per_second=1000"});
  prometheus_server prometheus({shared.http_port(), alone.http_port()});
  const auto comes = [&](const char* alert) { return eventually([&] { return prometheus.fires(alert); }, 45s); };
  cache_caller caller;
  const client c = caller.connect(alone);
  // Rates need series that were there before: of the node's parts they are, of an operation from its first get on.
  put_all(c, 0, 10);
  CHECK(get_all(c, 0, 10).hits == 10);
  CHECK(eventually([&] { return prometheus.value("count(up == 1)") == 2; }, 30s));
  CHECK(eventually([&] { return prometheus.value("sum(aicache_hits_total)") == 10; }, 30s));
  CHECK(eventually([&] { return prometheus.value("sum(aicache_shared_tier_available)") == 1; }, 30s));
  for (const char* alert : {"AicacheNodeDown", "AicacheNotReady", "AicacheRedisDown", "AicacheShedding",
                            "AicacheShardRestarts", "AicacheLowHitRatio", "AicacheWrongTokens"}) {
    CAPTURE(alert);
    CHECK_FALSE(prometheus.fires(alert));
  }
  SECTION("Redis is down") {
    redis.kill();
    CHECK(comes("AicacheRedisDown"));
    // And is silent when it is back.
    REQUIRE(redis.start());
    CHECK(eventually([&] { return !prometheus.fires("AicacheRedisDown"); }, 45s));
  }
  SECTION("few hits") {
    for (std::uint64_t n = 1'000; n < 21'000; n += 1'000) get_all(c, n, n + 1'000);
    CHECK(comes("AicacheLowHitRatio"));
  }
  SECTION("a node sheds load") {
    // Whoever asks for leases and never computes takes memory for those who could wait, until no more is given.
    const auto sheds = [&] {
      return series_of(ask_http(alone.http_port(), "GET", "/metrics").body).at("aicache_level") == 2;
    };
    for (std::uint64_t n = 100'000; n < 400'000 && !sheds(); n += 1'000) {
      std::vector<request> asked;
      for (std::uint64_t i = n; i < n + 1'000; ++i) asked.push_back(question(i));
      c.get(asked, get_options{true, duration{1'000}});
    }
    CHECK(comes("AicacheShedding"));
  }
  SECTION("a shard dies") {
    const auto map = caller.ask<shard_map>(alone, map_request{});
    REQUIRE(map);
    caf::anon_send_exit(map->shards.front(), caf::exit_reason::kill);
    CHECK(comes("AicacheShardRestarts"));
  }
  SECTION("somebody guesses tokens") {
    for (int i = 0; i < 30; ++i)
      CHECK(ask_http(alone.http_port(), "POST", "/api/v1/clear", {"Authorization: Bearer guess"}).status == 401);
    CHECK(comes("AicacheWrongTokens"));
  }
  SECTION("a node is gone") {
    CHECK(shared.drain() == 0);
    CHECK(comes("AicacheNodeDown"));
  }
}
