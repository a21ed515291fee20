#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "engine/outcome.hpp"

namespace aicache::app {

/// Replaces a file as a whole: whoever is cut off finds the old one or the new one. Fails: unavailable.
outcome<void> replace_file(const std::string& path, const std::string& text);

/// Takes a member of a state that was read: false when it is not there, or of another type.
template <class Value>
bool take(const nlohmann::ordered_json& from, const char* name, Value& to) {
  const auto at = from.find(name);
  if (at == from.end()) return false;
  if constexpr (std::is_same_v<Value, std::string>) {
    if (!at->is_string()) return false;
  } else if constexpr (std::is_same_v<Value, bool>) {
    if (!at->is_boolean()) return false;
  } else {
    if (!at->is_number_unsigned()) return false;
  }
  to = at->get<Value>();
  return true;
}

}  // namespace aicache::app
