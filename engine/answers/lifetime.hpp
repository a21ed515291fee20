#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

#include "engine/key.hpp"
#include "engine/types.hpp"

namespace aicache {

/// How long answers live.
struct lifetime_options {
  duration otherwise{3'600'000};
  duration longest{365LL * 86'400'000};
  std::map<std::string, duration> operations;
  unsigned jitter_percent = 0;  ///< lives that no caller stated are shortened by up to so much
};

/// A life, shortened by up to `percent` of it: what was put together must not leave together, or all of it is asked of
/// the model at one time. The key decides, so nodes and Redis agree, and a repeated put changes nothing. Good for lives
/// of thousands of years.
constexpr duration shortened(duration life, const key128& key, unsigned percent) noexcept {
  constexpr std::int64_t steps = 1024;
  const auto share = static_cast<std::int64_t>(sample_hash({key.lo, key.hi}) % steps);
  const duration less = life * share * static_cast<std::int64_t>(percent) / (steps * 100);
  return std::max(duration{1}, life - less);
}

/// How long past their life answers stay, to be served until a new one is there.
struct stale_options {
  duration while_revalidate{0};                         ///< served at once, while one caller computes anew
  duration if_error{0};                                 ///< served when that failed
  std::map<std::string, duration> while_revalidate_of;  ///< by operation
  std::map<std::string, duration> if_error_of;
};

}  // namespace aicache
