#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/outcome.hpp"

namespace aicache {

enum class redis_transport : std::uint8_t { tcp, tls, unix_socket };

/// Where a Redis server is, and who we are to it.
struct redis_address {
  redis_transport transport = redis_transport::tcp;
  std::string host = "127.0.0.1";
  std::uint16_t port = 6'379;
  std::string path;      ///< of a unix socket
  std::string user;      ///< empty: the default user
  std::string password;  ///< a secret: never printed
  std::uint32_t database = 0;

  /// Without the secret: "rediss://user:***@host:6380/1".
  std::string printable() const;
  friend bool operator==(const redis_address&, const redis_address&) = default;
};

/// Reads
///   redis://[[user]:password@]host[:port][/database]     rediss:// the same over TLS
///   unix://[[user]:password@]/path[?db=database]
/// with percent-encoding in user and password, and [::1] for IPv6 hosts. Fails: invalid_argument; the detail never
/// quotes what was given, for there may be a secret in it.
outcome<redis_address> parse_redis_url(std::string_view url);

}  // namespace aicache
