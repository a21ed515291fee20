#pragma once

#include "config/value_types.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace aicache::config {

/// One "key = value" of a file. Without a section it stands above the first one; without a name it is an empty
/// section.
struct file_entry {
  std::string section;
  std::string name;
  std::size_t line = 0;
  written value;
};

/// What a file of settings says, in the order of its lines; or, in `rule` and `fix`, why it cannot be read, with
/// the line if the fault has one.
struct file_contents {
  std::vector<file_entry> entries;
  std::size_t line = 0;
  std::string rule;
  std::string fix;
};

/// Reads a file of settings: JSON if its name ends in .json, YAML if in .yaml or .yml, TOML otherwise.
///
/// Fails      in words, for a file that is missing, no regular file, forbidden, longer or more deeply nested than
///            settings can be, of another format than its name says, or with a key that is there twice. The words
///            repeat nothing of the file but key names.
file_contents read_settings_file(const std::filesystem::path& file);

/// What is wrong with a file as a whole.
file_contents unreadable(std::string rule, std::string fix, std::size_t line = 0);

}  // namespace aicache::config
