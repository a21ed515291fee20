// aicache-load: asks a cache like an application would, computes what is missing, and checks every answer.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <numeric>
#include <optional>
#include <thread>

#include "actors/app/tls_arguments.hpp"
#include "actors/client.hpp"
#include "actors/node.hpp"
#include "config/sources.hpp"
#include "config/version.hpp"
#include "perf/load/load_loop.hpp"
#include "perf/load/popularity.hpp"
#include "perf/load/report.hpp"

namespace {

using namespace aicache;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

enum exit_code : int { all_right = 0, cannot_run = 1, bad_arguments = 2, wrong_or_failed = 3 };

struct command_line {
  bool in_process = false;
  std::string node;
  std::string workload = "builtin";
  std::optional<std::uint64_t> requests;
  std::size_t concurrency = 8;
  std::size_t clients = 0;
  std::size_t batch = 64;
  std::string popularity;
  bool fill = false;
  std::string after_fill;
  std::uint64_t seed = 1;
  std::string json;
  std::string log;
  std::int64_t compute_ms = 0;
  std::int64_t deadline_ms = 30'000;
  bool leases = true;
  bool check = true;
  std::string redis;
  std::vector<std::string> settings;
};

constexpr std::uint64_t usual_requests = 100'000;
constexpr const char* usual_popularity = "zipf:0.9";
constexpr duration patience{5'000};

void say(const std::string& what) { std::cerr << "aicache-load: " << what << "\n"; }

/// The cache that is asked: a node of this process, or those at the other ends of connections.
struct target {
  front_actor own;
  std::vector<node_address> nodes;

  outcome<client> open(caf::actor_system& system) const {
    return own ? client::attach(system, own, patience) : client::connect_to(system, nodes, patience);
  }
};

outcome<target> reach(caf::actor_system& system, const command_line& asked, const config::settings& s) {
  if (asked.in_process) {
    const auto node = start_node(system, s);
    if (!node) return node.why();
    return target{*node, {}};
  }
  auto nodes = parse_node_addresses(asked.node);
  if (!nodes) return fault{nodes.why().code, "--node: " + nodes.why().detail};
  return target{{}, std::move(*nodes)};
}

std::optional<node_statistics> statistics_of(caf::actor_system& system, const front_actor& front) {
  std::optional<node_statistics> known;
  caf::scoped_actor self{system};
  self->request(front, patience, statistics_request{})
      .receive([&](node_statistics& s) { known = std::move(s); }, [](const caf::error&) {});
  return known;
}

std::uint64_t gets_of(const std::optional<node_statistics>& s) {
  if (!s) return 0;
  const operation_counters& c = s->total;
  return c.gets_small + c.gets_medium + c.gets_large + c.gets_xlarge;
}

// Shards report on a tick: the figures are whole when they hold every get of the load.
std::optional<node_statistics> settled_statistics(caf::actor_system& system, const front_actor& front,
                                                  std::uint64_t gets) {
  constexpr int most_polls = 40;
  auto known = statistics_of(system, front);
  for (int i = 0; i < most_polls && known && gets_of(known) < gets; ++i) {
    std::this_thread::sleep_for(50ms);
    known = statistics_of(system, front);
  }
  return known;
}

// Waits for the end of the run, with a line about its progress where somebody can see it.
perf::tally wait_for(perf::load_run& run, std::future<perf::tally> result) {
  const bool seen = isatty(STDERR_FILENO) == 1;
  const auto began = clock::now();
  while (result.wait_for(100ms) != std::future_status::ready) {
    if (!seen) continue;
    const std::uint64_t done = run.done.load(std::memory_order_relaxed);
    const double seconds = std::chrono::duration<double>(clock::now() - began).count();
    const auto share = static_cast<std::size_t>(done * 40 / std::max<std::size_t>(1, run.order.size()));
    std::fprintf(stderr, "\r[%-40s] %llu of %zu, %.0f a second ", std::string(share, '#').c_str(),
                 static_cast<unsigned long long>(done), run.order.size(), static_cast<double>(done) / seconds);
  }
  if (seen) std::fprintf(stderr, "\r%80s\r", "");
  return result.get();
}

outcome<perf::workload> workload_of(const command_line& asked) {
  if (asked.workload == "builtin") return perf::builtin_workload(asked.seed);
  return perf::read_workload(asked.workload);
}

perf::load_run::options ways(const command_line& asked) {
  return {asked.batch,       asked.leases, asked.check, duration{asked.compute_ms}, duration{asked.deadline_ms},
          !asked.log.empty()};
}

// With known arrivals a load is played once, in their order; otherwise popularity decides.
outcome<std::shared_ptr<perf::load_run>> plan(const command_line& asked, const perf::workload& asks,
                                              std::string& popularity) {
  popularity = !asked.popularity.empty() ? asked.popularity : asks.timed ? "sequential" : usual_popularity;
  const auto rule = perf::popularity::parse(popularity);
  if (!rule) return fault{errc::invalid_argument, "--popularity: " + rule.why().detail};
  const std::uint64_t requests = asked.requests.value_or(asks.timed ? asks.lines.size() : usual_requests);
  return std::make_shared<perf::load_run>(asks, rule->picks(requests, asks.lines.size(), asked.seed), ways(asked));
}

// Lets the loops make all requests of a run.
perf::timed_tally perform(caf::actor_system& system, const std::shared_ptr<perf::load_run>& run,
                          const std::vector<client>& clients, std::size_t loops) {
  auto result = run->result();
  run->starts(loops);
  const auto began = clock::now();
  for (std::size_t i = 0; i < loops; ++i)
    system.spawn([](caf::stateful_actor<perf::load_loop>* self, const std::shared_ptr<perf::load_run>& shared,
                    const client& c) { return self->state.start(shared, c); },
                 run, clients[i % clients.size()]);
  perf::tally found = wait_for(*run, std::move(result));
  return {std::move(found), std::chrono::duration<double>(clock::now() - began).count()};
}

int load(const command_line& asked, const config::settings& settings) {
  const auto asks = workload_of(asked);
  if (!asks) {
    say(asks.why().detail);
    return cannot_run;
  }
  for (const std::string& complaint : asks->complaints) say("left out: " + complaint);
  if (asks->malformed > asks->complaints.size())
    say("left out: " + std::to_string(asks->malformed - asks->complaints.size()) + " more malformed lines");
  std::string popularity;
  const auto run = plan(asked, *asks, popularity);
  if (!run) {
    say(run.why().detail);
    return bad_arguments;
  }
  system_config config(settings, asked.in_process ? system_config::network::off : system_config::network::on);
  caf::actor_system system{config};
  const auto cache = reach(system, asked, settings);
  if (!cache) {
    say(cache.why().detail);
    return cannot_run;
  }
  std::vector<client> clients;
  for (std::size_t i = 0; i < std::max<std::size_t>(1, asked.clients); ++i) {
    auto c = cache->open(system);
    if (!c) {
      say(c.why().detail);
      return cannot_run;
    }
    clients.push_back(*c);
  }
  std::uint64_t gets = gets_of(statistics_of(system, clients.front().front()));
  // What failed may never have reached the node.
  const auto counted = [](const perf::tally& t) {
    const perf::operation_tally all = t.over_operations();
    return all.gets - all.errors;
  };
  std::optional<perf::timed_tally> fill;
  if (asked.fill) {
    std::vector<std::uint32_t> each(asks->lines.size());
    std::iota(each.begin(), each.end(), 0U);
    fill = perform(system, std::make_shared<perf::load_run>(*asks, std::move(each), ways(asked)), clients,
                   asked.concurrency);
    gets += counted(fill->found);
    if (!asked.after_fill.empty() && std::system(asked.after_fill.c_str()) != 0) {
      say("--after-fill failed: " + asked.after_fill);
      clients.clear();
      if (cache->own) stop_node(system, cache->own, patience);
      return cannot_run;
    }
  }
  perf::timed_tally measured = perform(system, *run, clients, asked.concurrency);
  const auto since_made = std::chrono::duration_cast<duration>(clock::now() - (*run)->made);
  const auto unix_time = std::chrono::duration_cast<duration>(std::chrono::system_clock::now().time_since_epoch());
  perf::load_report report{*asks,
                           std::move(measured.found),
                           measured.seconds,
                           asked.batch,
                           asked.concurrency,
                           popularity,
                           asked.check,
                           {},
                           std::move(fill),
                           (unix_time - since_made).count()};
  // Of several nodes one tells its figures, and the others had a part of the load.
  const std::uint64_t all_gets = cache->nodes.size() > 1 ? 0 : gets + counted(report.found);
  report.node = settled_statistics(system, clients.front().front(), all_gets);
  clients.clear();
  if (cache->own) stop_node(system, cache->own, patience);
  std::cout << perf::to_text(report) << std::flush;
  if (!asked.json.empty()) {
    std::ofstream file(asked.json);
    file << perf::to_json(report);
    file.close();
    if (!file) {
      say("cannot write " + asked.json);
      return cannot_run;
    }
  }
  if (!asked.log.empty() && !perf::write_log(asked.log, *asks, report.found.log)) {
    say("cannot write " + asked.log);
    return cannot_run;
  }
  return report.right() ? all_right : wrong_or_failed;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"aicache-load: asks a cache as an application would, and checks every answer"};
  command_line asked;
  auto* here = app.add_flag("--in-process", asked.in_process, "start a node in this process and ask it");
  auto* there = app.add_option("--node", asked.node,
                               "ask the node at this address, or those at these: members of a cluster, or "
                               "nodes that share a Redis, of which the next takes over when one is lost")
                    ->type_name("HOST:PORT[,HOST:PORT...]");
  here->excludes(there);
  app.add_option("--workload", asked.workload, "a file of JSON lines, or builtin")
      ->type_name("FILE.jsonl[.zst]|builtin")
      ->capture_default_str();
  app.add_option("--requests", asked.requests,
                 "how many requests to make; 100000, or each once in a file with times of arrival");
  app.add_option("--concurrency", asked.concurrency, "loops that ask at the same time")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--clients", asked.clients, "client actors that the loops share; 1 unless given")
      ->check(CLI::Range(1, 1'000));
  app.add_option("--batch", asked.batch, "requests of one batch")->check(CLI::Range(1, 65'536))->capture_default_str();
  app.add_option("--popularity", asked.popularity,
                 "zipf:S draws popular lines more often, sequential takes all in turn; zipf:0.9, or sequential for a "
                 "file with times of arrival")
      ->type_name("zipf:S|sequential");
  auto* fill = app.add_flag("--fill", asked.fill, "ask for every line once before the requests that are measured");
  app.add_option("--after-fill", asked.after_fill, "a command for the shell, between filling and measuring")
      ->type_name("COMMAND")
      ->needs(fill);
  app.add_option("--seed", asked.seed, "of all that is drawn")->capture_default_str();
  app.add_option("--json", asked.json, "write the report there as JSON")->type_name("FILE");
  app.add_option("--log", asked.log, "write what became of every measured get there, as JSON lines")->type_name("FILE");
  app.add_option("--compute-ms", asked.compute_ms, "how long computing an answer takes")
      ->check(CLI::Range(0, 3'600'000))
      ->capture_default_str();
  app.add_option("--deadline-ms", asked.deadline_ms, "how long a loop waits for an answer")
      ->check(CLI::Range(1, 3'600'000))
      ->capture_default_str();
  app.add_flag("--leases,!--no-leases", asked.leases, "compute a missing answer once for all loops (the default)");
  app.add_flag("--check,!--no-check", asked.check,
               "compare every answer with the right one (the default); otherwise `wrong` is null");
  app.add_option("--redis", asked.redis, "the shared tier of the node in this process; short for --set redis.url=URL")
      ->type_name("URL")
      ->needs(here);
  app.add_option("--set", asked.settings, "a setting of the node in this process")
      ->type_name("section.key=value")
      ->expected(1)
      ->take_all();
  aicache::app::take_tls(app);
  app.set_version_flag("--version", AICACHE_VERSION);
  CLI11_PARSE(app, argc, argv);
  if (!asked.in_process && asked.node.empty()) {
    say("give --in-process, or --node HOST:PORT[,HOST:PORT...]");
    return bad_arguments;
  }
  if (!asked.in_process && !asked.settings.empty()) {
    say("--set is for a node in this process; a node elsewhere has its own settings");
    return bad_arguments;
  }
  config::sources from;
  from.overrides = asked.settings;
  if (!asked.redis.empty()) from.overrides.push_back("redis.url=" + asked.redis);
  const config::loaded settings = config::load(from);
  if (!settings.problems.empty()) {
    std::cerr << config::render(settings.problems);
    return bad_arguments;
  }
  // Standard output holds the report alone.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("aicache-load"));
  spdlog::set_level(spdlog::level::warn);
  if (asked.in_process) return load(asked, settings.value);
  const auto known = aicache::app::with_tls_of_environment(settings.value);
  if (!known) {
    say(known.why().detail);
    return bad_arguments;
  }
  return load(asked, *known);
}
