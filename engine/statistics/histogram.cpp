#include "engine/statistics/histogram.hpp"

#include <cmath>
#include <numeric>

namespace aicache {

void histogram::merge(const histogram& other) noexcept {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

bool histogram::parses(const sparse_histogram& report) noexcept {
  const bool in_order = std::adjacent_find(report.buckets.begin(), report.buckets.end(),
                                           [](auto a, auto b) { return a.bucket >= b.bucket; }) == report.buckets.end();
  const bool exist = report.buckets.empty() || report.buckets.back().bucket < bucket_count_total;
  const bool max_fits =
      report.max <= value_limit && (report.buckets.empty() || bucket_of(report.max) >= report.buckets.back().bucket);
  return in_order && exist && max_fits;
}

outcome<void> histogram::merge(const sparse_histogram& report) {
  if (!parses(report)) return fault{errc::corrupt, "a histogram's report"};
  for (const auto [bucket, count] : report.buckets) counts_[bucket] += count;
  sum_ += report.sum;
  max_ = std::max(max_, report.max);
  return {};
}

void histogram::report_since(const histogram& earlier, sparse_histogram& out) const {
  out.buckets.clear();
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    const std::uint64_t gained = counts_[i] - earlier.counts_[i];
    if (gained != 0) out.buckets.push_back({static_cast<std::uint16_t>(i), gained});
  }
  out.sum = sum_ - earlier.sum_;
  out.max = max_;
}

std::uint64_t histogram::quantile(double p) const noexcept {
  const std::uint64_t total = count();
  if (total == 0) return 0;
  // Written so that what is not a number counts as 0, and a rounded-up product stays in range.
  const double share = p > 0 ? std::ceil(p * static_cast<double>(total)) : 0;
  const auto rank =
      share >= static_cast<double>(total) ? total : std::max<std::uint64_t>(static_cast<std::uint64_t>(share), 1);
  if (rank == total) return max_;
  std::uint64_t passed = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    passed += counts_[i];
    if (passed >= rank) return std::min(middle(i), max_);
  }
  return max_;
}

std::uint64_t histogram::count() const noexcept {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

}  // namespace aicache
