#include <catch2/catch.hpp>

#include "engine/eviction/mode_learner.hpp"

#include <cstdint>
#include <random>
#include <vector>

namespace aicache::eviction_mode_learner_test {
namespace {

std::uint64_t mix(std::uint64_t x) {
  x = (x + 0x9e3779b97f4a7c15ULL) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// What the shards do: keep the keys below the threshold, send them in batches.
class feeder {
 public:
  explicit feeder(mode_learner& learner) : learner_(learner) {}
  void request(std::uint64_t key, std::uint32_t weight) {
    if (mix(key) > learner_.sample_threshold()) return;
    batch_.push_back({mix(key), weight});
    if (batch_.size() >= learner_.batch_size(1)) {
      learner_.feed(batch_);
      batch_.clear();
    }
  }

 private:
  mode_learner& learner_;
  std::vector<sampled> batch_;
};

void loop(mode_learner& learner, int requests, std::uint32_t weight = 1) {
  feeder f{learner};
  for (int n = 0; n < requests; ++n) f.request(static_cast<std::uint64_t>(n % 4000), weight);
}

/// Every key is asked for twice, with as many others between as fill two fifths of the cache.
void moving_window(mode_learner& learner, std::uint64_t from, std::uint64_t keys, std::uint32_t weight = 1) {
  feeder f{learner};
  for (std::uint64_t key = from; key < from + keys; ++key) {
    f.request(key, weight);
    f.request(key - 800, weight);
  }
}

TEST_CASE("a learner that has seen nothing runs the middle mode", "[engine][eviction]") {
  mode_learner learner{{2000, 1}};
  CHECK(learner.mode() == eviction_mode::middle);
  learner.feed({});
  CHECK(learner.mode() == eviction_mode::middle);
  CHECK(learner.sound());
}

TEST_CASE("a loop is guarded against, a moving window wants recency, and minds are changed", "[engine][eviction]") {
  mode_learner learner{{2000, 1}};
  loop(learner, 400'000);
  CHECK(learner.mode() == eviction_mode::guard);
  CHECK(learner.missed(eviction_mode::guard) < learner.missed(eviction_mode::recency));
  moving_window(learner, 1'000'000, 200'000);
  CHECK(learner.mode() == eviction_mode::recency);
  loop(learner, 1'000'000);
  CHECK(learner.mode() == eviction_mode::guard);
  CHECK(learner.sound());
}

TEST_CASE("the same requests always teach the same", "[engine][eviction]") {
  mode_learner one{{2000, 1}};
  mode_learner other{{2000, 1}};
  for (mode_learner* learner : {&one, &other}) {
    loop(*learner, 50'000);
    moving_window(*learner, 1'000'000, 50'000);
  }
  CHECK(one.mode() == other.mode());
  for (std::size_t m = 0; m < eviction_mode_count; ++m) {
    CHECK(one.missed(static_cast<eviction_mode>(m)) == other.missed(static_cast<eviction_mode>(m)));
  }
}

TEST_CASE("about the wanted share of keys is sampled", "[engine][eviction]") {
  const auto share = [](std::uint64_t capacity) {
    const mode_learner learner{{capacity, 1}};
    return static_cast<double>(learner.sample_threshold()) / 18446744073709551616.0;
  };
  CHECK(share(10) == Approx(1.0 / 2).margin(0.06));
  CHECK(share(100) == Approx(1.0 / 2));
  CHECK(share(1000) == Approx(128.0 / 1000));
  CHECK(share(100'000) == Approx(1.0 / 64).epsilon(0.01));
  CHECK(share(100'000'000) == Approx(8192.0 / 100'000'000).epsilon(0.01));
}

TEST_CASE("a wrong guess of the weight is found out, and the mode survives the new sampling rate",
          "[engine][eviction]") {
  for (const std::uint64_t guess : {10, 100'000}) {
    mode_learner learner{{2'000'000, guess}};
    loop(learner, 1'000'000, 1000);
    CHECK(learner.expected_entries() > 2000 * 2 / 3);
    CHECK(learner.expected_entries() < 2000 * 2);
    CHECK(learner.mode() == eviction_mode::guard);
    learner.capacity(20'000'000);
    CHECK(learner.mode() == eviction_mode::guard);
    CHECK(learner.expected_entries() > 20'000 * 2 / 3);
    CHECK(learner.sound());
  }
}

TEST_CASE("a capacity that changes much rescales what was learned to the new sampling rate", "[engine][eviction]") {
  mode_learner learner{{2000, 1}};
  loop(learner, 400'000);
  const double threshold = static_cast<double>(learner.sample_threshold());
  const double missed = learner.missed(eviction_mode::guard);
  learner.capacity(20'000);
  const double ratio = static_cast<double>(learner.sample_threshold()) / threshold;
  CHECK(ratio < 0.5);
  CHECK(learner.missed(eviction_mode::guard) == Approx(missed * ratio));
  CHECK(learner.mode() == eviction_mode::guard);
  CHECK(learner.sound());
}

TEST_CASE("a capacity that changes a little keeps what the shadows know", "[engine][eviction]") {
  mode_learner learner{{2000, 1}};
  loop(learner, 400'000);
  const std::uint64_t threshold = learner.sample_threshold();
  const double missed = learner.missed(eviction_mode::guard);
  for (const std::uint64_t capacity : {2100, 1500, 2500}) learner.capacity(capacity);
  CHECK(learner.sample_threshold() == threshold);
  CHECK(learner.missed(eviction_mode::guard) == missed);
  learner.capacity(0);
  loop(learner, 1000);
  CHECK(learner.sound());
}

TEST_CASE("unknown weights count as the mean of the known ones", "[engine][eviction]") {
  mode_learner learner{{2'000'000, 1000}};
  feeder f{learner};
  std::mt19937_64 random{5};
  for (int n = 0; n < 300'000; ++n) {
    const std::uint64_t key = random() % 4000;
    f.request(key, random() % 2 ? static_cast<std::uint32_t>(200 + key % 200) : 0);
  }
  CHECK(learner.expected_entries() > 2'000'000 / 300 * 2 / 3);
  CHECK(learner.expected_entries() < 2'000'000 / 300 * 2);
  CHECK(learner.sound());
}

TEST_CASE("keys above the threshold are ignored", "[engine][eviction]") {
  mode_learner learner{{100'000, 1}};
  const std::vector<sampled> above(1000, sampled{UINT64_MAX, 1});
  learner.feed(above);
  for (std::size_t m = 0; m < eviction_mode_count; ++m) CHECK(learner.missed(static_cast<eviction_mode>(m)) == 0);
}

TEST_CASE("memory is bounded whatever the capacity, and constant while nothing is rescaled", "[engine][eviction]") {
  mode_learner huge{{std::uint64_t{1} << 50, 1}};
  CHECK(huge.bytes() < mode_learner::max_sample * 500);
  mode_learner learner{{2000, 1}};
  loop(learner, 20'000);
  const std::size_t bytes = learner.bytes();
  loop(learner, 100'000);
  moving_window(learner, 1'000'000, 100'000);
  CHECK(learner.bytes() == bytes);
}

TEST_CASE("batches of all shards together are shorter than a shadow", "[engine][eviction]") {
  for (const std::uint64_t capacity : {100, 1000, 10'000, 1'000'000}) {
    const mode_learner learner{{capacity, 1}};
    for (const std::uint32_t shards : {0, 1, 8, 16}) {
      const std::uint32_t batch = learner.batch_size(shards);
      CHECK(batch >= 1);
      CHECK(batch <= mode_learner::max_batch);
      CHECK((batch == 1 || batch * shards <= 8192 / 2));
    }
  }
}

}  // namespace
}  // namespace aicache::eviction_mode_learner_test
