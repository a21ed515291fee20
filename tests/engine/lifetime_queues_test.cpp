#include "engine/memory/lifetime_queues.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <vector>

namespace aicache::lifetime_queues_test {

namespace {

struct twin {
  lifetime_queues queues;
  std::map<int, blob_ref> entries;
  instant now{1'000'000};

  void insert(int name, std::int64_t lifetime_ms) {
    blob_ref b = blob::make("", {});
    b->key.lo = static_cast<std::uint64_t>(name);
    b->expires = lifetime_ms == INT64_MAX ? never : now + duration{lifetime_ms};
    queues.insert(*b, now);
    entries[name] = std::move(b);
  }
  void erase(int name) {
    queues.erase(*entries.at(name));
    entries.erase(name);
  }
  std::size_t expire(unsigned limit, bool& more) {
    std::size_t gone = 0;
    more = queues.take_expired(now, limit, [&](blob& b) {
      REQUIRE(b.expires <= now);
      ++gone;
      erase(static_cast<int>(b.key.lo));
    });
    return gone;
  }
  std::size_t expire_all() {
    std::size_t gone = 0;
    for (bool more = true; more;) gone += expire(100, more);
    return gone;
  }
  bool sound() const {
    std::size_t linked = 0;
    std::size_t ending = 0;
    for (const auto& [name, b] : entries) ending += b->expires == never ? 0 : 1;
    return queues.sound(linked) && linked == ending;
  }
};

}  // namespace

TEST_CASE("the classes of lifetimes ascend, and each spans at most a part in 128", "[engine][lifetime]") {
  std::uint16_t before = 0;
  std::int64_t first_of_class = 0;
  for (std::int64_t ms = 1; ms < 200'000; ++ms) {
    const std::uint16_t number = lifetime_queues::class_of(duration{ms});
    REQUIRE(number >= before);
    REQUIRE(number <= before + 1);
    if (number != before) first_of_class = ms;
    REQUIRE((ms - first_of_class) * 128 <= first_of_class);
    before = number;
  }
  CHECK(lifetime_queues::class_of(duration{0}) == lifetime_queues::class_of(duration{1}));
  CHECK(lifetime_queues::class_of(duration{-5}) == lifetime_queues::class_of(duration{1}));
  CHECK(lifetime_queues::class_of(duration::max()) < 36 * 128);
  CHECK(lifetime_queues::class_of(duration{365LL * 86'400'000}) > before);
}

TEST_CASE("entries leave when their time has come, and not before", "[engine][lifetime]") {
  twin t;
  t.insert(1, 100);
  t.insert(2, 5'000);
  t.insert(3, 100);
  t.insert(4, INT64_MAX);
  CHECK(t.expire_all() == 0);
  t.now = t.now + duration{99};
  CHECK(t.expire_all() == 0);
  t.now = t.now + duration{1};
  CHECK(t.expire_all() == 2);
  t.now = t.now + duration{10'000'000};
  CHECK(t.expire_all() == 1);
  CHECK(t.entries.contains(4));
  CHECK(t.sound());
}

TEST_CASE("a tick takes no more than it may, says so, and the next one goes on", "[engine][lifetime]") {
  twin t;
  for (int i = 0; i < 50; ++i) t.insert(i, i % 2 == 0 ? 10 : 20'000);
  t.now = t.now + duration{30'000};
  bool more = false;
  CHECK(t.expire(20, more) == 20);
  CHECK(more);
  CHECK(t.expire(20, more) == 20);
  CHECK(more);
  CHECK(t.expire(20, more) == 10);
  CHECK_FALSE(more);
  CHECK(t.sound());
}

TEST_CASE("an entry is hidden behind its queue's head for at most a part in 128 of its lifetime",
          "[engine][lifetime]") {
  twin t;
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    t.insert(i, static_cast<std::int64_t>(1 + random() % 100'000));
    t.now = t.now + duration{3};
  }
  for (int step = 0; step < 400; ++step) {
    t.now = t.now + duration{300};
    t.expire_all();
    for (const auto& [name, b] : t.entries) REQUIRE((t.now - b->expires).count() * 128 <= 100'000 + 300 * 128);
  }
  CHECK(t.entries.empty());
}

TEST_CASE("a blob takes another's place in its queue", "[engine][lifetime]") {
  twin t;
  for (int i = 0; i < 3; ++i) t.insert(i, 1000);
  for (int i : {0, 1, 2}) {
    blob_ref fresh = blob::make("", {});
    fresh->key.lo = static_cast<std::uint64_t>(i);
    fresh->expires = t.entries.at(i)->expires;
    t.queues.replace(*t.entries.at(i), *fresh);
    t.entries.at(i) = std::move(fresh);
    CHECK(t.sound());
  }
  t.now = t.now + duration{1000};
  CHECK(t.expire_all() == 3);
}

TEST_CASE("an entry without end may be replaced and erased as well", "[engine][lifetime]") {
  twin t;
  t.insert(1, INT64_MAX);
  blob_ref fresh = blob::make("", {});
  t.queues.replace(*t.entries.at(1), *fresh);
  t.entries.at(1) = std::move(fresh);
  t.erase(1);
  CHECK(t.sound());
}

TEST_CASE("random entries come, go and expire, and every link stays right", "[engine][lifetime]") {
  twin t;
  std::mt19937_64 random(7);
  int next = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto what = random() % 10;
    if (what < 6 || t.entries.empty()) {
      const auto magnitude = static_cast<unsigned>(random() % 20);
      t.insert(next++, random() % 30 == 0 ? INT64_MAX : static_cast<std::int64_t>(1 + random() % (2ULL << magnitude)));
    } else if (what < 9) {
      auto at = t.entries.lower_bound(static_cast<int>(random() % static_cast<unsigned>(next)));
      if (at == t.entries.end()) at = t.entries.begin();
      t.erase(at->first);
    } else {
      t.now = t.now + duration{static_cast<std::int64_t>(random() % 200)};
      bool more = false;
      t.expire(16, more);
    }
    if (i % 500 == 0) REQUIRE(t.sound());
  }
  t.now = t.now + duration{100'000'000};
  t.expire_all();
  for (const auto& [name, b] : t.entries) CHECK(b->expires == never);
  CHECK(t.sound());
}

TEST_CASE("an entry that lingers leaves when that is over too, and hides none of another kind", "[engine][lifetime]") {
  lifetime_queues queues;
  std::mt19937_64 dice(5);
  const auto lingers = [](const blob& b) { return duration{b.operation == 0 ? 0 : 20'000}; };
  std::map<std::uint64_t, blob_ref> entries;
  instant now{1'000'000};
  std::uint64_t left = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    now = now + duration{static_cast<std::int64_t>(dice() % 10)};
    blob_ref b = blob::make("x", {});
    b->key.lo = i;
    b->operation = static_cast<std::uint16_t>(dice() % 2);
    b->expires = now + duration{static_cast<std::int64_t>(1'000 + dice() % 30'000)};
    queues.insert(*b, now, lingers(*b));
    entries[i] = std::move(b);
    queues.take_expired(
        now, 1'000,
        [&](blob& gone) {
          REQUIRE(gone.expires + lingers(gone) <= now);
          queues.erase(gone);
          entries.erase(gone.key.lo);
          ++left;
        },
        lingers);
    if (i % 1'000 != 0) continue;
    // Nothing stays longer than a part in 128 of its whole stay, which is 50 s at most.
    for (const auto& [name, e] : entries) REQUIRE(e->expires + lingers(*e) + duration{50'000 / 128 + 10} > now);
  }
  CHECK(left > 10'000);
}

}  // namespace aicache::lifetime_queues_test
