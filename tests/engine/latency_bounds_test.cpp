#include "engine/statistics/latency_bounds.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

namespace aicache::latency_bounds_test {

TEST_CASE("every bound of latencies ends a bucket of the histogram, so that counts up to it are exact",
          "[engine][histogram]") {
  CHECK(std::is_sorted(latency_bounds.begin(), latency_bounds.end()));
  CHECK(latency_bounds.front() == 511);
  CHECK(latency_bounds.back() == (std::uint64_t{1} << 33) - 1);
  for (const std::uint64_t bound : latency_bounds) {
    CAPTURE(bound);
    CHECK(histogram::upper_bound(histogram::bucket_of(bound)) == bound);
  }
  std::mt19937_64 random(5);
  std::vector<std::uint64_t> values;
  histogram h;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back((std::uint64_t{1} << (random() % 36)) + random() % 1'000);
    h.record(values.back());
  }
  const std::vector<std::uint64_t> counted = counts_at_most(h);
  REQUIRE(counted.size() == latency_bounds.size());
  for (std::size_t i = 0; i < counted.size(); ++i) {
    const std::uint64_t bound = latency_bounds[i];
    CHECK(counted[i] == static_cast<std::uint64_t>(
                            std::count_if(values.begin(), values.end(), [&](std::uint64_t v) { return v <= bound; })));
  }
  CHECK(counts_at_most(histogram{}).empty());
}

}  // namespace aicache::latency_bounds_test
