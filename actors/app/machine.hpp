#pragma once

#include "config/advice.hpp"

namespace aicache::app {

/// What settings are judged against: the machine that this process runs on. Zeros where the system does not say.
config::machine this_machine();

}  // namespace aicache::app
