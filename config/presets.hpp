#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aicache::config {

enum class strictness : bool { lenient, strict };

/// One row of config/presets.def.
struct preset_row {
  std::string_view name;
  strictness rules;
  std::string_view doc;
};

/// One value that a preset gives to a setting, as the environment spells it.
struct preset_value {
  std::string_view preset;
  std::string_view key;
  std::string_view value;
};

std::span<const preset_row> all_presets();
std::vector<preset_value> values_of(std::string_view preset);

/// The preset of this name; nullptr for none.
const preset_row* find_preset(std::string_view name);
const preset_row& nearest_preset(std::string_view unknown);

/// A preset for an environment, with the reason for people and how sure it is, from 0 to 1.
struct recommendation {
  std::string_view preset;
  double confidence = 0;
  std::string reason;
};

/// The preset for an environment that is called so ("prod", "staging-ai", "ci"): by the whole name, then by its
/// parts, whatever their case. What says nothing gets the preset simple at low confidence.
recommendation recommend(std::string_view environment);

/// The same from the variables of a process: from those that name an environment (ENVIRONMENT, APP_ENV, NODE_ENV, …), then
/// from switches (DEBUG, PRODUCTION). Variables that agree make it surer, those that disagree less sure.
recommendation recommend(const std::map<std::string, std::string>& variables);

/// The variables that the second form looks at.
std::span<const std::string_view> environment_hints();

}  // namespace aicache::config
