#include "tests/support/shard_harness.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "engine/client/response.hpp"

namespace aicache::shard_transfer_test {

using namespace aicache::test;

namespace {

shard_options small(bool shared = false) {
  shard_options o;
  o.tiers.budget = 16 << 20;
  o.tiers.warm_share = 0;
  o.shared.on = shared;
  o.lifetimes.longest = duration{3'600'000};
  return o;
}

shard_harness::about of(std::string tenant, std::string operation, std::vector<std::uint64_t> tags = {}) {
  shard_harness::about a;
  a.tenant = std::move(tenant);
  a.operation = std::move(operation);
  a.tags = std::move(tags);
  a.ttl_ms = 60'000;
  return a;
}

/// One step after the other; what they gave by key, and how often.
struct walker {
  explicit walker(shard_harness& h) : of(h) {}

  walk_step step(std::uint64_t bytes = 1 << 20) {
    walk_step s = of.core.walk(place, bytes, of.now);
    place = s.next;
    unnamed += s.unnamed;
    if (s.over || s.done) return s;
    return s;
  }
  void take(const walk_step& s) {
    for (const transfer_item& i : s.page.items) {
      ++times[i.id.key()];
      last = i;
      names = s.page.names;
    }
  }
  std::size_t all(std::uint64_t bytes = 1 << 20) {
    std::size_t steps = 0;
    for (bool done = false; !done; ++steps) {
      const walk_step s = step(bytes);
      REQUIRE_FALSE(s.over);
      take(s);
      done = s.done;
    }
    return steps;
  }

  shard_harness& of;
  walk_place place;
  std::map<key128, int> times;
  transfer_item last;
  std::shared_ptr<const name_lists> names;
  std::uint64_t unnamed = 0;
};

/// What a shard's memory holds, as a file would bring it back.
transfer_page exported(shard_harness& from) {
  transfer_page all;
  auto names = std::make_shared<name_lists>();
  walk_place place;
  for (bool done = false; !done;) {
    walk_step s = from.core.walk(place, 1 << 20, from.now);
    REQUIRE_FALSE(s.over);
    place = s.next;
    done = s.done;
    for (transfer_item& i : s.page.items) {
      names->operations.push_back(s.page.names->operations[i.operation]);
      names->tenants.push_back(s.page.names->tenants[i.tenant]);
      i.operation = static_cast<std::uint16_t>(names->operations.size() - 1);
      i.tenant = static_cast<std::uint16_t>(names->tenants.size() - 1);
      i.value = blob::make(i.value->text(), i.value->facts(), i.value->attributes());
      all.items.push_back(std::move(i));
    }
  }
  all.names = std::move(names);
  return all;
}

std::vector<import_result> imported_into(shard_harness& to, const transfer_page& page, import_rules rules = {}) {
  to.core.resolve(*page.names, page.names);
  std::vector<import_result> results(page.items.size());
  effects out;
  to.core.import(page.items, rules, to.now, results, out);
  for (effect& e : out) to.jobs.push_back(std::move(e));
  return results;
}

import_status status_of(shard_harness& to, const transfer_page& page, import_rules rules = {}) {
  const auto results = imported_into(to, page, rules);
  REQUIRE(results.size() == 1);
  return results[0].status;
}

/// Key 1 as it would come out of Redis: with its whole identity.
transfer_page whole(const shard_harness& at, std::string_view text, generation born, duration age = duration{0}) {
  transfer_page p;
  p.names = std::make_shared<name_lists>(name_lists{{"qa"}, {"t"}});
  transfer_item i;
  i.id = id_of(1);
  i.whole = true;
  i.created = at.now - age;
  i.expires = at.now + duration{10'000};
  i.born = born;
  i.value = blob::make(text, {});
  p.items.push_back(std::move(i));
  return p;
}

}  // namespace

TEST_CASE("a walk tells everything that is alive, once, in bounded steps", "[engine][shard][transfer]") {
  shard_harness h(small());
  for (std::uint64_t k = 0; k < 20'000; ++k) h.put(k, "answer", of("t" + std::to_string(k % 3), "qa"));
  shard_harness::about brief = of("t0", "qa");
  brief.ttl_ms = 5;
  h.put(20'001, "gone soon", brief);
  h.now = h.now + duration{5};
  walker w(h);
  // About so many bytes: 6 each, but never less than one bucket.
  CHECK(w.all(600) > 20'000 * 6 / 600 / 2);
  CHECK(w.times.size() == 20'000);
  for (const auto& [key, n] : w.times) CHECK(n == 1);
  CHECK(w.unnamed == 0);
  CHECK(h.core.sound());
}

TEST_CASE("an entry comes with all that is known of it", "[engine][shard][transfer]") {
  shard_harness h(small());
  shard_harness::about a = of("acme", "summarize", {7, 9});
  a.text = text_tier::large;
  a.facts = {1, 2, 3, 6};
  h.put(1, to_blob({"answer", "model-1", 1, 2, 3}), a);
  h.now = h.now + duration{1'000};
  walker w(h);
  CHECK(w.all() == 1);
  CHECK(w.last.id.key() == id_of(1).key());
  CHECK_FALSE(w.last.whole);
  CHECK(w.names->tenants == std::vector<std::string>{"acme"});
  CHECK(w.names->operations == std::vector<std::string>{"summarize"});
  CHECK(w.last.text == text_tier::large);
  CHECK(w.last.created == instant{1'000'000});
  CHECK(w.last.expires == instant{1'060'000});
  CHECK(w.last.tags == std::vector<std::uint64_t>{7, 9});
  CHECK(attribute_of(*w.last.value, attribute::model) == "model-1");
  CHECK(w.last.numbered_by != numbered_by_redis);
  // Nothing was counted as asked for.
  CHECK(h.core.of_operation("summarize").gets() == 0);
}

TEST_CASE("what was there from the beginning to the end is told, whatever moves meanwhile",
          "[engine][shard][transfer]") {
  shard_harness h(small());
  for (std::uint64_t k = 0; k < 9'000; ++k) h.put(k, "answer", of("t", "qa"));
  walker w(h);
  std::uint64_t fresh = 100'000;
  for (bool done = false; !done;) {
    const walk_step s = w.step(3'000);
    REQUIRE_FALSE(s.over);
    w.take(s);
    done = s.done;
    // Entries come, which splits buckets, and others leave, which would fold them.
    const bool grows = fresh < 106'000;
    for (int i = 0; i < 300; ++i) h.put(fresh++, "answer", of("t", "qa"));
    if (!grows)
      for (std::uint64_t k = 0; k < 300; ++k) h.erase(fresh - 6'000 + k);
    h.tick();
  }
  for (std::uint64_t k = 0; k < 9'000; ++k)
    if (h.exists(k)) CHECK(w.times[id_of(k).key()] >= 1);
  CHECK(h.core.sound());
}

TEST_CASE("a walk that nobody goes on with is over, and the index folds again", "[engine][shard][transfer]") {
  shard_harness h(small());
  shard_harness::about lasting = of("t", "qa");
  lasting.ttl_ms = 600'000;
  for (std::uint64_t k = 0; k < 20'000; ++k) h.put(k, "answer", lasting);
  const std::uint64_t wide = h.core.walk({}, 100, h.now).buckets;
  walker w(h);
  w.step(100);
  for (std::uint64_t k = 0; k < 19'900; ++k) h.erase(k);
  h.pass(duration{59'999});
  CHECK(h.core.walk({}, 100, h.now).buckets == wide);
  CHECK_FALSE(w.step(100).over);
  h.pass(duration{60'000});
  CHECK(w.step(100).over);
  CHECK(h.core.walk({}, 100, h.now).buckets < wide / 2);
  w.place = {};
  w.all();
  CHECK(w.times.size() == 100);
}

TEST_CASE("a walk of another shard's run is over", "[engine][shard][transfer]") {
  shard_options o = small();
  shard_harness first(o);
  o.seed = 2;
  shard_harness second(o);
  const walk_step s = first.core.walk({}, 100, first.now);
  CHECK(second.core.walk(s.next, 100, second.now).over);
}

TEST_CASE("entries whose names nobody knows are counted and left out", "[engine][shard][transfer]") {
  shard_options o = small();
  o.tenants = 3;
  shard_harness h(o);
  for (std::uint64_t k = 0; k < 10; ++k) h.put(k, "answer", of("t" + std::to_string(k), "qa"));
  walker w(h);
  w.all();
  CHECK(w.times.size() == 2);
  CHECK(w.unnamed == 8);
}

TEST_CASE("what was exported is a hit in another memory, for what is left of its life", "[engine][shard][transfer]") {
  shard_harness from(small());
  for (std::uint64_t k = 0; k < 500; ++k) from.put(k, prose(50 + k, k), of("t", "qa", {k}));
  from.now = from.now + duration{59'000};
  shard_options other = small();
  other.seed = 99;
  shard_harness to(other);
  to.now = from.now;
  for (const import_result& r : imported_into(to, exported(from))) CHECK(r == import_result{});
  for (std::uint64_t k = 0; k < 500; ++k) {
    CHECK(text_of(to.get(k)) == prose(50 + k, k));
    CHECK(to.time_left(k).left_ms == 1'000);
  }
  CHECK(to.get(1).created == instant{1'000'000});
  // By its tag it can be forgotten there.
  to.invalidate(scope_of_tag(7));
  CHECK(to.get(7).status == get_status::miss);
  to.now = to.now + duration{1'000};
  CHECK(to.get(8).status == get_status::miss);
  CHECK(to.core.sound());
}

TEST_CASE("an import is judged entry by entry, and never overwrites what is newer", "[engine][shard][transfer]") {
  using status = import_status;
  shard_harness from(small());
  from.put(1, "old answer", of("t", "qa"));
  const transfer_page page = exported(from);
  shard_harness to(small());
  to.now = from.now + duration{10};
  CHECK(status_of(to, page, {true, false}) == status::stored);
  CHECK(to.core.size() == 0);
  CHECK(status_of(to, page) == status::stored);
  CHECK(status_of(to, page) == status::present);
  to.put(1, "new answer", of("t", "qa"));
  CHECK(status_of(to, page) == status::newer);
  CHECK(text_of(to.get(1)) == "new answer");
  transfer_page later = page;
  later.items[0].created = to.now + duration{1};
  later.items[0].value = blob::make("newest answer", {});
  CHECK(status_of(to, later, {true, false}) == status::replaced);
  CHECK(text_of(to.get(1)) == "new answer");
  CHECK(status_of(to, later) == status::replaced);
  CHECK(text_of(to.get(1)) == "newest answer");
  // Its birth lay ahead of this node's clock.
  CHECK(to.get(1).created == to.now);
  to.now = to.now + duration{60'000};
  CHECK(status_of(to, page) == status::expired);
}

TEST_CASE("who computes an answer is not overtaken by an import", "[engine][shard][transfer]") {
  shard_harness from(small());
  from.put(1, "old answer", of("t", "qa"));
  shard_harness to(small());
  CHECK(to.get(1, leasing()).status == get_status::lease);
  CHECK(status_of(to, exported(from)) == import_status::newer);
}

TEST_CASE("what a put may not do an import may not either", "[engine][shard][transfer]") {
  const auto refused_with = [](auto change) {
    shard_harness to(small());
    transfer_page p = whole(to, "answer", 0);
    change(p.items[0], to);
    const auto results = imported_into(to, p);
    CHECK(results[0].status == import_status::refused);
    CHECK(to.core.size() == 0);
    return results[0].error;
  };
  CHECK(refused_with([](transfer_item& i, shard_harness&) { i.value = {}; }) == errc::invalid_argument);
  CHECK(refused_with([](transfer_item& i, shard_harness&) { i.tags.resize(64); }) == errc::invalid_argument);
  CHECK(refused_with([](transfer_item& i, shard_harness&) { i.expires = never; }) == errc::invalid_argument);
  CHECK(refused_with([](transfer_item& i, shard_harness& h) { i.expires = h.now + duration{3'600'001}; }) ==
        errc::invalid_argument);
  CHECK(refused_with([](transfer_item& i, shard_harness&) { i.value = blob::make(" \n", {}); }) == errc::answer_empty);
  CHECK(refused_with([](transfer_item& i, shard_harness&) {
          response cut{"half an ans", "m", 1, 2, 3};
          cut.finish = finish_reason::length;
          i.value = to_blob(cut);
        }) == errc::answer_truncated);
  CHECK(refused_with([](transfer_item& i, shard_harness&) { i.value = blob::make(noise(17 << 20, 1), {}); }) ==
        errc::too_large);
}

TEST_CASE("an import that a tenant's quota refuses is counted as a put that it refuses", "[engine][shard][transfer]") {
  shard_options o = small();
  o.quotas.otherwise = 64 << 10;
  shard_harness to(o);
  transfer_page p = whole(to, "answer", 0);
  p.items[0].value = blob::make(noise(100'000, 2), {});
  const auto results = imported_into(to, p);
  CHECK(results[0].status == import_status::refused);
  CHECK(results[0].error == errc::too_large);
  CHECK(to.core.counters().refused_quota == 1);
  CHECK(to.core.counters().refused_memory + to.core.counters().refused_too_large == 0);
  CHECK(to.core.sound());
}

TEST_CASE("what was invalidated does not come back into the memory that it was exported from",
          "[engine][shard][transfer]") {
  shard_harness h(small());
  h.put(1, "answer", of("acme", "qa", {7}));
  const transfer_page page = exported(h);
  const scope dead = GENERATE(scope{}, scope_of_tenant("acme"), scope_of_operation("qa"), scope_of_tag(7));
  h.invalidate(dead);
  h.tick();
  CHECK(status_of(h, page) == import_status::invalidated);
  CHECK(h.get(1).status == get_status::miss);
  // What is put afterwards has nothing to do with it.
  h.put(1, "new answer", of("acme", "qa", {7}));
  const transfer_page again = exported(h);
  h.erase(1);
  CHECK(status_of(h, again) == import_status::stored);
  // Another shard's run counts for itself, and knows nothing of it.
  shard_options o = small();
  o.seed = 2;
  shard_harness other(o);
  CHECK(status_of(other, page) == import_status::stored);
}

TEST_CASE("with Redis the generations decide what comes back", "[engine][shard][transfer]") {
  shard_harness h(small(true));
  h.shared(true, 5);
  h.put(1, "answer", of("acme", "qa", {7}));
  const transfer_page page = exported(h);
  CHECK(page.items[0].born == 5);
  CHECK(page.items[0].numbered_by == numbered_by_redis);
  const scope dead = GENERATE(scope{}, scope_of_tenant("acme"), scope_of_operation("qa"), scope_of_tag(7),
                              scope_of_key(id_of(1).key()));
  SECTION("also before the invalidation has its number") {
    h.invalidate(dead);
    h.tick();
    CHECK(status_of(h, page) == import_status::invalidated);
  }
  SECTION("and on every node of that Redis") {
    shard_options o = small(true);
    o.seed = 2;
    shard_harness other(o);
    other.shared(true, 6);
    other.invalidate(dead, 0, 6);
    CHECK(status_of(other, page) == import_status::invalidated);
    CHECK(status_of(other, page, {true, false}) == import_status::invalidated);
    // Unless somebody says that they are another Redis' generations.
    CHECK(status_of(other, page, {false, true}) == import_status::stored);
  }
  SECTION("but not what was born later") {
    h.invalidate(dead, 0, 6);
    h.shared(true, 6);
    h.put(1, "new answer", of("acme", "qa", {7}));
    const transfer_page again = exported(h);
    h.core.clear(h.out);
    CHECK(status_of(h, again) == import_status::stored);
  }
}

TEST_CASE("a whole identity reaches Redis, half a one stays in memory", "[engine][shard][transfer]") {
  shard_harness h(small(true));
  h.shared(true, 3);
  CHECK(status_of(h, whole(h, "from a file", 2)) == import_status::stored);
  h.work();
  CHECK(h.in_redis(1) == "from a file");
  shard_harness from(small());
  from.put(2, "known by half", of("t", "qa"));
  CHECK(status_of(h, exported(from)) == import_status::stored);
  h.work();
  CHECK(text_of(h.get(2)) == "known by half");
  CHECK_FALSE(h.lies_in_redis(2));
  CHECK(h.core.sound());
}

TEST_CASE("an import tells whether Redis has been told of what is here", "[engine][shard][transfer]") {
  shard_harness h(small(true));
  h.shared(true, 3);
  h.put(1, "answer", of("t", "qa"));
  transfer_page page = exported(h);
  CHECK(page.items[0].behind);
  CHECK(imported_into(h, page, {true, false})[0] == import_result{import_status::present, errc::none, true});
  h.work();
  CHECK_FALSE(exported(h).items[0].behind);
  CHECK(imported_into(h, page, {true, false})[0] == import_result{import_status::present, errc::none, false});
}

TEST_CASE("every part of a shard's options that may change is taken over", "[engine][shard]") {
  const auto failed = [](shard_harness& h, std::uint64_t key) {
    const std::uint64_t lease = h.get(key, leasing()).lease;
    return h.put(key, to_blob(failed_response(errc::provider_failed)), under(lease)).status;
  };
  shard_options o = small();
  shard_harness h(o);
  CHECK(failed(h, 1) == put_status::negative);
  o.negatives.failed = false;
  o.park = duration{100};
  o.leases.lease = duration{50};
  o.lifetimes.jitter_percent = 50;
  o.promotion_hits = 1;
  o.gate.store_truncated = true;
  o.stale.if_error_of = {{"qa", duration{4'000}}};
  h.core.retune(o, h.out);
  CHECK(failed(h, 2) != put_status::negative);
  response cut{"half an ans", "m", 1, 2, 3};
  cut.finish = finish_reason::length;
  CHECK(h.put(3, to_blob(cut), {}).status == put_status::stored);
  // Lives differ now, by their keys.
  std::set<std::int64_t> lives;
  for (std::uint64_t k = 10; k < 30; ++k) {
    h.put(k, "answer");
    lives.insert(h.time_left(k).left_ms);
  }
  CHECK(lives.size() > 10);
  // A lease passes on after its new length, and who waits is told of a miss by the new limit.
  CHECK(h.get(40, leasing(1)).status == get_status::lease);
  CHECK(h.get(40, leasing(2)).status == get_status::pending);
  const std::uint64_t second = h.batch;
  h.pass(duration{50});
  REQUIRE(h.late(second) != nullptr);
  CHECK(h.late(second)->status == get_status::lease);
  CHECK(h.get(40, leasing(3)).status == get_status::pending);
  const std::uint64_t third = h.batch;
  CHECK(h.late(third) == nullptr);
  h.pass(duration{49});
  h.pass(duration{51});
  REQUIRE(h.late(third) != nullptr);
  // An answer past its time is there for who fails to make a new one.
  shard_harness::about brief;
  brief.ttl_ms = 10;
  h.put(50, "old answer", brief);
  h.now = h.now + duration{11};
  CHECK(h.get(50, leasing(4)).stale == staleness::fallback);
  CHECK(h.core.sound());
}

TEST_CASE("settings that change hold from then on, and what is kept keeps its end", "[engine][shard]") {
  shard_options o = small();
  o.lifetimes.otherwise = duration{10'000};
  o.leases.parked_per_key = 5;
  shard_harness h(o);
  h.put(1, "answer");
  h.put(2, "");
  CHECK_FALSE(h.exists(2));
  o.lifetimes.otherwise = duration{20'000};
  o.lifetimes.operations = {{"fresh", duration{30'000}}};
  o.lifetimes.longest = duration{50'000};
  o.gate.store_empty = true;
  o.stale.while_revalidate = duration{5'000};
  o.leases.parked_per_key = 0;
  h.core.retune(o, h.out);
  CHECK(h.time_left(1).left_ms == 10'000);
  h.put(2, "");
  CHECK(h.time_left(2).left_ms == 20'000);
  shard_harness::about fresh;
  fresh.operation = "fresh";
  h.put(3, "answer", fresh);
  CHECK(h.time_left(3).left_ms == 30'000);
  shard_harness::about too_long;
  too_long.ttl_ms = 50'001;
  CHECK(h.put(4, "answer", too_long).error == errc::invalid_argument);
  CHECK(h.get(9, leasing(1)).status == get_status::lease);
  CHECK(h.get(9, leasing(2)).status == get_status::miss);
  // Past its time it is served all the same, while one computes anew.
  h.now = h.now + duration{12'000};
  CHECK(h.get(1, leasing(3)).status == get_status::lease);
  CHECK(h.get(1).stale == staleness::stale);
  h.pass(duration{4'000});
  CHECK(h.get(1).status == get_status::miss);
  CHECK(h.core.sound());
}

}  // namespace aicache::shard_transfer_test
