#pragma once

#include "config/parameter_map.hpp"

namespace aicache::config::conversion {

/// How a value of the Python cache's is written here. Texts of the environment and typed values of files are taken
/// alike; tables may be given as JSON.
///
/// Fails      with a refusal in words that repeats no value
converted plain(std::string_view key, const written& w);
converted flag(std::string_view key, const written& w);
converted tls(std::string_view key, const written& w);
converted seconds(std::string_view key, const written& w);
converted seconds_by_name(std::string_view key, const written& w);
converted entries(std::string_view key, const written& w);
converted characters(std::string_view key, const written& w);
converted zlib_level(std::string_view key, const written& w);
converted tiers(std::string_view key, const written& w);
converted level(std::string_view key, const written& w);
converted dropped(std::string_view key, const written& w);

}  // namespace aicache::config::conversion
