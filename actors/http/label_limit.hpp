#pragma once

#include <cstddef>
#include <set>
#include <string>

namespace aicache::http {

/// Which values of a label are told apart: the first `most` that come; all later ones are one, "other".
///
/// Owner      the exporter
/// Invariant  what was told apart once stays so, so that no series of a counter ever goes back
/// Cost       O(log n)
class label_limit {
 public:
  explicit label_limit(std::size_t most) : most_(most) {}

  /// `name`, or "other". A value that is called so itself is counted there too.
  const std::string& of(const std::string& name) {
    static const std::string other = "other";
    if (name == other) return other;
    if (known_.size() < most_) return *known_.insert(name).first;
    const auto at = known_.find(name);
    return at == known_.end() ? other : *at;
  }

 private:
  std::size_t most_;
  std::set<std::string> known_;
};

}  // namespace aicache::http
