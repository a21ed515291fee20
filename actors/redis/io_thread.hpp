#pragma once

#include <asio/io_context.hpp>
#include <memory>
#include <thread>

namespace aicache {

/// A thread with an io_context: that of everything of a node's Redis, or that of its TLS port.
///
/// Owner      whoever has connections, by shared_ptr: it must outlive them. It ends with its last owner: what was posted
///            before is done, what waits for sockets or time is dropped
/// Fails      the constructor, with std::system_error, when the system gives no thread
class io_thread {
 public:
  /// `name` is what the system shows of it, of 15 letters at most, and stays where it is.
  explicit io_thread(const char* name = "aicache.redis");
  ~io_thread();
  io_thread(const io_thread&) = delete;
  io_thread& operator=(const io_thread&) = delete;

  asio::io_context& context() noexcept { return *context_; }

 private:
  std::shared_ptr<asio::io_context> context_;
  std::thread thread_;
};

}  // namespace aicache
