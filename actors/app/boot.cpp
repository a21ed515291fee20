#include "actors/app/boot.hpp"

#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <utility>

#include "actors/app/machine.hpp"
#include "actors/http/commands.hpp"
#include "actors/http/endpoint.hpp"
#include "actors/node.hpp"
#include "config/sources.hpp"
#include "config/validation.hpp"
#include "config/version.hpp"

namespace aicache::app {

namespace {

// Logs go to standard error: standard output holds only what scripts read.
void set_up_log(const std::string& level) {
  auto log = spdlog::stderr_logger_mt("aicached");
  log->set_level(spdlog::level::from_str(level));
  log->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(log));
}

// The signals that end a node are blocked before any thread starts, so that only wait_for_end gets them.
sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

// The node reads its sources again; what came of it is in its log.
void have_it_reload(caf::actor_system& system, const front_actor& front) {
  spdlog::info("SIGHUP: the settings are read again");
  if (const auto came = http::reload_at(system, front); !came && came.why().code != errc::invalid_argument)
    spdlog::error("SIGHUP: {}", came.why().detail);
}

// Null where it is off.
outcome<std::unique_ptr<http::endpoint>> serve_http(caf::actor_system& system, const config::settings& s,
                                                    const front_actor& front) {
  if (!s.http.enabled) return std::unique_ptr<http::endpoint>{};
  http::endpoint_setup setup{front, s, AICACHE_VERSION, {}};
  setup.started = {std::chrono::duration_cast<duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
  return http::endpoint::start(system, std::move(setup));
}

// What the settings of http mean cannot be known before they are tried.
int refused(const fault& why, const config::settings& s) {
  if (why.code == errc::invalid_argument) {
    std::cerr << "aicached: " << why.detail << '\n';
    return 2;
  }
  std::cerr << "aicached: cannot serve HTTP on " << s.http.host << ":" << s.http.port << ": " << why.detail
            << "\n  fix: choose another http.port (0 takes a free one), stop what uses this one, or set "
               "http.enabled=false\n";
  return 1;
}

int serve(const config::settings& s, std::function<config::loaded()> sources, const sigset_t& signals) {
  system_config cfg(s, system_config::network::on);
  caf::actor_system system{cfg};
  const auto started = start_node(system, s, std::move(sources));
  if (!started) {
    std::cerr << "aicached: " << started.why().detail << '\n';
    return started.why().code == errc::invalid_argument ? 2 : 1;
  }
  const front_actor& front = *started;
  const auto port = publish(system, front, s.node.host, static_cast<std::uint16_t>(s.node.port));
  if (!port && port.why().code == errc::invalid_argument) {
    stop_node(system, front, duration{0});
    std::cerr << "aicached: " << port.why().detail << '\n';
    return 2;
  }
  if (!port) {
    std::cerr << "aicached: cannot listen on " << s.node.host << ":" << s.node.port << ": " << port.why().detail
              << "\n  fix: choose another node.port (0 takes a free one) or stop what uses this one\n";
    stop_node(system, front, s.node.drain_timeout);
    return 1;
  }
  const auto web = serve_http(system, s, front);
  if (!web) {
    stop_node(system, front, s.node.drain_timeout);
    return refused(web.why(), s);
  }
  std::string ready = "caf=" + s.node.host + ":" + std::to_string(*port);
  if (*web) ready += " http=" + s.http.host + ":" + std::to_string((*web)->port());
  spdlog::info("aicached {} serves: {}", AICACHE_VERSION, ready);
  std::printf("ready %s\n", ready.c_str());
  std::fflush(stdout);
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) have_it_reload(system, front);
  spdlog::info("{}: draining", signal == SIGTERM ? "SIGTERM" : "SIGINT");
  if (*web) (*web)->drain();
  const std::uint64_t abandoned = stop_node(system, front, s.node.drain_timeout);
  spdlog::info("drained; {} waiting callers were sent away", abandoned);
  return 0;
}

}  // namespace

int run(const command_line& asked) {
  config::sources from;
  if (asked.config) from.file = *asked.config;
  from.environment = config::environment();
  from.overrides = asked.overrides;
  const config::loaded settings = config::load(from);
  // To print settings is no reason to judge them: they may be for another machine.
  const config::validation verdict = asked.print_config ? config::validation{settings.problems, {}, {}, {}}
                                                        : config::validate(settings, this_machine(settings.value));
  if (!verdict.is_valid()) {
    std::cerr << config::render(verdict.errors);
    return 2;
  }
  if (asked.print_config) {
    std::cout << config::print(settings.value);
    return 0;
  }
  set_up_log(settings.value.log.level);
  for (const auto& doubts : {verdict.conflicts, verdict.warnings})
    for (const config::problem& p : doubts) spdlog::warn("{}: {}; {}", p.key, p.rule, p.fix);
  const sigset_t signals = ending_signals();
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  // As at a start, so on a reload: with any error nothing is taken.
  const auto again = [from] {
    config::loaded read = config::load(from);
    read.problems = config::validate(read, this_machine(read.value)).errors;
    return read;
  };
  return serve(settings.value, again, signals);
}

}  // namespace aicache::app
