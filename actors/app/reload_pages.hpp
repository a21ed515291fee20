#pragma once

#include <string>

#include "actors/app/page.hpp"

namespace aicache::app {

/// Has a node read its settings again. Fails: with exit code 1 when they are wrong, and then nothing has changed, or when
/// some of them wait for a restart; 3 without a node.
page config_reload(const std::string& node);

}  // namespace aicache::app
