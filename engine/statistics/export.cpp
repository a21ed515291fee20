#include "engine/statistics/export.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace aicache {

namespace {

using nlohmann::json;

std::string text_of(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

template <class T>
void set(json& j, const char* name, const std::optional<T>& value) {
  if (value) j[name] = *value;
}

json json_of(const distribution& d) {
  return {{"count", d.count}, {"mean", d.mean}, {"min", d.least}, {"p50", d.p50},
          {"p95", d.p95},     {"p99", d.p99},   {"p999", d.p999}, {"max", d.most}};
}
void set(json& j, const char* name, const std::optional<distribution>& d) {
  if (d) j[name] = json_of(*d);
}

template <class Figures>
json json_of_figures(const Figures& figures) {
  json j = json::object();
  for_each_figure(figures, [&](const metric_row& row, std::uint64_t value) { j[std::string(row.member)] = value; });
  return j;
}

json json_of(const get_summary& g) {
  json j{{"answered", g.answered}, {"hits", g.hits}, {"misses", g.misses}};
  set(j, "hit_percent", g.hit_percent);
  return j;
}

// What was sampled, as an estimate of all.
json json_of(const lifetime_evidence& e, std::uint64_t gets) {
  const auto all = [&](std::uint64_t sampled) { return std::llround(static_cast<double>(sampled) / e.rate); };
  json j{{"expired", all(e.expired)}, {"expired_sampled", e.expired}, {"longer_lives", json::array()}};
  for (std::size_t i = 0; i < lifetime_evidence::percents.size(); ++i) {
    json one{{"life_percent", lifetime_evidence::percents[i]}, {"asked_again", all(e.returned[i])}};
    if (const auto effect = e.effect_of(i, gets)) {
      one["points"] = effect->points;
      one["error"] = effect->error;
    }
    j["longer_lives"].push_back(std::move(one));
  }
  return j;
}

json json_of(const operation_summary& o) {
  json j{{"total", json_of(o.gets)}, {"recent", json_of(o.recent)}, {"puts", o.puts}, {"saved_tokens", o.saved_tokens}};
  if (o.ttl) j["ttl_ms"] = o.ttl->count();
  set(j, "nanoseconds", o.nanoseconds);
  if (!o.lifetimes.is_empty()) j["lifetimes"] = json_of(o.lifetimes, o.gets.answered);
  return j;
}

json json_of(const tenant_summary& t) {
  json j{{"total", json_of(t.gets)}};
  j.update(json_of_figures(t.counted));
  j.update(json_of_figures(t.present));
  set(j, "quota_percent", t.quota_percent);
  return j;
}

json json_of(const text_tier_summary& t) {
  json j{{"gets", t.gets}, {"remarks", t.remarks}};
  set(j, "share_percent", t.share_percent);
  set(j, "hit_percent", t.hit_percent);
  set(j, "nanoseconds", t.nanoseconds);
  set(j, "score", t.score);
  return j;
}

json json_of(const compression_summary& c) {
  json j{{"packed", c.packed},       {"unpackable", c.unpackable},     {"unpacked", c.unpacked},
         {"raw_bytes", c.raw_bytes}, {"packed_bytes", c.packed_bytes}, {"saved_bytes", c.saved_bytes}};
  set(j, "ratio", c.ratio);
  set(j, "saved_percent", c.saved_percent);
  set(j, "permille", c.permille);
  set(j, "pack_nanoseconds", c.pack_nanoseconds);
  set(j, "unpack_nanoseconds", c.unpack_nanoseconds);
  return j;
}

json json_of(const memory_summary& m) {
  json j{{"used", m.used},
         {"budget", m.budget},
         {"hot", m.hot},
         {"warm", m.warm},
         {"bookkeeping", m.bookkeeping},
         {"entries_hot", m.entries_hot},
         {"entries_warm", m.entries_warm},
         {"samples", m.samples},
         {"mean_used", m.mean_used},
         {"most_used", m.most_used},
         {"mean_entries", m.mean_entries},
         {"most_entries", m.most_entries}};
  set(j, "used_percent", m.used_percent);
  set(j, "bytes_per_entry", m.bytes_per_entry);
  set(j, "growth_per_hour", m.growth_per_hour);
  return j;
}

json json_of(const std::vector<notice>& notices) {
  json list = json::array();
  for (const notice& n : notices)
    list.push_back({{"severity", to_string(n.how_bad)},
                    {"issue", n.issue},
                    {"message", n.message},
                    {"suggestions", n.suggestions}});
  return list;
}

json json_of(const invalidation_summary& i) {
  json j{{"events", i.events},          {"entries", i.entries}, {"last_hour", i.last_hour}, {"last_day", i.last_day},
         {"level", to_string(i.level)}, {"recent", i.recent},   {"scopes", json::array()},  {"kinds", json::array()}};
  for (const auto& [name, count] : i.scopes) j["scopes"].push_back({{"scope", name}, {"count", count}});
  for (const auto& [name, count] : i.kinds) j["kinds"].push_back({{"kind", name}, {"count", count}});
  set(j, "entries_per_event", i.entries_per_event);
  set(j, "mean_nanoseconds", i.mean_nanoseconds);
  set(j, "most_nanoseconds", i.most_nanoseconds);
  return j;
}

json json_of(const slow_case& s) {
  return {{"at", s.event.at.ms},
          {"kind", to_string(s.event.kind)},
          {"operation", s.event.operation},
          {"nanoseconds", s.event.nanoseconds},
          {"bytes", s.event.bytes},
          {"usual_nanoseconds", s.usual_nanoseconds},
          {"times_slower", s.times_slower}};
}

json summary_json(const summary& s) {
  json j{{"at", s.at.ms},
         {"recent_span_ms", s.recent_span.count()},
         {"total", json_of(s.gets)},
         {"recent", json_of(s.recent)},
         {"operations", json::object()},
         {"tenants", json::object()},
         {"text_tiers", json::object()},
         {"text_tier_ranking", json::array()},
         {"text_tier_completeness_percent", s.text_tier_completeness_percent},
         {"figures", json_of_figures(s.total)},
         {"memory_notices", json_of(s.memory_notices)},
         {"invalidations", json_of(s.invalidations)},
         {"invalidation_notices", json_of(s.invalidation_notices)},
         {"slow", json::array()}};
  for (const operation_summary& o : s.operations) j["operations"][o.name] = json_of(o);
  for (const tenant_summary& t : s.tenants) j["tenants"][t.name] = json_of(t);
  if (!s.fastest.empty()) j["fastest_operation"] = s.fastest;
  if (!s.slowest.empty()) j["slowest_operation"] = s.slowest;
  set(j, "nanoseconds", s.nanoseconds);
  set(j, "recent_nanoseconds", s.recent_nanoseconds);
  set(j, "redis_read_nanoseconds", s.shared_reads);
  for (const text_tier_summary& t : s.text_tiers) j["text_tiers"][to_string(t.tier)] = json_of(t);
  for (const text_tier t : s.ranking) j["text_tier_ranking"].push_back(to_string(t));
  if (s.key_generation) {
    json& k = j["key_generation"];
    k = {{"nanoseconds", json_of(s.key_generation->nanoseconds)},
         {"code_points", json_of(s.key_generation->code_points)}};
    for (std::size_t i = 0; i < text_tier_count; ++i)
      k["by_text"][to_string(static_cast<text_tier>(i))] = s.key_generation->by_text[i];
  }
  if (s.compression) j["compression"] = json_of(*s.compression);
  if (s.memory) j["memory"] = json_of(*s.memory);
  for (const slow_case& c : s.slow) j["slow"].push_back(json_of(c));
  return j;
}

json summary_json(const summary& s, const node_facts& node) {
  json j = summary_json(s);
  j["node"] = {{"epoch", node.epoch},
               {"shards", node.shards},
               {"shard_restarts", node.shard_restarts},
               {"level", to_string(node.level)}};
  j["invalidations"]["figures"] = json_of_figures(node.invalidations);
  if (node.link)
    j["redis"] = {{"available", node.shared_available},
                  {"figures", json_of_figures(node.link->counted)},
                  {"present", json_of_figures(node.link->present)}};
  return j;
}

json json_of(const saved_amount& a) {
  return {{"calls", a.calls},
          {"input_tokens", a.input_tokens},
          {"output_tokens", a.output_tokens},
          {"model_ms", a.model_ms}};
}

json json_of(const ledger_entry& e) {
  json j = json_of(e.saved.total());
  j["worth_millionths"] = e.worth.millionths();
  j["unpriced_tokens"] = e.unpriced_tokens;
  for (std::size_t i = 0; i < saving_count; ++i) j["by"][to_string(static_cast<saving>(i))] = json_of(e.saved.by[i]);
  return j;
}

json json_of(const std::map<std::string, ledger_entry>& groups) {
  json j = json::object();
  for (const auto& [name, entry] : groups) j[name] = json_of(entry);
  return j;
}

json ledger_json(const ledger& l) {
  return {{"currency", l.prices().currency()},   {"total", json_of(l.total())},
          {"by_tenant", json_of(l.by_tenant())}, {"by_operation", json_of(l.by_operation())},
          {"by_model", json_of(l.by_model())},   {"crowded_out", l.crowded_out()}};
}

json json_of(const histogram& h) {
  json buckets = json::array();
  for (std::size_t i = 0; i < h.counts().size(); ++i)
    if (h.counts()[i] != 0) buckets.push_back({histogram::upper_bound(i), h.counts()[i]});
  return {{"sum", h.sum()}, {"max", h.max()}, {"buckets", buckets}};
}

}  // namespace

std::string to_json(const summary& s) { return text_of(summary_json(s)); }

std::string to_json(const summary& s, const node_facts& node) { return text_of(summary_json(s, node)); }

std::string to_json(const ledger& l) { return text_of(ledger_json(l)); }

std::string export_json(const record_book& book, const node_facts& node, instant now) {
  const node_totals& totals = book.totals();
  json j{{"summary", summary_json(book.summarise(now), node)},
         {"operations", json::object()},
         {"tenants", json::object()},
         {"shards", json_of_figures(totals.shards())},
         {"present", json_of_figures(totals.present())},
         {"latency_by_tier", json::object()},
         {"ledger", ledger_json(book.ledger())}};
  for (const auto& [name, o] : totals.operations())
    j["operations"][name] = {{"counted", json_of_figures(o.counted)}, {"nanoseconds", json_of(o.latency)}};
  for (const auto& [name, t] : totals.tenants()) {
    j["tenants"][name] = json_of_figures(t.counted);
    j["tenants"][name].update(json_of_figures(t.over_shards()));
  }
  for (std::size_t i = 0; i < tier_count; ++i)
    j["latency_by_tier"][to_string(static_cast<tier>(i))] = json_of(totals.latency_by_tier()[i]);
  for (const auto& [name, entry] : book.ledger().rows()) {
    json row = json_of(entry);
    row["tenant"] = name.tenant;
    row["operation"] = name.operation;
    row["model"] = name.model;
    j["ledger"]["rows"].push_back(std::move(row));
  }
  return text_of(j);
}

}  // namespace aicache
