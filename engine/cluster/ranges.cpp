#include "engine/cluster/ranges.hpp"

#include <xxhash.h>

#include <algorithm>

namespace aicache {

std::vector<std::uint16_t> assign_ranges(std::span<const std::string> members, std::span<const range_pin> pins) {
  if (members.empty()) return {};
  std::vector<std::uint16_t> owners(range_count);
  std::vector<std::uint64_t> weights(range_count);
  for (std::size_t m = 0; m < members.size(); ++m) {
    for (std::uint32_t r = 0; r < range_count; ++r) {
      const std::uint64_t weight = XXH3_64bits_withSeed(members[m].data(), members[m].size(), r);
      // A tie, which is next to impossible, goes to the name that comes first, in whatever order they are given.
      const bool wins = m == 0 || weight > weights[r] || (weight == weights[r] && members[m] < members[owners[r]]);
      if (!wins) continue;
      weights[r] = weight;
      owners[r] = static_cast<std::uint16_t>(m);
    }
  }
  for (const range_pin& p : pins) {
    const auto at = std::find(members.begin(), members.end(), p.member);
    if (at == members.end()) continue;
    for (std::uint32_t r = p.first; r <= p.last && r < range_count; ++r)
      owners[r] = static_cast<std::uint16_t>(at - members.begin());
  }
  return owners;
}

}  // namespace aicache
