#pragma once

#include "config/value_types.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace aicache::config {

/// One "key = value" of a TOML file. Without a section it stands above the first one; without a name it is an
/// empty section.
struct toml_entry {
  std::string section;
  std::string name;
  std::size_t line = 0;
  written value;
};

/// What a TOML file says, in the order of its lines; or, in `rule` and `fix`, why it cannot be read, with the
/// line if the fault has one.
struct toml_contents {
  std::vector<toml_entry> entries;
  std::size_t line = 0;
  std::string rule;
  std::string fix;
};

/// Reads a file of settings.
///
/// Fails      in words, for a file that is missing, no regular file, forbidden, longer or more deeply nested
///            than settings can be, or no TOML. The words repeat nothing of the file but key names.
toml_contents read_toml(const std::filesystem::path& file);

}  // namespace aicache::config
