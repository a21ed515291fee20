#pragma once

#include <string>

#include "actors/app/migration_counts.hpp"
#include "engine/outcome.hpp"

namespace aicache::app {

/// How far a migration has come, so that another run can go on from there.
struct migration_state {
  std::string task;          ///< what is moved from where to whom, without secrets; a state of another task is refused
  std::uint64_t line = 0;    ///< of the requests, the last one that is settled
  std::string cursor = "0";  ///< of a walk through all keys, where it goes on
  bool is_done = false;      ///< of a walk: all has been seen
  migration_counts counts;

  friend bool operator==(const migration_state&, const migration_state&) = default;
};

/// Replaces the file as a whole: whoever is cut off finds the old state or the new one. Fails: unavailable.
outcome<void> write_migration_state(const std::string& path, const migration_state& state);

/// The state of a file, or of a beginning where there is no file. Fails: invalid_argument for a file that is no state, or
/// that of another task.
outcome<migration_state> read_migration_state(const std::string& path, const std::string& task);

}  // namespace aicache::app
