#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace aicache {

/// The settings under which fifo_policy may run. No single one is good for every load, so a
/// mode_learner chooses among them while the cache runs.
enum class eviction_mode : std::uint8_t {
  guard,    ///< loops, scans, a stable set of popular keys
  lean,     ///< mixed loads
  history,  ///< long reuse distances, sessions that come back
  middle,   ///< the best single setting, and where a learner starts
  recency,  ///< moving working sets, growing chat prefixes
};

inline constexpr std::size_t eviction_mode_count = 5;
inline constexpr eviction_mode first_eviction_mode = eviction_mode::middle;

/// What a mode is made of. Shares are in thousandths of the capacity.
struct eviction_settings {
  const char* name;
  std::uint32_t probation_permille;  ///< target of the probation queue
  std::uint32_t ghost_permille;      ///< how much evicted weight ago a key may come back as known
  bool duel;         ///< a returning key must find an unused entry before it may enter a full main queue
  bool stamps_main;  ///< keys evicted from the main queue are remembered as well
};

/// The table of modes, in the order of the enumeration.
inline constexpr std::array<eviction_settings, eviction_mode_count> eviction_modes{{
    {"guard", 10, 900, true, false},
    {"lean", 100, 900, false, false},
    {"history", 100, 2000, false, true},
    {"middle", 250, 900, false, false},
    {"recency", 600, 900, false, false},
}};

/// The longest memory of any mode, in thousandths of the capacity.
inline constexpr std::uint32_t longest_ghost_permille = [] {
  std::uint32_t longest = 0;
  for (const eviction_settings& s : eviction_modes) {
    if (s.ghost_permille > longest) longest = s.ghost_permille;
  }
  return longest;
}();

constexpr const eviction_settings& settings_of(eviction_mode m) noexcept {
  return eviction_modes[static_cast<std::size_t>(m)];
}

constexpr const char* to_string(eviction_mode m) noexcept { return settings_of(m).name; }

/// `permille` thousandths of `weight`, rounded to the nearest; cannot overflow.
constexpr std::uint64_t permille_of(std::uint64_t weight, std::uint32_t permille) noexcept {
  return weight / 1000 * permille + (weight % 1000 * permille + 500) / 1000;
}

}  // namespace aicache
