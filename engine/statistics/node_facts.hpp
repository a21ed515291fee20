#pragma once

#include <cstdint>
#include <optional>

#include "engine/degradation/level.hpp"
#include "engine/statistics/counters.hpp"

namespace aicache {

/// What is known of a node besides what its shards report.
struct node_facts {
  std::uint64_t epoch = 0;           ///< of the shard map
  std::uint64_t shard_restarts = 0;  ///< shards that died and were replaced
  std::uint64_t shards = 0;
  service_level level = service_level::normal;
  bool shared_available = false;     ///< Redis may be asked
  std::optional<link_figures> link;  ///< nothing where there is no Redis
  invalidation_counters invalidations;

  friend bool operator==(const node_facts&, const node_facts&) = default;
};

}  // namespace aicache
