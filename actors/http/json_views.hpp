#pragma once

#include <string>

#include "actors/http/snapshot.hpp"
#include "config/settings.hpp"

// What HTTP tells in JSON. Names that are not UTF-8 are told with U+FFFD where it is not.
namespace aicache::http {

/// Every figure of config/metrics.def by its member's name: in all, by operation, by tenant; latencies in nanoseconds.
/// `link` is absent where there is no Redis.
std::string statistics_json(const snapshot& s);

/// The epoch, and each shard with the first and last of its 64-bit hashes in hexadecimal.
std::string map_json(const snapshot& s);

/// The cluster as this node sees it; without members where it is in none.
std::string cluster_json(const snapshot& s);

std::string readiness_json(const readiness& r);

/// Keys with their values as they are written elsewhere; of a secret that is set, the mask.
std::string config_json(const config::settings& s);

/// What the ledger and the recommendations, as the monitor writes them, have for metrics.
told_figures figures_told(const std::string& ledger, const std::string& recommendations);

/// Sixteen hexadecimal digits: the same for settings that are equal but for secrets.
std::string config_hash(const config::settings& s);

}  // namespace aicache::http
