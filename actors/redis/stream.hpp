#pragma once

#include <asio/error_code.hpp>
#include <asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "actors/redis/options.hpp"
#include "engine/outcome.hpp"

namespace aicache {

/// A byte stream to one Redis server, over TCP, TLS (1.2 or newer, always verified) or a unix socket.
///
/// Owner      the thread that runs the io_context; one operation of each direction at a time
/// Fails      handlers get an error code; after close() no handler does anything
class byte_stream {
 public:
  using on_done = std::function<void(const asio::error_code&)>;
  using on_bytes = std::function<void(const asio::error_code&, std::size_t)>;

  virtual ~byte_stream() = default;
  virtual void connect(on_done done) = 0;
  virtual void read_some(char* into, std::size_t room, on_bytes done) = 0;
  virtual void write_all(const std::string& bytes, on_done done) = 0;
  virtual void close() = 0;
};

/// Makes a stream, not yet connected. Fails: invalid_argument when a TLS file cannot be used.
outcome<std::shared_ptr<byte_stream>> make_stream(asio::io_context& io, const redis_address& to,
                                                  const tls_options& tls);

}  // namespace aicache
