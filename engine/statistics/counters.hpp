#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace aicache {

/// Plain counters of one operation in one shard, a member per row of config/metrics.def.
/// Owner: the shard's actor; a `+=` of differences makes totals elsewhere.
struct operation_counters {
#define AICACHE_OPERATION_COUNTER(member, family, label, value, unit, doc) std::uint64_t member = 0;
#include "config/metrics.def"

  std::uint64_t hits() const noexcept { return hits_hot + hits_warm + hits_shared + hits_parked; }
  std::uint64_t misses() const noexcept {
    return misses_absent + misses_expired + misses_waited + misses_unparked + misses_corrupt + misses_invalidated +
           misses_unreachable;
  }
  std::uint64_t gets() const noexcept { return gets_small + gets_medium + gets_large + gets_xlarge; }
  std::uint64_t saved_tokens() const noexcept { return saved_input_tokens + saved_output_tokens; }

  friend bool operator==(const operation_counters&, const operation_counters&) = default;
};

/// Plain counters of one tenant in one shard.
struct tenant_counters {
#define AICACHE_TENANT_COUNTER(member, family, label, value, unit, doc) std::uint64_t member = 0;
#include "config/metrics.def"
  friend bool operator==(const tenant_counters&, const tenant_counters&) = default;
};

/// What one tenant takes of the memory; summed over shards it is the node's.
struct tenant_gauges {
#define AICACHE_TENANT_GAUGE(member, family, label, value, unit, doc) std::uint64_t member = 0;
#include "config/metrics.def"
  friend bool operator==(const tenant_gauges&, const tenant_gauges&) = default;
};

/// Plain counters of one shard that belong to no operation.
struct shard_counters {
#define AICACHE_SHARD_COUNTER(member, family, label, value, unit, doc) std::uint64_t member = 0;
#include "config/metrics.def"
  friend bool operator==(const shard_counters&, const shard_counters&) = default;
};

/// The present state of one shard; summed over shards it is the node's.
struct shard_gauges {
#define AICACHE_SHARD_GAUGE(member, family, label, value, unit, doc) std::uint64_t member = 0;
#include "config/metrics.def"
  friend bool operator==(const shard_gauges&, const shard_gauges&) = default;

  std::uint64_t charged() const noexcept {
    return bytes_hot + bytes_warm + bytes_index + bytes_ghost + bytes_waiting + bytes_other;
  }
};

/// Plain counters of the node's link to Redis; all of one struct's are zero where there is none.
struct link_counters {
#define AICACHE_LINK_COUNTER(member, family, label, value, unit, doc) std::uint64_t member = 0;
#include "config/metrics.def"
  friend bool operator==(const link_counters&, const link_counters&) = default;
};

/// The present state of the link to Redis.
struct link_gauges {
#define AICACHE_LINK_GAUGE(member, family, label, value, unit, doc) std::uint64_t member = 0;
#include "config/metrics.def"
  friend bool operator==(const link_gauges&, const link_gauges&) = default;
};

/// All figures of the link.
struct link_figures {
  link_counters counted;
  link_gauges present;

  friend bool operator==(const link_figures&, const link_figures&) = default;
};

/// Plain counters of the node's invalidation.
struct invalidation_counters {
#define AICACHE_INVALIDATION_COUNTER(member, family, label, value, unit, doc) std::uint64_t member = 0;
#include "config/metrics.def"
  friend bool operator==(const invalidation_counters&, const invalidation_counters&) = default;
};

/// What is known of a figure besides its value.
struct metric_row {
  std::string_view member, family, label, value, unit, doc;
};

/// Calls `visit(row, figure)` for every figure of a struct of counters or gauges, in the order of config/metrics.def.
template <class Counters, class Visit>
requires(std::is_same_v<std::remove_const_t<Counters>, operation_counters>) void for_each_figure(Counters& c,
                                                                                                 Visit&& visit) {
#define AICACHE_OPERATION_COUNTER(member, family, label, value, unit, doc) \
  visit(metric_row{#member, #family, label, value, unit, doc}, c.member);
#include "config/metrics.def"
}
template <class Counters, class Visit>
requires(std::is_same_v<std::remove_const_t<Counters>, tenant_counters>) void for_each_figure(Counters& c,
                                                                                              Visit&& visit) {
#define AICACHE_TENANT_COUNTER(member, family, label, value, unit, doc) \
  visit(metric_row{#member, #family, label, value, unit, doc}, c.member);
#include "config/metrics.def"
}
template <class Gauges, class Visit>
requires(std::is_same_v<std::remove_const_t<Gauges>, tenant_gauges>) void for_each_figure(Gauges& g, Visit&& visit) {
#define AICACHE_TENANT_GAUGE(member, family, label, value, unit, doc) \
  visit(metric_row{#member, #family, label, value, unit, doc}, g.member);
#include "config/metrics.def"
}
template <class Counters, class Visit>
requires(std::is_same_v<std::remove_const_t<Counters>, shard_counters>) void for_each_figure(Counters& c,
                                                                                             Visit&& visit) {
#define AICACHE_SHARD_COUNTER(member, family, label, value, unit, doc) \
  visit(metric_row{#member, #family, label, value, unit, doc}, c.member);
#include "config/metrics.def"
}
template <class Gauges, class Visit>
requires(std::is_same_v<std::remove_const_t<Gauges>, shard_gauges>) void for_each_figure(Gauges& g, Visit&& visit) {
#define AICACHE_SHARD_GAUGE(member, family, label, value, unit, doc) \
  visit(metric_row{#member, #family, label, value, unit, doc}, g.member);
#include "config/metrics.def"
}
template <class Counters, class Visit>
requires(std::is_same_v<std::remove_const_t<Counters>, link_counters>) void for_each_figure(Counters& c,
                                                                                            Visit&& visit) {
#define AICACHE_LINK_COUNTER(member, family, label, value, unit, doc) \
  visit(metric_row{#member, #family, label, value, unit, doc}, c.member);
#include "config/metrics.def"
}
template <class Gauges, class Visit>
requires(std::is_same_v<std::remove_const_t<Gauges>, link_gauges>) void for_each_figure(Gauges& g, Visit&& visit) {
#define AICACHE_LINK_GAUGE(member, family, label, value, unit, doc) \
  visit(metric_row{#member, #family, label, value, unit, doc}, g.member);
#include "config/metrics.def"
}
template <class Counters, class Visit>
requires(std::is_same_v<std::remove_const_t<Counters>, invalidation_counters>) void for_each_figure(Counters& c,
                                                                                                    Visit&& visit) {
#define AICACHE_INVALIDATION_COUNTER(member, family, label, value, unit, doc) \
  visit(metric_row{#member, #family, label, value, unit, doc}, c.member);
#include "config/metrics.def"
}

/// Adds every figure of `more` to `total`.
template <class Figures>
Figures& add(Figures& total, const Figures& more) {
  static_assert(sizeof(Figures) % sizeof(std::uint64_t) == 0);
  auto* t = reinterpret_cast<std::uint64_t*>(&total);
  const auto* m = reinterpret_cast<const std::uint64_t*>(&more);
  for (std::size_t i = 0; i < sizeof(Figures) / sizeof(std::uint64_t); ++i) t[i] += m[i];
  return total;
}

/// What has been added to `total` since it was `before`.
template <class Figures>
Figures difference(const Figures& total, const Figures& before) {
  Figures d = total;
  auto* t = reinterpret_cast<std::uint64_t*>(&d);
  const auto* b = reinterpret_cast<const std::uint64_t*>(&before);
  for (std::size_t i = 0; i < sizeof(Figures) / sizeof(std::uint64_t); ++i) t[i] -= b[i];
  return d;
}

}  // namespace aicache
