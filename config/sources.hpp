#pragma once

#include "config/problem.hpp"
#include "config/settings.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace aicache::config {

/// Where settings are read from. Each wins over the ones before it: defaults, the preset that any of them extends, the
/// file, `values`, the environment, `overrides`.
struct sources {
  std::optional<std::filesystem::path> file;  ///< JSON, YAML or TOML, as its name ends; extends = "PRESET" at its top
  std::map<std::string, std::string>
      environment;                     ///< AICACHE_<SECTION>_<KEY>, AICACHE_EXTENDS, and AI_CACHE_<PARAMETER>
                                       ///< of the Python cache; other names are passed over
  std::vector<std::string> overrides;  ///< section.key=value, extends=PRESET
  std::map<std::string, std::string> values =
      {};  ///< section.key and extends, from code; spelled as in the environment
};

/// What load() found. With any problem at all `value` holds the defaults, and nothing may start.
struct loaded {
  settings value;
  std::vector<problem> problems;
  std::map<std::string, std::string> origins = {};  ///< by key, which source gave the value; absent for a default
  std::string preset = {};                          ///< the one that is extended; empty for none
  std::vector<problem> conflicts = {};              ///< given under two names, differently; `rule` says which holds
  std::vector<problem> warnings = {};               ///< parameters of the Python cache that say nothing any more
};

/// Reads all sources and reports all problems at once, in the order of the sources.
///
/// Fails      with problems only, never with an exception: unknown keys (with the nearest known one), wrong
///            types, ranges, units, duplicates, a file that cannot be read or is not what its name says, broken rules
///            across keys, what a strict preset demands. A variable AICACHE_… that names no key is a problem too, unless
///            it starts with AICACHE_TEST_; a variable AI_CACHE_… that names no parameter is a warning
loaded load(const sources& from);

/// The problems of settings that were made in code: ranges, then rules across keys.
std::vector<problem> check(const settings& s);

/// The variables of this process whose names start with AICACHE_ or AI_CACHE_; but AICACHE_NODE, which is no setting.
std::map<std::string, std::string> environment();

}  // namespace aicache::config
