#include "engine/advice/advise.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

namespace aicache::advice_rules_test {

namespace {

operation_facts operation(std::uint64_t hits, std::uint64_t misses) {
  operation_facts o;
  o.name = "summarize";
  o.life = duration{3'600'000};
  o.hits = hits;
  o.misses = misses;
  return o;
}

advice_snapshot with(operation_facts o) {
  advice_snapshot s;
  s.operations.push_back(std::move(o));
  return s;
}

advice_snapshot with_texts(std::uint64_t small, std::uint64_t medium, std::uint64_t large, std::uint64_t xlarge) {
  advice_snapshot s;
  s.texts.gets = {small, medium, large, xlarge};
  return s;
}

advice_snapshot with_memory(std::uint64_t used_percent) {
  advice_snapshot s = with(operation(50, 50));
  s.memory = memory_facts{100 << 20, used_percent << 20, 0.5};
  return s;
}

/// A curve whose hit ratio at size s is base + step * (s - present) percent, without error.
hit_curve curve(double base, double step, std::uint64_t samples = 5000) {
  hit_curve c;
  c.budget = 64 << 20;
  c.samples = samples;
  for (std::size_t g = 0; g < hit_curve::group_count; ++g) {
    c.requests[g] = 100;
    for (std::size_t s = 0; s < hit_curve::size_count; ++s)
      c.hits[s][g] = base + step * (static_cast<double>(s) - static_cast<double>(hit_curve::present));
  }
  return c;
}

const recommendation* said(const std::vector<recommendation>& all, const std::string& rule) {
  const auto r = std::find_if(all.begin(), all.end(), [&](const recommendation& x) { return x.rule == rule; });
  return r == all.end() ? nullptr : &*r;
}

bool speaks(const advice_snapshot& s, const std::string& rule) {
  const auto all = advise(s);
  return said(all, rule) != nullptr;
}

double figure(const recommendation& r, const std::string& name) {
  for (const evidence& e : r.figures)
    if (e.name == name) return e.value;
  FAIL("no figure " << name);
  return 0;
}

}  // namespace

TEST_CASE("where nothing is known nothing is advised", "[engine][advice]") {
  CHECK(advise(advice_snapshot{}).empty());
  CHECK(advise(with(operation(0, 0))).empty());
  CHECK(advise(snapshot_of(record_book{}, {})).empty());
}

TEST_CASE("a low hit rate is advised on strictly below its bound, with enough gets", "[engine][advice]") {
  CHECK(speaks(with(operation(29, 71)), "rarely_hit"));
  CHECK_FALSE(speaks(with(operation(30, 70)), "rarely_hit"));
  CHECK(speaks(with(operation(2, 8)), "rarely_hit"));
  CHECK_FALSE(speaks(with(operation(1, 8)), "rarely_hit"));
  const auto all = advise(with(operation(2, 8)));
  const recommendation& r = *said(all, "rarely_hit");
  CHECK(r.priority == advice_priority::high);
  CHECK(r.type == advice_type::hit_rate);
  CHECK(r.subject == "summarize");
  CHECK(figure(r, "hit_rate") == 20.0);
  CHECK(figure(r, "gets") == 10);
  CHECK(r.action.setting == "ttl.operations");
  CHECK(r.action.value == "summarize=2h");
}

TEST_CASE("an operation that is never hit is advised on by itself", "[engine][advice]") {
  CHECK(speaks(with(operation(0, 10)), "never_hit"));
  CHECK_FALSE(speaks(with(operation(0, 10)), "rarely_hit"));
  CHECK_FALSE(speaks(with(operation(0, 9)), "never_hit"));
  CHECK_FALSE(speaks(with(operation(1, 10)), "never_hit"));
}

TEST_CASE("an excellent hit rate is noted strictly above its bound", "[engine][advice]") {
  CHECK_FALSE(speaks(with(operation(90, 10)), "often_hit"));
  CHECK(speaks(with(operation(91, 9)), "often_hit"));
  CHECK_FALSE(speaks(with(operation(9, 0)), "often_hit"));
  const auto all = advise(with(operation(19, 1)));
  CHECK(said(all, "often_hit")->priority == advice_priority::low);
  CHECK(figure(*said(all, "often_hit"), "hit_rate") == 95.0);
}

TEST_CASE("extra-large texts are advised on strictly above their share", "[engine][advice]") {
  CHECK_FALSE(speaks(with_texts(80, 0, 0, 20), "many_xlarge_texts"));
  CHECK(speaks(with_texts(79, 0, 0, 21), "many_xlarge_texts"));
  CHECK_FALSE(speaks(with_texts(0, 0, 0, 99), "many_xlarge_texts"));
  const auto all = advise(with_texts(0, 50, 0, 50));
  CHECK(said(all, "many_xlarge_texts")->action.value == "100000");
}

TEST_CASE("few, hardly any and mostly small texts each have their rule", "[engine][advice]") {
  CHECK(speaks(with_texts(9, 91, 0, 0), "few_small_texts"));
  CHECK_FALSE(speaks(with_texts(10, 90, 0, 0), "few_small_texts"));
  CHECK_FALSE(speaks(with_texts(0, 100, 0, 0), "few_small_texts"));
  CHECK(speaks(with_texts(19, 81, 0, 0), "hardly_small_texts"));
  CHECK_FALSE(speaks(with_texts(20, 80, 0, 0), "hardly_small_texts"));
  CHECK(speaks(with_texts(71, 29, 0, 0), "mostly_small_texts"));
  CHECK_FALSE(speaks(with_texts(70, 30, 0, 0), "mostly_small_texts"));
  CHECK_FALSE(speaks(with_texts(99, 0, 0, 0), "mostly_small_texts"));
  advice_snapshot idle = with_texts(71, 29, 0, 0);
  idle.memory = memory_facts{100 << 20, 29 << 20, 0.5};
  CHECK_FALSE(speaks(idle, "mostly_small_texts"));
  idle.memory = memory_facts{100 << 20, 30 << 20, 0.5};
  CHECK(speaks(idle, "mostly_small_texts"));
  advice_snapshot long_texts = with_texts(5, 95, 0, 0);
  long_texts.memory = memory_facts{100 << 20, 50 << 20, 0.5};
  auto all = advise(long_texts);
  CHECK(said(all, "hardly_small_texts")->action.value == "0.75");
  long_texts.memory->warm_share = 0.75;
  all = advise(long_texts);
  CHECK(said(all, "hardly_small_texts")->action.setting.empty());
  // More memory is not advised where it was measured to do nothing.
  advice_snapshot s = with_texts(71, 29, 0, 0);
  s.curve = curve(50, 0);
  CHECK_FALSE(speaks(s, "mostly_small_texts"));
}

TEST_CASE("full memory is advised on while nobody knows what more would do", "[engine][advice]") {
  CHECK_FALSE(speaks(with_memory(90), "memory_full"));
  CHECK(speaks(with_memory(91), "memory_full"));
  advice_snapshot s = with_memory(91);
  const auto all = advise(s);
  CHECK(said(all, "memory_full")->priority == advice_priority::high);
  CHECK(said(all, "memory_full")->action.value == "200MiB");
  s.curve = curve(50, 0);
  CHECK_FALSE(speaks(s, "memory_full"));
  s.curve->samples = 1999;
  CHECK(speaks(s, "memory_full"));
}

TEST_CASE("idle memory is advised on strictly below its bound, and only under traffic", "[engine][advice]") {
  CHECK(speaks(with_memory(29), "memory_idle"));
  CHECK_FALSE(speaks(with_memory(30), "memory_idle"));
  advice_snapshot s = with_memory(29);
  const auto all = advise(s);
  CHECK(said(all, "memory_idle")->action.value == "70MiB");
  s.operations[0] = operation(50, 49);
  CHECK_FALSE(speaks(s, "memory_idle"));
  s = with_memory(0);
  s.memory = memory_facts{1 << 20, 0, 0.5};
  CHECK_FALSE(speaks(s, "memory_idle"));
}

TEST_CASE("more memory is advised when it was measured to pay", "[engine][advice]") {
  advice_snapshot s;
  s.curve = curve(50, 7.2);
  const auto all = advise(s);
  const recommendation* r = said(all, "more_memory_pays");
  REQUIRE(r);
  CHECK(r->priority == advice_priority::medium);
  CHECK(r->action.setting == "memory.budget");
  CHECK(r->action.value == "128MiB");
  CHECK(r->action.sentence == "memory 64MiB to 128MiB");
  CHECK(r->effect == "+7.2 points of hit ratio (error 0.0), measured");
  s.curve = curve(50, 1.01);
  CHECK(speaks(s, "more_memory_pays"));
  s.curve = curve(50, 0.99);
  CHECK_FALSE(speaks(s, "more_memory_pays"));
  s.curve = curve(50, 7.2, 1999);
  CHECK_FALSE(speaks(s, "more_memory_pays"));
  // What may be nothing but chance is not advised.
  s.curve = curve(50, 7.2);
  for (std::size_t g = 0; g < hit_curve::group_count; ++g) s.curve->hits[3][g] += g % 2 == 0 ? 30 : -30;
  CHECK_FALSE(speaks(s, "more_memory_pays"));
  s = with_memory(95);
  s.curve = curve(50, 7.2);
  const auto full = advise(s);
  CHECK(said(full, "more_memory_pays")->priority == advice_priority::high);
}

TEST_CASE("less memory is advised when it was measured to cost nothing", "[engine][advice]") {
  advice_snapshot s;
  s.curve = curve(50, 0.09);
  CHECK(speaks(s, "less_memory_would_do"));
  s.curve = curve(50, 0.11);
  CHECK_FALSE(speaks(s, "less_memory_would_do"));
  s.curve = curve(50, 0);
  s.curve->budget = 1 << 20;
  CHECK_FALSE(speaks(s, "less_memory_would_do"));
}

TEST_CASE("a fast operation with a short life is advised on when answers expired", "[engine][advice]") {
  operation_facts o = operation(50, 50);
  o.expired = 1;
  o.timed = 5;
  o.mean_nanoseconds = 99'999'999;
  CHECK(speaks(with(o), "fast_but_short"));
  const auto all = advise(with(o));
  CHECK(said(all, "fast_but_short")->action.value == "summarize=2h");
  auto off = o;
  off.timed = 4;
  CHECK_FALSE(speaks(with(off), "fast_but_short"));
  off = o;
  off.mean_nanoseconds = 100'000'000;
  CHECK_FALSE(speaks(with(off), "fast_but_short"));
  off = o;
  off.life = duration{7'200'000};
  CHECK_FALSE(speaks(with(off), "fast_but_short"));
  off = o;
  off.expired = 0;
  CHECK_FALSE(speaks(with(off), "fast_but_short"));
  off = o;
  off.lifetimes.expired = 20;  // measured, and found to gain nothing
  CHECK(advise(with(off)).empty());
}

TEST_CASE("the life is advised that was measured to be enough", "[engine][advice]") {
  operation_facts o = operation(500, 500);
  o.life = duration{1'800'000};
  o.lifetimes.expired = 100;
  o.lifetimes.returned = {5, 6, 60, 65};
  const auto all = advise(with(o));
  const recommendation* r = said(all, "longer_life_pays");
  REQUIRE(r);
  // Four times the life gains half a point more than twice: not worth it.
  CHECK(r->action.value == "summarize=1h");
  CHECK(figure(*r, "expected_gain") == Approx(6));
  CHECK(r->effect == "+6.0 points of hit ratio (error 0.0), measured");
  o.lifetimes.returned = {0, 0, 10, 10};
  CHECK_FALSE(speaks(with(o), "longer_life_pays"));
  o.lifetimes.returned = {0, 0, 11, 11};
  CHECK(speaks(with(o), "longer_life_pays"));
  o.lifetimes.expired = 19;
  CHECK_FALSE(speaks(with(o), "longer_life_pays"));
}

TEST_CASE("poor compression is advised on strictly above its ratio", "[engine][advice]") {
  advice_snapshot s;
  s.compression = compression_facts{11, 0, 0.81, 256};
  CHECK(speaks(s, "poor_compression"));
  const auto all = advise(s);
  CHECK(said(all, "poor_compression")->action.value == "1KiB");
  s.compression->ratio = 0.8;
  CHECK_FALSE(speaks(s, "poor_compression"));
  s.compression = compression_facts{10, 0, 0.9, 256};
  CHECK_FALSE(speaks(s, "poor_compression"));
}

TEST_CASE("compression in vain is advised on when most answers do not shrink", "[engine][advice]") {
  advice_snapshot s;
  s.compression = compression_facts{49, 51, 0.5, 256};
  CHECK(speaks(s, "compression_in_vain"));
  s.compression = compression_facts{50, 50, 0.5, 256};
  CHECK_FALSE(speaks(s, "compression_in_vain"));
  s.compression = compression_facts{0, 10, 0.5, 256};
  CHECK_FALSE(speaks(s, "compression_in_vain"));
}

TEST_CASE("eviction pressure is advised on unless it was measured to cost no hits", "[engine][advice]") {
  advice_snapshot s;
  s.evictions = eviction_facts{100, 51};
  CHECK(speaks(s, "eviction_pressure"));
  s.evictions = eviction_facts{100, 50};
  CHECK_FALSE(speaks(s, "eviction_pressure"));
  s.evictions = eviction_facts{99, 99};
  CHECK_FALSE(speaks(s, "eviction_pressure"));
  s.evictions = eviction_facts{100, 100};
  s.curve = curve(50, 0.5);
  CHECK_FALSE(speaks(s, "eviction_pressure"));
  s.curve = curve(50, 5);
  CHECK(speaks(s, "eviction_pressure"));
}

TEST_CASE("a slow Redis and an absent one are told apart", "[engine][advice]") {
  advice_snapshot s;
  s.redis = redis_facts{1000, 0, 100, 50'000'001, duration{50}, 2};
  CHECK(speaks(s, "redis_slow"));
  const auto all = advise(s);
  CHECK(said(all, "redis_slow")->action.value == "4");
  s.redis->p99_nanoseconds = 50'000'000;
  CHECK_FALSE(speaks(s, "redis_slow"));
  s.redis = redis_facts{1000, 0, 99, 90'000'000, duration{50}, 2};
  CHECK_FALSE(speaks(s, "redis_slow"));
  s.redis = redis_facts{990, 10, 0, 0, duration{50}, 2};
  CHECK_FALSE(speaks(s, "redis_unavailable"));
  s.redis = redis_facts{989, 11, 0, 0, duration{50}, 2};
  CHECK(speaks(s, "redis_unavailable"));
  s.redis = redis_facts{50, 49, 0, 0, duration{50}, 2};
  CHECK_FALSE(speaks(s, "redis_unavailable"));
}

TEST_CASE("waiting in vain and finding no room are advised on each by its setting", "[engine][advice]") {
  advice_snapshot s;
  s.leases = lease_facts{89, 11, 0, duration{30'000}, 1000};
  const auto all = advise(s);
  REQUIRE(said(all, "waits_in_vain"));
  CHECK(said(all, "waits_in_vain")->action.setting == "lease.park_timeout");
  CHECK(said(all, "waits_in_vain")->action.value == "1m");
  s.leases->served = 90;
  s.leases->waited = 10;
  CHECK_FALSE(speaks(s, "waits_in_vain"));
  s.leases = lease_facts{9, 10, 0, duration{30'000}, 1000};
  CHECK_FALSE(speaks(s, "waits_in_vain"));
  s.leases = lease_facts{99, 0, 1, duration{30'000}, 1000};
  CHECK_FALSE(speaks(s, "no_room_to_wait"));
  s.leases = lease_facts{98, 0, 2, duration{30'000}, 1000};
  const auto turned_away = advise(s);
  REQUIRE(said(turned_away, "no_room_to_wait"));
  CHECK(said(turned_away, "no_room_to_wait")->action.value == "2000");
}

TEST_CASE("high comes before medium before low, and every recommendation is whole", "[engine][advice]") {
  advice_snapshot s = with_memory(91);
  s.operations.push_back(operation(95, 5));
  s.operations.push_back(operation(0, 50));
  s.texts.gets = {5, 20, 30, 60};
  s.redis = redis_facts{100, 100, 200, 99'000'000, duration{50}, 1};
  s.leases = lease_facts{50, 50, 50, duration{30'000}, 10};
  const auto all = advise(s);
  CHECK(all.size() >= 8);
  CHECK(std::is_sorted(all.begin(), all.end(), [](auto& a, auto& b) { return a.priority < b.priority; }));
  const auto names = advice_rules();
  for (const recommendation& r : all) {
    INFO(r.rule);
    CHECK(std::count(names.begin(), names.end(), r.rule) == 1);
    CHECK_FALSE(r.title.empty());
    CHECK_FALSE(r.figures.empty());
    CHECK_FALSE(r.effect.empty());
    CHECK_FALSE((r.action.setting.empty() && r.action.sentence.empty()));
    CHECK(r.action.setting.empty() == r.action.value.empty());
  }
  CHECK(advise(s) == all);
  const std::string text = to_json(all);
  CHECK_THAT(text, Catch::Contains("\"priority\":\"high\"") && Catch::Contains("\"evidence\":[{"));
  CHECK(to_json(std::vector<recommendation>{}) == "[]");
}

TEST_CASE("a snapshot holds what the record book knows", "[engine][advice]") {
  record_book::options o;
  o.operations = {{"qa", duration{60'000}}};
  record_book book{o};
  shard_report r;
  r.present.budget = 100;
  r.present.bytes_hot = 95;
  r.counted.packed = 20;
  r.counted.packed_raw_bytes = 100;
  r.counted.packed_bytes = 90;
  r.counted.evictions_hot = 7;
  operation_report q;
  q.name = "qa";
  q.counted.hits_hot = 3;
  q.counted.hits_parked = 1;
  q.counted.misses_expired = 6;
  q.counted.gets_medium = 10;
  q.counted.puts = 6;
  r.operations.push_back(q);
  REQUIRE(book.add(r, instant{0}));
  const advice_snapshot s = snapshot_of(book, {});
  REQUIRE(s.operations.size() == 1);
  CHECK(s.operations[0].hits == 4);
  CHECK(s.operations[0].expired == 6);
  CHECK(s.operations[0].life == duration{60'000});
  CHECK(s.texts.gets[1] == 10);
  CHECK(s.memory->used == 95);
  CHECK(s.compression->ratio == Approx(0.9));
  CHECK(s.evictions->evictions == 7);
  CHECK(s.leases->served == 1);
  const auto all = advise(s);
  CHECK(said(all, "poor_compression"));
  CHECK(said(all, "memory_full"));
}

}  // namespace aicache::advice_rules_test
