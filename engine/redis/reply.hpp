#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aicache {

/// One reply of a Redis server, as the codec parsed it.
struct redis_reply {
  enum class kind : std::uint8_t { nil, status, error, integer, bulk, array };

  kind what = kind::nil;
  std::int64_t integer = 0;
  std::string text;  ///< of a status, an error or a bulk
  std::vector<redis_reply> elements;

  bool is_error() const noexcept { return what == kind::error; }
  friend bool operator==(const redis_reply&, const redis_reply&) = default;
};

/// What an error reply means to us.
enum class redis_trouble : std::uint8_t {
  none,       ///< no error
  busy,       ///< LOADING, BUSY, MASTERDOWN, CLUSTERDOWN, TRYAGAIN: the server cannot answer now
  full,       ///< OOM, MISCONF: it takes no writes for want of memory or disk
  read_only,  ///< READONLY: a replica; the master is elsewhere
  denied,     ///< NOAUTH, WRONGPASS, NOPERM: our credentials are missing, wrong or weak
  moved,      ///< MOVED: the slot lives elsewhere from now on
  ask,        ///< ASK: the slot is on its way; this once, ask there
  refused,    ///< any other error: the command itself is at fault
};

/// Sorts an error reply by its first word.
constexpr redis_trouble trouble_of(std::string_view error) noexcept {
  const std::string_view word = error.substr(0, error.find(' '));
  if (word == "LOADING" || word == "BUSY" || word == "MASTERDOWN" || word == "CLUSTERDOWN" || word == "TRYAGAIN")
    return redis_trouble::busy;
  if (word == "OOM" || word == "MISCONF") return redis_trouble::full;
  if (word == "READONLY") return redis_trouble::read_only;
  if (word == "NOAUTH" || word == "WRONGPASS" || word == "NOPERM") return redis_trouble::denied;
  if (word == "MOVED") return redis_trouble::moved;
  if (word == "ASK") return redis_trouble::ask;
  return redis_trouble::refused;
}

inline redis_trouble trouble_of(const redis_reply& r) noexcept {
  return r.is_error() ? trouble_of(r.text) : redis_trouble::none;
}

/// Whether it says that the server, not the command, is unwell: what the breaker counts.
constexpr bool is_server_trouble(redis_trouble t) noexcept {
  return t == redis_trouble::busy || t == redis_trouble::denied;
}

}  // namespace aicache
