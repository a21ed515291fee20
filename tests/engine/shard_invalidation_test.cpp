#include <catch2/catch.hpp>

#include "tests/support/shard_harness.hpp"

namespace aicache::shard_invalidation_test {

using namespace aicache::test;

// Invalidation in the memory of one shard.

namespace {

using about = shard_harness::about;

shard_options options_of(std::uint16_t names = 256) {
  shard_options o;
  o.tiers.budget = 64 << 20;
  o.tiers.warm_share = 0;
  o.operations = names;
  o.tenants = names;
  return o;
}

constexpr std::uint64_t few = 7'000;
const std::uint64_t even = tag_hash("t", "even");

/// Keys below 7,000: every seventh of its own tenant, every fifth of its own operation, the even ones tagged.
about of(std::uint64_t key) {
  about a;
  if (key % 7 == 0) a.tenant = "seven";
  if (key % 5 == 0) a.operation = "five";
  if (key % 2 == 0) a.tags = {even, key};
  return a;
}
void fill(shard_harness& s, std::uint64_t from = 0, std::uint64_t to = few) {
  for (std::uint64_t k = from; k < to; ++k) s.put(k, "answer " + std::to_string(k), of(k));
}

struct target {
  const char* name;
  scope what;
  bool (*means)(std::uint64_t key);
};
std::vector<target> targets() {
  return {{"tenant", scope_of_tenant("seven"), [](std::uint64_t k) { return k % 7 == 0; }},
          {"operation", scope_of_operation("five"), [](std::uint64_t k) { return k % 5 == 0; }},
          {"tag", scope_of_tag(even), [](std::uint64_t k) { return k % 2 == 0; }},
          {"a rare tag", scope_of_tag(4'002), [](std::uint64_t k) { return k == 4'002; }},
          {"everything", scope{}, [](std::uint64_t) { return true; }},
          {"key", scope_of_key(id_of(17).key()), [](std::uint64_t k) { return k == 17; }}};
}

}  // namespace

TEST_CASE("what is invalidated leaves memory in bounded steps, with an exact count", "[engine][shard][invalidation]") {
  for (const target& t : targets()) {
    INFO(t.name);
    shard_harness s{options_of()};
    fill(s);
    std::uint64_t meant = 0;
    for (std::uint64_t k = 0; k < few; ++k) meant += t.means(k) ? 1 : 0;
    s.invalidate(t.what, 9);
    unsigned steps = 0;
    for (bool more = true; more; ++steps) {
      const std::size_t before = s.core.size();
      more = s.core.tick(s.now, s.out);
      if (before - s.core.size() > 3'000) FAIL("too much in one step");
    }
    s.tick();
    CHECK((steps > 2) == (t.what.kind != scope_kind::key));
    REQUIRE(s.invalidated.count(9) == 1);
    CHECK(s.invalidated[9] == meant);
    CHECK(s.core.counters().invalidated == meant);
    CHECK(s.core.size() == few - meant);
    CHECK(s.core.sound());
    for (std::uint64_t k = 0; k < few; ++k)
      if ((s.get(k, of(k)).status == get_status::hit) == t.means(k)) FAIL("key " << k);
  }
}

TEST_CASE("between the steps nothing that is invalidated is served, and nothing else is missed",
          "[engine][shard][invalidation]") {
  for (const target& t : targets()) {
    INFO(t.name);
    shard_harness s{options_of()};
    fill(s);
    s.invalidate(t.what, 9);
    std::uint64_t meant = 0;
    for (std::uint64_t k = 0; k < few; ++k) {
      meant += t.means(k) ? 1 : 0;
      if (s.exists(k) == t.means(k)) FAIL("key " << k << " exists or not");
      if (s.time_left(k).found == t.means(k)) FAIL("key " << k << " has time left or not");
      if (k % 3 == 0 && s.touch(k, 50'000).found == t.means(k)) FAIL("key " << k << " is touched or not");
      if (k % 3 == 1 && (s.get(k, of(k)).status == get_status::hit) == t.means(k)) FAIL("key " << k);
      if (k % 1'000 == 0) s.core.tick(s.now, s.out);
    }
    s.tick();
    CHECK(s.invalidated[9] == meant);
    CHECK(s.core.sound());
  }
}

TEST_CASE("what is put after an invalidation survives it, and what it replaced counts as invalidated",
          "[engine][shard][invalidation]") {
  for (const target& t : targets()) {
    INFO(t.name);
    shard_harness s{options_of()};
    fill(s);
    s.invalidate(t.what, 9);
    fill(s, 0, 2'000);
    fill(s, few, 30'000);  // the index grows meanwhile
    for (std::uint64_t k = 2'000; k < 2'100; ++k) {
      about a = of(k);
      s.core.resolve({{a.operation}, {a.tenant}});
      if (s.erase(k) == t.means(k)) FAIL("key " << k << " erased or not");
    }
    s.tick();
    std::uint64_t meant = 0;
    for (std::uint64_t k = 0; k < few; ++k) meant += t.means(k) ? 1 : 0;
    CHECK(s.invalidated[9] == meant);
    for (std::uint64_t k = 0; k < 30'000; ++k) {
      const bool lives = k < 2'000 || k >= few || (k >= 2'100 && !t.means(k));
      if ((s.get(k, of(k)).status == get_status::hit) != lives) FAIL("key " << k);
    }
    CHECK(s.core.sound());
  }
}

TEST_CASE("invalidations that overlap share their entries: each counts for one of them",
          "[engine][shard][invalidation]") {
  shard_harness s{options_of()};
  fill(s);
  s.invalidate(scope_of_tenant("seven"), 1);
  s.core.tick(s.now, s.out);
  s.invalidate(scope_of_operation("five"), 2);
  fill(s, 0, 1'000);
  s.invalidate(scope_of_tag(even), 3);
  s.invalidate(scope_of_key(id_of(6'999).key()), 4);
  s.tick();
  REQUIRE(s.invalidated.size() == 4);
  const std::uint64_t sum = s.invalidated[1] + s.invalidated[2] + s.invalidated[3] + s.invalidated[4];
  CHECK(sum == s.core.counters().invalidated);
  CHECK(s.invalidated[1] == 1'000);
  std::uint64_t five = 0;
  std::uint64_t left = 0;
  for (std::uint64_t k = 0; k < few; ++k) {
    five += k % 5 == 0 && k % 7 != 0 ? 1 : 0;
    const bool lives = k % 2 != 0 && (k < 1'000 || (k % 7 != 0 && k % 5 != 0)) && k != 6'999;
    left += lives ? 1 : 0;
    if ((s.get(k, of(k)).status == get_status::hit) != lives) FAIL("key " << k);
  }
  CHECK(s.invalidated[2] == five);
  CHECK(s.core.size() == left);
  CHECK(s.core.sound());
}

TEST_CASE("names beyond the table are invalidated together, too many rather than too few",
          "[engine][shard][invalidation]") {
  shard_harness s{options_of(3)};
  for (std::uint64_t k = 0; k < 8; ++k) {
    about a;
    a.operation = "operation " + std::to_string(k);
    s.put(k, "answer", a);
  }
  s.invalidate(scope_of_operation("operation 5"), 1);
  s.tick();
  CHECK(s.exists(0));
  CHECK_FALSE(s.exists(5));
  CHECK(s.invalidated[1] == 6);  // 2 to 7 share the number of "other"
  s.invalidate(scope_of_operation("operation 0"), 2);
  s.tick();
  CHECK_FALSE(s.exists(0));
  CHECK(s.exists(1));
  CHECK(s.core.sound());
}

TEST_CASE("an answer computed before an invalidation is not stored, and the next in line computes a new one for all",
          "[engine][shard][invalidation]") {
  for (const scope& what : {scope{}, scope_of_tenant("t"), scope_of_operation("qa"), scope_of_tag(even)}) {
    INFO(to_text(what));
    shard_harness s{options_of()};
    about a;
    a.lease = true;
    a.owner = 1;
    const get_result first = s.get(1, a);
    a.owner = 2;
    s.get(1, a);
    const std::uint64_t second = s.batch;
    a.owner = 3;
    s.get(1, a);
    const std::uint64_t third = s.batch;
    s.invalidate(what);
    s.tick();
    about late;
    late.token = first.lease;
    late.tags = {even};
    CHECK(s.put(1, "old", late).status == put_status::not_stored);
    CHECK_FALSE(s.exists(1));
    REQUIRE(s.late(second) != nullptr);
    REQUIRE(s.late(second)->status == get_status::lease);
    late.token = s.late(second)->lease;
    CHECK(s.put(1, "new", late) == put_result{});
    REQUIRE(s.late(third) != nullptr);
    CHECK(s.late(third)->value->text() == "new");
    CHECK(s.get(1).value->text() == "new");
    CHECK(s.core.sound());
  }
}

TEST_CASE("who asks after an invalidation does not wait for what was begun before it",
          "[engine][shard][invalidation]") {
  shard_harness s{options_of()};
  about a;
  a.lease = true;
  const get_result before = s.get(1, a);
  s.invalidate(scope_of_tenant("t"));
  a.owner = 2;
  const get_result after = s.get(1, a);
  REQUIRE(after.status == get_status::lease);
  about put;
  put.token = after.lease;
  CHECK(s.put(1, "new", put) == put_result{});
  put.token = before.lease;
  CHECK(s.put(1, "old", put).status == put_status::not_stored);
  CHECK(s.get(1).value->text() == "new");
  CHECK(s.core.sound());
}

TEST_CASE("an invalidated entry in a worker's hands does not come back", "[engine][shard][invalidation]") {
  shard_options o = options_of();
  o.tiers.warm_share = 0.5;
  shard_harness s{o};
  about big;
  big.text = text_tier::xlarge;
  s.put(1, prose(150'000, 1), big);
  s.work();
  REQUIRE(s.get(1, big).status == get_status::pending);
  const std::uint64_t before = s.batch;
  s.invalidate(scope_of_tenant("t"), 1);
  CHECK(s.get(1, big).status == get_status::miss);
  s.work();
  CHECK(s.late(before)->status == get_status::hit);  // who asked before it
  s.tick();
  CHECK(s.invalidated[1] == 1);
  CHECK(s.get(1, big).status == get_status::miss);
  CHECK(s.core.sound());
}

}  // namespace aicache::shard_invalidation_test
