#pragma once

#include <string>

#include "engine/legacy/legacy_key.hpp"
#include "engine/outcome.hpp"

namespace CLI {
class App;
}

namespace aicache::app {

/// How the Python cache was configured, as it is given on the command line.
struct legacy_arguments {
  std::string generation = "last";
  std::string digest = "sha256";
  legacy_key_options keys;
};

/// Gives a command the options --text-threshold and --digest; how the generation is given is the command's own.
void take_legacy(CLI::App& command, legacy_arguments& to);

/// Fails: invalid_argument for a generation or a digest that there is none of.
outcome<legacy_key_options> legacy_options_of(const legacy_arguments& given);

}  // namespace aicache::app
