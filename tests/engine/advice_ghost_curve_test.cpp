#include "engine/advice/ghost_curve.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "tests/support/replayed_cache.hpp"

namespace aicache::advice_ghost_curve_test {

namespace {

/// Draws ranks with a probability like 1 / rank^skew.
class zipf {
 public:
  zipf(std::size_t keys, double skew) : below_(keys) {
    double sum = 0;
    for (std::size_t r = 0; r < keys; ++r) below_[r] = sum += std::pow(static_cast<double>(r + 1), -skew);
  }
  std::uint64_t draw(std::mt19937_64& random) const {
    const double at = static_cast<double>(random() >> 11) * 0x1p-53 * below_.back();
    return static_cast<std::uint64_t>(std::upper_bound(below_.begin(), below_.end() - 1, at) - below_.begin());
  }

 private:
  std::vector<double> below_;
};

constexpr std::uint32_t entries = 4096;
constexpr std::size_t requests = 400'000;

std::uint32_t bytes_of(std::uint64_t hash) { return static_cast<std::uint32_t>(256 + (hash >> 7) % 3584); }

std::vector<traced> trace_of(const std::function<std::uint64_t()>& next_key, bool of_many_sizes) {
  std::vector<traced> trace(requests);
  for (traced& t : trace) {
    t.hash = scattered(next_key());
    t.weight = of_many_sizes ? bytes_of(t.hash) : 1;
  }
  return trace;
}

std::vector<traced> popular_keys(double skew, bool of_many_sizes) {
  std::mt19937_64 random{1};
  const zipf popular{40'000, skew};
  return trace_of([&] { return popular.draw(random); }, of_many_sizes);
}

/// Popular keys, a loop of one and a half caches, and keys that never come again.
std::vector<traced> scans_and_loops() {
  std::mt19937_64 random{2};
  const zipf popular{20'000, 0.9};
  std::uint64_t loop = 0;
  std::uint64_t scan = 0;
  return trace_of(
      [&]() -> std::uint64_t {
        const auto kind = random() % 10;
        if (kind < 5) return popular.draw(random);
        if (kind < 8) return (1ULL << 32) + loop++ % (entries * 3 / 2);
        return (2ULL << 32) + scan++;
      },
      false);
}

std::uint64_t mean_weight(const std::vector<traced>& trace) {
  std::uint64_t sum = 0;
  for (const traced& t : trace) sum += t.weight;
  return sum / trace.size();
}

/// The hit ratio of the second half under `times` the memory.
double replayed(const std::vector<traced>& trace, double times) {
  const std::uint64_t weight = mean_weight(trace);
  const auto held = static_cast<std::uint64_t>(entries * times);
  replayed_cache cache{held * weight, weight, static_cast<std::uint32_t>(held * 4)};
  for (std::size_t i = 0; i < trace.size(); ++i) {
    if (i == trace.size() / 2) cache.measure();
    cache.request(trace[i]);
  }
  return cache.hit_percent();
}

struct measured_node {
  ghost_curve curve;
  double hit_percent;
};

/// A node of the present size whose samples feed a curve: weights are known of hits alone.
measured_node run(const std::vector<traced>& trace, std::uint64_t first_guess) {
  const std::uint64_t weight = mean_weight(trace);
  replayed_cache cache{entries * weight, weight, entries * 4};
  measured_node node{ghost_curve{{entries * weight, first_guess, 512, true}}, 0};
  std::vector<sampled> batch;
  for (std::size_t i = 0; i < trace.size(); ++i) {
    if (i == trace.size() / 2) cache.measure();
    const bool hit = cache.request(trace[i]);
    batch.push_back({trace[i].hash, hit ? trace[i].weight : 0});
    if (batch.size() < 64) continue;
    node.curve.seen(batch);
    batch.clear();
  }
  node.hit_percent = cache.hit_percent();
  return node;
}

void check_prediction(const std::vector<traced>& trace, std::uint64_t first_guess) {
  const measured_node node = run(trace, first_guess);
  const hit_curve curve = node.curve.curve();
  for (const double times : {0.5, 2.0}) {
    const auto effect = curve.effect_of(static_cast<std::uint64_t>(static_cast<double>(curve.budget) * times));
    REQUIRE(effect);
    const double real = replayed(trace, times);
    INFO("times " << times << ": " << node.hit_percent << " + " << effect->points << " (error " << effect->error
                  << "), really " << real);
    CHECK(std::abs(node.hit_percent + effect->points - real) < 2.0);
    CHECK(effect->error < 4.0);
  }
  CHECK(node.curve.sound());
}

hit_curve drawn_by_hand() {
  hit_curve c;
  c.budget = 1 << 20;
  for (std::size_t g = 0; g < hit_curve::group_count; ++g) {
    c.requests[g] = 100;
    for (std::size_t s = 0; s < hit_curve::size_count; ++s) c.hits[s][g] = static_cast<double>(10 * (s + 1));
  }
  c.samples = 1600;
  return c;
}

}  // namespace

TEST_CASE("twice and half the memory are predicted within two points: popular keys", "[engine][advice]") {
  check_prediction(popular_keys(0.9, false), 1);
}

TEST_CASE("twice and half the memory are predicted within two points: hardly popular keys", "[engine][advice]") {
  check_prediction(popular_keys(0.6, false), 1);
}

TEST_CASE("twice and half the memory are predicted within two points: answers of many sizes", "[engine][advice]") {
  check_prediction(popular_keys(0.8, true), 700);
}

TEST_CASE("twice and half the memory are predicted within two points: scans and loops", "[engine][advice]") {
  check_prediction(scans_and_loops(), 1);
}

TEST_CASE("a wrong first guess of an entry's weight is corrected", "[engine][advice]") {
  check_prediction(popular_keys(0.8, true), 60'000);
}

TEST_CASE("keys that were not sampled leave no trace", "[engine][advice]") {
  ghost_curve curve{{1'000'000, 1, 512, true}};
  REQUIRE(curve.threshold() < UINT64_MAX / 1000);
  std::vector<sampled> others(1000, sampled{curve.threshold() + 1, 1});
  for (int i = 0; i < 100; ++i) curve.seen(others);
  CHECK(curve.curve().samples == 0);
  CHECK_FALSE(curve.warm());
  CHECK_FALSE(curve.curve().effect_of(1'000'000));
}

TEST_CASE("memory does not grow with the budget", "[engine][advice]") {
  const ghost_curve large{{1ULL << 40, 100, 512, true}};
  const ghost_curve small{{1ULL << 20, 100, 512, true}};
  CHECK(large.bytes() <= small.bytes() * 11 / 10);
  CHECK(large.bytes() < 2U << 20);
}

TEST_CASE("a curve's points lie between their neighbours, and its ends are its ends", "[engine][advice]") {
  const hit_curve c = drawn_by_hand();
  CHECK(*c.hit_percent(hit_curve::present) == Approx(30));
  CHECK(c.bytes_at(0) == c.budget / 4);
  CHECK(c.bytes_at(5) == c.budget * 8);
  CHECK(c.effect_of(c.budget)->points == Approx(0));
  CHECK(c.effect_of(c.budget * 2)->points == Approx(10));
  CHECK(c.effect_of(c.budget / 2)->points == Approx(-10));
  CHECK(c.effect_of(static_cast<std::uint64_t>(static_cast<double>(c.budget) * std::sqrt(2.0)))->points ==
        Approx(5).epsilon(0.01));
  CHECK(c.effect_of(c.budget * 8)->points == Approx(30));
  CHECK(c.effect_of(c.budget / 4)->points == Approx(-20));
  CHECK_FALSE(c.effect_of(c.budget * 9));
  CHECK_FALSE(c.effect_of(c.budget / 5));
  CHECK_FALSE(c.effect_of(0));
  CHECK_FALSE(hit_curve{}.effect_of(1));
  CHECK_FALSE(hit_curve{}.hit_percent(0));
}

TEST_CASE("groups that agree leave no error, groups that differ leave one", "[engine][advice]") {
  hit_curve c = drawn_by_hand();
  CHECK(c.effect_of(c.budget * 2)->error == Approx(0).margin(1e-9));
  for (std::size_t g = 0; g < hit_curve::group_count; g += 2) {
    c.hits[3][g] += 10;
    c.hits[3][g + 1] -= 10;
  }
  const auto e = c.effect_of(c.budget * 2);
  CHECK(e->points == Approx(10));
  CHECK(e->error == Approx(100 * 2.13 * std::sqrt(16 * 100 * 16.0 / 15) / 1600));
}

TEST_CASE("curves of shards add up", "[engine][advice]") {
  hit_curve c = drawn_by_hand();
  hit_curve other = drawn_by_hand();
  for (auto& groups : other.hits)
    for (double& h : groups) h = 0;
  c.merge(other);
  CHECK(c.budget == 2U << 20);
  CHECK(c.samples == 3200);
  CHECK(*c.hit_percent(hit_curve::present) == Approx(15));
  CHECK(c.effect_of(4U << 20)->points == Approx(5));
}

}  // namespace aicache::advice_ghost_curve_test
