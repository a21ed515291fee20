#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "actors/http/message.hpp"
#include "engine/types.hpp"

namespace aicache::http {

struct server_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: a free one
  unsigned connections = 8;
  duration timeout{5'000};
};

/// Serves HTTP/1.1 on one address, one request a connection.
///
/// Shape      a thread waits for connections, `connections` threads serve them; a header must be there within the
///            time-out and have no more than 16 KiB, a body as a whole within the time-out, and so must a reply be read
/// Owner      whoever started it; its end waits for requests that are being answered
/// Fails      start: unavailable when the address cannot be bound. What is no HTTP gets a problem, and what throws, 500
/// Cost       idle, nothing but the threads
class server {
 public:
  /// Called by any of the threads, also by several at once.
  using handler = std::function<reply(const query&)>;

  static outcome<std::unique_ptr<server>> start(const server_options& o, handler h);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  std::uint16_t port() const noexcept { return port_; }

 private:
  struct callbacks;
  explicit server(handler h) : handler_(std::move(h)) {}

  handler handler_;
  std::string host_;
  duration timeout_{0};
  void* context_ = nullptr;  // civetweb's, whose header stays in one source
  std::uint16_t port_ = 0;
};

}  // namespace aicache::http
