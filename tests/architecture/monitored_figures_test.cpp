#include "tests/architecture/monitored_figures.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>
#include <vector>

using namespace aicache::architecture;

namespace {

using said = std::vector<std::string>;

std::string of_tree(const char* path) { return contents_of(std::filesystem::path(AICACHE_SOURCE_DIR) / path); }

const std::string two_rows = R"(#define AICACHE_NODE_GAUGE(member, family, label, value, unit, doc)
AICACHE_OPERATION_COUNTER(hits_hot, hits, "tier", "hot", "answers", "doc")
AICACHE_OPERATION_COUNTER(hits_warm, hits, "tier", "warm", "answers", "doc")
AICACHE_NODE_GAUGE(level, level, "", "", "level", "doc, with aicache_words")
AICACHE_NODE_LATENCY(tiers, get_seconds, "tier", "", "seconds", "doc")
// AICACHE_NODE_GAUGE(gone, gone, "", "", "", "")
)";

}  // namespace

TEST_CASE("alerts, dashboard and guide name only figures that a node has, with labels that these have",
          "[architecture]") {
  const exposed_figures known = figures_of(of_tree("config/metrics.def"));
  REQUIRE(known.contains("aicache_hits_total"));
  for (const char* path : {"deploy/alerts.yml", "deploy/grafana.json", "deploy/README.md"}) {
    const std::string text = of_tree(path);
    INFO(path);
    CHECK(text.find("aicache_hits_total") != std::string::npos);
    CHECK(unknown_figures(text, known) == said{});
  }
}

TEST_CASE("every alert has a severity, a summary, and a row of the guide that says what to do", "[architecture]") {
  const std::string alerts = of_tree("deploy/alerts.yml");
  REQUIRE(alerts.find("- alert: ") != std::string::npos);
  CHECK(incomplete_alerts(alerts, of_tree("deploy/README.md")) == said{});
}

TEST_CASE("a row of the table is seen from outside under the name of its kind", "[architecture]") {
  const exposed_figures known = figures_of(two_rows);
  CHECK(known.size() == 6);
  CHECK(unknown_figures("aicache_hits_total aicache_level aicache_get_seconds aicache_get_seconds_bucket", known) ==
        said{});
  CHECK(unknown_figures("aicache_hits aicache_level_total aicache_gone aicache_hits_total_x", known) ==
        said{"there is no aicache_hits", "there is no aicache_level_total", "there is no aicache_gone",
             "there is no aicache_hits_total_x"});
}

TEST_CASE("a label that a figure does not have is found, and so is a value", "[architecture]") {
  const exposed_figures known = figures_of(two_rows);
  CHECK(unknown_figures(R"(aicache_hits_total{tier=~"hot|warm", operation="qa", job="j"})", known) == said{});
  CHECK(unknown_figures(R"(aicache_get_seconds_bucket{tier="any", le=\"0.5\"})", known) == said{});
  CHECK(unknown_figures(R"(aicache_hits_total{tier=~"hot|cold"} aicache_level{tier=\"hot\"})", known) ==
        said{"aicache_hits_total has no tier cold", "aicache_level has no label tier"});
}

TEST_CASE("an alert that lacks something is named", "[architecture]") {
  const std::string guide = "| it hurts | `x` | stop it |\n";
  const std::string whole =
      "- alert: A\n expr: x\n labels: { severity: warning }\n summary: \"s\"\n"
      " runbook: \"deploy/README.md, What is wrong: it hurts\"\n";
  CHECK(incomplete_alerts(whole, guide) == said{});
  CHECK(incomplete_alerts("- alert: B\n expr: x\n" + whole, guide) ==
        said{"B lacks severity: ", "B lacks summary: ", "B lacks a runbook"});
  CHECK(incomplete_alerts(whole, "| something else | | |") == said{"the guide has no row \"it hurts\" for A"});
}
