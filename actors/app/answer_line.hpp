#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "actors/client.hpp"

namespace aicache::app {

/// What the cache says, as a line of JSON for each line of a request: `line` is the number of that.
///
/// Shape      {"line":1,"status":"hit","tier":"hot","retrievals":2,"created_ms":…,"expires_ms":…,"model":"…",
///            "input_tokens":…,"output_tokens":…,"model_ms":…,"text":"…"}; times in ms since the Unix epoch on the node's
///            clock, null for never; "base64" in the place of "text" where the answer is not UTF-8
///            {"line":1,"status":"miss"} | "stored" | "not_stored"
///            {"line":1,"status":"refused","error":"…"} for what was not done
///            {"line":1,"found":true,"left_ms":…}; the time left only where it was asked for, null for no end
std::string line_of(std::uint64_t line, const answer& a);
std::string line_of(std::uint64_t line, const put_result& r);
std::string line_of(std::uint64_t line, const key_result& r, bool with_time_left);
std::string refusal_line(std::uint64_t line, std::string_view why);

/// RFC 4648 section 4, with padding.
std::string in_base64(std::string_view bytes);

}  // namespace aicache::app
