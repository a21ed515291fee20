#include "actors/redis/connection.hpp"

#include <hiredis/hiredis.h>
#include <spdlog/spdlog.h>

#include <asio/post.hpp>
#include <chrono>
#include <utility>

#include "actors/visit.hpp"

namespace aicache {

namespace {

constexpr std::size_t feed_bytes = 16 << 10;
constexpr std::chrono::milliseconds tick_interval{10};

redis_reply to_reply(const redisReply& r) {
  redis_reply out;
  switch (r.type) {
    case REDIS_REPLY_NIL: break;
    case REDIS_REPLY_INTEGER:
      out.what = redis_reply::kind::integer;
      out.integer = r.integer;
      break;
    case REDIS_REPLY_ARRAY:
      out.what = redis_reply::kind::array;
      out.elements.reserve(r.elements);
      for (std::size_t i = 0; i < r.elements; ++i) out.elements.push_back(to_reply(*r.element[i]));
      break;
    default:
      out.what = r.type == REDIS_REPLY_STATUS  ? redis_reply::kind::status
                 : r.type == REDIS_REPLY_ERROR ? redis_reply::kind::error
                                               : redis_reply::kind::bulk;
      out.text.assign(r.str, r.len);
  }
  return out;
}

// hiredis takes memory for as many elements as a reply claims to have, before it has seen one of them.
constexpr int most_elements = 1 << 16;
redisReplyObjectFunctions* reader_functions() {
  static const redisReplyObjectFunctions defaults = [] {
    redisReader* r = redisReaderCreate();
    redisReplyObjectFunctions f = *r->fn;
    redisReaderFree(r);
    return f;
  }();
  static redisReplyObjectFunctions bounded = [] {
    redisReplyObjectFunctions f = defaults;
    f.createArray = [](const redisReadTask* task, int elements) -> void* {
      return elements > most_elements ? nullptr : defaults.createArray(task, elements);
    };
    return f;
  }();
  return &bounded;
}

std::vector<std::string> handshake_of(const redis_address& a) {
  std::vector<std::string> all;
  if (!a.user.empty()) {
    all.push_back(format_command({"AUTH", a.user, a.password}));
  } else if (!a.password.empty()) {
    all.push_back(format_command({"AUTH", a.password}));
  }
  if (a.database != 0) all.push_back(format_command({"SELECT", std::to_string(a.database)}));
  return all;
}

}  // namespace

std::string format_command(const std::vector<std::string_view>& words) {
  std::vector<const char*> at;
  std::vector<std::size_t> size;
  for (std::string_view w : words) {
    at.push_back(w.data());
    size.push_back(w.size());
  }
  char* wire = nullptr;
  const int n = redisFormatCommandArgv(&wire, static_cast<int>(words.size()), at.data(), size.data());
  if (n < 0) return {};
  std::string out(wire, static_cast<std::size_t>(n));
  redisFreeCommand(wire);
  return out;
}

std::shared_ptr<redis_connection> redis_connection::make(asio::io_context& io, redis_options options,
                                                         std::function<void(completions)> on_completed,
                                                         std::function<void(breaker_state)> on_state) {
  return std::shared_ptr<redis_connection>(
      new redis_connection(io, std::move(options), std::move(on_completed), std::move(on_state)));
}

redis_connection::redis_connection(asio::io_context& io, redis_options options,
                                   std::function<void(completions)> on_completed,
                                   std::function<void(breaker_state)> on_state)
    : io_(io),
      options_(std::move(options)),
      on_completed_(std::move(on_completed)),
      on_state_(std::move(on_state)),
      core_(options_.core, handshake_of(options_.address), format_command({"PING"})),
      input_(feed_bytes),
      timer_(io) {}

redis_connection::~redis_connection() {
  if (reader_ != nullptr) redisReaderFree(reader_);
}

instant redis_connection::now() const {
  return {std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch()).count()};
}

// -- from other threads ------------------------------------------------------

void redis_connection::start() {
  asio::post(io_, [self = shared_from_this()] {
    self->core_.start(self->now(), self->effects_);
    self->perform();
    self->schedule_tick();
  });
}

void redis_connection::submit(std::vector<redis_core::command> commands) {
  {
    const std::lock_guard lock(inbox_lock_);
    if (inbox_.empty()) {
      inbox_ = std::move(commands);
    } else {
      for (redis_core::command& c : commands) inbox_.push_back(std::move(c));
    }
    // One wake-up for a burst: whatever comes until the I/O thread looks goes along.
    if (std::exchange(inbox_posted_, true)) return;
  }
  asio::post(io_, [self = shared_from_this()] { self->take_inbox(); });
}

void redis_connection::stop() {
  asio::post(io_, [self = shared_from_this()] {
    self->take_inbox();
    self->stopped_ = true;
    self->timer_.cancel();
    self->core_.stop(self->effects_);
    self->perform();
    self->drop_stream();
  });
}

// -- on the I/O thread -------------------------------------------------------

void redis_connection::take_inbox() {
  std::vector<redis_core::command> commands;
  {
    const std::lock_guard lock(inbox_lock_);
    commands.swap(inbox_);
    inbox_posted_ = false;
  }
  const instant at = now();
  for (redis_core::command& c : commands) core_.submit(std::move(c), at, effects_);
  perform();
}

void redis_connection::perform() {
  completions done;
  // Effects may bring forth effects (a stream that cannot be opened is lost at once), so the list may grow meanwhile.
  for (std::size_t i = 0; i < effects_.size(); ++i) {
    redis_core::effect e = std::move(effects_[i]);
    std::visit(overloaded{
                   [this](redis_core::connect) { open_stream(); },
                   [this](redis_core::close) { drop_stream(); },
                   [this](redis_core::send& s) { next_ += s.wire; },
                   [&](redis_core::completed& c) { done.push_back(std::move(c)); },
                   [this](redis_core::breaker_changed b) {
                     if (on_state_) on_state_(b.to);
                   },
               },
               e);
  }
  effects_.clear();
  if (!next_.empty() && !writing_) write(stream_number_);
  if (!done.empty() && on_completed_) on_completed_(std::move(done));
}

void redis_connection::open_stream() {
  drop_stream();
  auto made = make_stream(io_, options_.address, options_.tls);
  if (!made) {
    spdlog::error("redis {}: {}", options_.address.printable(), made.why().detail);
    return core_.lost(now(), effects_);
  }
  stream_ = std::move(*made);
  reader_ = redisReaderCreateWithFunctions(reader_functions());
  stream_->connect([self = shared_from_this(), number = stream_number_](const asio::error_code& why) {
    if (number != self->stream_number_) return;
    if (why) return self->broken(number);
    self->core_.connected(self->now(), self->effects_);
    self->perform();
    self->read(number);
  });
}

void redis_connection::drop_stream() {
  ++stream_number_;
  if (stream_) stream_->close();
  stream_.reset();
  if (reader_ != nullptr) redisReaderFree(reader_);
  reader_ = nullptr;
  unparsed_ = 0;
  writing_ = false;
  next_.clear();
}

void redis_connection::broken(std::uint64_t stream_number) {
  if (stream_number != stream_number_) return;
  drop_stream();
  core_.lost(now(), effects_);
  perform();
}

void redis_connection::read(std::uint64_t stream_number) {
  if (stream_number != stream_number_ || !stream_) return;
  stream_->read_some(input_.data(), input_.size(),
                     [self = shared_from_this(), stream_number](const asio::error_code& why, std::size_t n) {
                       if (stream_number != self->stream_number_) return;
                       if (why) return self->broken(stream_number);
                       self->feed(self->input_.data(), n);
                       self->read(stream_number);
                     });
}

void redis_connection::feed(const char* bytes, std::size_t n) {
  const std::uint64_t stream_number = stream_number_;
  unparsed_ += n;
  if (redisReaderFeed(reader_, bytes, n) != REDIS_OK) return broken(stream_number);
  const instant at = now();
  for (;;) {
    void* parsed = nullptr;
    if (redisReaderGetReply(reader_, &parsed) != REDIS_OK) {
      spdlog::warn("redis {}: the server sent what is no reply", options_.address.printable());
      return broken(stream_number);
    }
    if (parsed == nullptr) break;
    unparsed_ = 0;
    redis_reply reply = to_reply(*static_cast<redisReply*>(parsed));
    freeReplyObject(parsed);
    core_.replied(std::move(reply), at, effects_);
    // A reply may be the last that is believed.
    for (const auto& e : effects_)
      if (std::holds_alternative<redis_core::close>(e)) return perform();
  }
  if (unparsed_ > options_.reply_bytes) {
    spdlog::warn("redis {}: a reply is longer than {} bytes", options_.address.printable(), options_.reply_bytes);
    return broken(stream_number);
  }
  perform();
}

void redis_connection::write(std::uint64_t stream_number) {
  if (stream_number != stream_number_ || !stream_ || next_.empty()) return;
  // The bytes live as long as the handler: the stream may be closed under a write.
  auto bytes = std::make_shared<std::string>(std::exchange(next_, {}));
  writing_ = true;
  stream_->write_all(*bytes, [self = shared_from_this(), stream_number, bytes](const asio::error_code& why) {
    if (stream_number != self->stream_number_) return;
    if (why) return self->broken(stream_number);
    self->writing_ = false;
    self->write(stream_number);
  });
}

void redis_connection::schedule_tick() {
  if (stopped_) return;
  timer_.expires_after(tick_interval);
  timer_.async_wait([self = shared_from_this()](const asio::error_code& why) {
    if (why || self->stopped_) return;
    self->core_.tick(self->now(), self->effects_);
    self->perform();
    self->schedule_tick();
  });
}

}  // namespace aicache
