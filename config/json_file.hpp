#pragma once

#include "config/settings_file.hpp"

#include <string>

namespace aicache::config {

/// Reads settings in JSON: {"memory": {"budget": "1GiB"}}, or {"memory.budget": "1GiB"}.
///
/// Fails      as read_settings_file() does
/// Cost       one pass, without a document in memory; the stack does not grow with the nesting
file_contents parse_json(const std::string& text);

}  // namespace aicache::config
