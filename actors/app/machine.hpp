#pragma once

#include "config/advice.hpp"

namespace aicache::app {

/// What settings are judged against: the machine that this process runs on, and the certificates on it that the settings
/// name. Zeros, and nothing, where the system does not say.
config::machine this_machine(const config::settings& s);

}  // namespace aicache::app
