#include "actors/redis/connection.hpp"

#include <hiredis/hiredis.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/dispatch.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <utility>

#include "actors/visit.hpp"

namespace aicache {

namespace {

constexpr std::chrono::milliseconds tick_interval{10};
constexpr std::size_t read_bytes = 8 * reply_reader::feed_bytes;  // a read costs the system more than a feed

}  // namespace

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
      input_(read_bytes),
      timer_(io) {}

redis_connection::~redis_connection() = default;

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
  asio::dispatch(io_, [self = shared_from_this(), commands = std::move(commands)]() mutable {
    const instant at = self->now();
    for (redis_core::command& c : commands) self->core_.submit(std::move(c), at, self->effects_);
    self->perform();
  });
}

void redis_connection::stop() {
  asio::post(io_, [self = shared_from_this()] {
    self->stopped_ = true;
    self->timer_.cancel();
    self->core_.stop(self->effects_);
    self->perform();
    self->drop_stream();
  });
}

// -- on the I/O thread -------------------------------------------------------

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
                     if (b.to == breaker_state::closed) greeted_with_ = redis_trouble::none;
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
  reader_ = std::make_unique<reply_reader>(options_.reply_bytes);
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
  reader_.reset();
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
                       self->feed({self->input_.data(), n}, stream_number);
                       self->read(stream_number);
                     });
}

void redis_connection::feed(std::string_view bytes, std::uint64_t stream_number) {
  const instant at = now();
  redis_reply reply;
  while (!bytes.empty()) {
    reader_->feed(bytes.substr(0, reply_reader::feed_bytes));
    bytes.remove_prefix(std::min(bytes.size(), reply_reader::feed_bytes));
    for (;;) {
      const reply_reader::progress p = reader_->next(reply);
      if (p == reply_reader::progress::more) break;
      if (p == reply_reader::progress::broken) {
        spdlog::warn("redis {}: {}", options_.address.printable(), reader_->why());
        return broken(stream_number);
      }
      if (core_.greets()) note_greeting(trouble_of(reply));
      const auto before = static_cast<std::ptrdiff_t>(effects_.size());
      core_.replied(std::move(reply), at, effects_);
      // A reply may be the last that is believed.
      const auto closes = [](const redis_core::effect& e) { return std::holds_alternative<redis_core::close>(e); };
      if (std::any_of(effects_.begin() + before, effects_.end(), closes)) return perform();
    }
  }
  perform();
}

// Without it an operator would only see that there is no connection. The server's words are not logged: they may quote.
void redis_connection::note_greeting(redis_trouble t) {
  if (t == redis_trouble::none || std::exchange(greeted_with_, t) == t) return;
  spdlog::warn("redis {}: {}", options_.address.printable(),
               t == redis_trouble::denied ? "the server refuses our credentials"
               : t == redis_trouble::busy ? "the server is loading or busy"
                                          : "the server refuses our greeting: user, password or database");
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
