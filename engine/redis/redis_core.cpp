#include "engine/redis/redis_core.hpp"

#include <algorithm>
#include <utility>

namespace aicache {

namespace {

// An error may be an answer to anything.
bool answers_ping(const redis_reply& r) noexcept {
  return r.is_error() || (r.what == redis_reply::kind::status && r.text == "PONG");
}

}  // namespace

redis_core::redis_core(options o, std::vector<std::string> handshake, std::string ping)
    : options_(o),
      handshake_(std::move(handshake)),
      ping_(std::move(ping)),
      breaker_(o.trips),
      backoff_(o.reconnect_first, o.reconnect_longest, o.seed) {}

void redis_core::start(instant now, effects& out) {
  if (state_ != link_state::down) return;
  state_ = link_state::connecting;
  connect_at_ = never;
  connect_deadline_ = now + options_.connect_deadline;
  out.emplace_back(connect{});
}

void redis_core::finish(std::uint64_t ticket, outcome_kind how, redis_reply reply, effects& out) {
  out.emplace_back(completed{ticket, how, std::move(reply)});
}

// -- commands in -------------------------------------------------------------

void redis_core::submit(command c, instant now, effects& out) {
  if (!may_send()) return finish(c.ticket, outcome_kind::unavailable, {}, out);
  if (waiting_.size() >= options_.waiting) return finish(c.ticket, outcome_kind::overloaded, {}, out);
  const duration patience = c.kind == command_kind::read ? options_.read_deadline : options_.write_deadline;
  waiting_.push_back({std::move(c), now + patience});
  pump(now, out);
}

// Sends what waits, as far as the window allows, in one write.
void redis_core::pump(instant now, effects& out) {
  if (!may_send()) return;
  const std::size_t window = std::min<std::size_t>(options_.in_flight, breaker_.in_flight_limit());
  std::string wire;
  while (in_flight_.size() < window && !waiting_.empty()) {
    waiting_command& next = waiting_.front();
    wire += next.what.wire;
    pending p;
    p.ticket = next.what.ticket;
    p.sent = now;
    p.deadline = next.deadline;
    in_flight_.push_back(p);
    waiting_.pop_front();
  }
  if (!wire.empty()) out.emplace_back(send{std::move(wire)});
}

void redis_core::send_internal(const std::string& wire, instant now, duration deadline, effects& out) {
  pending p;
  p.sent = now;
  p.deadline = now + deadline;
  p.internal = true;
  in_flight_.push_back(std::move(p));
  out.emplace_back(send{wire});
}

// -- the connection ----------------------------------------------------------

void redis_core::connected(instant now, effects& out) {
  if (state_ != link_state::connecting) return;
  state_ = link_state::greeting;
  last_heard_ = now;
  greetings_left_ = handshake_.size() + 1;
  for (const std::string& wire : handshake_) send_internal(wire, now, options_.connect_deadline, out);
  send_internal(ping_, now, options_.connect_deadline, out);
}

void redis_core::lost(instant now, effects& out) {
  if (state_ == link_state::down) return;
  dropped_connection(now, out);
}

void redis_core::dropped_connection(instant now, effects& out) {
  state_ = link_state::down;
  connect_deadline_ = never;
  give_up_in_flight(out);
  if (breaker_.lost(now)) opened(out);
  give_up_waiting(out);
  reconnect_later(now);
}

void redis_core::give_up_in_flight(effects& out) {
  for (const pending& p : in_flight_)
    if (!p.internal && !p.given_up) finish(p.ticket, outcome_kind::unavailable, {}, out);
  in_flight_.clear();
}

void redis_core::give_up_waiting(effects& out) {
  for (const waiting_command& w : waiting_) finish(w.what.ticket, outcome_kind::unavailable, {}, out);
  waiting_.clear();
}

void redis_core::reconnect_later(instant now) { connect_at_ = now + backoff_.next(); }

void redis_core::opened(effects& out) { out.emplace_back(breaker_changed{breaker_.state()}); }

void redis_core::closed_again(instant now, effects& out) {
  if (breaker_.state() == breaker_state::closed) return;
  breaker_.probe_succeeded();
  out.emplace_back(breaker_changed{breaker_state::closed});
  pump(now, out);
}

// -- replies -----------------------------------------------------------------

void redis_core::replied(redis_reply reply, instant now, effects& out) {
  last_heard_ = now;
  if (in_flight_.empty()) {
    // A reply that nobody asked for: positions can no longer be trusted.
    if (state_ == link_state::down) return;
    out.emplace_back(close{});
    return dropped_connection(now, out);
  }
  const pending p = in_flight_.front();
  in_flight_.pop_front();
  const redis_trouble trouble = trouble_of(reply);
  if (state_ == link_state::greeting) {
    if (trouble != redis_trouble::none) {
      out.emplace_back(close{});
      return dropped_connection(now, out);
    }
    if (--greetings_left_ > 0) return;
    state_ = link_state::ready;
    checked_ = now;
    connect_deadline_ = never;
    backoff_.reset();
    // The first connection finds the breaker closed; its listeners learn of it all the same.
    if (breaker_.state() == breaker_state::closed) out.emplace_back(breaker_changed{breaker_state::closed});
    closed_again(now, out);
    return pump(now, out);
  }
  if (!p.internal && !p.given_up) {
    finish(p.ticket, outcome_kind::answered, std::move(reply), out);
    if (!is_server_trouble(trouble)) {
      breaker_.succeeded();
    } else if (breaker_.failed(now)) {
      opened(out);
      give_up_waiting(out);
    }
  } else if (p.internal && !answers_ping(reply)) {
    // A reply was lost or made up on the way: from then on each is taken for another's.
    out.emplace_back(close{});
    return dropped_connection(now, out);
  } else if (!is_server_trouble(trouble)) {
    // A probe, or a late reply: the server is alive after all.
    closed_again(now, out);
  } else {
    breaker_.probe_failed(now);
  }
  pump(now, out);
}

// -- time --------------------------------------------------------------------

void redis_core::tick(instant now, effects& out) {
  if (connect_at_ <= now && state_ == link_state::down) return start(now, out);
  if (connect_deadline_ <= now) {
    out.emplace_back(close{});
    return dropped_connection(now, out);
  }
  if (state_ != link_state::ready) return;
  std::erase_if(waiting_, [&](const waiting_command& w) {
    if (w.deadline > now) return false;
    finish(w.what.ticket, outcome_kind::late, {}, out);
    return true;
  });
  bool silent = false;
  for (pending& p : in_flight_) {
    if (p.given_up || p.deadline > now) continue;
    p.given_up = true;
    // Nothing at all was heard since it was sent: that says more than one slow command.
    silent = silent || last_heard_ <= p.sent;
    if (p.internal) {
      breaker_.probe_failed(now);
      continue;
    }
    finish(p.ticket, outcome_kind::late, {}, out);
    if (breaker_.failed(now)) opened(out);
  }
  if (silent && breaker_.lost(now)) opened(out);
  if (breaker_.state() != breaker_state::closed) give_up_waiting(out);
  if (!in_flight_.empty() && in_flight_.front().sent + options_.silence <= now &&
      last_heard_ + options_.silence <= now) {
    out.emplace_back(close{});
    return dropped_connection(now, out);
  }
  if (breaker_.probe_due(now)) {
    out.emplace_back(breaker_changed{breaker_state::half_open});
    send_internal(ping_, now, options_.read_deadline, out);
    checked_ = now;
  } else if (breaker_.state() == breaker_state::closed && checked_ + options_.silence <= now) {
    send_internal(ping_, now, options_.write_deadline, out);
    checked_ = now;
  }
}

void redis_core::stop(effects& out) {
  give_up_in_flight(out);
  give_up_waiting(out);
  if (state_ != link_state::down) out.emplace_back(close{});
  state_ = link_state::down;
  connect_at_ = connect_deadline_ = never;
}

bool redis_core::sound() const {
  return (state_ == link_state::greeting || state_ == link_state::ready || in_flight_.empty()) &&
         (breaker_.state() == breaker_state::closed || waiting_.empty());
}

}  // namespace aicache
