#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actors/http/snapshot.hpp"

namespace aicache::http {

/// What the node keeps besides the figures of its parts: AICACHE_NODE_COUNTER and AICACHE_NODE_GAUGE of
/// config/metrics.def. Nothing: not known, and then not told.
struct node_figures {
#define AICACHE_NODE_COUNTER(member, family, label, value, unit, doc) std::uint64_t member = 0;
#define AICACHE_NODE_GAUGE(member, family, label, value, unit, doc) std::optional<double> member;
#include "config/metrics.def"
};

/// What AICACHE_NODE_INFO of config/metrics.def tells.
struct build_facts {
#define AICACHE_NODE_INFO(member, family, label, value, unit, doc) std::string member;
#include "config/metrics.def"
};

/// Every row of config/metrics.def in Prometheus's text format: `aicache_<family>`, with `_total` behind counters; what
/// is kept by operation or tenant has that as a label. Without a snapshot only what is known without one.
std::string exposition(const snapshot* s, const node_figures& node, const build_facts& facts);

}  // namespace aicache::http
