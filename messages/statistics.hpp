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
typename Inspector::result_type inspect(Inspector& f, tenant_gauges& x) {
  return f(caf::meta::type_name("aicache::tenant_gauges")
#define AICACHE_TENANT_GAUGE(member, family, label, value, unit, doc) , x.member
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

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, link_counters& x) {
  return f(caf::meta::type_name("aicache::link_counters")
#define AICACHE_LINK_COUNTER(member, family, label, value, unit, doc) , x.member
#include "config/metrics.def"
  );
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, link_gauges& x) {
  return f(caf::meta::type_name("aicache::link_gauges")
#define AICACHE_LINK_GAUGE(member, family, label, value, unit, doc) , x.member
#include "config/metrics.def"
  );
}
AICACHE_INSPECT(link_figures, a, b)
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, invalidation_counters& x) {
  return f(caf::meta::type_name("aicache::invalidation_counters")
#define AICACHE_INVALIDATION_COUNTER(member, family, label, value, unit, doc) , x.member
#include "config/metrics.def"
  );
}

AICACHE_INSPECT(bucket_count, a, b)
AICACHE_INSPECT(sparse_histogram, a, b, c)
AICACHE_INSPECT(key_generation_report, a, b, c)

/// A latency distribution boiled down: nanoseconds. Quantiles cannot be added up; `sum` and `at_most` can.
struct latency_summary {
  std::uint64_t count = 0;
  std::uint64_t mean = 0;
  std::uint64_t p50 = 0;
  std::uint64_t p95 = 0;
  std::uint64_t p99 = 0;
  std::uint64_t p999 = 0;
  std::uint64_t max = 0;
  std::uint64_t sum = 0;
  std::vector<std::uint64_t> at_most{};  ///< as counts_at_most tells it, a number for each of latency_bounds

  friend bool operator==(const latency_summary&, const latency_summary&) = default;
};
AICACHE_INSPECT(latency_summary, a, b, c, d, e, g, h, i, j)

struct operation_statistics {
  std::string name;
  operation_counters counted;
  latency_summary latency;
};
AICACHE_INSPECT(operation_statistics, a, b, c)

struct tenant_statistics {
  std::string name;
  tenant_counters counted;
  tenant_gauges present = {};
};
AICACHE_INSPECT(tenant_statistics, a, b, c)

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
  link_counters link;  ///< zero where there is no Redis
  link_gauges link_present;
  invalidation_counters invalidations;
  std::uint8_t level = 0;  ///< a service_level
};
AICACHE_INSPECT(node_statistics, a, b, c, d, e, g, h, i, j, k, l, m)

latency_summary summarise(const histogram& h);
node_statistics summarise(const node_totals& totals);

}  // namespace aicache
