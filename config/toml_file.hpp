#pragma once

#include "config/settings_file.hpp"

#include <string>

namespace aicache::config {

/// Reads settings in TOML.
///
/// Fails      as read_settings_file() does, for what is nested too deeply for the library or is no TOML
file_contents parse_toml(const std::string& text, const std::string& name);

}  // namespace aicache::config
