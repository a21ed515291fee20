#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/redis/stream.hpp"
#include "engine/redis/redis_core.hpp"

struct redisReader;

namespace aicache {

/// Formats one command for the wire, with hiredis.
std::string format_command(const std::vector<std::string_view>& words);

/// What a connection needs to know.
struct redis_options {
  redis_address address;
  tls_options tls;
  redis_core::options core;
  std::size_t reply_bytes = 64ULL << 20;  ///< a longer reply is a lie: the connection is dropped
};

/// Performs what a redis_core decides, over one socket, with hiredis as codec.
///
/// Shape      submit() hands commands to the I/O thread in bursts; replies are parsed in feeds of at most 16 KiB
///            (hiredis moves the rest of its buffer after each reply) and leave in bursts, to `on_completed`
/// Owner      the thread that runs the io_context; submit() and stop() may be called from any thread
/// Fails      everything that goes wrong ends in completions; what the server sends is believed only as far as it parses
/// Invariant  memory for one reply is bounded by reply_bytes, whatever length it claims
class redis_connection : public std::enable_shared_from_this<redis_connection> {
 public:
  using completions = std::vector<redis_core::completed>;

  /// The listeners run on the I/O thread.
  static std::shared_ptr<redis_connection> make(asio::io_context& io, redis_options options,
                                                std::function<void(completions)> on_completed,
                                                std::function<void(breaker_state)> on_state);
  ~redis_connection();
  redis_connection(const redis_connection&) = delete;
  redis_connection& operator=(const redis_connection&) = delete;

  void start();
  void submit(std::vector<redis_core::command> commands);
  /// Completes what is open and lets go of the socket; the connection is of no more use.
  void stop();

 private:
  redis_connection(asio::io_context& io, redis_options options, std::function<void(completions)> on_completed,
                   std::function<void(breaker_state)> on_state);
  instant now() const;
  void take_inbox();
  void perform();
  void open_stream();
  void drop_stream();
  void read(std::uint64_t stream_number);
  void feed(const char* bytes, std::size_t n);
  void write(std::uint64_t stream_number);
  void schedule_tick();
  void broken(std::uint64_t stream_number);

  asio::io_context& io_;
  redis_options options_;
  std::function<void(completions)> on_completed_;
  std::function<void(breaker_state)> on_state_;
  redis_core core_;
  redis_core::effects effects_;
  std::shared_ptr<byte_stream> stream_;
  std::uint64_t stream_number_ = 0;  // handlers of a former stream do nothing
  redisReader* reader_ = nullptr;
  std::size_t unparsed_ = 0;  // bytes fed since the last whole reply
  std::vector<char> input_;
  std::string next_;  // to be written when the write under way is done
  bool writing_ = false;
  asio::steady_timer timer_;
  bool stopped_ = false;
  std::mutex inbox_lock_;  // guards the two below: the only state that other threads touch
  std::vector<redis_core::command> inbox_;
  bool inbox_posted_ = false;
};

}  // namespace aicache
