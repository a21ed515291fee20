#include "engine/redis/redis_core.hpp"

#include <algorithm>
#include <utility>

namespace aicache {

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

void redis_core::finish(command& c, outcome_kind how, redis_reply reply, effects& out) {
  out.emplace_back(completed{c.ticket, how, std::move(reply)});
}

// -- commands in -------------------------------------------------------------

void redis_core::submit(command c, instant now, effects& out) {
  if (c.kind == command_kind::write_behind) {
    write_bytes_ += c.wire.size();
    writes_.push_back(std::move(c));
    // The newest answers are the likeliest to be asked for again.
    while (write_bytes_ > options_.waiting_write_bytes && !writes_.empty()) {
      write_bytes_ -= writes_.front().wire.size();
      finish(writes_.front(), outcome_kind::dropped, {}, out);
      writes_.pop_front();
    }
  } else if (!may_send()) {
    return finish(c, outcome_kind::unavailable, {}, out);
  } else if (reads_.size() >= options_.waiting_reads) {
    return finish(c, outcome_kind::overloaded, {}, out);
  } else {
    const duration patience = c.kind == command_kind::read ? options_.read_deadline : options_.write_deadline;
    reads_.push_back({std::move(c), now + patience});
  }
  pump(now, out);
}

// Sends what waits, as far as the window allows, in one write; those whom somebody waits for go first.
void redis_core::pump(instant now, effects& out) {
  if (!may_send()) return;
  const std::size_t window = std::min<std::size_t>(options_.in_flight, breaker_.in_flight_limit());
  std::string wire;
  while (in_flight_.size() < window && (!reads_.empty() || !writes_.empty())) {
    pending p;
    p.sent = now;
    if (!reads_.empty()) {
      p.what = std::move(reads_.front().what);
      p.deadline = reads_.front().deadline;
      reads_.pop_front();
    } else {
      p.what = std::move(writes_.front());
      p.deadline = now + options_.write_deadline;
      write_bytes_ -= p.what.wire.size();
      writes_.pop_front();
    }
    wire += p.what.wire;
    // Only a write behind may have to be sent again.
    if (p.what.kind != command_kind::write_behind) p.what.wire = {};
    in_flight_.push_back(std::move(p));
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

// Whatever was in flight is lost with its connection: writes behind go back to wait, everything else is told.
void redis_core::dropped_connection(instant now, effects& out) {
  state_ = link_state::down;
  connect_deadline_ = never;
  for (auto p = in_flight_.rbegin(); p != in_flight_.rend(); ++p) {
    if (p->internal || p->given_up) continue;
    if (p->what.kind == command_kind::write_behind) {
      write_bytes_ += p->what.wire.size();
      writes_.push_front(std::move(p->what));
    } else {
      finish(p->what, outcome_kind::unavailable, {}, out);
    }
  }
  in_flight_.clear();
  if (breaker_.lost(now)) opened(out);
  give_up_reads(out);
  reconnect_later(now);
}

void redis_core::give_up_reads(effects& out) {
  for (waiting_command& w : reads_) finish(w.what, outcome_kind::unavailable, {}, out);
  reads_.clear();
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
  pending p = std::move(in_flight_.front());
  in_flight_.pop_front();
  const redis_trouble trouble = trouble_of(reply);
  if (state_ == link_state::greeting) {
    if (trouble != redis_trouble::none) {
      out.emplace_back(close{});
      return dropped_connection(now, out);
    }
    if (--greetings_left_ > 0) return;
    state_ = link_state::ready;
    connect_deadline_ = never;
    backoff_.reset();
    closed_again(now, out);
    return pump(now, out);
  }
  if (!p.internal && !p.given_up) {
    const bool unwell = is_server_trouble(trouble);
    // What the server could not take now is kept for later, if nobody waits for it.
    if (unwell && p.what.kind == command_kind::write_behind) {
      write_bytes_ += p.what.wire.size();
      writes_.push_front(std::move(p.what));
    } else {
      finish(p.what, outcome_kind::answered, std::move(reply), out);
    }
    if (!unwell) {
      breaker_.succeeded();
    } else if (breaker_.failed(now)) {
      opened(out);
      give_up_reads(out);
    }
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
  std::erase_if(reads_, [&](waiting_command& w) {
    if (w.deadline > now) return false;
    finish(w.what, outcome_kind::late, {}, out);
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
    if (p.what.kind == command_kind::write_behind) {
      // Whether it was carried out is unknown, and it may be carried out twice.
      write_bytes_ += p.what.wire.size();
      writes_.push_back(std::move(p.what));
    } else {
      finish(p.what, outcome_kind::late, {}, out);
    }
    if (breaker_.failed(now)) opened(out);
  }
  if (silent && breaker_.lost(now)) opened(out);
  if (breaker_.state() != breaker_state::closed) give_up_reads(out);
  if (!in_flight_.empty() && in_flight_.front().sent + options_.silence <= now &&
      last_heard_ + options_.silence <= now) {
    out.emplace_back(close{});
    return dropped_connection(now, out);
  }
  if (breaker_.probe_due(now)) {
    out.emplace_back(breaker_changed{breaker_state::half_open});
    send_internal(ping_, now, options_.read_deadline, out);
  }
}

void redis_core::stop(effects& out) {
  for (pending& p : in_flight_)
    if (!p.internal && !p.given_up) finish(p.what, outcome_kind::unavailable, {}, out);
  in_flight_.clear();
  give_up_reads(out);
  for (command& c : writes_) finish(c, outcome_kind::unavailable, {}, out);
  writes_.clear();
  write_bytes_ = 0;
  if (state_ != link_state::down) out.emplace_back(close{});
  state_ = link_state::down;
  connect_at_ = connect_deadline_ = never;
}

bool redis_core::sound() const {
  std::size_t bytes = 0;
  for (const command& c : writes_) bytes += c.wire.size();
  return bytes == write_bytes_ &&
         (state_ == link_state::greeting || state_ == link_state::ready || in_flight_.empty()) &&
         (breaker_.state() == breaker_state::closed || reads_.empty());
}

}  // namespace aicache
