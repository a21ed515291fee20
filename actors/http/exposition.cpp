#include "actors/http/exposition.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/statistics/latency_bounds.hpp"

namespace aicache::http {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

constexpr double seconds_per_nanosecond = 1e-9;
// Of operations there may be hundreds, of tiers there are a handful: those have one bound to a doubling, these all.
constexpr std::size_t operation_stride = latency_bounds_per_octave;
constexpr std::size_t tier_stride = 1;

/// Families in the order in which their rows first come.
class families {
 public:
  void counter(const metric_row& row, labels of, double value) {
    add(row, "_total", MetricType::Counter, std::move(of)).counter.value = value * scale(row);
  }
  void gauge(const metric_row& row, labels of, double value) {
    add(row, "", MetricType::Gauge, std::move(of)).gauge.value = value;
  }
  void latency(const metric_row& row, std::size_t stride, const std::string& value, const latency_summary& l) {
    auto& h = add(row, "", MetricType::Histogram, {{std::string(row.label), value}}).histogram;
    h.sample_count = l.count;
    h.sample_sum = static_cast<double>(l.sum) * seconds_per_nanosecond;
    for (std::size_t i = 0; i < latency_bounds.size(); i += stride)
      h.bucket.push_back({i < l.at_most.size() ? l.at_most[i] : 0, seconds_of(latency_bounds[i])});
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
  // Outside everything is in the base unit.
  static double scale(const metric_row& row) { return row.unit == "ms" ? 1e-3 : row.unit == "millionths" ? 1e-6 : 1; }
  // Divided, so that it is written with as few digits as it has.
  static double seconds_of(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

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
  const auto stride_of = [](std::string_view member) {
    return member == "operations" ? operation_stride : tier_stride;
  };
  const auto latencies_of = [&](std::string_view member) {
    std::vector<std::pair<std::string, latency_summary>> all;
    if (member == "operations")
      for (const operation_statistics& o : s.operations) all.emplace_back(o.name, o.latency);
    if (member == "tiers")
      for (const tier_statistics& t : s.statistics.tiers) all.emplace_back(t.name, t.latency);
    return all;
  };
#define AICACHE_NODE_LATENCY(member, family, label, value, unit, doc) \
  for (const auto& [name, l] : latencies_of(#member))                 \
    f.latency({#member, #family, label, value, unit, doc}, stride_of(#member), name, l);
#include "config/metrics.def"
}

}  // namespace

std::string exposition(const snapshot* s, const node_figures& node, const build_facts& facts) {
  families f;
  if (s) {
    for (const operation_statistics& o : s->operations) count(f, o.counted, {{"operation", o.name}});
    for (const tenant_statistics& t : s->tenants) count(f, t.counted, {{"tenant", t.name}});
    for (const tenant_statistics& t : s->tenants)
      for_each_figure(t.present, [&](const metric_row& row, std::uint64_t v) {
        f.gauge(row, {{"tenant", t.name}}, static_cast<double>(v));
      });
    count(f, s->statistics.shards, {});
    for_each_figure(s->statistics.present,
                    [&](const metric_row& row, std::uint64_t v) { f.gauge(row, {}, static_cast<double>(v)); });
    // Where there is no Redis these would be zero for ever, and say that all is well with it.
    if (s->shared) {
      count(f, s->statistics.link, {});
      for_each_figure(s->statistics.link_present,
                      [&](const metric_row& row, std::uint64_t v) { f.gauge(row, {}, static_cast<double>(v)); });
    }
    count(f, s->statistics.invalidations, {});
    tell_latencies(f, *s);
  }
  tell(f, node, facts);
  return f.text();
}

}  // namespace aicache::http
