#pragma once

#include <string>
#include <vector>

#include "engine/statistics/report.hpp"
#include "engine/statistics/totals.hpp"
#include "messages/caf_version.hpp"

// Figures, as they cross a network: the structs of config/metrics.def, member by member.
namespace aicache {

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, operation_counters& x) {
  return f(caf::meta::type_name("aicache::operation_counters")
#define AICACHE_OPERATION_COUNTER(member, family, label, value, unit, doc) , x.member
#include "config/metrics.def"
  );
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, tenant_counters& x) {
  return f(caf::meta::type_name("aicache::tenant_counters")
#define AICACHE_TENANT_COUNTER(member, family, label, value, unit, doc) , x.member
#include "config/metrics.def"
  );
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, shard_counters& x) {
  return f(caf::meta::type_name("aicache::shard_counters")
#define AICACHE_SHARD_COUNTER(member, family, label, value, unit, doc) , x.member
#include "config/metrics.def"
  );
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, shard_gauges& x) {
  return f(caf::meta::type_name("aicache::shard_gauges")
#define AICACHE_SHARD_GAUGE(member, family, label, value, unit, doc) , x.member
#include "config/metrics.def"
  );
}

/// A latency distribution boiled down: nanoseconds.
struct latency_summary {
  std::uint64_t count = 0;
  std::uint64_t mean = 0;
  std::uint64_t p50 = 0;
  std::uint64_t p95 = 0;
  std::uint64_t p99 = 0;
  std::uint64_t p999 = 0;
  std::uint64_t max = 0;

  friend bool operator==(const latency_summary&, const latency_summary&) = default;
};
AICACHE_INSPECT(latency_summary, a, b, c, d, e, g, h)

struct operation_statistics {
  std::string name;
  operation_counters counted;
  latency_summary latency;
};
AICACHE_INSPECT(operation_statistics, a, b, c)

struct tenant_statistics {
  std::string name;
  tenant_counters counted;
};
AICACHE_INSPECT(tenant_statistics, a, b)

struct tier_statistics {
  std::string name;
  latency_summary latency;
};
AICACHE_INSPECT(tier_statistics, a, b)

/// What the monitor knows of its node.
struct node_statistics {
  std::uint64_t epoch = 0;           ///< of the shard map
  std::uint64_t shard_restarts = 0;  ///< shards that died and were replaced
  std::vector<operation_statistics> operations;
  std::vector<tenant_statistics> tenants;
  std::vector<tier_statistics> tiers;
  operation_counters total;
  shard_counters shards;
  shard_gauges present;
};
AICACHE_INSPECT(node_statistics, a, b, c, d, e, g, h, i)

latency_summary summarise(const histogram& h);
node_statistics summarise(const node_totals& totals);

}  // namespace aicache
