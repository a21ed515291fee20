#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"

namespace aicache::app {

/// What the command line of aicached asks for.
struct command_line {
  std::optional<std::string> config;
  std::vector<std::string> overrides;
  bool print_config = false;
};

/// Runs a node until SIGTERM or SIGINT; returns the exit code: 0 after a drained end, 1 when the node cannot start,
/// 2 for bad settings (all of them are reported on standard error, and nothing starts).
int run(const command_line& asked);

}  // namespace aicache::app
