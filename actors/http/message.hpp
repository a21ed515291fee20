#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/outcome.hpp"

namespace aicache::http {

/// What somebody asks over HTTP, once its header has arrived.
struct query {
  std::string method;
  std::string path;     ///< as it was sent, but without "." and ".."
  std::string address;  ///< of the caller
  std::string authorization{};
  std::string if_none_match{};
  std::string host{};                 ///< by which the caller knows this node
  std::uint64_t announced_bytes = 0;  ///< that the body has, if it says so
  /// Reads the body. Fails: too_large past as many bytes, deadline when it does not arrive in time. Empty: no body.
  std::function<outcome<std::string>(std::size_t at_most)> body{};
};

/// What it gets.
struct reply {
  int status = 200;
  std::string type{};
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// The standing phrase of a status, such as "Not Found".
const char* phrase(int status) noexcept;

/// Text as JSON, whatever bytes it has: what is not UTF-8 becomes U+FFFD.
std::string quoted_json(std::string_view text);
/// The same without quotes and escapes: text that is UTF-8 for certain.
std::string valid_utf8(std::string_view text);

/// An error as RFC 7807 has it: a title for the status, and a detail that says what to do.
reply problem(int status, std::string_view detail);
/// A fault of ours as the status that comes nearest.
reply problem(const fault& why);

reply json_reply(std::string body);

}  // namespace aicache::http
