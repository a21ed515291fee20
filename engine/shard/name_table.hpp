#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace aicache {

/// Small numbers for the names of operations or tenants, given out as they appear.
///
/// Invariant  number 0 is "other": whoever comes after the table is full is counted there, so labels stay few
/// Owner      one shard; not thread-safe
/// Cost       one hash look-up per name of a batch; allocates only for a new name
class name_table {
 public:
  static constexpr std::string_view other = "other";
  static constexpr std::size_t longest_name = 128;  ///< longer ones are counted as other

  explicit name_table(std::uint16_t limit) : limit_(limit == 0 ? 1 : limit) { add(other); }

  std::uint16_t number_of(std::string_view name) {
    if (auto known = numbers_.find(name); known != numbers_.end()) return known->second;
    if (names_.size() >= limit_ || name.size() > longest_name) return 0;
    return add(name);
  }

  const std::string& name_of(std::uint16_t number) const noexcept { return names_[number]; }
  std::size_t size() const noexcept { return names_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct name_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
  };

  std::uint16_t add(std::string_view name) {
    const auto number = static_cast<std::uint16_t>(names_.size());
    names_.emplace_back(name);
    numbers_.emplace(names_.back(), number);
    bytes_ += 2 * (sizeof(std::string) + name.size()) + 32;
    return number;
  }

  std::size_t limit_;
  std::size_t bytes_ = 0;
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::uint16_t, name_hash, std::equal_to<>> numbers_;
};

}  // namespace aicache
