#include <nlohmann/json.hpp>

#include "tests/support/sim.hpp"

using namespace aicache;
using namespace aicache::test;

namespace {

using nlohmann::json;

json figures_of(sim& s, figures_view view) {
  return json::parse(s.told<figures_reply>(caf::actor_cast<caf::actor>(s.node), figures_request{view}).json);
}

/// A node that knows what models cost.
node_options priced_node() {
  node_options o = small_node();
  o.figures.operations = {{"qa", duration{1'800'000}}, {"summarize", duration{7'200'000}}};
  CHECK(o.figures.prices.set("model", {1'000'000, 2'000'000}));
  return o;
}

}  // namespace

TEST_CASE("a node tells what it saved by tenant, operation and model, to the token, and in money",
          "[actors][monitor][ledger]") {
  sim s(priced_node());
  client c = s.connect();
  for (std::uint64_t n = 0; n < 4; ++n) CHECK(s.result(c.put_async(ask(n), reply_to(n))) == put_result{});
  for (int round = 0; round < 3; ++round)
    for (std::uint64_t n = 0; n < 5; ++n) s.result(c.get_async(ask(n)));
  s.pass(duration{300});
  const json ledger = figures_of(s, figures_view::ledger);
  CHECK(ledger["currency"] == "USD");
  CHECK(ledger["total"]["calls"] == 12);
  CHECK(ledger["total"]["input_tokens"] == 120);
  CHECK(ledger["total"]["output_tokens"] == 240);
  CHECK(ledger["total"]["model_ms"] == 360);
  CHECK(ledger["total"]["worth_millionths"] == 120 + 2 * 240);
  CHECK(ledger["by_tenant"]["t"] == ledger["total"]);
  CHECK(ledger["by_operation"]["qa"] == ledger["total"]);
  CHECK(ledger["by_model"]["model"] == ledger["total"]);
  CHECK(ledger["total"]["by"]["hot"]["calls"] == 12);
}

TEST_CASE("a node's summary says what became of gets, by operation and by class of text", "[actors][monitor]") {
  sim s(priced_node());
  client c = s.connect();
  CHECK(s.result(c.put_async(ask(1), reply_to(1))) == put_result{});
  for (std::uint64_t n = 0; n < 4; ++n) s.result(c.get_async(ask(n % 2)));
  s.pass(duration{300});
  const json all = figures_of(s, figures_view::summary);
  CHECK(all["total"]["answered"] == 4);
  CHECK(all["total"]["hit_percent"] == 50.0);
  CHECK(all["recent"]["hits"] == 2);
  CHECK(all["operations"]["qa"]["total"]["hits"] == 2);
  CHECK_FALSE(all["operations"]["summarize"]["total"].contains("hit_percent"));
  CHECK(all["text_tiers"]["small"]["hit_percent"] == 50.0);
  CHECK_FALSE(all["text_tiers"]["large"].contains("hit_percent"));
  CHECK(all["memory"]["budget"] == 8 << 20);
  CHECK(all["node"]["level"] == "normal");
  CHECK(all["node"]["shards"] == 2);
  CHECK_FALSE(all.contains("redis"));
  const json everything = figures_of(s, figures_view::everything);
  CHECK(everything["summary"]["total"] == all["total"]);
  CHECK(everything["tenants"]["t"]["misses"] == 2);
  const json curve = figures_of(s, figures_view::curve);
  CHECK(curve["budget"] == 8 << 20);
  CHECK(curve["points"].empty());
}

TEST_CASE("recommendations name the setting, the value and the figures that they rest on", "[actors][monitor]") {
  sim s(priced_node());
  client c = s.connect();
  for (std::uint64_t n = 0; n < 40; ++n) s.result(c.get_async(ask(n)));
  s.pass(duration{300});
  const json all = figures_of(s, figures_view::recommendations);
  REQUIRE_FALSE(all.empty());
  const auto about_qa = std::find_if(all.begin(), all.end(), [](const json& r) { return r["subject"] == "qa"; });
  REQUIRE(about_qa != all.end());
  CHECK((*about_qa)["type"] == "hit_rate");
  CHECK((*about_qa)["priority"] == "high");
  CHECK_FALSE((*about_qa)["evidence"].empty());
  CHECK_FALSE((*about_qa)["action"]["text"].get<std::string>().empty());
}

TEST_CASE("a reset forgets what was counted, and neither answers nor settings", "[actors][monitor]") {
  sim s(priced_node());
  client c = s.connect();
  CHECK(s.result(c.put_async(ask(1), reply_to(1))) == put_result{});
  s.result(c.get_async(ask(1)));
  CHECK(s.told<invalidated>(caf::actor_cast<caf::actor>(s.node), invalidate_request{scope_kind::operation, "", "sum"})
            .why == errc::none);
  s.pass(duration{300});
  CHECK(figures_of(s, figures_view::summary)["invalidations"]["events"] == 1);
  s.told<reset_done>(caf::actor_cast<caf::actor>(s.node), reset_request{});
  const json after = figures_of(s, figures_view::summary);
  CHECK(after["total"]["answered"] == 0);
  CHECK(after["invalidations"]["events"] == 0);
  CHECK(after["invalidations"]["figures"]["requested"] == 0);
  CHECK(after["operations"].contains("summarize"));
  CHECK(figures_of(s, figures_view::ledger)["total"]["calls"] == 0);
  CHECK(s.statistics().invalidations == invalidation_counters{});
  REQUIRE(s.result(c.get_async(ask(1))).value);
  s.pass(duration{300});
  CHECK(figures_of(s, figures_view::summary)["total"]["hits"] == 1);
  CHECK(figures_of(s, figures_view::ledger)["total"]["worth_millionths"] == 50);
}

TEST_CASE("an invalidation is told by its scope and what it removed, and never by a key", "[actors][monitor]") {
  sim s(priced_node());
  client c = s.connect();
  for (std::uint64_t n = 0; n < 3; ++n) CHECK(s.result(c.put_async(ask(n), reply_to(n))) == put_result{});
  CHECK(s.told<invalidated>(caf::actor_cast<caf::actor>(s.node), invalidate_request{scope_kind::operation, "", "qa"})
            .in_memory == 3);
  // What is refused is no invalidation.
  CHECK(
      s.told<invalidated>(caf::actor_cast<caf::actor>(s.node), invalidate_request{scope_kind::operation, "", ""}).why ==
      errc::invalid_argument);
  const json told = figures_of(s, figures_view::summary)["invalidations"];
  CHECK(told["events"] == 1);
  CHECK(told["entries"] == 3);
  CHECK(told.dump().find("qa") != std::string::npos);
}

TEST_CASE("a view that does not exist is refused", "[actors][front]") {
  sim s(small_node());
  caf::error why;
  caf::scoped_actor self{s.system};
  auto asked = self->request(s.node, caf::infinite, figures_request{static_cast<figures_view>(99)});
  s.run();
  asked.receive([](figures_reply&) { FAIL("it was answered"); }, [&](caf::error& e) { why = e; });
  CHECK(why == caf::sec::invalid_argument);
}
