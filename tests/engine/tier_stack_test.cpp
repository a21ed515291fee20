#include "engine/shard/tier_stack.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "tests/support/shard_harness.hpp"

namespace aicache::tier_stack_test {

using namespace aicache::test;

namespace {

struct stack_at {
  explicit stack_at(tier_options o = {}) : options(o), stack(options, 1, counters) {}

  outcome<void> store(std::uint64_t key, const blob_ref& value, bool may_be_hot = true, std::uint16_t operation = 0) {
    return stack.store(value, {id_of(key).key(), operation, 0, text_tier::small, never, may_be_hot}, now, out);
  }
  blob& at(std::uint64_t key) { return *stack.find(id_of(key).key()); }
  bool holds(std::uint64_t key) { return stack.find(id_of(key).key()) != nullptr; }
  tier_stack::reading read(std::uint64_t key, bool may_be_hot = true) { return stack.read(at(key), may_be_hot, out); }
  template <class Job>
  std::vector<Job> jobs() const {
    std::vector<Job> found;
    for (const effect& e : out)
      if (const auto* job = std::get_if<Job>(&e)) found.push_back(*job);
    return found;
  }

  tier_options options;
  shard_counters counters;
  tier_stack stack;
  instant now{1000};
  effects out;
};

constexpr std::uint64_t mib = 1 << 20;

tier_options with_budget(std::uint64_t budget, double warm_share = 0.5) {
  tier_options o;
  o.budget = budget;
  o.warm_share = warm_share;
  return o;
}

}  // namespace

TEST_CASE("a hot answer is handed out as it is, without a copy", "[engine][tiers]") {
  stack_at s;
  const blob_ref value = blob::make(prose(1000, 1), {});
  REQUIRE(s.store(1, value));
  const auto answer = s.read(1);
  CHECK(answer.from == tier::hot);
  CHECK(answer.value.get() == value.get());
  CHECK(s.stack.sound());
}

TEST_CASE("what may not be hot is compressed at once and comes back byte for byte", "[engine][tiers]") {
  stack_at s;
  const std::string text = prose(8000, 1);
  REQUIRE(s.store(1, blob::make(text, {1, 2, 3, 0}, "attributes"), false));
  CHECK(s.at(1).codec() == blob_codec::zstd);
  CHECK(s.at(1).charged() < 4000);
  const auto answer = s.read(1, false);
  CHECK(answer.from == tier::warm);
  CHECK(answer.value->text() == text);
  CHECK(answer.value->attributes() == "attributes");
  CHECK(answer.value->facts() == answer_facts{1, 2, 3, 8000});
  CHECK(s.counters.packed == 1);
  CHECK(s.counters.unpacked == 1);
  CHECK(s.stack.sound());
}

TEST_CASE("the second hit moves a warm answer to hot where it may be hot, and never where it may not",
          "[engine][tiers]") {
  stack_at s;
  const std::string text = prose(2000, 1);
  REQUIRE(s.store(1, blob::make(text, {}), false));
  for (int i = 0; i < 4; ++i) CHECK(s.read(1, false).from == tier::warm);
  CHECK(s.counters.promotions == 0);
  REQUIRE(s.store(2, blob::make(text, {}), false));
  CHECK(s.read(2, true).from == tier::warm);
  CHECK(s.read(2, true).from == tier::warm);
  CHECK(s.counters.promotions == 1);
  const auto third = s.read(2, true);
  CHECK(third.from == tier::hot);
  CHECK(third.value->text() == text);
  CHECK(s.stack.sound());
}

TEST_CASE("what compression does not make smaller stays raw in warm", "[engine][tiers]") {
  stack_at s;
  const std::string text = noise(3000, 1);
  REQUIRE(s.store(1, blob::make(text, {}), false));
  CHECK(s.at(1).codec() == blob_codec::raw);
  CHECK(s.counters.unpackable == 1);
  CHECK(s.counters.packed_bytes == s.counters.packed_raw_bytes);
  CHECK(s.read(1).value->text() == text);
  CHECK(s.read(1).value->text() == text);
  CHECK(s.read(1).from == tier::hot);
  CHECK(s.stack.sound());
}

TEST_CASE("what leaves hot is compressed into warm, and leaves warm when that is full", "[engine][tiers]") {
  stack_at s{with_budget(16 * mib)};
  std::uint64_t next = 0;
  while (s.counters.demotions < 1000) {
    REQUIRE(s.store(next, blob::make(prose(4000, next), {})));
    ++next;
  }
  CHECK(s.counters.evictions_warm == 0);
  for (std::uint64_t i = 0; i < next; ++i) {
    REQUIRE(s.holds(i));
    REQUIRE(s.stack.read(s.at(i), false, s.out).value->text() == prose(4000, i));
  }
  for (; s.counters.evictions_warm < 100; ++next) {
    REQUIRE(s.store(next, blob::make(prose(4000, next), {})));
    REQUIRE(s.stack.charged() <= s.stack.budget());
  }
  CHECK(s.counters.evictions_hot == 0);
  CHECK(s.stack.sound());
}

TEST_CASE("warm bytes that do not verify are reported, whichever byte is wrong", "[engine][tiers]") {
  stack_at s;
  REQUIRE(s.store(1, blob::make(prose(2000, 1), {}), false));
  blob& b = s.at(1);
  REQUIRE(b.codec() == blob_codec::zstd);
  SECTION("the frame's head") { b.writable()[4] ^= std::byte{0xff}; }
  SECTION("the recorded size") { b.writable()[0] ^= std::byte{1}; }
  const auto answer = s.read(1);
  CHECK_FALSE(answer.value);
  CHECK(answer.corrupt);
  s.stack.erase(b);
  CHECK(s.stack.size() == 0);
  CHECK(s.stack.sound());
}

TEST_CASE("one value under two keys, and in two shards, is two entries", "[engine][tiers]") {
  stack_at one;
  stack_at two;
  const blob_ref value = blob::make("shared bytes", {1, 1, 1, 0}, "more");
  REQUIRE(one.store(1, value));
  REQUIRE(one.store(2, value));
  REQUIRE(two.store(1, value));
  REQUIRE(one.store(1, value));
  std::set<const blob*> different{&one.at(1), &one.at(2), &two.at(1)};
  CHECK(different.size() == 3);
  for (stack_at* s : {&one, &two}) {
    CHECK(s->read(1).value->text() == "shared bytes");
    CHECK(s->read(1).value->attributes() == "more");
    CHECK(s->stack.sound());
  }
}

TEST_CASE("a value that no tier can hold is refused, and nothing is evicted for it", "[engine][tiers]") {
  tier_options o = with_budget(16 * mib);
  o.value_bytes = 12 * mib;
  stack_at s{o};
  for (std::uint64_t i = 0; i < 500; ++i) REQUIRE(s.store(i, blob::make(prose(1000, i), {})));
  const auto over_limit = s.store(1000, blob::make_uninitialised(12 * mib + 1, {}));
  REQUIRE_FALSE(over_limit);
  CHECK(over_limit.why().code == errc::too_large);
  const auto over_tier = s.store(1001, blob::make_uninitialised(9 * mib, {}));
  REQUIRE_FALSE(over_tier);
  CHECK(over_tier.why().code == errc::too_large);
  CHECK(s.stack.size() == 500);
  CHECK(s.stack.sound());
}

TEST_CASE("without a warm tier everything is hot and the budget still holds", "[engine][tiers]") {
  stack_at s{with_budget(16 * mib, 0)};
  for (std::uint64_t i = 0; i < 30'000; ++i) {
    REQUIRE(s.store(i, blob::make(prose(1000, i), {}), i % 2 == 0));
    REQUIRE(s.stack.charged() <= s.stack.budget());
  }
  shard_gauges g;
  s.stack.fill(g);
  CHECK(g.entries_warm == 0);
  CHECK(g.bytes_hot > 14 * mib);
  CHECK(s.counters.packed == 0);
  CHECK(s.counters.evictions_hot > 10'000);
  CHECK(s.stack.sound());
}

TEST_CASE("an answer that takes another's place drives nobody else out, however full memory is", "[engine][tiers]") {
  stack_at s{with_budget(4 * mib, 0)};
  std::uint64_t next = 0;
  for (; s.counters.evictions_hot == 0; ++next) REQUIRE(s.store(next, blob::make(noise(1000, next), {})));
  std::vector<std::uint64_t> held;
  for (std::uint64_t i = 0; i < next; ++i)
    if (s.holds(i)) held.push_back(i);
  REQUIRE(held.size() > 1000);
  for (const std::uint64_t i : held) REQUIRE(s.store(i, blob::make(noise(1000, i + next), {})));
  CHECK(s.counters.evictions_hot + held.size() == next);
  for (const std::uint64_t i : held) REQUIRE(s.read(i).value->text() == noise(1000, i + next));
  CHECK(s.stack.sound());
}

TEST_CASE("a budget too small for zstd's contexts has no warm tier", "[engine][tiers]") {
  stack_at small{with_budget(smallest_warm_budget - 1)};
  stack_at enough{with_budget(smallest_warm_budget)};
  for (stack_at* s : {&small, &enough})
    for (std::uint64_t i = 0; i < 3000; ++i) {
      REQUIRE(s->store(i, blob::make(prose(i % 10 == 0 ? 60'000 : 3000, i), {}), i % 3 != 0));
      REQUIRE(s->stack.charged() <= s->stack.budget());
    }
  CHECK(small.counters.packed == 0);
  CHECK(enough.counters.packed > 0);
  CHECK(small.stack.sound());
  CHECK(enough.stack.sound());
}

TEST_CASE("a worker's compression takes effect only if the entry is still the one it was made from",
          "[engine][tiers]") {
  stack_at s;
  const std::string text = prose(100'000, 1);
  REQUIRE(s.store(1, blob::make(text, {}), false));
  REQUIRE(s.jobs<pack_job>().size() == 1);
  const pack_job job = s.jobs<pack_job>()[0];
  CHECK(s.at(1).codec() == blob_codec::raw);
  CHECK(s.read(1, false).value->text() == text);
  zstd_codec codec{{3}};
  std::vector<std::byte> frame;
  REQUIRE(codec.compress(job.raw->bytes(), nullptr, frame));
  const blob_ref small = blob::make_packed(frame, *job.raw, 0);
  SECTION("it is") {
    s.stack.packed(job.key, job.raw, small, s.out);
    CHECK(&s.at(1) == small.get());
    CHECK_FALSE(s.read(1, false).value);  // too large to be unpacked here
  }
  SECTION("it was replaced") {
    REQUIRE(s.store(1, blob::make("fresh", {})));
    s.stack.packed(job.key, job.raw, small, s.out);
    CHECK(s.read(1).value->text() == "fresh");
  }
  SECTION("it was replaced by another that is being compressed as well") {
    const std::string other = prose(100'000, 2);
    REQUIRE(s.store(1, blob::make(other, {}), false));
    s.stack.packed(job.key, job.raw, small, s.out);
    CHECK(s.at(1).codec() == blob_codec::raw);
    CHECK(s.read(1, false).value->text() == other);
  }
  SECTION("it was erased") {
    s.stack.erase(s.at(1));
    s.stack.packed(job.key, job.raw, small, s.out);
    s.stack.packed(job.key, {}, {}, s.out);
    CHECK(s.stack.size() == 0);
  }
  SECTION("it became hot") {
    s.read(1, true);
    CHECK(s.at(1).queue.where == blob::place::hot);
    s.stack.packed(job.key, job.raw, small, s.out);
    CHECK(s.read(1).from == tier::hot);
    CHECK(s.read(1).value->text() == text);
  }
  SECTION("the worker could not do it") {
    s.stack.packed(job.key, job.raw, {}, s.out);
    CHECK(s.read(1, false).value->text() == text);
    CHECK(s.counters.unpackable == 1);
  }
  SECTION("it comes twice") {
    s.stack.packed(job.key, job.raw, small, s.out);
    s.stack.packed(job.key, job.raw, small, s.out);
    CHECK(s.counters.packed == 1);
  }
  CHECK(s.stack.sound());
}

namespace {

std::string json_answer(std::uint64_t i) {
  return R"({"sentiment":")" + std::string(i % 2 == 0 ? "positive" : "negative") + R"(","confidence":0.)" +
         std::to_string(100 + sample_hash({i, 1}) % 900) +
         R"(,"model":"gpt-4o-mini-2024-07-18","explanation":"The text )" + prose(60, i) +
         R"(","usage":{"prompt_tokens":)" + std::to_string(sample_hash({i, 2}) % 1000) + R"(,"completion_tokens":)" +
         std::to_string(sample_hash({i, 3}) % 100) + "}}";
}

}  // namespace

TEST_CASE("once an operation has its dictionary its small answers compress far better", "[engine][tiers]") {
  stack_at s;
  std::uint64_t next = 0;
  for (; s.jobs<train_job>().empty(); ++next) REQUIRE(s.store(next, blob::make(json_answer(next), {}), false));
  CHECK(next == s.options.dictionary_samples);
  const auto ratio = [&] {
    return static_cast<double>(s.counters.packed_raw_bytes) / static_cast<double>(s.counters.packed_bytes);
  };
  const train_job job = s.jobs<train_job>()[0];
  auto made = train(job.samples, job.dictionary_bytes, job.level);
  REQUIRE(made);
  s.stack.trained(job.operation, *made, s.out);
  const shard_counters before = s.counters;
  for (std::uint64_t i = 0; i < 400; ++i) REQUIRE(s.store(next + i, blob::make(json_answer(next + i), {}), false));
  s.counters = difference(s.counters, before);
  CHECK(ratio() > 2);
  for (std::uint64_t i = 0; i < next + 400; ++i) REQUIRE(s.read(i, false).value->text() == json_answer(i));
  shard_gauges g;
  s.stack.fill(g);
  CHECK(g.dictionaries == 1);
  CHECK(s.jobs<train_job>().size() == 1);
  CHECK(s.stack.sound());
}

TEST_CASE("a training that failed is tried again with more answers, and given up after some tries", "[engine][tiers]") {
  stack_at s;
  const blob_ref value = blob::make("always the same answer", {});
  std::vector<std::uint64_t> attempts;
  for (std::uint64_t i = 0; i < 40'000; ++i) {
    s.out.clear();
    REQUIRE(s.store(1, value, false));
    if (s.jobs<train_job>().empty()) continue;
    attempts.push_back(i + 1);
    s.stack.training_failed(0);
  }
  CHECK(attempts == std::vector<std::uint64_t>{400, 1600, 6400, 25'600});
  CHECK(s.stack.sound());
}

TEST_CASE("operations that hardly ever store do not keep a busy one from its dictionary", "[engine][tiers]") {
  stack_at s{with_budget(16 * mib)};
  std::uint64_t next = 0;
  for (std::uint16_t operation = 0; operation < 100; ++operation, ++next)
    REQUIRE(s.store(next, blob::make(json_answer(next), {}), false, operation));
  for (; next < 10'000 && s.jobs<train_job>().empty(); ++next)
    REQUIRE(s.store(next, blob::make(json_answer(next), {}), false, 99));
  REQUIRE(s.jobs<train_job>().size() == 1);
  CHECK(s.jobs<train_job>()[0].operation == 99);
  CHECK(s.stack.sound());
}

TEST_CASE("what the owner reserves is taken from the answers at once", "[engine][tiers]") {
  stack_at s{with_budget(16 * mib)};
  for (std::uint64_t i = 0; i < 20'000; ++i) REQUIRE(s.store(i, blob::make(noise(1000, i), {})));
  const std::size_t before = s.stack.size();
  s.stack.reserve(8 * mib, s.out);
  CHECK(s.stack.charged() <= s.stack.budget());
  CHECK(s.stack.size() < before * 3 / 4);
  CHECK(s.stack.sound());
  s.stack.reserve(64 * mib, s.out);
  CHECK(s.stack.size() == 0);
  s.stack.reserve(0, s.out);
  for (std::uint64_t i = 0; i < 20'000; ++i) REQUIRE(s.store(i, blob::make(noise(1000, i), {})));
  CHECK(s.stack.size() > before / 2);
  CHECK(s.stack.sound());
}

TEST_CASE("an emptied stack holds nothing and takes answers again", "[engine][tiers]") {
  stack_at s{with_budget(16 * mib)};
  for (std::uint64_t i = 0; i < 20'000; ++i) REQUIRE(s.store(i, blob::make(prose(2000, i), {})));
  s.stack.clear();
  CHECK(s.stack.size() == 0);
  CHECK(s.stack.charged() < 2 * mib);
  CHECK(s.stack.sound());
  REQUIRE(s.store(1, blob::make("again", {})));
  CHECK(s.read(1).value->text() == "again");
  CHECK(s.stack.sound());
}

}  // namespace aicache::tier_stack_test
