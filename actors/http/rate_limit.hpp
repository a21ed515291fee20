#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_map>

namespace aicache::http {

/// How often each address may ask: a bucket of one second's requests, refilled as time goes.
///
/// Owner      the router, under its lock; is told the time
/// Invariant  at most `most_addresses` are remembered; beyond it those who are not share one bucket
/// Cost       O(1); at most once a second O(n), to forget addresses that have been quiet
class rate_limit {
 public:
  using point = std::chrono::steady_clock::time_point;
  static constexpr std::size_t most_addresses = 4'096;

  explicit rate_limit(double per_second) : per_second_(per_second) {}

  bool allows(const std::string& address, point now) {
    if (buckets_.size() >= most_addresses && !buckets_.contains(address)) {
      if (now - swept_ >= std::chrono::seconds(1)) {
        std::erase_if(buckets_, [&](const auto& b) { return level(b.second, now) >= per_second_; });
        swept_ = now;
      }
      if (buckets_.size() >= most_addresses) return take(rest_, now);
    }
    return take(buckets_.try_emplace(address, bucket{per_second_, now}).first->second, now);
  }

 private:
  struct bucket {
    double left = 0;
    point at{};
  };

  double level(const bucket& b, point now) const {
    return std::min(per_second_, b.left + std::chrono::duration<double>(now - b.at).count() * per_second_);
  }
  bool take(bucket& b, point now) const {
    const double left = level(b, now);
    b = {left >= 1 ? left - 1 : left, now};
    return left >= 1;
  }

  double per_second_;
  bucket rest_;
  point swept_{};
  std::unordered_map<std::string, bucket> buckets_;
};

}  // namespace aicache::http
