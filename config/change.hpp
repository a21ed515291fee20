#pragma once

#include "config/key_table.hpp"

#include <span>
#include <string>
#include <vector>

namespace aicache::config {

/// A setting that differs, with both values as they may be shown, and why it takes effect when it does.
struct change {
  std::string key;
  std::string before;
  std::string after;
  std::string why;
};

/// What happens when a node that runs on some settings is given others.
struct reload {
  std::vector<change> now;
  std::vector<change> at_restart;
};

/// The settings that differ, in the order of config/keys.def, divided by its column `reload`. Secrets are masked, and
/// a secret that changed is a change even though both look the same.
/// Owner      pure: whoever runs a node applies what is in `now`, and tells its operator of the rest
reload compare(const settings& running, const settings& wanted, std::span<const key_row> rows = all_keys());

/// The settings of a running node with some that differ taken from others.
settings with(const settings& running, const settings& wanted, std::span<const change> changes);

/// Why a key, or what else there is in a section, is read when a node starts and not later.
std::string_view restart_reason(std::string_view of);

}  // namespace aicache::config
