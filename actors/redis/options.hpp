#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "engine/redis/address.hpp"
#include "engine/redis/redis_core.hpp"

namespace aicache {

/// What a TLS connection demands and shows. Files are PEM.
struct tls_options {
  std::string ca_file;           ///< empty: the system's authorities
  std::string certificate_file;  ///< ours, for servers that ask; needs key_file
  std::string key_file;
  bool verify_name = true;  ///< the certificate must be for the host that was asked for
};

/// What a connection to Redis needs to know. Stands apart from the connection, so that who starts a node needs no Asio.
struct redis_options {
  redis_address address;
  tls_options tls;
  redis_core::options core;
  std::size_t reply_bytes = 64ULL << 20;  ///< a longer reply is a lie: the connection is dropped
  /// How long the thread looks for the next reply or request before it sleeps; zero: it sleeps at once.
  std::chrono::microseconds look{50};
};

}  // namespace aicache
