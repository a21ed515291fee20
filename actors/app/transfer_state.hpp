#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/outcome.hpp"
#include "engine/shard/transfer.hpp"

namespace aicache::app {

/// How far an export or an import has come, so that another run can go on from there.
struct transfer_state {
  std::string task;         ///< what goes where, without secrets; a state of another task is refused
  std::uint64_t bytes = 0;  ///< of an export, how much of its file counts
  std::uint64_t line = 0;   ///< of an import, the last one that is settled
  std::string cursor;       ///< of the walk through Redis; empty before and after it
  bool redis_done = false;
  std::uint64_t shard = 0;  ///< that is being walked through
  walk_place place;
  bool is_done = false;
  std::map<std::string, std::uint64_t> counts;
  std::string first_malformed;

  friend bool operator==(const transfer_state&, const transfer_state&) = default;
};

/// Replaces the file as a whole. Fails: unavailable.
outcome<void> write_transfer_state(const std::string& path, const transfer_state& state);

/// The state of a file, or of a beginning where there is no file. Fails: invalid_argument for a file that is no state, or
/// that of another task.
outcome<transfer_state> read_transfer_state(const std::string& path, const std::string& task);

}  // namespace aicache::app
