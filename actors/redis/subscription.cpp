#include "actors/redis/subscription.hpp"

#include <spdlog/spdlog.h>

#include <asio/post.hpp>
#include <chrono>
#include <utility>

namespace aicache {

namespace {

constexpr std::chrono::milliseconds listening_tick{20};
constexpr duration ask_after{1'000};  // of silence

instant now() {
  return {std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch()).count()};
}

bool is_text(const redis_reply& r, std::string_view text) {
  return r.what == redis_reply::kind::bulk && r.text == text;
}

}  // namespace

std::shared_ptr<redis_subscription> redis_subscription::make(asio::io_context& io, redis_options options,
                                                             std::string channel,
                                                             std::function<void(std::string)> on_message,
                                                             std::function<void(bool)> on_state) {
  return std::shared_ptr<redis_subscription>(
      new redis_subscription(io, std::move(options), std::move(channel), std::move(on_message), std::move(on_state)));
}

redis_subscription::redis_subscription(asio::io_context& io, redis_options options, std::string channel,
                                       std::function<void(std::string)> on_message, std::function<void(bool)> on_state)
    : io_(io),
      options_(std::move(options)),
      channel_(std::move(channel)),
      on_message_(std::move(on_message)),
      on_state_(std::move(on_state)),
      input_(reply_reader::feed_bytes),
      backoff_(options_.core.reconnect_first, options_.core.reconnect_longest, options_.core.seed),
      timer_(io) {}

// -- from other threads ------------------------------------------------------

void redis_subscription::start() {
  asio::post(io_, [self = shared_from_this()] {
    if (self->stopped_) return;
    self->connect();
    self->schedule_tick();
  });
}

void redis_subscription::stop() {
  asio::post(io_, [self = shared_from_this()] {
    self->stopped_ = true;
    self->timer_.cancel();
    self->drop_stream();
  });
}

// -- on the I/O thread -------------------------------------------------------

void redis_subscription::connect() {
  connect_at_ = never;
  auto made = make_stream(io_, options_.address, options_.tls);
  if (!made) return lost(made.why().detail);
  stream_ = std::move(*made);
  reader_ = std::make_unique<reply_reader>(options_.reply_bytes);
  give_up_at_ = now() + options_.core.connect_deadline;
  stream_->connect([self = shared_from_this(), number = stream_number_](const asio::error_code& why) {
    if (number != self->stream_number_) return;
    if (why) return self->lost(why.message());
    const std::vector<std::string> words = handshake_of(self->options_.address);
    self->greetings_left_ = words.size();
    std::string wire;
    for (const std::string& w : words) wire += w;
    self->write(wire += format_command({"SUBSCRIBE", self->channel_}));
    self->read();
  });
}

void redis_subscription::drop_stream() {
  ++stream_number_;
  if (stream_) stream_->close();
  stream_.reset();
  reader_.reset();
  give_up_at_ = never;
}

void redis_subscription::lost(std::string_view why) {
  if (complaint_ != why) spdlog::warn("redis {}: subscription: {}", options_.address.printable(), why);
  complaint_ = why;
  drop_stream();
  connect_at_ = now() + backoff_.next();
  if (std::exchange(subscribed_, false)) on_state_(false);
}

// Little is ever written, and never before the last was answered: AUTH to SUBSCRIBE in one, then a PING now and then.
void redis_subscription::write(std::string bytes) {
  auto kept = std::make_shared<std::string>(std::move(bytes));
  stream_->write_all(*kept, [self = shared_from_this(), number = stream_number_, kept](const asio::error_code& why) {
    if (why && number == self->stream_number_) self->lost(why.message());
  });
}

void redis_subscription::read() {
  stream_->read_some(input_.data(), input_.size(),
                     [self = shared_from_this(), number = stream_number_](const asio::error_code& why, std::size_t n) {
                       if (number != self->stream_number_) return;
                       if (why) return self->lost(why.message());
                       self->feed({self->input_.data(), n});
                       if (number == self->stream_number_) self->read();
                     });
}

void redis_subscription::feed(std::string_view bytes) {
  last_heard_ = now();
  if (subscribed_) give_up_at_ = never;
  reader_->feed(bytes);
  redis_reply reply;
  for (;;) {
    switch (reader_->next(reply)) {
      case reply_reader::progress::more: return;
      case reply_reader::progress::broken: return lost(reader_->why());
      case reply_reader::progress::reply:
        // The server's own words may quote what it was told: they are not logged.
        if (!take(reply)) return lost("the server refuses, or says what no subscription hears");
    }
  }
}

bool redis_subscription::take(redis_reply& reply) {
  if (greetings_left_ > 0) {
    --greetings_left_;
    return reply.what == redis_reply::kind::status;
  }
  const std::vector<redis_reply>& words = reply.elements;
  if (reply.what != redis_reply::kind::array || words.size() < 2) return false;
  if (!subscribed_) {
    if (words.size() != 3 || !is_text(words[0], "subscribe") || !is_text(words[1], channel_)) return false;
    subscribed_ = true;
    give_up_at_ = never;
    backoff_.reset();
    complaint_.clear();
    on_state_(true);
    return true;
  }
  if (words.size() == 2) return is_text(words[0], "pong");
  if (words.size() != 3 || !is_text(words[0], "message") || !is_text(words[1], channel_) ||
      words[2].what != redis_reply::kind::bulk)
    return false;
  on_message_(std::move(reply.elements[2].text));
  return true;
}

void redis_subscription::tick() {
  const instant at = now();
  if (connect_at_ <= at) return connect();
  if (give_up_at_ <= at) return lost("the server does not answer");
  if (!subscribed_ || give_up_at_ != never || last_heard_ + ask_after > at) return;
  give_up_at_ = at + options_.core.silence;
  write(format_command({"PING"}));
}

void redis_subscription::schedule_tick() {
  timer_.expires_after(listening_tick);
  timer_.async_wait([self = shared_from_this()](const asio::error_code& why) {
    if (why || self->stopped_) return;
    self->tick();
    self->schedule_tick();
  });
}

}  // namespace aicache
