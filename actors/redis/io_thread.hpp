#pragma once

#include <asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <thread>

#include "engine/redis/vigil.hpp"

namespace aicache {

/// A thread with an io_context: that of everything of a node's Redis, or that of its TLS port.
///
/// Owner      whoever has connections, by shared_ptr: it must outlive them. It ends with its last owner: what was posted
///            before is done, what waits for sockets or time is dropped
/// Fails      the constructor, with std::system_error, when the system gives no thread
/// Cost       a wake-up for what comes while it sleeps; none while it looks for what it was told to expect
class io_thread {
 public:
  /// `name` is what the system shows of it, of 15 letters at most, and stays where it is. `look` is how long it looks for
  /// what it expects before it sleeps; it gives way to other threads meanwhile.
  explicit io_thread(const char* name = "aicache.redis", std::chrono::microseconds look = std::chrono::microseconds{0});
  ~io_thread();
  io_thread(const io_thread&) = delete;
  io_thread& operator=(const io_thread&) = delete;

  asio::io_context& context() noexcept { return turn_->context; }
  /// What will come next if anything does. On this thread only.
  void expect(vigil::event what) noexcept;

 private:
  struct turn {
    explicit turn(std::chrono::microseconds look) : context(1), watch(look) {}
    void run();

    asio::io_context context;
    vigil watch;
  };

  std::shared_ptr<turn> turn_;
  std::thread thread_;
};

}  // namespace aicache
