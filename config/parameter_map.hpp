#pragma once

#include "config/problem.hpp"
#include "config/settings_file.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aicache::config {

/// What a parameter of the Python cache says in settings: dotted keys with texts, or why it says nothing.
struct converted {
  std::vector<std::pair<std::string, std::string>> values;
  std::string refusal;
};

/// One row of config/parameters.def.
struct parameter_row {
  std::string_view name;
  std::string_view key;
  std::string_view conversion;
  std::string_view remark;
  converted (*convert)(std::string_view key, const written& w);

  std::string environment_name() const;  ///< "AI_CACHE_DEFAULT_TTL"
};

inline constexpr std::string_view alias_prefix = "AI_CACHE_";

std::span<const parameter_row> all_parameters();
const parameter_row* find_parameter(std::string_view name);
const parameter_row& nearest_parameter(std::string_view unknown);

/// What became of a parameter: its value has another name, or another form too; nothing needs it any more; its value
/// is none that it can have; nobody knows it.
enum class fate { renamed, converted, not_needed, refused, unknown };
std::string_view to_string(fate f);

struct mapped_parameter {
  std::string name;
  fate what = fate::unknown;
  std::string key;     ///< the setting; empty for none
  std::string remark;  ///< for people: why, or the nearest known name
};

/// The parameters one by one, and the settings that they come to, as texts by dotted key. Conflicts are two
/// parameters that say different things of one setting: the first by name holds.
struct parameter_report {
  std::vector<mapped_parameter> parameters;
  std::map<std::string, std::string> values;
  std::map<std::string, std::string> said_by;  ///< by dotted key, the parameter that it comes from
  std::vector<problem> conflicts;
  bool asks_for_tls = false;
};

/// The parameters of a file: what stands at its top, and in its tables ai_config and security_config.
std::map<std::string, written> parameters_of(const file_contents& contents);

/// Maps parameters of the Python cache to settings. Values are not judged here beyond what their conversion needs:
/// load() does that.
parameter_report map_parameters(const std::map<std::string, written>& parameters);

/// What the variable AI_CACHE_<NAME> of a known parameter says.
converted convert(const parameter_row& row, const written& w);

}  // namespace aicache::config
