#include "actors/app/boot.hpp"

#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <iostream>

#include "actors/node.hpp"
#include "config/sources.hpp"
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
  return set;
}

int serve(const config::settings& s, const sigset_t& signals) {
  system_config cfg(s, system_config::network::on);
  caf::actor_system system{cfg};
  const front_actor front = start_node(system, s);
  const auto port = publish(system, front, s.node.host, static_cast<std::uint16_t>(s.node.port));
  if (!port) {
    std::cerr << "aicached: cannot listen on " << s.node.host << ":" << s.node.port << ": " << port.why().detail
              << "\n  fix: choose another node.port (0 takes a free one) or stop what uses this one\n";
    stop_node(system, front, s.node.drain_timeout);
    return 1;
  }
  spdlog::info("aicached {} serves on {}:{}", AICACHE_VERSION, s.node.host, *port);
  std::printf("ready caf=%s:%u\n", s.node.host.c_str(), unsigned{*port});
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("{}: draining", signal == SIGTERM ? "SIGTERM" : "SIGINT");
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
  if (!settings.problems.empty()) {
    std::cerr << config::render(settings.problems);
    return 2;
  }
  if (asked.print_config) {
    std::cout << config::print(settings.value);
    return 0;
  }
  set_up_log(settings.value.log.level);
  const sigset_t signals = ending_signals();
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return serve(settings.value, signals);
}

}  // namespace aicache::app
