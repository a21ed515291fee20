#include "engine/statistics/record_book.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "engine/statistics/export.hpp"

namespace aicache::statistics_record_book_test {

namespace {

sparse_histogram timed(std::uint64_t ns, std::uint64_t count) {
  histogram h;
  h.record(ns, count);
  sparse_histogram s;
  h.report_since({}, s);
  return s;
}

operation_report operation(const char* name, std::uint64_t hits, std::uint64_t misses, std::uint64_t ns = 1000) {
  operation_report o;
  o.name = name;
  o.counted.hits_hot = hits;
  o.counted.misses_absent = misses;
  o.counted.gets_small = hits + misses;
  o.latency = timed(ns, hits + misses);
  return o;
}

shard_report report(std::vector<operation_report> operations) {
  shard_report r;
  r.present.budget = 1000;
  r.present.bytes_hot = 100;
  r.present.entries_hot = 10;
  histogram all;
  for (const operation_report& o : operations) REQUIRE(all.merge(o.latency));
  all.report_since({}, r.latency_by_tier[1]);
  r.operations = std::move(operations);
  return r;
}

const operation_summary& find(const summary& s, const std::string& name) {
  for (const operation_summary& o : s.operations)
    if (o.name == name) return o;
  FAIL("no operation " << name);
  return s.operations.front();
}

record_book::options configured() {
  record_book::options o;
  o.operations = {{"summarize", duration{7'200'000}}, {"qa", duration{1'800'000}}};
  return o;
}

}  // namespace

TEST_CASE("hit rates are of gets alone, by operation and over all", "[engine][statistics]") {
  record_book book{configured()};
  auto r = report({operation("summarize", 80, 20), operation("sentiment", 45, 5)});
  r.operations[0].counted.puts = 500;
  REQUIRE(book.add(r, instant{0}));
  const summary s = book.summarise(instant{0});
  CHECK(s.gets.answered == 150);
  CHECK(*s.gets.hit_percent == Approx(83.33).epsilon(0.001));
  CHECK(*find(s, "summarize").gets.hit_percent == 80.0);
  CHECK(*find(s, "sentiment").gets.hit_percent == 90.0);
  CHECK(s.recent == s.gets);
}

TEST_CASE("a configured operation that nobody asked for is listed without a rate", "[engine][statistics]") {
  record_book book{configured()};
  const summary s = book.summarise(instant{0});
  REQUIRE(s.operations.size() == 2);
  CHECK(find(s, "qa").gets.answered == 0);
  CHECK_FALSE(find(s, "qa").gets.hit_percent);
  CHECK(find(s, "qa").ttl == duration{1'800'000});
  CHECK_FALSE(s.gets.hit_percent);
  CHECK_FALSE(s.nanoseconds);
  CHECK_FALSE(s.compression);
  CHECK_FALSE(s.key_generation);
  CHECK_FALSE(s.memory);
  CHECK(s.fastest.empty());
  CHECK(s.text_tier_completeness_percent == 0);
}

TEST_CASE("the recent window forgets what the totals keep", "[engine][statistics]") {
  record_book book;
  REQUIRE(book.add(report({operation("qa", 10, 0)}), instant{0}));
  const std::int64_t hour = 3'600'000;
  REQUIRE(book.add(report({operation("qa", 0, 30)}), instant{hour}));
  const summary s = book.summarise(instant{hour});
  CHECK(s.gets.answered == 40);
  CHECK(s.recent.answered == 30);
  CHECK(*s.recent.hit_percent == 0.0);
  CHECK(find(s, "qa").recent.misses == 30);
  CHECK(s.recent_nanoseconds->count == 30);
  CHECK(s.nanoseconds->count == 40);
  CHECK(book.summarise(instant{3 * hour}).recent.answered == 0);
}

TEST_CASE("the fastest and slowest operations are those by their means", "[engine][statistics]") {
  record_book book;
  REQUIRE(
      book.add(report({operation("a", 5, 0, 5000), operation("b", 5, 0, 100), operation("c", 5, 0, 900)}), instant{0}));
  const summary s = book.summarise(instant{0});
  CHECK(s.fastest == "b");
  CHECK(s.slowest == "a");
  CHECK(find(s, "a").nanoseconds->count == 5);
}

TEST_CASE("a report that does not parse leaves nothing of itself", "[engine][statistics]") {
  record_book book;
  auto bad = report({operation("qa", 5, 5)});
  bad.latency_by_tier[1].buckets.push_back({0, 1});
  CHECK_FALSE(book.add(bad, instant{0}));
  CHECK(book.summarise(instant{0}).gets.answered == 0);
  CHECK(book.recent(instant{0}).operations.empty());
}

TEST_CASE("text classes have shares from gets and hits from counted misses", "[engine][statistics]") {
  operation_counters total;
  total.gets_small = 40;
  total.gets_medium = 20;
  total.gets_large = 40;
  const auto unknown = summarise_text_tiers(total, {});
  CHECK(*unknown[0].share_percent == 40.0);
  CHECK_FALSE(unknown[0].hit_percent);
  CHECK(rank(unknown).empty());
  text_tier_figures figures;
  figures.misses = {0, 1, 1, 0};
  figures.nanoseconds[0].record(8'000'000);
  figures.nanoseconds[0].record(10'000'000);
  figures.nanoseconds[1].record(1'000'000, 2);
  figures.nanoseconds[2].record(200'000'000);
  const auto tiers = summarise_text_tiers(total, figures);
  CHECK(*tiers[0].hit_percent == 100.0);
  CHECK(tiers[0].nanoseconds->mean == 9e6);
  CHECK(*tiers[1].hit_percent == 50.0);
  CHECK_FALSE(tiers[3].hit_percent);
  CHECK(*tiers[0].score == Approx(100.0 / 9));
  CHECK(rank(tiers) == std::vector<text_tier>{text_tier::medium, text_tier::small, text_tier::large});
  CHECK(tiers[0].remarks.size() == 2);  // well cached, fast
  CHECK(tiers[2].remarks.size() == 2);  // few hits, slow
}

TEST_CASE("compression and key generation are summed up", "[engine][statistics]") {
  record_book book;
  auto r = report({});
  r.counted.packed = 4;
  r.counted.packed_raw_bytes = 1000;
  r.counted.packed_bytes = 250;
  r.counted.unpackable = 1;
  compression_window c;
  c.record_pack(1000, 250, 70);
  c.record_pack(0, 10, 0);
  c.record_unpack(30);
  c.take(r.compression);
  REQUIRE(book.add(r, instant{0}));
  key_generation_window k;
  k.record(4000, std::vector<std::uint32_t>{600, 100}, {1, 1, 0, 0});
  k.record(8000, std::vector<std::uint32_t>{100, 600}, {1, 1, 0, 0});
  k.record(1, {}, {});
  key_generation_report made;
  k.take(made);
  REQUIRE(book.add(made));
  k.take(made);
  REQUIRE(book.add(made));
  const summary s = book.summarise(instant{0});
  REQUIRE(s.compression);
  CHECK(*s.compression->ratio == 0.25);
  CHECK(*s.compression->saved_percent == 75.0);
  CHECK(s.compression->saved_bytes == 750);
  CHECK(s.compression->permille->count == 1);
  CHECK(s.compression->pack_nanoseconds->most == 70);
  CHECK(s.compression->unpack_nanoseconds->most == 30);
  REQUIRE(s.key_generation);
  CHECK(s.key_generation->nanoseconds.mean == 3000);
  CHECK(s.key_generation->code_points.most == 600);
  CHECK(s.key_generation->nanoseconds.count == 4);
  CHECK(s.key_generation->by_text[1] == 2);
  key_generation_report bad;
  bad.code_points.max = UINT64_MAX;
  CHECK_FALSE(book.add(bad));
  shard_report worse;
  worse.compression.pack_nanoseconds.max = UINT64_MAX;
  CHECK_FALSE(book.add(worse, instant{0}));
  worse = {};
  worse.shared_reads.max = UINT64_MAX;
  CHECK_FALSE(book.add(worse, instant{0}));
}

TEST_CASE("tenants are told with what they take, and no more of them than were allowed for", "[engine][statistics]") {
  record_book::options o;
  o.tenants = 2;
  record_book book{o};
  auto r = report({});
  for (const char* name : {"a", "b", "c", "d"}) {
    tenant_report t{name, {}, {100, 2, 400}};
    t.counted.hits = 3;
    t.counted.misses = 1;
    t.counted.quota_evicted = 5;
    r.tenants.push_back(std::move(t));
  }
  REQUIRE(book.add(r, instant{0}));
  // Another shard, and the first one once more with what has changed.
  r.shard = 1;
  r.tenants.resize(1);
  REQUIRE(book.add(r, instant{0}));
  r.shard = 0;
  r.tenants[0].present.bytes = 50;
  REQUIRE(book.add(r, instant{0}));
  const auto tenants = book.summarise(instant{0}).tenants;
  REQUIRE(tenants.size() == 3);
  CHECK(tenants[0].name == "a");
  CHECK(tenants[0].gets == get_summary{12, 9, 3, 75.0});
  CHECK(tenants[0].present == tenant_gauges{150, 4, 800});
  CHECK(tenants[0].counted.quota_evicted == 15);
  CHECK(tenants[0].quota_percent == 18.75);
  CHECK(tenants[2].name == "other");
  CHECK(tenants[2].present == tenant_gauges{200, 4, 800});
  CHECK(tenants[2].counted.hits == 6);
  CHECK_THAT(to_json(book.summarise(instant{0})), Catch::Contains("\"quota_percent\":18.75"));
  // What a lost shard held is gone, what it counted is not.
  book.shard_lost(0);
  CHECK(book.summarise(instant{0}).tenants[0].present == tenant_gauges{100, 2, 400});
  CHECK(book.summarise(instant{0}).tenants[0].gets.hits == 9);
  // A reset leaves what they take.
  book.reset();
  REQUIRE(book.summarise(instant{0}).tenants.size() == 1);
  CHECK(book.summarise(instant{0}).tenants[0].present.bytes == 100);
  CHECK(book.summarise(instant{0}).tenants[0].gets.answered == 0);
}

TEST_CASE("lives that would have been long enough are told by operation", "[engine][statistics]") {
  record_book book{configured()};
  auto r = report({operation("qa", 600, 400)});
  r.operations[0].lifetimes = {1.0 / 16, 20, {5, 10, 15, 20}};
  REQUIRE(book.add(r, instant{0}));
  REQUIRE(book.add(r, instant{0}));
  const summary s = book.summarise(instant{0});
  CHECK(find(s, "qa").lifetimes == lifetime_evidence{1.0 / 16, 40, {10, 20, 30, 40}});
  CHECK_THAT(to_json(s), Catch::Contains("\"expired\":640") && Catch::Contains("\"asked_again\":160"));
  CHECK(find(s, "summarize").lifetimes.is_empty());
}

TEST_CASE("a tick learns what is usual, and slow cases show in the summary", "[engine][statistics]") {
  record_book book;
  REQUIRE(book.add(report({operation("qa", 100, 0, 2'000'000)}), instant{0}));
  book.add(slow_event{instant{0}, work_kind::get, "qa", 90'000'000, 0});
  CHECK(book.summarise(instant{0}).slow.empty());
  book.tick(instant{0});
  book.add(slow_event{instant{0}, work_kind::get, "qa", 90'000'000, 0});
  const summary s = book.summarise(instant{0});
  REQUIRE(s.slow.size() == 1);
  CHECK(s.slow[0].times_slower > 40);
  REQUIRE(s.memory);
  CHECK(*s.memory->used_percent == 10.0);
}

TEST_CASE("a reset forgets what was counted and keeps what was set", "[engine][statistics]") {
  record_book::options o = configured();
  REQUIRE(o.prices.set("m", {1'000'000, 0}));
  record_book book{o};
  shard_report first = report({operation("qa", 5, 5)});
  ledger_line line{"a", "qa", "m", {}};
  line.gained[saving::hot] = {1, 10, 0, 5};
  first.saved = {{line}, 0};
  first.latency_by_text[1] = timed(1000, 10);
  first.misses_by_text[1] = 5;
  REQUIRE(book.add(first, instant{0}));
  CHECK(*book.summarise(instant{0}).text_tiers[1].hit_percent == 50.0);
  book.add(invalidation_event{instant{0}, scope_kind::everything, "", 3, 1});
  book.tick(instant{0});
  book.reset();
  const summary s = book.summarise(instant{0});
  CHECK(s.gets == get_summary{});
  CHECK(s.recent == get_summary{});
  CHECK(s.total == operation_counters{});
  CHECK_FALSE(s.text_tiers[1].hit_percent);
  CHECK(s.invalidations.events == 0);
  REQUIRE(s.memory);
  CHECK(s.memory->samples == 1);
  CHECK(book.ledger().total() == ledger_entry{});
  CHECK(s.operations.size() == 2);
  CHECK(book.ledger().prices().find("m"));
  // What shards hold is no count: it is still there, and counting goes on.
  CHECK(book.totals().present().budget == 1000);
  REQUIRE(book.add(report({operation("qa", 1, 0)}), instant{1}));
  CHECK(book.summarise(instant{1}).gets.answered == 1);
}

TEST_CASE("what is exported is JSON that holds every counter", "[engine][statistics]") {
  record_book book{configured()};
  shard_report told = report({operation("qa", 3, 1), operation("not utf-8 \xff", 1, 0)});
  ledger_line line{"a", "qa", "m", {}};
  line.gained[saving::parked] = {1, 10, 20, 5};
  told.saved = {{line}, 0};
  REQUIRE(book.add(told, instant{5}));
  book.tick(instant{5});
  node_facts node;
  node.epoch = 77;
  node.level = service_level::memory_only;
  node.link = link_figures{};
  node.link->counted.outages = 78;
  node.link->present.gate = 1;
  const std::string text = export_json(book, node, instant{5});
  for (const char* part : {"\"hits_hot\":3", "\"hit_percent\":75.0", "\"summarize\":", "\"tenant\":\"a\"",
                           "\"parked\":{\"calls\":1", "\"unpriced_tokens\":30", "\"budget\":1000",
                           "\"p999\":", "\"at\":5", "\"epoch\":77", "\"level\":\"memory_only\"", "\"outages\":78"})
    CHECK_THAT(text, Catch::Contains(part));
  operation_counters all;
  for_each_figure(all, [&](const metric_row& row, std::uint64_t&) {
    CHECK_THAT(text, Catch::Contains('"' + std::string(row.member) + '"'));
  });
  CHECK(text.find('\xff') == std::string::npos);
  CHECK(text == export_json(book, node, instant{5}));
  // Without Redis nothing is said of it.
  node.link.reset();
  CHECK_THAT(to_json(book.summarise(instant{5}), node), !Catch::Contains("\"redis\""));
  // No rate where nothing was asked.
  CHECK_THAT(to_json(book.summarise(instant{5})),
             Catch::Contains("\"summarize\":{\"puts\":0,\"recent\":{\"answered\":0,\"hits\":0,\"misses\":0}"));
}

}  // namespace aicache::statistics_record_book_test
