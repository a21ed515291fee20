#pragma once

#include <cstddef>
#include <cstdint>

namespace aicache {

/// What one tenant takes of a shard's memory, and may take.
struct tenant_use {
  std::uint64_t bytes = 0;    ///< what its entries are charged, in both tiers
  std::uint64_t entries = 0;  ///< in both tiers
  std::uint64_t quota = 0;    ///< bytes that it may take; 0: as many as there are
  std::uint64_t evicted = 0;  ///< its entries that made room for others of its own, ever
  std::uint64_t refused = 0;  ///< its answers that found no room within the quota, ever
  std::size_t hand = 0;       ///< the bucket of the index in which the next such entry is looked for
};

}  // namespace aicache
