#include "actors/http/exposition.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace aicache::http {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

constexpr double seconds_per_nanosecond = 1e-9;

/// Families in the order in which their rows first come.
class families {
 public:
  void counter(const metric_row& row, labels of, double value) {
    add(row, "_total", MetricType::Counter, std::move(of)).counter.value = value;
  }
  void gauge(const metric_row& row, labels of, double value) {
    add(row, "", MetricType::Gauge, std::move(of)).gauge.value = value;
  }
  void latency(const metric_row& row, const std::string& value, const latency_summary& l) {
    auto& s = add(row, "", MetricType::Summary, {{std::string(row.label), value}}).summary;
    s.sample_count = l.count;
    s.sample_sum = static_cast<double>(l.mean) * static_cast<double>(l.count) * seconds_per_nanosecond;
    // Of nothing, and of distributions that were added up, there are none.
    if (l.count == 0 || (l.p999 == 0 && l.max > 0)) return;
    for (const auto& [quantile, nanoseconds] :
         {std::pair{0.5, l.p50}, std::pair{0.95, l.p95}, std::pair{0.99, l.p99}, std::pair{0.999, l.p999}})
      s.quantile.push_back({quantile, static_cast<double>(nanoseconds) * seconds_per_nanosecond});
  }
  void info(const metric_row& row, const std::string& value) {
    add(row, "", MetricType::Gauge, {{std::string(row.label), value}}).gauge.value = 1;
  }

  std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer{}.Serialize(out, all_);
    return out.str();
  }

 private:
  ClientMetric& add(const metric_row& row, std::string_view ending, MetricType type, labels of) {
    auto& family = family_of(row, ending, type);
    // Rows of a family that are told apart by a label of their own.
    if (!row.value.empty()) of.push_back({std::string(row.label), std::string(row.value)});
    family.metric.emplace_back().label = std::move(of);
    return family.metric.back();
  }

  prometheus::MetricFamily& family_of(const metric_row& row, std::string_view ending, MetricType type) {
    const auto [at, is_new] = places_.try_emplace(row.family, place{all_.size(), {}});
    if (is_new) all_.push_back({"aicache_" + std::string(row.family) + std::string(ending), "", type, {}});
    auto& family = all_[at->second.index];
    if (!at->second.told.contains(row.value)) {
      at->second.told.emplace(row.value, true);
      if (!family.help.empty()) family.help += "; ";
      if (!row.value.empty()) family.help += std::string(row.value) + ": ";
      family.help += row.doc;
    }
    return family;
  }

  struct place {
    std::size_t index;
    std::map<std::string_view, bool> told;  ///< rows that the help has
  };
  std::map<std::string_view, place> places_;
  std::vector<prometheus::MetricFamily> all_;
};

template <class Counters>
void count(families& f, const Counters& counted, const labels& of) {
  for_each_figure(counted, [&](const metric_row& row, std::uint64_t v) { f.counter(row, of, static_cast<double>(v)); });
}

void tell(families& f, const node_figures& node, const build_facts& facts) {
#define AICACHE_NODE_COUNTER(member, family, label, value, unit, doc) \
  f.counter({#member, #family, label, value, unit, doc}, {}, static_cast<double>(node.member));
#define AICACHE_NODE_GAUGE(member, family, label, value, unit, doc) \
  if (node.member) f.gauge({#member, #family, label, value, unit, doc}, {}, *node.member);
#define AICACHE_NODE_INFO(member, family, label, value, unit, doc) \
  f.info({#member, #family, label, value, unit, doc}, facts.member);
#include "config/metrics.def"
}

void tell_latencies(families& f, const snapshot& s) {
  const auto latencies_of = [&](std::string_view member) {
    std::vector<std::pair<std::string, latency_summary>> all;
    if (member == "operations")
      for (const operation_statistics& o : s.operations) all.emplace_back(o.name, o.latency);
    if (member == "tiers")
      for (const tier_statistics& t : s.statistics.tiers) all.emplace_back(t.name, t.latency);
    return all;
  };
#define AICACHE_NODE_LATENCY(member, family, label, value, unit, doc) \
  for (const auto& [name, l] : latencies_of(#member)) f.latency({#member, #family, label, value, unit, doc}, name, l);
#include "config/metrics.def"
}

}  // namespace

std::string exposition(const snapshot* s, const node_figures& node, const build_facts& facts) {
  families f;
  if (s) {
    for (const operation_statistics& o : s->operations) count(f, o.counted, {{"operation", o.name}});
    for (const tenant_statistics& t : s->tenants) count(f, t.counted, {{"tenant", t.name}});
    count(f, s->statistics.shards, {});
    for_each_figure(s->statistics.present,
                    [&](const metric_row& row, std::uint64_t v) { f.gauge(row, {}, static_cast<double>(v)); });
    // Where there is no Redis these would be zero for ever, and say that all is well with it.
    if (s->shared) count(f, s->statistics.link, {});
    count(f, s->statistics.invalidations, {});
    tell_latencies(f, *s);
  }
  tell(f, node, facts);
  return f.text();
}

}  // namespace aicache::http
