#pragma once

#include "config/advice.hpp"
#include "config/sources.hpp"

#include <vector>

namespace aicache::config {

/// What can be said of settings: errors keep a node from starting (or from working, on this machine); conflicts say one
/// thing in two ways, of which the one that the text names holds; warnings are most likely not meant; recommendations
/// would be better otherwise.
struct validation {
  std::vector<problem> errors;
  std::vector<problem> conflicts;
  std::vector<problem> warnings;
  std::vector<problem> recommendations;

  bool is_valid() const { return errors.empty(); }
};

/// Judges what was loaded. While there are errors nothing else is judged: it would be about the defaults.
validation validate(const loaded& from, const machine& on);

}  // namespace aicache::config
