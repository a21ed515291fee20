#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/problem.hpp"
#include "config/settings.hpp"

namespace aicache::http {

/// A token that could be guessed is none.
inline constexpr std::size_t shortest_token = 16;

/// What http.token or the first line of http.token_file gives; empty when neither is set. Returns all that is wrong.
std::vector<config::problem> read_token(const config::settings& s, std::string& out);

/// Whether an Authorization header bears the token, in a time that tells nothing of it. Never without a token.
bool is_borne(std::string_view authorization, std::string_view token) noexcept;

}  // namespace aicache::http
