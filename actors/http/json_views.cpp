#include "actors/http/json_views.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "config/key_table.hpp"
#include "engine/degradation/level.hpp"

namespace aicache::http {

namespace {

using nlohmann::json;

std::string text_of(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

template <class Figures>
json json_of_figures(const Figures& figures) {
  json j = json::object();
  for_each_figure(figures, [&](const metric_row& row, std::uint64_t value) { j[std::string(row.member)] = value; });
  return j;
}

json json_of_latency(const latency_summary& l) {
  json j{{"count", l.count}};
  // Of nothing there is no mean, and of what was added up no quantile.
  if (l.count > 0) j.update({{"mean", l.mean}, {"max", l.max}});
  if (l.count > 0 && (l.p999 > 0 || l.max == 0))
    j.update({{"p50", l.p50}, {"p95", l.p95}, {"p99", l.p99}, {"p999", l.p999}});
  return j;
}

std::string hexadecimal(std::uint64_t v) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(v));
  return digits;
}

// The first hash of a shard: the least whose product with the number of shards has it in the upper half.
std::uint64_t first_hash(std::uint64_t shard, std::uint64_t shards) {
  return static_cast<std::uint64_t>(((static_cast<unsigned __int128>(shard) << 64) + shards - 1) / shards);
}

}  // namespace

std::string statistics_json(const snapshot& s) {
  const node_statistics& n = s.statistics;
  json j{{"at", s.at.ms},
         {"epoch", n.epoch},
         {"level", to_string(static_cast<service_level>(n.level))},
         {"shard_restarts", n.shard_restarts},
         {"total", json_of_figures(n.total)},
         {"operations", json::object()},
         {"tenants", json::object()},
         {"tiers", json::object()},
         {"shards", json_of_figures(n.shards)},
         {"present", json_of_figures(n.present)},
         {"invalidations", json_of_figures(n.invalidations)}};
  if (s.shared) {
    j["link"] = json_of_figures(n.link);
    j["link"].update(json_of_figures(n.link_present));
  }
  for (const operation_statistics& o : n.operations)
    j["operations"][o.name] = {{"figures", json_of_figures(o.counted)}, {"nanoseconds", json_of_latency(o.latency)}};
  for (const tenant_statistics& t : s.tenants) {
    j["tenants"][t.name] = json_of_figures(t.counted);
    j["tenants"][t.name].update(json_of_figures(t.present));
  }
  for (const tier_statistics& t : n.tiers) j["tiers"][t.name] = json_of_latency(t.latency);
  return text_of(j);
}

std::string map_json(const snapshot& s) {
  json j{{"epoch", s.epoch}, {"shards", json::array()}};
  const std::uint64_t all = s.shards_up.size();
  for (std::uint64_t i = 0; i < all; ++i)
    j["shards"].push_back({{"number", i},
                           {"first", hexadecimal(first_hash(i, all))},
                           {"last", hexadecimal(i + 1 == all ? UINT64_MAX : first_hash(i + 1, all) - 1)},
                           {"up", static_cast<bool>(s.shards_up[i])}});
  return text_of(j);
}

std::string readiness_json(const readiness& r) {
  return text_of({{"ready", r.is_ready()}, {"reasons", r.reasons}, {"doubts", r.doubts}});
}

std::string cluster_json(const snapshot& s) {
  const cluster_state& c = s.cluster;
  json members = json::array();
  for (const member_state& m : c.members)
    members.push_back({{"name", m.who.name},
                       {"address", m.who.host + ":" + std::to_string(m.who.port)},
                       {"ranges", m.ranges},
                       {"connected", m.linked},
                       {"silence_ms", m.silence_ms}});
  json pins = json::array();
  for (const range_pin& p : c.pins) pins.push_back({{"first", p.first}, {"last", p.last}, {"name", p.member}});
  return text_of({{"name", c.name},
                  {"epoch", c.epoch},
                  {"ranges", range_count},
                  {"serving", c.serving},
                  {"gained", c.gained},
                  {"lost", c.lost},
                  {"cut_off", c.cut_off},
                  {"leaving", c.leaving},
                  {"refusal", c.refusal},
                  {"members", std::move(members)},
                  {"pins", std::move(pins)}});
}

std::string config_json(const config::settings& s) {
  json keys = json::object();
  for (const config::key_row& row : config::all_keys()) {
    const std::string value = row.to_text(s);
    const bool hidden = row.secret == config::visibility::secret && !value.empty();
    keys[row.key()] = hidden ? std::string(config::secret_mask) : value;
  }
  return text_of({{"hash", config_hash(s)}, {"settings", std::move(keys)}});
}

told_figures figures_told(const std::string& ledger, const std::string& recommendations) {
  told_figures t;
  const json l = json::parse(ledger, nullptr, false);
  if (l.is_object() && l.contains("total")) t.saved_millionths = l["total"].value("worth_millionths", std::uint64_t{0});
  const json r = json::parse(recommendations, nullptr, false);
  if (!r.is_array()) return t;
  t.advice.emplace();
  for (const json& one : r) {
    const std::string priority = one.value("priority", "");
    ++(priority == "high" ? t.advice->high : priority == "medium" ? t.advice->medium : t.advice->low);
  }
  return t;
}

std::string config_hash(const config::settings& s) {
  // FNV-1a, of 64 bits.
  std::uint64_t h = 0xcbf29ce484222325;
  for (const config::key_row& row : config::all_keys()) {
    if (row.secret == config::visibility::secret) continue;
    for (const char c : row.key() + '=' + row.to_text(s) + '\n')
      h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hexadecimal(h);
}

}  // namespace aicache::http
