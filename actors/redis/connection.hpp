#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/redis/options.hpp"
#include "actors/redis/reply_reader.hpp"
#include "actors/redis/stream.hpp"
#include "engine/redis/redis_core.hpp"

namespace aicache {

/// Formats one command for the wire, with hiredis.
std::string format_command(const std::vector<std::string_view>& words);

/// The commands by which a connection says who it is and which database it wants.
std::vector<std::string> handshake_of(const redis_address& a);

/// Performs what a redis_core decides, over one socket, with hiredis as codec.
///
/// Shape      submit() takes commands at once on the I/O thread, and hands them over from any other; replies are parsed in
///            feeds of at most 16 KiB (hiredis moves the rest of its buffer after each reply) and leave in bursts, to
///            `on_completed`
/// Owner      the thread that runs the io_context; submit() and stop() may be called from any thread
/// Fails      everything that goes wrong ends in completions; what the server sends is believed only as far as it parses
/// Invariant  memory for one reply is bounded as reply_reader says, whatever length it claims
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
  void perform();
  void open_stream();
  void drop_stream();
  void read(std::uint64_t stream_number);
  void feed(std::string_view bytes, std::uint64_t stream_number);
  void write(std::uint64_t stream_number);
  void schedule_tick();
  void note_greeting(redis_trouble t);
  void broken(std::uint64_t stream_number);

  asio::io_context& io_;
  redis_options options_;
  std::function<void(completions)> on_completed_;
  std::function<void(breaker_state)> on_state_;
  redis_core core_;
  redis_core::effects effects_;
  std::shared_ptr<byte_stream> stream_;
  std::uint64_t stream_number_ = 0;       // handlers of a former stream do nothing
  std::unique_ptr<reply_reader> reader_;  // as long as the stream
  std::vector<char> input_;
  std::string next_;  // to be written when the write under way is done
  bool writing_ = false;
  asio::steady_timer timer_;
  bool stopped_ = false;
  redis_trouble greeted_with_ = redis_trouble::none;
};

}  // namespace aicache
