#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/key.hpp"
#include "engine/shared/scope.hpp"

namespace aicache {

/// Where a walk through a shard's memory stands. It has seen everything that was there when it began and still is, unless
/// the shard says that it lost its way; what is put meanwhile may be seen twice.
struct memory_cursor {
  std::size_t bucket = 0;
  std::uint64_t folds = 0;  ///< of the index, when the walk began

  friend bool operator==(const memory_cursor&, const memory_cursor&) = default;
};

/// One step of a search through a shard's memory: either for what a scope means, or for a tenant's generic entries.
struct memory_search {
  memory_cursor from;
  std::optional<scope> what;  ///< what an invalidation of this would drop
  std::uint64_t tag = 0;      ///< else: entries that have this tag and a key of their own,
  std::string pattern;        ///< which fits this
};

/// An entry, and its caller's key if it has one.
struct found_entry {
  key128 key;
  std::string name;

  friend bool operator==(const found_entry&, const found_entry&) = default;
};

/// What that step found.
struct memory_found {
  std::vector<found_entry> entries;
  std::optional<memory_cursor> next;  ///< none: that was all
  bool lost = false;                  ///< the index has shrunk meanwhile: begin again
};

}  // namespace aicache
