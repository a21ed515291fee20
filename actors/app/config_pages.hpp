#pragma once

#include <string>
#include <vector>

#include "actors/app/page.hpp"

namespace aicache::app {

/// The answers of `aicachectl config`. Empty arguments are arguments that were not given. Secrets are masked.
///
/// Fails      with exit code 1 and the problems as the page: for settings that a node would not start with, and for a
///            file that cannot be read; with 2 for a preset that does not exist

/// The settings of file, environment and overrides, each with its source.
page config_show(const std::string& file, const std::vector<std::string>& overrides);

/// The verdict on a file alone, without the environment, for this machine's memory.
page config_check(const std::string& file, const std::vector<std::string>& overrides);

page config_presets(const std::string& name);
page config_recommend(const std::string& environment);

/// What changes from `a` to `b`, at once or at a restart; each is a file, or else the name of a preset.
page config_diff(const std::string& a, const std::string& b);

page config_reference();
page config_env();

/// What became of the parameters of the Python cache in a file, and the settings that they come to, as TOML.
page config_map(const std::string& file);

}  // namespace aicache::app
