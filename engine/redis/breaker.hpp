#pragma once

#include <cstdint>

#include "engine/types.hpp"

namespace aicache {

enum class breaker_state : std::uint8_t { closed, open, half_open };

constexpr const char* to_string(breaker_state s) noexcept {
  switch (s) {
    case breaker_state::open: return "open";
    case breaker_state::half_open: return "half_open";
    case breaker_state::closed: break;
  }
  return "closed";
}

/// Decides whether a server is worth asking (after Nygard, "Release It!").
///
/// Shape      closed -> open on a run of failures, on a high share of failures, or at once when the connection is
///            lost -> after a pause half open: one probe -> closed if it is answered, else open for longer. After
///            closing only a few commands may be in flight, and twice as many with every answered window: no surge
/// Owner      one redis_core
/// Invariant  while not closed, no command but a probe is let through
class breaker {
 public:
  struct options {
    unsigned run = 3;             ///< failures in a row that open it
    unsigned window = 32;         ///< outcomes over which the share is taken
    unsigned share_percent = 50;  ///< share of failures in a full window that opens it
    duration pause{100};          ///< before the first probe; doubled after each that fails
    duration longest_pause{1'000};
    unsigned first_in_flight = 16;  ///< after closing
  };

  explicit breaker(options o) noexcept : options_(o), pause_(o.pause), in_flight_limit_(UINT32_MAX) {}

  breaker_state state() const noexcept { return state_; }

  /// How many commands may be in flight now.
  std::uint32_t in_flight_limit() const noexcept { return state_ == breaker_state::closed ? in_flight_limit_ : 0; }

  /// A command was answered, in time.
  void succeeded() noexcept {
    if (state_ != breaker_state::closed) return;
    run_ = 0;
    count(false);
    if (in_flight_limit_ == UINT32_MAX || ++answered_ < in_flight_limit_) return;
    answered_ = 0;
    in_flight_limit_ = in_flight_limit_ >= 1U << 20 ? UINT32_MAX : in_flight_limit_ * 2;
  }

  /// A command was not answered in time, or with an error that says that the server is in trouble. True: this opened it.
  bool failed(instant now) noexcept {
    if (state_ != breaker_state::closed) return false;
    ++run_;
    count(true);
    const bool full = outcomes_ >= options_.window;
    const bool bad_share = full && failures_ * 100 >= options_.window * options_.share_percent;
    if (run_ < options_.run && !bad_share) return false;
    trip(now);
    return true;
  }

  /// The connection is gone, or cannot be made. True: this opened it.
  bool lost(instant now) noexcept {
    const bool was_closed = state_ == breaker_state::closed;
    if (was_closed) {
      trip(now);
    } else if (state_ == breaker_state::half_open) {
      probe_failed(now);
    }
    return was_closed;
  }

  /// Whether a probe is due; if so, it is under way from now on.
  bool probe_due(instant now) noexcept {
    if (state_ != breaker_state::open || now < retry_at_) return false;
    state_ = breaker_state::half_open;
    return true;
  }

  void probe_failed(instant now) noexcept {
    if (state_ != breaker_state::half_open) return;
    pause_ = pause_ * 2 < options_.longest_pause ? pause_ * 2 : options_.longest_pause;
    state_ = breaker_state::open;
    retry_at_ = now + pause_;
  }

  void probe_succeeded() noexcept {
    if (state_ == breaker_state::closed) return;
    state_ = breaker_state::closed;
    pause_ = options_.pause;
    run_ = outcomes_ = failures_ = answered_ = 0;
    history_ = 0;
    in_flight_limit_ = options_.first_in_flight;
  }

  instant retry_at() const noexcept { return retry_at_; }

 private:
  void trip(instant now) noexcept {
    state_ = breaker_state::open;
    retry_at_ = now + pause_;
  }

  // The last `window` outcomes as bits, the newest lowest.
  void count(bool failure) noexcept {
    const std::uint64_t oldest = (history_ >> (options_.window - 1)) & 1;
    if (outcomes_ >= options_.window) {
      failures_ -= static_cast<unsigned>(oldest);
    } else {
      ++outcomes_;
    }
    history_ = (history_ << 1) | (failure ? 1 : 0);
    failures_ += failure ? 1 : 0;
  }

  options options_;
  breaker_state state_ = breaker_state::closed;
  duration pause_;
  instant retry_at_;
  unsigned run_ = 0;
  unsigned outcomes_ = 0;
  unsigned failures_ = 0;
  std::uint32_t answered_ = 0;
  std::uint32_t in_flight_limit_;
  std::uint64_t history_ = 0;
};

}  // namespace aicache
