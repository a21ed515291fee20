#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aicache {

/// The first of many names in order, from a certain one on, whatever order they come in: one page of a listing.
///
/// Owner      one search; not thread-safe
/// Invariant  holds no more than `most` names and, but for a single one, `bytes` of them; what it holds are the first of
///            all that were added, without a gap, so the next page goes on behind its last
/// Cost       O(log most) a name
class name_page {
 public:
  name_page(std::string after, std::size_t most, std::size_t bytes)
      : after_(std::move(after)), most_(most == 0 ? 1 : most), bytes_(bytes) {}

  void add(std::string_view name) {
    if (name <= after_) return;
    if (beyond_ && name >= *beyond_) return;
    const auto [at, fresh] = names_.emplace(name);
    if (!fresh) return;
    held_ += at->size();
    while (names_.size() > most_ || (held_ > bytes_ && names_.size() > 1)) {
      held_ -= names_.rbegin()->size();
      beyond_ = std::move(names_.extract(std::prev(names_.end())).value());
    }
  }

  /// Whether there are names behind the last of these.
  bool has_more() const noexcept { return beyond_.has_value(); }
  std::vector<std::string> take() {
    std::vector<std::string> all(names_.begin(), names_.end());
    names_.clear();
    held_ = 0;
    return all;
  }

 private:
  std::string after_;
  std::size_t most_;
  std::size_t bytes_;
  std::set<std::string, std::less<>> names_;
  std::size_t held_ = 0;
  std::optional<std::string> beyond_;  // the first name that found no room
};

}  // namespace aicache
