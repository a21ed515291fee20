#pragma once

#include "config/settings.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aicache::config {

/// Memory that a shard needs at the least to hold its index and a few answers. The number of shards that "auto"
/// stands for is not known to the settings: whoever chooses it keeps to this too.
inline constexpr std::uint64_t smallest_shard = 256_KiB;

/// One value that breaks a rule across keys.
struct breach {
  std::string key;
  std::string rule;
  std::string fix;
};

/// A rule across keys, or one that no range can state. To add one, write a function in rules.cpp and its row
/// in the table there.
///
/// Invariant  `check` reads no other keys than `reads`: while one of them is in doubt the rule is not asked
struct rule {
  std::span<const std::string_view> reads;
  std::vector<breach> (*check)(const settings&);
};

std::span<const rule> all_rules();

/// Whether a host is this machine, whoever resolves it: 127.0.0.0/8 in four decimal parts, ::1 or localhost.
bool is_loopback(std::string_view host);

}  // namespace aicache::config
