#include "tests/support/aicachectl_run.hpp"
#include "tests/support/aicached_process.hpp"
#include "tests/support/http_caller.hpp"
#include "tests/support/load_run.hpp"

#include <catch2/catch.hpp>

// Names of its own: the sources of this folder are compiled together.
namespace aicache::aicachectl_figures_test {
namespace {

using nlohmann::json;
using test::aicachectl;
using test::command_result;
using words = std::vector<std::string>;

struct figured_node {
  figured_node() : node(words{"ledger.prices=m*=1/2", "monitor.report_interval=20ms"}) {}

  command_result run(words command) const {
    command.insert(command.end(), {"--node", node.address()});
    return aicachectl(std::move(command));
  }
  json told(words command) const {
    command.push_back("--json");
    const command_result r = run(std::move(command));
    CAPTURE(r.errors);
    REQUIRE(r.code == 0);
    return r.json();
  }
  void ask(const std::string& verb, const std::string& operation, const std::string& text, words more = {}) const {
    words all{verb, "--tenant", "acme", "--model", "m-1", "--operation", operation, "--text", text};
    all.insert(all.end(), more.begin(), more.end());
    run(std::move(all));
  }
  /// Three answers are put, and each operation asks for them twice; so many are hits.
  void use() const {
    for (const char* text : {"a", "b", "c"})
      ask("put", "qa", text,
          {"--value", "an answer", "--input-tokens", "10", "--output-tokens", "5", "--model-ms", "7"});
    for (const char* operation : {"qa", "sentiment"})
      for (const char* text : {"a", "b", "c", "a", "b", "c"}) ask("get", operation, text);
    // Shards report in turns of 20 ms.
    REQUIRE(test::eventually([&] { return told({"stats", "summary"}).at("total").at("answered") == 12; }));
  }

  test::aicached_process node;
};

}  // namespace

TEST_CASE("stats tell what was asked and saved, for people and as JSON", "[system][aicachectl]") {
  const figured_node n;
  n.use();
  const json summary = n.told({"stats", "summary"});
  CHECK(summary.at("total").at("hits") == 6);
  CHECK(summary.at("total").at("hit_percent") == 50.0);
  CHECK(summary.at("node").at("level") == "normal");
  const json operations = n.told({"stats", "operations"}).at("operations");
  CHECK(operations.at("qa").at("total").at("hit_percent") == 100.0);
  CHECK(operations.at("sentiment").at("total").at("hits") == 0);
  CHECK(operations.contains("summarize"));
  CHECK(n.told({"stats", "tiers"}).at("text_tiers").at("small").at("hit_percent") == 50.0);
  CHECK(n.told({"stats", "memory"}).at("memory").at("entries_hot").is_number());
  CHECK(n.told({"stats", "invalidations"}).at("invalidations").at("events") == 0);
  CHECK(n.told({"stats", "slow"}).at("slow").is_array());
  // Each of the three puts and twelve gets made one.
  const json keys = n.told({"stats", "keys"}).at("key_generation");
  CHECK(keys.at("nanoseconds").at("count") == 15);
  CHECK(keys.at("nanoseconds").at("p50") > 100);
  CHECK(keys.at("code_points").at("mean") == 1.0);
  CHECK(keys.at("by_text").at("small") == 15);
  const json tenants = n.told({"stats", "tenants"}).at("tenants");
  CHECK(tenants.at("acme").at("total").at("hits") == 6);
  CHECK(tenants.at("acme").at("entries") == 3);
  CHECK(tenants.at("acme").at("quota") == 0);
  CHECK_FALSE(tenants.at("acme").contains("quota_percent"));
  const json ledger = n.told({"stats", "ledger"});
  CHECK(ledger.at("by_model").at("m-1").at("calls") == 6);
  CHECK(ledger.at("total").at("input_tokens") == 60);
  CHECK(ledger.at("total").at("worth_millionths") == 60 + 2 * 30);
  for (const char* part : {"summary", "tiers", "operations", "keys", "memory", "invalidations", "slow", "ledger",
                           "tenants", "lifetimes"}) {
    const command_result r = n.run({"stats", part});
    CAPTURE(part, r.out);
    CHECK(r.code == 0);
    CHECK(r.errors.empty());
    CHECK(r.out.size() > 20);
    CHECK(r.out.find("null") == std::string::npos);
  }
  CHECK(n.run({"stats", "operations"}).out.find("sentiment") != std::string::npos);
  CHECK(n.run({"stats", "ledger"}).out.find("acme") != std::string::npos);
  CHECK(n.run({"stats"}).code == 2);
  CHECK(n.run({"stats", "nonsense"}).code == 2);
}

TEST_CASE("what expired and is asked for again is shown, and how long compression took", "[system][aicachectl]") {
  test::aicached_process node(words{"ttl.operations=brief=1s", "ttl.jitter=0", "monitor.report_interval=20ms"});
  const test::scratch_folder folder;
  const std::string workload = (folder.path() / "brief.jsonl").string();
  {
    std::ofstream file(workload);
    for (int i = 0; i < 400; ++i)
      file << json{{"operation", "brief"}, {"model", "m"}, {"text", std::string(6'000, 'x') + std::to_string(i)}}
           << '\n';
  }
  const auto summary = [&](const char* part) {
    return aicachectl({"stats", part, "--json", "--node", node.address()}).json();
  };
  // Again and again, until some of the sample were asked for after their end, and within four lives.
  REQUIRE(test::eventually(
      [&] {
        test::load(
            {"--node", node.address(), "--workload", workload, "--popularity", "sequential", "--requests", "2000"});
        return summary("lifetimes").value("/operations/brief/lifetimes/longer_lives/3/asked_again"_json_pointer, 0) > 0;
      },
      std::chrono::seconds{60}));
  const json lives = summary("lifetimes").at("operations").at("brief").at("lifetimes");
  CHECK(lives.at("expired") == 16 * lives.at("expired_sampled").get<int>());
  CHECK(lives.at("longer_lives").size() == 4);
  CHECK(lives.at("longer_lives").at(3).at("life_percent") == 400);
  CHECK(lives.at("longer_lives").at(3).at("points") > 0);
  CHECK(aicachectl({"stats", "lifetimes", "--node", node.address()}).out.find("400 % of the life") !=
        std::string::npos);
  const json memory = summary("memory");
  CHECK(memory.at("compression").at("pack_nanoseconds").at("p50") > 0);
  CHECK(memory.at("compression").at("unpack_nanoseconds").at("count") > 0);
  CHECK(aicachectl({"stats", "memory", "--node", node.address()}).out.find("decompress") != std::string::npos);
}

TEST_CASE("a tenant that floods a node stays within its quota, and everybody can see it",
          "[system][aicachectl][quota]") {
  test::aicached_process node(words{"memory.budget=8MiB", "tenants.quota=50%", "tenants.quotas=flood=512KiB",
                                    "monitor.report_interval=20ms", "http.refresh=100ms"});
  const test::scratch_folder folder;
  const std::string workload = (folder.path() / "flood.jsonl").string();
  {
    std::ofstream file(workload);
    for (int i = 0; i < 5'000; ++i)
      file << json{{"operation", "qa"}, {"tenant", "flood"}, {"model", "m"}, {"text", "n" + std::to_string(i)}} << '\n';
    for (int i = 0; i < 100; ++i)
      file << json{{"operation", "qa"}, {"tenant", "steady"}, {"model", "m"}, {"text", "n" + std::to_string(i)}}
           << '\n';
  }
  const test::loaded l = test::load(
      {"--node", node.address(), "--workload", workload, "--popularity", "sequential", "--requests", "5100"});
  REQUIRE(l.code == 0);
  const auto tenants = [&] {
    return aicachectl({"stats", "tenants", "--json", "--node", node.address()}).json().at("tenants");
  };
  REQUIRE(test::eventually([&] { return tenants().value("/steady/puts"_json_pointer, 0) == 100; }));
  const json flood = tenants().at("flood");
  CHECK(flood.at("quota") == 512 * 1024);
  CHECK(flood.at("bytes") <= 512 * 1024);
  CHECK(flood.at("bytes") > 400 * 1024);
  CHECK(flood.at("quota_evicted").get<std::uint64_t>() + flood.at("entries").get<std::uint64_t>() == flood.at("puts"));
  CHECK(flood.at("quota_evicted") > 1'000);
  const json steady = tenants().at("steady");
  CHECK(steady.at("quota") == 4 * 1024 * 1024);
  CHECK(steady.at("entries") == 100);
  CHECK(steady.at("quota_evicted") == 0);
  const std::string shown = aicachectl({"stats", "tenants", "--node", node.address()}).out;
  CHECK(shown.find("512.0 KiB") != std::string::npos);
  // The same over HTTP, once it has looked again.
  const auto told = [&] {
    return json::parse(test::ask_http(node.http_port(), "GET", "/api/v1/statistics").body, nullptr, false);
  };
  REQUIRE(test::eventually([&] { return told().value("/tenants/steady/puts"_json_pointer, 0) == 100; }));
  CHECK(told().at("tenants").at("flood").at("bytes") == flood.at("bytes"));
  const auto series = test::series_of(test::ask_http(node.http_port(), "GET", "/metrics").body);
  CHECK(series.at("aicache_tenant_bytes{tenant=\"flood\"}") == flood.at("bytes"));
  CHECK(series.at("aicache_tenant_quota_bytes{tenant=\"steady\"}") == 4 * 1024 * 1024);
  CHECK(series.at("aicache_tenant_quota_evicted_total{tenant=\"flood\"}") == flood.at("quota_evicted"));
}

TEST_CASE("recommend says what to set, to which value, and why", "[system][aicachectl]") {
  const figured_node n;
  n.use();
  for (int i = 0; i < 6; ++i) n.ask("get", "sentiment", "other " + std::to_string(i));
  REQUIRE(test::eventually([&] { return n.told({"stats", "summary"}).at("total").at("answered") == 18; }));
  const json all = n.told({"recommend"});
  REQUIRE(all.at("recommendations").size() > 0);
  bool about_sentiment = false;
  for (const json& r : all.at("recommendations")) {
    CHECK_FALSE(r.at("title").get<std::string>().empty());
    CHECK_FALSE(r.at("evidence").empty());
    about_sentiment = about_sentiment || r.at("subject") == "sentiment";
  }
  CHECK(about_sentiment);
  CHECK(all.at("curve").at("budget").get<std::uint64_t>() > 0);
  const std::string text = n.run({"recommend"}).out;
  CHECK(text.find("sentiment") != std::string::npos);
  CHECK(text.find("priority: high") != std::string::npos);
}

TEST_CASE("reset counts from zero, and export writes everything", "[system][aicachectl]") {
  const figured_node n;
  n.use();
  const test::scratch_folder scratch;
  const std::string file = (scratch.path() / "figures.json").string();
  CHECK(n.run({"stats", "export", "--output", file}).code == 0);
  std::ifstream in(file);
  const json written = json::parse(in, nullptr, false);
  CHECK(written.at("tenants").at("acme").at("hits") == 6);
  CHECK(written.at("ledger").at("rows").size() == 1);
  CHECK(n.run({"stats", "export"}).json().at("operations").contains("qa"));
  CHECK(n.run({"stats", "export", "--output", "/nowhere/at/all"}).code == 1);
  CHECK(n.run({"reset"}).code == 0);
  CHECK(n.told({"stats", "summary"}).at("total").at("answered") == 0);
  CHECK(n.told({"stats", "ledger"}).at("total").at("calls") == 0);
}

TEST_CASE("top looks as often as it is told", "[system][aicachectl]") {
  const figured_node n;
  const command_result r = n.run({"top", "--every", "0.1", "--turns", "3"});
  CHECK(r.code == 0);
  std::size_t screens = 0;
  for (std::size_t at = r.out.find("hit ratio:"); at != std::string::npos; at = r.out.find("hit ratio:", at + 1))
    ++screens;
  CHECK(screens == 3);
  CHECK(n.run({"top", "--every", "0"}).code == 2);
}

TEST_CASE("figures of a node that is not there are complained of", "[system][aicachectl]") {
  for (const words& command :
       {words{"stats", "summary"}, words{"recommend"}, words{"reset"}, words{"stats", "export"}, words{"top"}}) {
    words all = command;
    all.insert(all.end(), {"--node", "127.0.0.1:1"});
    const command_result r = aicachectl(all);
    CHECK(r.code == 3);
    CHECK(r.complains_of("127.0.0.1:1"));
  }
}

}  // namespace aicache::aicachectl_figures_test
