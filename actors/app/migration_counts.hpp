#pragma once

#include <array>
#include <cstdint>

#include "engine/legacy/legacy_value.hpp"

namespace aicache::app {

/// What became of everything that was asked for: each request, or in a walk through all keys each key, counts once.
struct migration_counts {
  std::uint64_t imported = 0;
  std::uint64_t not_found = 0;
  std::uint64_t expired = 0;  ///< while it was read
  std::uint64_t foreign = 0;
  std::uint64_t another = 0;
  std::uint64_t not_taken = 0;
  std::uint64_t unknown_request = 0;
  std::uint64_t ambiguous = 0;
  std::uint64_t no_key = 0;
  std::uint64_t malformed = 0;
  /// Values that were found and cannot be read, by reason; `none` stays 0.
  std::array<std::uint64_t, legacy_refusal_count> refused{};

  std::uint64_t unreadable() const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : refused) sum += n;
    return sum;
  }
  /// Answers that were there, whatever became of them.
  std::uint64_t found() const noexcept { return imported + foreign + another + not_taken + unreadable(); }
  std::uint64_t asked() const noexcept {
    return found() + not_found + expired + unknown_request + ambiguous + no_key + malformed;
  }
  /// There is something that somebody may want to look at.
  bool has_refusals() const noexcept { return unreadable() + foreign + another + not_taken + no_key + malformed > 0; }

  friend bool operator==(const migration_counts&, const migration_counts&) = default;
};

/// The single counts, as the state names them and a summary explains them.
struct migration_row {
  const char* name;
  std::uint64_t migration_counts::*count;
  const char* left_out_because;  ///< null: it was not left out
};
inline constexpr migration_row migration_rows[] = {
    {"imported", &migration_counts::imported, nullptr},
    {"not_found", &migration_counts::not_found, nullptr},
    {"expired", &migration_counts::expired, nullptr},
    {"foreign", &migration_counts::foreign, "no value of a cache lies there"},
    {"another", &migration_counts::another, "the answer was noted to be another request's"},
    {"not_taken", &migration_counts::not_taken, "the node refused it"},
    {"unknown_request", &migration_counts::unknown_request, "the key does not say what was asked"},
    {"ambiguous", &migration_counts::ambiguous, "the key may be another request's"},
    {"no_key", &migration_counts::no_key, "the Python cache had no key for the request"},
    {"malformed", &migration_counts::malformed, "the line is no request"},
};

}  // namespace aicache::app
