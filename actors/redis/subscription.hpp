#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/redis/connection.hpp"
#include "actors/redis/reply_reader.hpp"
#include "actors/redis/stream.hpp"
#include "engine/redis/backoff.hpp"
#include "engine/types.hpp"

namespace aicache {

/// Hears what is published to one channel. It has a connection of its own: what a server pushes would break the
/// positions by which a redis_core tells replies apart.
///
/// Shape      connects, says who it is, subscribes; from then on every message goes to the listener. A silent server is
///            asked for a sign of life every second; without one within `core.silence`, or when the connection ends, it
///            begins again after a jittered wait. What is published while it is away is lost: whoever listens must find
///            out by other means what it missed, whenever `on_state` says that it is subscribed (again)
/// Owner      the thread that runs the io_context, on which the listeners are called; start() and stop() may be called
///            from any thread
/// Fails      a peer that says anything but what a subscription hears is dropped, and nothing it said is passed on
/// Invariant  on_state alternates, beginning with true; messages come only between true and false; none of either
///            comes after stop() was carried out
class redis_subscription : public std::enable_shared_from_this<redis_subscription> {
 public:
  static std::shared_ptr<redis_subscription> make(asio::io_context& io, redis_options options, std::string channel,
                                                  std::function<void(std::string)> on_message,
                                                  std::function<void(bool subscribed)> on_state);
  void start();
  void stop();

 private:
  redis_subscription(asio::io_context& io, redis_options options, std::string channel,
                     std::function<void(std::string)> on_message, std::function<void(bool)> on_state);
  void connect();
  void lost(std::string_view why);
  void drop_stream();
  void write(std::string bytes);
  void read();
  void feed(std::string_view bytes);
  bool take(redis_reply& reply);
  void tick();
  void schedule_tick();

  asio::io_context& io_;
  redis_options options_;
  std::string channel_;
  std::function<void(std::string)> on_message_;
  std::function<void(bool)> on_state_;
  std::shared_ptr<byte_stream> stream_;
  std::uint64_t stream_number_ = 0;  // handlers of a former stream do nothing
  std::unique_ptr<reply_reader> reader_;
  std::vector<char> input_;
  std::size_t greetings_left_ = 0;
  bool subscribed_ = false;
  bool stopped_ = false;
  std::string complaint_;  // logged last: the same one is not logged again
  backoff backoff_;
  instant connect_at_ = never;
  instant give_up_at_ = never;  // while it connects and subscribes, or owes a sign of life
  instant last_heard_;
  asio::steady_timer timer_;
};

}  // namespace aicache
