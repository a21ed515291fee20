#include "engine/statistics/histogram_window.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace aicache::histogram_test {

namespace {

constexpr std::uint64_t hour_ns = 3'600'000'000'000;

/// The least value that a share p of the sorted values does not exceed.
std::uint64_t true_quantile(const std::vector<std::uint64_t>& sorted, double p) {
  const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

std::vector<std::uint64_t> random_latencies(std::mt19937_64& random, std::size_t n) {
  std::lognormal_distribution<double> latency{8, 3};
  std::vector<std::uint64_t> values(n);
  for (auto& v : values) v = static_cast<std::uint64_t>(std::min(latency(random), static_cast<double>(hour_ns)));
  return values;
}

histogram of(const std::vector<std::uint64_t>& values) {
  histogram h;
  for (const auto v : values) h.record(v);
  return h;
}

sparse_histogram report_of(const histogram& h) {
  sparse_histogram report;
  h.report_since({}, report);
  return report;
}

}  // namespace

TEST_CASE("every bucket holds exactly the values between its bounds", "[engine][histogram]") {
  std::uint64_t lowest = 0;
  for (std::size_t bucket = 0; bucket < histogram::bucket_count_total; ++bucket) {
    const std::uint64_t highest = histogram::upper_bound(bucket);
    REQUIRE(highest >= lowest);
    CHECK(histogram::bucket_of(lowest) == bucket);
    CHECK(histogram::bucket_of(highest) == bucket);
    // The promised relative error, exactly.
    CHECK((histogram::middle(bucket) - lowest) * 128 <= lowest);
    CHECK((highest - histogram::middle(bucket)) * 128 <= lowest);
    lowest = highest + 1;
  }
  CHECK(lowest == histogram::value_limit + 1);
  CHECK(histogram::value_limit >= hour_ns);
}

TEST_CASE("values below 128 are exact", "[engine][histogram]") {
  for (std::uint64_t v = 0; v < 128; ++v) {
    histogram h;
    h.record(v);
    h.record(histogram::value_limit);
    CHECK(h.quantile(0.5) == v);
  }
}

TEST_CASE("quantiles are within one percent of the true ones", "[engine][histogram]") {
  std::mt19937_64 random{5};
  for (const std::size_t n : {1, 2, 7, 1000, 20'000}) {
    auto values = random_latencies(random, n);
    const histogram h = of(values);
    std::sort(values.begin(), values.end());
    for (const double p : {0.0, 0.001, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
      const std::uint64_t exact = true_quantile(values, p);
      const std::uint64_t given = h.quantile(p);
      INFO(n << " values, p " << p);
      CHECK(std::max(given, exact) - std::min(given, exact) <= exact / 128);
    }
    CHECK(h.quantile(1.0) == values.back());
    CHECK(h.max() == values.back());
    CHECK(h.count() == n);
    CHECK(h.sum() == std::accumulate(values.begin(), values.end(), std::uint64_t{0}));
  }
}

TEST_CASE("an empty histogram is all zero", "[engine][histogram]") {
  const histogram h;
  CHECK(h.quantile(0.5) == 0);
  CHECK(h.count() == 0);
  CHECK(h.sum() == 0);
  CHECK(h.max() == 0);
  CHECK(report_of(h) == sparse_histogram{});
}

TEST_CASE("a share outside of 0 to 1 counts as the nearest, and what is no number as 0", "[engine][histogram]") {
  const histogram h = of({1, 2, 3});
  CHECK(h.quantile(-1) == 1);
  CHECK(h.quantile(2) == 3);
  CHECK(h.quantile(std::numeric_limits<double>::infinity()) == 3);
  CHECK(h.quantile(std::numeric_limits<double>::quiet_NaN()) == 1);
}

TEST_CASE("values over the limit count as the limit", "[engine][histogram]") {
  histogram h;
  h.record(UINT64_MAX);
  h.record(histogram::value_limit + 1);
  CHECK(h.max() == histogram::value_limit);
  CHECK(h.sum() == 2 * histogram::value_limit);
  CHECK(h.quantile(0.5) >= histogram::value_limit - histogram::value_limit / 128);
  CHECK(h.quantile(1.0) == histogram::value_limit);
  CHECK(h.counts().back() == 2);
}

TEST_CASE("a value recorded n times equals n records of it", "[engine][histogram]") {
  histogram once;
  once.record(1000, 3);
  once.record(7, 0);
  once.record(1'000'000, 0);
  CHECK(once == of({1000, 1000, 1000}));
}

TEST_CASE("merged histograms equal one of all values", "[engine][histogram]") {
  std::mt19937_64 random{6};
  const auto a = random_latencies(random, 500);
  const auto b = random_latencies(random, 300);
  auto all = a;
  all.insert(all.end(), b.begin(), b.end());
  histogram merged = of(a);
  merged.merge(of(b));
  CHECK(merged == of(all));
}

TEST_CASE("reports of differences add up to the whole", "[engine][histogram]") {
  std::mt19937_64 random{7};
  histogram shard;
  histogram reported;
  histogram monitor;
  sparse_histogram report;
  for (int tick = 0; tick < 20; ++tick) {
    for (const auto v : random_latencies(random, random() % 100)) shard.record(v);
    shard.report_since(reported, report);
    reported = shard;
    REQUIRE(monitor.merge(report));
  }
  CHECK(monitor == shard);
  shard.report_since(reported, report);
  CHECK(report.buckets.empty());
  CHECK(report.sum == 0);
}

TEST_CASE("windows of a histogram, merged one after the other, equal it", "[engine][histogram]") {
  std::mt19937_64 random{8};
  histogram all;
  histogram monitor;
  histogram_window window;
  std::size_t bytes = 0;
  sparse_histogram report;
  CHECK(window.is_empty());
  for (int tick = 0; tick < 20; ++tick) {
    for (const auto v : random_latencies(random, random() % 100)) {
      all.record(v, 2);
      bytes += window.record(v, 2);
    }
    CHECK(window.is_empty() == (all.count() == monitor.count()));
    window.take(report);
    REQUIRE(monitor.merge(report));
    CHECK(window.is_empty());
  }
  CHECK(monitor == all);
  window.record(0);
  CHECK_FALSE(window.is_empty());
  window.record(UINT64_MAX);
  window.take(report);
  CHECK(report.buckets.size() == 2);
  CHECK(report.sum == histogram::value_limit);
  CHECK(report.max == histogram::value_limit);
  CHECK(bytes > 0);
  CHECK(bytes < sizeof(histogram) + 37 * 16);
  window.take(report);
  CHECK(report == sparse_histogram{});
}

TEST_CASE("a window allocates only where values are new to it", "[engine][histogram]") {
  histogram_window window;
  CHECK(window.record(5'000) > 0);
  for (std::uint64_t v = 4'096; v < 8'192; ++v) CHECK(window.record(v) == 0);
  CHECK(window.record(8'192) > 0);
}

TEST_CASE("a report names only the buckets that gained", "[engine][histogram]") {
  histogram before = of({3, 3, 100});
  histogram after = before;
  after.record(3);
  after.record(5, 2);
  sparse_histogram report;
  after.report_since(before, report);
  CHECK(report == sparse_histogram{{{3, 1}, {5, 2}}, 13, 100});
}

TEST_CASE("a report that cannot be is refused and adds nothing", "[engine][histogram]") {
  const histogram before = of({1, 50, 7000});
  const auto total = static_cast<std::uint16_t>(histogram::bucket_count_total);
  const std::vector<sparse_histogram> bad{{{{total, 1}}, 1, histogram::value_limit},
                                          {{{UINT16_MAX, 1}}, 1, histogram::value_limit},
                                          {{{5, 1}, {4, 1}}, 9, 5},
                                          {{{5, 1}, {5, 1}}, 10, 5},
                                          {{{5, 1}, {40, 1}}, 10, 5},
                                          {{}, 0, histogram::value_limit + 1}};
  for (const auto& report : bad) {
    histogram h = before;
    const auto done = h.merge(report);
    REQUIRE_FALSE(done);
    CHECK(done.why().code == errc::corrupt);
    CHECK(h == before);
  }
}

TEST_CASE("counts of any size leave quantiles in range", "[engine][histogram]") {
  histogram h;
  REQUIRE(h.merge(sparse_histogram{{{3, UINT64_MAX - 1}}, 0, 3}));
  CHECK(h.quantile(1.0) == 3);
  h.record(9);
  CHECK(h.quantile(1.0) == 9);
  CHECK(h.quantile(0.5) == 3);
}

}  // namespace aicache::histogram_test
