#include "engine/statistics/histogram_window.hpp"

namespace aicache {

void histogram_window::take(sparse_histogram& out) {
  out.buckets.clear();
  for (std::size_t r = 0; r < runs_.size(); ++r) {
    if (!runs_[r]) continue;
    for (std::size_t i = 0; i < run_length; ++i)
      if ((*runs_[r])[i] != 0) out.buckets.push_back({static_cast<std::uint16_t>(r * run_length + i), (*runs_[r])[i]});
    runs_[r]->fill(0);
  }
  out.sum = sum_;
  out.max = max_;
  sum_ = max_ = count_ = 0;
}

}  // namespace aicache
