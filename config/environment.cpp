#include "config/key_table.hpp"
#include "config/parameter_map.hpp"
#include "config/sources.hpp"

#include <unistd.h>

#include <string_view>

namespace aicache::config {

namespace {
// Where aicachectl finds its node: whoever exports it may start a node in the same shell.
constexpr std::string_view not_a_setting = "AICACHE_NODE";
}  // namespace

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> out;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    const std::string_view variable = *at;
    const std::size_t equals = variable.find('=');
    const bool is_ours = variable.starts_with(environment_prefix) || variable.starts_with(alias_prefix);
    if (is_ours && equals != std::string_view::npos && variable.substr(0, equals) != not_a_setting)
      out.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
  return out;
}

}  // namespace aicache::config
