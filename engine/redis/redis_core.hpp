#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "engine/redis/backoff.hpp"
#include "engine/redis/breaker.hpp"
#include "engine/redis/reply.hpp"
#include "engine/types.hpp"

namespace aicache {

/// The mind of one Redis connection: what is sent when, whose reply is whose, and when it is no use to ask.
///
/// Shape      waiting -> in flight (everything that waits goes out together, as far as the window allows) -> completed.
///            Replies are matched by position. A command past its deadline is completed as late, and its reply is
///            discarded when it comes; the connection and the others stay. Nothing waits through an outage, and nothing is
///            sent twice: who wants a command repeated submits it again. Now and then a PING stands among the commands: what
///            comes in its place must be its answer, else positions mean nothing any more and the connection is given up
/// Units      time in `instant`, sizes in bytes of the formatted command
/// Owner      one link; not thread-safe; is told the time and does no input or output itself
/// Fails      per command, in `completed::how`; trouble of the server never becomes an exception
/// Invariant  every command is completed exactly once; while the breaker is not closed commands are completed at once
/// Cost       O(1) per command; a tick looks at what is in flight, at most the window
class redis_core {
 public:
  struct options {
    duration read_deadline{50};
    duration write_deadline{200};
    duration connect_deadline{1'000};
    /// A connection that owes replies and sends nothing for so long is given up; and this often a PING tells whether
    /// replies are still those of their commands.
    duration silence{1'000};
    duration reconnect_first{50};
    duration reconnect_longest{1'000};
    std::size_t in_flight = 1'024;  ///< commands
    std::size_t waiting = 65'536;   ///< commands
    aicache::breaker::options trips;
    std::uint64_t seed = 1;
  };

  enum class command_kind : std::uint8_t {
    read,
    write,  ///< has the write deadline
  };

  /// A command, formatted for the wire; one reply is expected.
  struct command {
    std::uint64_t ticket = 0;
    command_kind kind = command_kind::read;
    std::string wire;
  };

  enum class outcome_kind : std::uint8_t {
    answered,     ///< `reply` is what the server said, an error reply perhaps
    late,         ///< no reply within the deadline
    unavailable,  ///< not asked: the breaker is open, or the connection was lost meanwhile
    overloaded,   ///< not asked: too much waits already
  };

  // -- effects ---------------------------------------------------------------

  struct connect {};  ///< make a connection, then say `connected` or `lost`
  struct close {};    ///< drop the connection; no more events of it may follow
  struct send {
    std::string wire;
  };  ///< write these bytes, in this order
  struct completed {
    std::uint64_t ticket = 0;
    outcome_kind how = outcome_kind::answered;
    redis_reply reply;
  };
  /// The breaker moved; or, closed from the beginning, it let the first connection be used.
  struct breaker_changed {
    breaker_state to;
  };
  using effect = std::variant<connect, close, send, completed, breaker_changed>;
  using effects = std::vector<effect>;

  /// `handshake` are the formatted commands that must succeed before anything else is sent (AUTH, SELECT, …); a PING
  /// ends them. None of them is ever logged.
  redis_core(options o, std::vector<std::string> handshake, std::string ping);

  /// Begins to connect.
  void start(instant now, effects& out);
  void submit(command c, instant now, effects& out);
  void connected(instant now, effects& out);
  void lost(instant now, effects& out);
  void replied(redis_reply reply, instant now, effects& out);
  void tick(instant now, effects& out);
  /// The end: everything is completed as unavailable.
  void stop(effects& out);

  breaker_state state() const noexcept { return breaker_.state(); }
  /// Whether the replies are to the handshake: an error among them is for the operator.
  bool greets() const noexcept { return state_ == link_state::greeting; }
  std::size_t in_flight() const noexcept { return in_flight_.size(); }
  std::size_t waiting() const noexcept { return waiting_.size(); }
  bool sound() const;

 private:
  enum class link_state : std::uint8_t { down, connecting, greeting, ready };
  struct pending {
    std::uint64_t ticket = 0;
    instant sent;
    instant deadline = never;
    bool internal = false;  ///< of the handshake, or a probe
    bool given_up = false;  ///< completed already; its reply will be discarded
  };

  struct waiting_command {
    command what;
    instant deadline;
  };

  void pump(instant now, effects& out);
  void finish(std::uint64_t ticket, outcome_kind how, redis_reply reply, effects& out);
  void give_up_in_flight(effects& out);
  void give_up_waiting(effects& out);
  void reconnect_later(instant now);
  void dropped_connection(instant now, effects& out);
  void opened(effects& out);
  void closed_again(instant now, effects& out);
  void send_internal(const std::string& wire, instant now, duration deadline, effects& out);
  bool may_send() const noexcept { return state_ == link_state::ready && breaker_.state() == breaker_state::closed; }

  options options_;
  std::vector<std::string> handshake_;
  std::string ping_;
  breaker breaker_;
  backoff backoff_;
  link_state state_ = link_state::down;
  instant connect_at_ = never;
  instant connect_deadline_ = never;
  instant last_heard_;
  instant checked_;  ///< when the last PING was sent
  std::deque<waiting_command> waiting_;
  std::deque<pending> in_flight_;
  std::size_t greetings_left_ = 0;
};

}  // namespace aicache
