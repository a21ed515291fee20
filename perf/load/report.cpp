#include "perf/load/report.hpp"

#include <cstdarg>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace aicache::perf {

namespace {

using nlohmann::ordered_json;

std::string format(const char* how, ...) __attribute__((format(printf, 1, 2)));
std::string format(const char* how, ...) {
  char line[512];
  va_list all;
  va_start(all, how);
  std::vsnprintf(line, sizeof line, how, all);
  va_end(all);
  return line;
}

// 1234567 as 1,234,567.
std::string grouped(std::uint64_t n) {
  const std::string digits = std::to_string(n);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out.push_back(',');
    out.push_back(digits[i]);
  }
  return out;
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double microseconds(std::uint64_t ns) { return static_cast<double>(ns) / 1000; }

double mebibytes(std::uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

constexpr std::size_t at(tier t) { return static_cast<std::size_t>(t); }

constexpr std::array stored_tiers = {tier::hot, tier::warm, tier::shared, tier::parked};

// The bytes of operations may be no UTF-8 that JSON accepts; what is not becomes a mark.
std::string written(const ordered_json& j) {
  return j.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

// A line of a histogram of nanoseconds, for people.
std::string in_microseconds(const histogram& h) {
  return format("p50 %.1f, p95 %.1f, p99 %.1f, p99.9 %.1f, max %.1f\n", microseconds(h.quantile(0.5)),
                microseconds(h.quantile(0.95)), microseconds(h.quantile(0.99)), microseconds(h.quantile(0.999)),
                microseconds(h.max()));
}

// The same for programs.
ordered_json quantiles_of(const histogram& h) {
  return {{"p50", microseconds(h.quantile(0.5))},
          {"p95", microseconds(h.quantile(0.95))},
          {"p99", microseconds(h.quantile(0.99))},
          {"p999", microseconds(h.quantile(0.999))},
          {"max", microseconds(h.max())}};
}

double rate(const load_report& r, const operation_tally& all) {
  return r.seconds > 0 ? static_cast<double>(all.requests) / r.seconds : 0;
}

}  // namespace

std::uint64_t bytes_charged(const node_statistics& s) {
  const shard_gauges& g = s.present;
  return g.bytes_hot + g.bytes_warm + g.bytes_index + g.bytes_ghost + g.bytes_waiting + g.bytes_other;
}

std::string to_text(const load_report& r) {
  const operation_tally all = r.found.over_operations();
  std::string out = format("%s requests of %s (%s lines, %s) in %.2f s: %s a second, %zu loops, batches of %zu\n",
                           grouped(all.requests).c_str(), r.asks.name.c_str(), grouped(r.asks.lines.size()).c_str(),
                           r.popularity.c_str(), r.seconds, grouped(static_cast<std::uint64_t>(rate(r, all))).c_str(),
                           r.concurrency, r.batch);
  out += format("hits     %12s  %6.2f %%\n", grouped(all.hits).c_str(), 100 * share(all.hits, all.requests));
  for (tier t : stored_tiers)
    out += format("  %-7s%12s  %6.2f %%\n", to_string(t), grouped(r.found.hits[at(t)]).c_str(),
                  100 * share(r.found.hits[at(t)], all.requests));
  out += format("misses   %12s  %6.2f %%, answers computed: %s\n", grouped(all.misses).c_str(),
                100 * share(all.misses, all.requests), grouped(r.found.computed).c_str());
  out += format("errors   %12s\n", grouped(all.errors).c_str());
  for (std::size_t code = 0; code < r.found.errors.size(); ++code)
    if (r.found.errors[code] > 0)
      out += format("  %s: %s (%s)\n", to_string(static_cast<errc>(code)), grouped(r.found.errors[code]).c_str(),
                    describe(static_cast<errc>(code)));
  out += format("wrong    %12s\n", r.checked ? grouped(all.wrong).c_str() : "unchecked");
  if (r.fill) {
    const operation_tally f = r.fill->found.over_operations();
    out += format("before that every line was asked for once, in %.2f s: %s hits, %s errors, %s wrong\n",
                  r.fill->seconds, grouped(f.hits).c_str(), grouped(f.errors).c_str(), grouped(f.wrong).c_str());
  }
  if (r.found.puts_refused > 0) out += format("refused  %12s puts\n", grouped(r.found.puts_refused).c_str());
  out += "latency, us: " + in_microseconds(r.found.latency);
  if (all.misses > 0) out += "  of misses: " + in_microseconds(r.found.miss_latency);
  out += format("saved: %s calls, %s tokens, %s seconds of a model's time\n", grouped(all.hits).c_str(),
                grouped(all.tokens_saved).c_str(), grouped(all.model_ms_saved / 1000).c_str());
  if (r.node) {
    const shard_gauges& g = r.node->present;
    out += format("memory of the node: %.1f MiB charged of %.1f; %s answers hot, %s warm\n",
                  mebibytes(bytes_charged(*r.node)), mebibytes(g.budget), grouped(g.entries_hot).c_str(),
                  grouped(g.entries_warm).c_str());
  } else {
    out += "memory of the node: it gave no statistics\n";
  }
  out += format("\n%-16s %12s %12s %8s %10s %8s %6s %14s\n", "operation", "requests", "hits", "ratio", "misses",
                "errors", "wrong", "tokens saved");
  for (std::size_t i = 0; i < r.asks.operations.size(); ++i) {
    const operation_tally& o = r.found.operations[i];
    out += format("%-16.64s %12s %12s %6.2f %% %10s %8s %6s %14s\n", r.asks.operations[i].c_str(),
                  grouped(o.requests).c_str(), grouped(o.hits).c_str(), 100 * share(o.hits, o.requests),
                  grouped(o.misses).c_str(), grouped(o.errors).c_str(), grouped(o.wrong).c_str(),
                  grouped(o.tokens_saved).c_str());
  }
  if (r.asks.malformed > 0) out += format("\n%s malformed lines were left out\n", grouped(r.asks.malformed).c_str());
  return out;
}

std::string to_json(const load_report& r) {
  const operation_tally all = r.found.over_operations();
  ordered_json j;
  j["workload"] = r.asks.name;
  j["popularity"] = r.popularity;
  j["concurrency"] = r.concurrency;
  j["batch"] = r.batch;
  j["lines"] = r.asks.lines.size();
  j["malformed_lines"] = r.asks.malformed;
  j["requests"] = all.requests;
  j["gets"] = all.gets;
  j["hits"] = all.hits;
  for (tier t : stored_tiers) j[std::string("hits_") + to_string(t)] = r.found.hits[at(t)];
  j["misses"] = all.misses;
  j["errors"] = all.errors;
  j["errors_by_code"] = ordered_json::object();
  for (std::size_t code = 0; code < r.found.errors.size(); ++code)
    if (r.found.errors[code] > 0) j["errors_by_code"][to_string(static_cast<errc>(code))] = r.found.errors[code];
  j["began_unix_ms"] = r.began_unix_ms;
  j["errors_by_time"] = ordered_json::array();
  for (const auto& [slot, count] : r.found.error_times)
    j["errors_by_time"].push_back(
        {{"ms", slot * static_cast<std::uint64_t>(tally::error_slot.count())}, {"errors", count}});
  j["wrong"] = r.checked ? ordered_json(all.wrong) : ordered_json(nullptr);
  j["computed"] = r.found.computed;
  j["puts_refused"] = r.found.puts_refused;
  j["hit_ratio"] = share(all.hits, all.requests);
  j["seconds"] = r.seconds;
  j["requests_per_second"] = rate(r, all);
  j["latency_us"] = quantiles_of(r.found.latency);
  j["miss_latency_us"] = quantiles_of(r.found.miss_latency);
  if (r.fill) {
    const operation_tally f = r.fill->found.over_operations();
    j["fill"] = {{"requests", f.requests}, {"hits", f.hits},   {"misses", f.misses},
                 {"errors", f.errors},     {"wrong", f.wrong}, {"seconds", r.fill->seconds}};
  }
  j["bytes_charged"] = r.node ? ordered_json(bytes_charged(*r.node)) : ordered_json(nullptr);
  j["bytes_budget"] = r.node ? ordered_json(r.node->present.budget) : ordered_json(nullptr);
  j["calls_saved"] = all.hits;
  j["tokens_saved"] = all.tokens_saved;
  j["model_seconds_saved"] = static_cast<double>(all.model_ms_saved) / 1000;
  j["operations"] = ordered_json::array();
  for (std::size_t i = 0; i < r.asks.operations.size(); ++i) {
    const operation_tally& o = r.found.operations[i];
    j["operations"].push_back({{"operation", r.asks.operations[i]},
                               {"requests", o.requests},
                               {"hits", o.hits},
                               {"misses", o.misses},
                               {"errors", o.errors},
                               {"wrong", o.wrong},
                               {"gets", o.gets},
                               {"tokens_saved", o.tokens_saved},
                               {"model_ms_saved", o.model_ms_saved}});
  }
  return written(j);
}

}  // namespace aicache::perf
