#include "engine/memory/index.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <unordered_map>
#include <vector>

namespace aicache::key_index_test {

namespace {

blob_ref entry(const key128& key) {
  blob_ref b = blob::make("", {});
  b->key = key;
  return b;
}

key128 random_key(std::mt19937_64& random) { return {random(), random()}; }

/// Beside the index, what it should hold.
struct twin {
  key_index index;
  std::unordered_map<std::uint64_t, blob_ref> expected;  // by a number of ours
  std::unordered_map<std::uint64_t, key128> keys;

  void insert(std::uint64_t number, const key128& key) {
    blob_ref b = entry(key);
    index.insert(b.get());
    keys[number] = key;
    expected[number] = std::move(b);
  }
  void erase(std::uint64_t number) {
    index.erase(expected.at(number).get());
    expected.erase(number);
  }
  bool agrees() const {
    for (const auto& [number, b] : expected)
      if (index.find(b->key) != b.get()) return false;
    for (const auto& [number, key] : keys)
      if (!expected.contains(number) && index.find(key) != nullptr) return false;
    return index.size() == expected.size() && index.sound();
  }
};

}  // namespace

TEST_CASE("an empty index finds nothing and occupies one page", "[engine][index]") {
  const key_index index;
  CHECK(index.find({1, 2}) == nullptr);
  CHECK(index.size() == 0);
  CHECK(index.bytes() >= 16384);
  CHECK(index.bytes() < 20000);
  CHECK(index.sound());
}

TEST_CASE("the index finds what a map finds, through growth and shrinking", "[engine][index]") {
  twin t;
  std::mt19937_64 random(1);
  std::uint64_t next = 0;
  for (const std::size_t goal : {5000U, 300U, 20000U, 0U, 2000U}) {
    while (t.expected.size() < goal) {
      t.insert(next, random_key(random));
      ++next;
    }
    while (t.expected.size() > goal) t.erase(t.expected.begin()->first);
    CHECK(t.agrees());
  }
}

TEST_CASE("random insertions and removals keep the index and a map equal", "[engine][index]") {
  twin t;
  std::mt19937_64 random(2);
  std::uint64_t next = 0;
  for (int i = 0; i < 30000; ++i) {
    if (t.expected.empty() || random() % 100 < (i < 15000 ? 70U : 35U)) {
      t.insert(next++, random_key(random));
    } else {
      t.erase(t.expected.begin()->first);
    }
  }
  CHECK(t.agrees());
}

TEST_CASE("the index gives pages back when its entries go", "[engine][index]") {
  twin t;
  std::mt19937_64 random(3);
  const std::size_t before = t.index.bytes();
  for (std::uint64_t i = 0; i < 50000; ++i) t.insert(i, random_key(random));
  const std::size_t full = t.index.bytes();
  CHECK(full < 50000 * 20);
  for (std::uint64_t i = 0; i < 50000; ++i) t.erase(i);
  CHECK(t.index.bytes() < full / 4);
  CHECK(t.index.bytes() >= before);
  CHECK(t.agrees());
}

TEST_CASE("keys whose places collide are all found", "[engine][index]") {
  twin t;
  std::mt19937_64 random(4);
  SECTION("the low bits of all are equal") {
    for (std::uint64_t i = 0; i < 3000; ++i) t.insert(i, {random(), (random() << 40) | 0xabcd});
  }
  SECTION("the tags of all are equal") {
    for (std::uint64_t i = 0; i < 3000; ++i) t.insert(i, {random(), (random() >> 16) | 0x7777000000000000});
  }
  SECTION("the tags of all are zero, like those of empty slots") {
    for (std::uint64_t i = 0; i < 3000; ++i) t.insert(i, {random(), random() >> 16});
  }
  SECTION("all of `lo` is equal") {
    for (std::uint64_t i = 0; i < 1500; ++i) t.insert(i, {i, 42});
  }
  CHECK(t.agrees());
  for (std::uint64_t i = 0; i < 3000; i += 2)
    if (t.expected.contains(i)) t.erase(i);
  CHECK(t.agrees());
  while (!t.expected.empty()) t.erase(t.expected.begin()->first);
  CHECK(t.agrees());
}

TEST_CASE("a chain that is erased leaves its overflow buckets to the next", "[engine][index]") {
  twin t;
  for (std::uint64_t i = 0; i < 1500; ++i) t.insert(i, {i, 42});
  const std::size_t bytes = t.index.bytes();
  for (std::uint64_t round = 1; round < 5; ++round) {
    for (std::uint64_t i = 0; i < 1500; ++i) t.erase((round - 1) * 1500 + i);
    for (std::uint64_t i = 0; i < 1500; ++i) t.insert(round * 1500 + i, {i, 42 + round});
    CHECK(t.index.bytes() < bytes + (8 << 10));  // no page more; the allocator may give one a few bytes larger
  }
  CHECK(t.agrees());
}

TEST_CASE("a blob takes the place of another under its key", "[engine][index]") {
  twin t;
  std::mt19937_64 random(5);
  for (std::uint64_t i = 0; i < 4000; ++i) t.insert(i, random_key(random));
  for (std::uint64_t i = 0; i < 4000; i += 3) {
    blob_ref fresh = entry(t.keys.at(i));
    t.index.replace(t.expected.at(i).get(), fresh.get());
    t.expected.at(i) = std::move(fresh);
  }
  CHECK(t.agrees());
}

TEST_CASE("a visit sees every entry once", "[engine][index]") {
  twin t;
  std::mt19937_64 random(6);
  for (std::uint64_t i = 0; i < 3000; ++i) t.insert(i, random_key(random));
  std::unordered_map<const blob*, int> seen;
  t.index.for_each([&](blob& b) { ++seen[&b]; });
  CHECK(seen.size() == 3000);
  for (const auto& [b, times] : seen) REQUIRE(times == 1);
}

}  // namespace aicache::key_index_test
