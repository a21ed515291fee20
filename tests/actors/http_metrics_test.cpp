#include "actors/http/event_log.hpp"
#include "actors/http/exporter.hpp"
#include "actors/http/exposition.hpp"
#include "actors/http/json_views.hpp"
#include "actors/http/message.hpp"
#include "tests/support/http_caller.hpp"
#include "tests/support/sim.hpp"

#include <nlohmann/json.hpp>

#include <set>

using namespace aicache;
using namespace aicache::test;

namespace {

/// A node that is cranked by hand, and its exporter.
struct exported {
  explicit exported(std::size_t label_values = 200) {
    http::exporter_setup setup;
    setup.front = s.node;
    setup.board = board;
    setup.label_values = label_values;
    exporter = s.system.spawn(http::exporter, setup);
    s.run();
  }
  ~exported() {
    caf::anon_send_exit(exporter, caf::exit_reason::user_shutdown);
    s.run();
  }

  /// What is exposed once shards have reported and the exporter has looked again.
  std::map<std::string, double> series() {
    s.pass(duration{2'500}, duration{250});
    return series_of(text());
  }
  std::string text() { return http::exposition(board->newest().get(), {}, {"1.2.3", "cafe", "EUR"}); }

  sim s;
  std::shared_ptr<http::snapshot_board> board = std::make_shared<http::snapshot_board>();
  http::exporter_actor exporter;
};

double value_of(const std::map<std::string, double>& series, const std::string& name) {
  const auto found = series.find(name);
  return found == series.end() ? -1 : found->second;
}

}  // namespace

TEST_CASE("what is exposed is what was asked", "[http]") {
  exported e;
  client c = e.s.connect();
  for (std::uint64_t i = 0; i < 30; ++i) e.s.result(c.put_async(ask(i), reply_to(i)));
  for (std::uint64_t i = 0; i < 50; ++i) e.s.result(c.get_async(ask(i)));
  for (std::uint64_t i = 0; i < 3; ++i) e.s.result(c.get_async(ask(i, "sum", "other tenant")));
  const auto series = e.series();
  CHECK(value_of(series, R"(aicache_hits_total{operation="qa",tier="hot"})") == 30);
  CHECK(value_of(series, R"(aicache_misses_total{operation="qa",reason="absent"})") == 20);
  CHECK(value_of(series, R"(aicache_misses_total{operation="sum",reason="absent"})") == 3);
  CHECK(value_of(series, R"(aicache_puts_total{operation="qa"})") == 30);
  CHECK(value_of(series, R"(aicache_saved_tokens_total{operation="qa",kind="output"})") == 600);
  CHECK(value_of(series, R"(aicache_tenant_hits_total{tenant="t"})") == 30);
  CHECK(value_of(series, R"(aicache_tenant_misses_total{tenant="other tenant"})") == 3);
  CHECK(value_of(series, R"(aicache_entries{tier="hot"})") == 30);
  CHECK(value_of(series, "aicache_budget_bytes") > 0);
  CHECK(value_of(series, R"(aicache_get_seconds_count{operation="qa"})") == 50);
  CHECK(value_of(series, R"(aicache_get_seconds_bucket{operation="qa",le="+Inf"})") == 50);
  CHECK(value_of(series, R"(aicache_tier_get_seconds_bucket{tier="hot",le="+Inf"})") == 30);
  CHECK(value_of(series, "aicache_mailbox") >= 0);
  CHECK(value_of(series, R"(aicache_saved_model_seconds_total{operation="qa"})") > 0);
  CHECK(value_of(series, R"(aicache_build_info{version="1.2.3"})") == 1);
  // There is no Redis of which anything could be said.
  CHECK(value_of(series, R"(aicache_redis_reads_total{result="present"})") == -1);
  CHECK(e.board->newest()->shards_up == std::vector<bool>{true, true});
  // And it goes on.
  e.s.result(c.get_async(ask(1)));
  CHECK(value_of(e.series(), R"(aicache_hits_total{operation="qa",tier="hot"})") == 31);
}

TEST_CASE("labels have no more values than they may, and nothing is lost by it", "[http]") {
  exported e(3);
  client c = e.s.connect();
  e.s.result(c.get_async(ask(1, "first", "first tenant")));
  e.series();
  for (std::uint64_t i = 0; i < 20; ++i)
    e.s.result(c.get_async(ask(i, "operation " + std::to_string(i % 5), "tenant " + std::to_string(i))));
  const auto series = e.series();
  std::set<std::string> operations;
  std::set<std::string> tenants;
  double misses = 0;
  double tenant_misses = 0;
  for (const auto& [name, value] : series) {
    if (name.starts_with("aicache_misses_total{")) {
      operations.insert(name.substr(0, name.find(",reason")));
      misses += value;
    }
    if (name.starts_with("aicache_tenant_misses_total{")) {
      tenants.insert(name);
      tenant_misses += value;
    }
  }
  CHECK(operations.size() == 4);
  CHECK(tenants.size() == 4);
  CHECK(misses == 21);
  CHECK(tenant_misses == 21);
  CHECK(value_of(series, R"(aicache_misses_total{operation="first",reason="absent"})") == 1);
  CHECK(value_of(series, R"(aicache_tenant_misses_total{tenant="other"})") == 18);
  CHECK(value_of(series, R"(aicache_get_seconds_count{operation="other"})") == 12);
  CHECK(value_of(series, R"(aicache_get_seconds_bucket{operation="other",le="+Inf"})") == 12);
  CHECK(value_of(series, R"(aicache_get_seconds_bucket{operation="other",le="8.589934591"})") == 12);
  // Series stay as they were told apart first: a counter that moved to another label would go back.
  e.s.result(c.get_async(ask(1, "zero", "zero tenant")));
  const auto later = e.series();
  for (const auto& [name, value] : series)
    if (name.find("_total{") != std::string::npos) CHECK(value_of(later, name) >= value);
}

TEST_CASE("names of any bytes leave a page that Prometheus can read", "[http]") {
  exported e;
  client c = e.s.connect();
  const std::vector<std::string> names = {
      "\xff\xfe", "\xff\xfd", "a\"b", "line\nend", "back\\slash", "\xf0\x9f\x98\x80", std::string("nul\0byte", 8), ""};
  for (const std::string& name : names) e.s.result(c.get_async(ask(1, "qa", name)));
  const auto series = e.series();
  double misses = 0;
  for (const auto& [name, value] : series)
    if (name.starts_with("aicache_tenant_misses_total{")) misses += value;
  CHECK(misses == static_cast<double>(names.size()));
  const std::string text = e.text();
  CHECK(http::valid_utf8(text) == text);
  CHECK(value_of(series, "aicache_tenant_misses_total{tenant=\"a\\\"b\"}") == 1);
  CHECK(value_of(series, "aicache_tenant_misses_total{tenant=\"line\\nend\"}") == 1);
}

TEST_CASE("latencies are histograms whose buckets hold what was at most as long as they say", "[http]") {
  histogram h;
  for (const std::uint64_t nanoseconds : {100u, 511u, 512u, 639u, 640u, 1'000'000u}) h.record(nanoseconds);
  http::snapshot s;
  s.operations = {{"qa", {}, summarise(h)}};
  s.statistics.tiers = {{"hot", summarise(h)}, {"warm", {}}};
  const auto series = series_of(http::exposition(&s, {}, {}));
  const auto at_most = [&](const std::string& family, const std::string& label, const std::string& bound) {
    return value_of(series, "aicache_" + family + "_seconds_bucket{" + label + ",le=\"" + bound + "\"}");
  };
  CHECK(at_most("tier_get", R"(tier="hot")", "5.11e-07") == 2);
  CHECK(at_most("tier_get", R"(tier="hot")", "6.39e-07") == 4);
  CHECK(at_most("tier_get", R"(tier="hot")", "7.67e-07") == 5);
  CHECK(at_most("tier_get", R"(tier="hot")", "+Inf") == 6);
  // Of operations there may be many: they have a quarter of the bounds.
  CHECK(at_most("get", R"(operation="qa")", "5.11e-07") == 2);
  CHECK(at_most("get", R"(operation="qa")", "6.39e-07") == -1);
  CHECK(at_most("get", R"(operation="qa")", "1.023e-06") == 5);
  CHECK(at_most("get", R"(operation="qa")", "8.589934591") == 6);
  CHECK(value_of(series, R"(aicache_get_seconds_sum{operation="qa"})") == Approx(1'002'402e-9));
  CHECK(value_of(series, R"(aicache_get_seconds_count{operation="qa"})") == 6);
  CHECK(at_most("tier_get", R"(tier="warm")", "+Inf") == 0);
  const auto buckets = [&](const std::string& begin) {
    return std::count_if(series.begin(), series.end(), [&](const auto& one) { return one.first.starts_with(begin); });
  };
  CHECK(buckets("aicache_get_seconds_bucket") == 26);
  CHECK(buckets("aicache_tier_get_seconds_bucket{tier=\"hot\"") == 98);
}

TEST_CASE("every row of the table of metrics is exposed under its name, with its type and help", "[http]") {
  http::snapshot s;
  s.operations.push_back({"qa", {}, {1, 5, 5, 5, 5, 5, 5, 5}});
  s.tenants.push_back({"t", {}});
  s.statistics.tiers.push_back({"hot", {1, 5, 5, 5, 5, 5, 5, 5}});
  s.shared = true;
  http::node_figures n;
#define AICACHE_NODE_GAUGE(member, family, label, value, unit, doc) n.member = 1;
#include "config/metrics.def"
  const std::string text = http::exposition(&s, n, {"1", "2", "USD"});
  const auto series = series_of(text);
  const auto check = [&](const std::string& name, const std::string& type, const std::string& doc) {
    CAPTURE(name);
    CHECK(text.find("# TYPE " + name + " " + type + "\n") != std::string::npos);
    const auto help = text.find("# HELP " + name + " ");
    REQUIRE(help != std::string::npos);
    CHECK(text.substr(help, text.find('\n', help) - help).find(doc) != std::string::npos);
    const auto at = series.lower_bound(name);
    REQUIRE(at != series.end());
    CHECK(at->first.starts_with(name));
  };
#define AICACHE_OPERATION_COUNTER(member, family, label, value, unit, doc) \
  check("aicache_" #family "_total", "counter", doc);
#define AICACHE_TENANT_COUNTER(member, family, label, value, unit, doc) \
  check("aicache_" #family "_total", "counter", doc);
#define AICACHE_SHARD_COUNTER(member, family, label, value, unit, doc) \
  check("aicache_" #family "_total", "counter", doc);
#define AICACHE_LINK_COUNTER(member, family, label, value, unit, doc) \
  check("aicache_" #family "_total", "counter", doc);
#define AICACHE_INVALIDATION_COUNTER(member, family, label, value, unit, doc) \
  check("aicache_" #family "_total", "counter", doc);
#define AICACHE_NODE_COUNTER(member, family, label, value, unit, doc) \
  check("aicache_" #family "_total", "counter", doc);
#define AICACHE_SHARD_GAUGE(member, family, label, value, unit, doc) check("aicache_" #family, "gauge", doc);
#define AICACHE_NODE_GAUGE(member, family, label, value, unit, doc) check("aicache_" #family, "gauge", doc);
#define AICACHE_NODE_INFO(member, family, label, value, unit, doc) check("aicache_" #family, "gauge", doc);
#define AICACHE_NODE_LATENCY(member, family, label, value, unit, doc) check("aicache_" #family, "histogram", doc);
#include "config/metrics.def"
  CHECK(value_of(series, "aicache_get_seconds_sum{operation=\"qa\"}") == Approx(5e-9));
}

TEST_CASE("each turn brings what the monitor says, as it says it", "[http]") {
  exported e;
  client c = e.s.connect();
  e.s.result(c.put_async(ask(1), reply_to(1)));
  e.s.result(c.get_async(ask(1)));
  e.s.result(c.get_async(ask(2)));
  e.series();
  const auto view_of = [&](http::view which) {
    return nlohmann::json::parse(e.board->newest()->views[static_cast<std::size_t>(which)]);
  };
  CHECK(view_of(http::view::summary).at("total").at("hit_percent") == 50);
  CHECK(view_of(http::view::ledger).at("total").at("calls") == 1);
  CHECK(view_of(http::view::recommendations).is_array());
  CHECK(view_of(http::view::curve).at("points").empty());
  e.s.result(c.get_async(ask(1)));
  e.series();
  CHECK(view_of(http::view::ledger).at("total").at("calls") == 2);
}

TEST_CASE("what the ledger and the advice say is a metric, of the currency and by priority", "[http]") {
  const http::told_figures t =
      http::figures_told(R"({"total": {"worth_millionths": 2500000}})",
                         R"([{"priority": "high"}, {"priority": "low"}, {"priority": "low"}])");
  CHECK(t.saved_millionths == 2'500'000);
  REQUIRE(t.advice);
  CHECK(t.advice->high == 1);
  CHECK(t.advice->medium == 0);
  CHECK(t.advice->low == 2);
  http::node_figures n;
  n.saved_millionths = t.saved_millionths;
  const auto series = series_of(http::exposition(nullptr, n, {"1", "2", "EUR"}));
  CHECK(value_of(series, "aicache_saved_money_total") == 2.5);
  CHECK(value_of(series, R"(aicache_ledger_info{currency="EUR"})") == 1);
  // Nothing is known of what was not told.
  CHECK(value_of(series, R"(aicache_recommendations{priority="high"})") == -1);
  for (const char* text : {"", "null", "[]", "{"}) CHECK_FALSE(http::figures_told(text, "").advice);
}

TEST_CASE("what changes between two looks is an event, once, and the oldest are let go of", "[http]") {
  http::event_log log;
  const auto words = [&] {
    std::vector<std::string> all;
    const auto j = nlohmann::json::parse(log.json());
    for (const auto& e : j.at("events")) all.push_back(e.at("what"));
    return all;
  };
  http::snapshot first;
  first.shared = true;
  log.compare(nullptr, first);
  log.compare(&first, first);
  CHECK(words() == std::vector<std::string>{"start"});
  http::snapshot second = first;
  second.at = instant{5'000};
  second.shared = false;
  second.statistics.level = 1;
  second.statistics.shard_restarts = 2;
  second.statistics.link.outages = 1;
  second.statistics.invalidations.requested = 3;
  log.compare(&first, second);
  CHECK(words() == std::vector<std::string>{"start", "level", "shards", "redis", "redis", "invalidation"});
  const auto told = nlohmann::json::parse(log.json()).at("events").at(1);
  CHECK(told == nlohmann::json{
                    {"at", 5'000}, {"what", "level"}, {"detail", "the level of service is memory_only after normal"}});
  for (std::size_t i = 0; i < http::event_log::kept; ++i)
    log.compare(i % 2 == 0 ? &second : &first, i % 2 == 0 ? first : second);
  CHECK(words().size() == http::event_log::kept);
  CHECK(words().front() != "start");
}

TEST_CASE("the death of a shard is seen, and the end of the front", "[http]") {
  exported e;
  e.s.kill(e.s.map().shards[0]);
  e.s.pass(duration{40}, duration{10});
  e.series();
  CHECK(e.board->newest()->statistics.shard_restarts == 1);
  CHECK(e.board->newest()->shards_up == std::vector<bool>{true, true});
  CHECK_FALSE(e.board->has_ended());
  caf::anon_send_exit(e.s.node, caf::exit_reason::user_shutdown);
  e.s.run();
  CHECK(e.board->has_ended());
}
