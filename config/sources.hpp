#pragma once

#include "config/settings.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace aicache::config {

/// Where settings are read from; each overrides the ones before it, over the defaults.
struct sources {
  std::optional<std::filesystem::path> file;       ///< TOML: [section] key = value
  std::map<std::string, std::string> environment;  ///< AICACHE_<SECTION>_<KEY>; other names are passed over
  std::vector<std::string> overrides;              ///< section.key=value
};

/// Something wrong with the settings, for people: where it was written, which key, what the key must
/// be, and what to do about it. Values of secret keys never enter it.
struct problem {
  std::string source;
  std::string key;
  std::string rule;
  std::string fix;

  friend bool operator==(const problem&, const problem&) = default;
};

/// What load() found. With any problem at all `value` holds the defaults, and nothing may start.
struct loaded {
  settings value;
  std::vector<problem> problems;
};

/// Reads all sources and reports all problems at once, in the order of the sources.
///
/// Fails      with problems only, never with an exception: unknown keys (with the nearest known one), wrong
///            types, ranges, units, duplicates, a file that cannot be read or is no TOML, broken rules across
///            keys. A variable AICACHE_… that names no key is a problem too, unless it starts with AICACHE_TEST_
loaded load(const sources& from);

/// The problems of settings that were made in code: ranges, then rules across keys.
std::vector<problem> check(const settings& s);

/// The problems as text of several lines, and nothing for none.
std::string render(const std::vector<problem>& problems);

/// The variables of this process whose names start with AICACHE_.
std::map<std::string, std::string> environment();

}  // namespace aicache::config
