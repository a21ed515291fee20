#pragma once

#include "config/settings_file.hpp"

#include <string>

namespace aicache::config {

/// Reads settings in YAML: the types are those of YAML 1.2, so that yes, no, on and off are texts. One document;
/// no anchors, which could unfold into more than was written, and no tags.
///
/// Fails      as read_settings_file() does
file_contents parse_yaml(const std::string& text);

}  // namespace aicache::config
