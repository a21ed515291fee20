#include "actors/app/figures_pages.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "config/value_text.hpp"

namespace aicache::app {

namespace {

using nlohmann::json;

constexpr const char* unknown = "-";

/// What stands at a path of member names; null where there is nothing.
const json& at(const json& j, std::initializer_list<const char*> path) {
  static const json nothing;
  const json* here = &j;
  for (const char* name : path) {
    if (!here->is_object() || !here->contains(name)) return nothing;
    here = &(*here)[name];
  }
  return *here;
}

std::string in_digits(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string number(const json& j) {
  if (j.is_number_integer()) return j.dump();
  return j.is_number() ? in_digits(j.get<double>(), 2) : unknown;
}
std::string percent(const json& j) { return j.is_number() ? in_digits(j.get<double>(), 1) + " %" : unknown; }
std::string bytes(const json& j) {
  if (!j.is_number()) return unknown;
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = j.get<double>();
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(units); ++unit) value /= 1024;
  return in_digits(value, unit == 0 ? 0 : 1) + ' ' + units[unit];
}
std::string time(const json& nanoseconds) {
  if (!nanoseconds.is_number()) return unknown;
  const double ns = nanoseconds.get<double>();
  if (ns < 1e3) return in_digits(ns, 0) + " ns";
  if (ns < 1e6) return in_digits(ns / 1e3, 1) + " us";
  if (ns < 1e9) return in_digits(ns / 1e6, 1) + " ms";
  return in_digits(ns / 1e9, 1) + " s";
}
std::string words(const json& j) { return j.is_string() ? j.get<std::string>() : unknown; }
std::string list(const json& j) {
  std::string all;
  for (const json& one : j)
    if (one.is_string()) all += (all.empty() ? "" : "; ") + one.get<std::string>();
  return all.empty() ? unknown : all;
}
std::string money(const json& millionths, const json& currency) {
  if (!millionths.is_number()) return unknown;
  return in_digits(millionths.get<double>() / 1e6, 2) + ' ' + words(currency);
}

using row = std::vector<std::string>;

void quantiles_to(row& r, const json& d) {
  for (const char* q : {"mean", "p50", "p95", "p99", "p999", "max"}) r.push_back(time(at(d, {q})));
}
constexpr const char* quantile_names[] = {"mean", "p50", "p95", "p99", "p99.9", "max"};

page::table with_quantiles(std::string name, row columns) {
  for (const char* q : quantile_names) columns.emplace_back(q);
  return {std::move(name), std::move(columns), {}, page::layout::columns};
}

void notices_to(page& p, const json& notices) {
  page::table t{"notices", {"notice", "what", "suggestions"}, {}, page::layout::blocks};
  for (const json& n : notices)
    t.rows.push_back({words(at(n, {"severity"})), words(at(n, {"message"})), list(at(n, {"suggestions"}))});
  p.tables.push_back(std::move(t));
}

void summary_to(page& p, const json& s) {
  p.facts = {{"level", words(at(s, {"node", "level"}))},
             {"answered", number(at(s, {"total", "answered"}))},
             {"hits", number(at(s, {"total", "hits"}))},
             {"misses", number(at(s, {"total", "misses"}))},
             {"hit ratio", percent(at(s, {"total", "hit_percent"}))},
             {"of late", percent(at(s, {"recent", "hit_percent"}))},
             {"memory", bytes(at(s, {"memory", "used"})) + " of " + bytes(at(s, {"memory", "budget"}))},
             {"fastest operation", words(at(s, {"fastest_operation"}))},
             {"slowest operation", words(at(s, {"slowest_operation"}))}};
  if (s.contains("redis")) p.facts.emplace_back("redis", at(s, {"redis", "available"}) == true ? "reachable" : "away");
  page::table t = with_quantiles("latency", {"gets"});
  row all{"all"};
  quantiles_to(all, at(s, {"nanoseconds"}));
  row late{"of late"};
  quantiles_to(late, at(s, {"recent_nanoseconds"}));
  t.rows = {all, late};
  if (s.contains("redis_read_nanoseconds")) {
    row redis{"of redis"};
    quantiles_to(redis, at(s, {"redis_read_nanoseconds"}));
    t.rows.push_back(std::move(redis));
  }
  p.tables.push_back(std::move(t));
}

void operations_to(page& p, const json& s) {
  page::table t =
      with_quantiles("operations", {"operation", "answered", "hits", "hit ratio", "of late", "puts", "tokens saved"});
  for (const auto& [name, o] : at(s, {"operations"}).items()) {
    row r{name,
          number(at(o, {"total", "answered"})),
          number(at(o, {"total", "hits"})),
          percent(at(o, {"total", "hit_percent"})),
          percent(at(o, {"recent", "hit_percent"})),
          number(at(o, {"puts"})),
          number(at(o, {"saved_tokens"}))};
    quantiles_to(r, at(o, {"nanoseconds"}));
    t.rows.push_back(std::move(r));
  }
  p.tables.push_back(std::move(t));
}

void tenants_to(page& p, const json& s) {
  page::table t{"tenants",
                {"tenant", "answered", "hits", "hit ratio", "puts", "tokens saved", "entries", "memory", "quota",
                 "full", "evicted by it", "refused by it"},
                {},
                page::layout::columns};
  for (const auto& [name, c] : at(s, {"tenants"}).items()) {
    const json& quota = at(c, {"quota"});
    t.rows.push_back({name.empty() ? "(none)" : name, number(at(c, {"total", "answered"})),
                      number(at(c, {"total", "hits"})), percent(at(c, {"total", "hit_percent"})),
                      number(at(c, {"puts"})), number(at(c, {"saved_tokens"})), number(at(c, {"entries"})),
                      bytes(at(c, {"bytes"})), quota == 0 ? unknown : bytes(quota), percent(at(c, {"quota_percent"})),
                      number(at(c, {"quota_evicted"})), number(at(c, {"quota_refused"}))});
  }
  p.tables.push_back(std::move(t));
}

void tiers_to(page& p, const json& s) {
  page::table t{
      "text tiers", {"texts", "gets", "share", "hit ratio", "mean", "p99", "remarks"}, {}, page::layout::columns};
  for (const char* name : {"small", "medium", "large", "xlarge"}) {
    const json& c = at(s, {"text_tiers", name});
    t.rows.push_back({name, number(at(c, {"gets"})), percent(at(c, {"share_percent"})), percent(at(c, {"hit_percent"})),
                      time(at(c, {"nanoseconds", "mean"})), time(at(c, {"nanoseconds", "p99"})),
                      list(at(c, {"remarks"}))});
  }
  p.tables.push_back(std::move(t));
  p.facts = {{"best first", list(at(s, {"text_tier_ranking"}))},
             {"classes asked about", percent(at(s, {"text_tier_completeness_percent"}))}};
}

void keys_to(page& p, const json& s) {
  const json& k = at(s, {"key_generation"});
  p.facts = {{"keys made", number(at(k, {"nanoseconds", "count"}))},
             {"mean length of texts", number(at(k, {"code_points", "mean"}))}};
  page::table t = with_quantiles("key generation", {"time"});
  row r{"a key"};
  quantiles_to(r, at(k, {"nanoseconds"}));
  t.rows.push_back(std::move(r));
  p.tables.push_back(std::move(t));
}

void memory_to(page& p, const json& s) {
  const json& m = at(s, {"memory"});
  p.facts = {{"used", bytes(at(m, {"used"}))},
             {"budget", bytes(at(m, {"budget"}))},
             {"full", percent(at(m, {"used_percent"}))},
             {"hot", bytes(at(m, {"hot"}))},
             {"warm", bytes(at(m, {"warm"}))},
             {"bookkeeping", bytes(at(m, {"bookkeeping"}))},
             {"entries, hot", number(at(m, {"entries_hot"}))},
             {"entries, warm", number(at(m, {"entries_warm"}))},
             {"bytes an entry", bytes(at(m, {"bytes_per_entry"}))},
             {"growth in an hour", bytes(at(m, {"growth_per_hour"}))},
             {"compressed to", percent(at(s, {"compression", "ratio"}).is_number()
                                           ? json(at(s, {"compression", "ratio"}).get<double>() * 100)
                                           : json())}};
  page::table t = with_quantiles("compression", {"work"});
  for (const auto& [work, member] :
       {std::pair{"compress", "pack_nanoseconds"}, std::pair{"decompress", "unpack_nanoseconds"}}) {
    if (!at(s, {"compression", member}).is_object()) continue;
    row r{work};
    quantiles_to(r, at(s, {"compression", member}));
    t.rows.push_back(std::move(r));
  }
  if (!t.rows.empty()) p.tables.push_back(std::move(t));
  notices_to(p, at(s, {"memory_notices"}));
}

void lifetimes_to(page& p, const json& s) {
  page::table t{"lives",
                {"operation", "life", "expired", "asked for again within", "times", "points", "error"},
                {},
                page::layout::columns};
  for (const auto& [name, o] : at(s, {"operations"}).items()) {
    const json& expired = at(o, {"lifetimes", "expired"});
    const json& ttl = at(o, {"ttl_ms"});
    for (const json& longer : at(o, {"lifetimes", "longer_lives"}))
      t.rows.push_back({name, ttl.is_number() ? time(ttl.get<double>() * 1e6) : unknown, number(expired),
                        number(at(longer, {"life_percent"})) + " % of the life", number(at(longer, {"asked_again"})),
                        number(at(longer, {"points"})), number(at(longer, {"error"}))});
  }
  p.facts = {{"what longer lives would do",
              t.rows.empty() ? "nothing is known yet: no answer of the sample expired" : "measured on one key in 16"}};
  p.tables.push_back(std::move(t));
}

void invalidations_to(page& p, const json& s) {
  const json& i = at(s, {"invalidations"});
  p.facts = {{"invalidations", number(at(i, {"events"}))},
             {"entries that went", number(at(i, {"entries"}))},
             {"in the last hour", number(at(i, {"last_hour"}))},
             {"in the last day", number(at(i, {"last_day"}))},
             {"level", words(at(i, {"level"}))},
             {"entries that each took", number(at(i, {"entries_per_event"}))}};
  notices_to(p, at(s, {"invalidation_notices"}));
}

void slow_to(page& p, const json& s) {
  page::table t{"slow", {"kind", "operation", "took", "usual", "times slower"}, {}, page::layout::columns};
  for (const json& c : at(s, {"slow"}))
    t.rows.push_back({words(at(c, {"kind"})), words(at(c, {"operation"})), time(at(c, {"nanoseconds"})),
                      time(at(c, {"usual_nanoseconds"})), number(at(c, {"times_slower"}))});
  if (t.rows.empty()) p.facts.emplace_back("unusually slow requests", "none");
  p.tables.push_back(std::move(t));
}

/// One part of the summary: how it is called, what it tells, what it is made of in JSON, and its page. A new part is a
/// row.
struct part_row {
  const char* name;
  const char* what;
  std::vector<const char*> members;  // none: the whole summary
  void (*make)(page& p, const json& s);
};

const std::vector<part_row>& parts() {
  static const std::vector<part_row> all{
      {"summary", "hits, misses, latencies and memory in a few lines", {}, summary_to},
      {"tiers",
       "what became of gets by the length of their texts",
       {"text_tiers", "text_tier_ranking", "text_tier_completeness_percent"},
       tiers_to},
      {"operations", "what became of gets by operation, with their latencies", {"operations"}, operations_to},
      {"tenants", "what each tenant asked for, and what of the memory it takes", {"tenants"}, tenants_to},
      {"keys", "how long it takes to name requests", {"key_generation"}, keys_to},
      {"memory",
       "what memory holds, how it grows, and what to mind",
       {"memory", "memory_notices", "compression"},
       memory_to},
      {"lifetimes", "what expired, and what of that was asked for again", {"operations"}, lifetimes_to},
      {"invalidations",
       "how often answers are invalidated, and what to mind",
       {"invalidations", "invalidation_notices"},
       invalidations_to},
      {"slow", "requests that took unusually long", {"slow"}, slow_to},
  };
  return all;
}

page not_understood() {
  return complaint_of(exits::unreachable, "the node's figures cannot be read: is it of another version?");
}

page::table ledger_table(const char* name, const json& groups, const json& currency) {
  page::table t{name,
                {name, "calls", "input tokens", "output tokens", "model time", "worth", "tokens without a price"},
                {},
                page::layout::columns};
  for (const auto& [who, e] : groups.items()) {
    const json& ms = at(e, {"model_ms"});
    t.rows.push_back({who.empty() ? "(none)" : who, number(at(e, {"calls"})), number(at(e, {"input_tokens"})),
                      number(at(e, {"output_tokens"})), ms.is_number() ? time(ms.get<double>() * 1e6) : unknown,
                      money(at(e, {"worth_millionths"}), currency), number(at(e, {"unpriced_tokens"}))});
  }
  return t;
}

}  // namespace

const std::vector<summary_part>& summary_parts() {
  static const std::vector<summary_part> named = [] {
    std::vector<summary_part> all;
    for (const part_row& p : parts()) all.push_back({p.name, p.what});
    return all;
  }();
  return named;
}

page summary_page(const std::string& summary, std::string_view part) {
  const json s = json::parse(summary, nullptr, false);
  if (!s.is_object()) return not_understood();
  for (const part_row& row : parts()) {
    if (part != row.name) continue;
    page p;
    row.make(p, s);
    json chosen = row.members.empty() ? s : json::object();
    for (const char* member : row.members)
      if (s.contains(member)) chosen[member] = s[member];
    p.json = chosen.dump();
    return p;
  }
  return complaint_of(exits::asked_wrongly, "there is no such part");
}

page ledger_page(const std::string& ledger) {
  const json l = json::parse(ledger, nullptr, false);
  if (!l.is_object()) return not_understood();
  page p;
  const json& total = at(l, {"total"});
  const json& currency = at(l, {"currency"});
  p.facts = {{"calls saved", number(at(total, {"calls"}))},
             {"tokens saved, input", number(at(total, {"input_tokens"}))},
             {"tokens saved, output", number(at(total, {"output_tokens"}))},
             {"worth", money(at(total, {"worth_millionths"}), currency)},
             {"tokens without a price", number(at(total, {"unpriced_tokens"}))}};
  p.tables = {ledger_table("tenant", at(l, {"by_tenant"}), currency),
              ledger_table("operation", at(l, {"by_operation"}), currency),
              ledger_table("model", at(l, {"by_model"}), currency)};
  page::table by{"from", {"from", "calls", "input tokens", "output tokens"}, {}, page::layout::columns};
  for (const char* from : {"hot", "warm", "shared", "parked", "stale"})
    by.rows.push_back({from, number(at(total, {"by", from, "calls"})), number(at(total, {"by", from, "input_tokens"})),
                       number(at(total, {"by", from, "output_tokens"}))});
  p.tables.push_back(std::move(by));
  p.json = ledger;
  return p;
}

page recommendations_page(const std::string& recommendations, const std::string& curve) {
  const json all = json::parse(recommendations, nullptr, false);
  const json c = json::parse(curve, nullptr, false);
  if (!all.is_array() || !c.is_object()) return not_understood();
  page p;
  page::table t{"recommendations", {"what", "priority", "why", "do", "expect"}, {}, page::layout::blocks};
  for (const json& r : all) {
    std::string why;
    for (const json& e : at(r, {"evidence"}))
      why += (why.empty() ? "" : ", ") + words(at(e, {"name"})) + " " + number(at(e, {"value"})) + " " +
             words(at(e, {"unit"}));
    const std::string setting = words(at(r, {"action", "setting"}));
    std::string action = words(at(r, {"action", "text"}));
    if (!setting.empty()) action += " (" + setting + " = " + words(at(r, {"action", "value"})) + ")";
    const std::string subject = words(at(r, {"subject"}));
    t.rows.push_back({words(at(r, {"title"})) + (subject.empty() ? "" : " [" + subject + "]"),
                      words(at(r, {"priority"})), why, action, words(at(r, {"effect"}))});
  }
  if (t.rows.empty()) p.facts.emplace_back("recommendations", "none");
  p.tables.push_back(std::move(t));
  page::table sizes{"memory", {"memory", "hit ratio", "points", "error"}, {}, page::layout::columns};
  for (const json& s : at(c, {"points"}))
    sizes.rows.push_back({bytes(at(s, {"bytes"})), percent(at(s, {"hit_percent"})), number(at(s, {"points"})),
                          number(at(s, {"error"}))});
  p.tables.push_back(std::move(sizes));
  p.json = json{{"recommendations", all}, {"curve", c}}.dump();
  return p;
}

std::string screen(const std::string& summary, const std::string& address) {
  page p = summary_page(summary, "summary");
  if (!p.complaint.empty()) return p.complaint + '\n';
  const page operations = summary_page(summary, "operations");
  p.facts.insert(p.facts.begin(), {"node", address});
  p.tables.insert(p.tables.end(), operations.tables.begin(), operations.tables.end());
  return to_text(p);
}

}  // namespace aicache::app
