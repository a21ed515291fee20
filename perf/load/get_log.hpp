#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/client.hpp"
#include "engine/outcome.hpp"
#include "perf/load/workload.hpp"

namespace aicache::perf {

/// One get of a load, as the cache answered it.
struct logged_get {
  std::uint32_t line = 0;         ///< place in the workload
  std::uint32_t code_points = 0;  ///< of its text
  std::uint64_t nanoseconds = 0;  ///< from asking for the batch to this answer
  answer_facts facts;
  get_status status = get_status::miss;
  tier from = tier::none;
  errc error = errc::none;
  bool stale = false;
  bool last = false;  ///< with it the fate of its request is known; else the key is asked for again, with a lease
};

/// Writes a log as JSON lines, which perf/README.md tells of. False when the file could not be written.
bool write_log(const std::string& path, const workload& asks, const std::vector<logged_get>& gets);

}  // namespace aicache::perf
