#include <malloc.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>

#include "engine/shared/shared_codec.hpp"
#include "tests/support/shard_harness.hpp"

// The test program's operator new: it counts, and fails when a test says so. It rests on malloc, so a sanitizer still
// sees every block.
namespace {

std::atomic<std::uint64_t> allocations{0};
std::atomic<std::uint64_t> until_failure{UINT64_MAX};
std::atomic<bool> all_that_follow{false};

void* counted(std::size_t size, std::size_t alignment) {
  ++allocations;
  if (until_failure.load() != UINT64_MAX && until_failure.fetch_sub(1) == 0) {
    until_failure = all_that_follow ? 0 : UINT64_MAX;
    throw std::bad_alloc{};
  }
  void* at = alignment <= alignof(std::max_align_t)
                 ? std::malloc(size == 0 ? 1 : size)
                 : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (at == nullptr) throw std::bad_alloc{};
  return at;
}

}  // namespace

// gcc 12 takes the library's operator new for the one that is called, although ours stands in its place.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

void* operator new(std::size_t size) { return counted(size, 1); }
void* operator new(std::size_t size, std::align_val_t a) { return counted(size, static_cast<std::size_t>(a)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size == 0 ? 1 : size); }
void operator delete(void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
void operator delete(void* at, std::align_val_t) noexcept { std::free(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { std::free(at); }

using namespace aicache;
using namespace aicache::test;

namespace {

shard_options roomy() {
  shard_options o;
  o.tiers.budget = 64 << 20;
  return o;
}

}  // namespace

TEST_CASE("a hot hit allocates nothing, alone or in a batch", "[engine][shard][allocation]") {
  shard_harness s{roomy()};
  for (std::uint64_t i = 0; i < 1000; ++i) s.put(i, prose(500, i));
  const name_lists names{{"qa"}, {"t"}};
  std::vector<get_item> items;
  for (std::uint64_t i = 0; i < 256; ++i) items.push_back({id_of(i), 0, 0, text_tier::small, true});
  std::vector<get_result> results(items.size());
  const auto ask = [&](std::size_t n) {
    s.core.resolve(names);
    s.core.get({items.data(), n}, {1, 1, never}, s.now, {results.data(), n}, s.out);
    s.core.served(1000);
  };
  ask(256);
  results.assign(items.size(), {});
  const std::uint64_t before = allocations;
  const auto heap_before = mallinfo2().uordblks;
  for (int i = 0; i < 100; ++i) {
    ask(1);
    ask(256);
  }
  const std::uint64_t after = allocations;
  const auto heap_after = mallinfo2().uordblks;
  CHECK(after == before);
  CHECK(heap_after == heap_before);
  CHECK(s.out.empty());
  for (const get_result& r : results) REQUIRE(r.from == tier::hot);
  CHECK(s.core.sound());
}

TEST_CASE("a put whose memory is refused is refused, and nothing is half done", "[engine][shard][allocation]") {
  // Whichever allocation of a run of puts fails, alone or with all after it: the shard stays sound and serves what it has.
  for (std::uint64_t failing = 0; failing < 40; ++failing) {
    shard_harness s{roomy()};
    std::vector<put_item> items;
    for (std::uint64_t i = 0; i < 1600; ++i) {
      const auto text = static_cast<text_tier>(i % 4);
      items.push_back({id_of(i), 0, 0, text, 0, static_cast<std::int64_t>(1 + i * i), blob::make(prose(600, i), {})});
    }
    std::vector<put_result> results(items.size());
    s.core.resolve({{"qa"}, {"t"}});
    const std::size_t half = items.size() / 2;
    s.core.put({items.data(), half}, 1, s.now, {results.data(), half}, s.out);
    s.out.reserve(100);
    all_that_follow = failing % 2 == 0;
    until_failure = failing * 3;
    for (std::size_t i = half; i < items.size(); ++i) {
      try {
        s.core.put({&items[i], 1}, 1, s.now, {&results[i], 1}, s.out);
      } catch (const std::bad_alloc&) {
        results[i].status = put_status::refused;
      }
    }
    until_failure = UINT64_MAX;
    INFO("failing at " << failing * 3);
    REQUIRE(s.core.sound());
    std::size_t refused = 0;
    for (std::uint64_t i = 0; i < items.size(); ++i) {
      shard_harness::about a;
      a.text = static_cast<text_tier>(i % 4);
      const get_result r = s.get(i, a);
      refused += results[i].status == put_status::stored ? 0 : 1;
      if (results[i].status == put_status::stored) REQUIRE(r.status == get_status::hit);
      if (r.status == get_status::hit) REQUIRE(r.value->text() == prose(600, i));
    }
    CHECK(refused < items.size());
    REQUIRE(s.core.sound());
  }
}

TEST_CASE("a shared answer whose memory is refused is a fault, and the next one is not",
          "[engine][shared_codec][allocation]") {
  const auto keys = *parse_key_ring("1=" + std::string(64, 'a'));
  std::size_t refused = 0;
  for (const bool encrypts : {false, true}) {
    shared_answer a;
    a.value = blob::make(prose(3000, 1), {});
    a.tags = {1, 2, 3};
    for (std::uint64_t failing = 0; failing < 16; ++failing) {
      shared_codec codec{{}, encrypts ? keys : nullptr};
      // Fails from the given allocation on, and says whether one was refused.
      const auto refusing = [&](const auto& work) {
        all_that_follow = failing % 2 == 0;
        until_failure = failing / 2;
        const errc how = work();
        until_failure = UINT64_MAX;
        refused += how == errc::overloaded ? 1 : 0;
        return how == errc::none || how == errc::overloaded;
      };
      std::string bytes;
      CHECK(refusing([&] {
        const auto done = codec.seal(a, bytes);
        return done ? errc::none : done.why().code;
      }));
      REQUIRE(codec.seal(a, bytes));
      for (const auto packed : {keep_packed::no, keep_packed::yes}) {
        CHECK(refusing([&] {
          const auto done = codec.open(bytes, a.id, packed);
          return done ? errc::none : done.why().code;
        }));
        const auto back = codec.open(bytes, a.id, packed);
        REQUIRE(back);
        CHECK(back->value->raw_size() == a.value->size());
        CHECK(back->tags == a.tags);
      }
    }
  }
  CHECK(refused > 20);
}
