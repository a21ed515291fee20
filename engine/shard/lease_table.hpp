#pragma once

#include <compare>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "engine/key.hpp"
#include "engine/types.hpp"

namespace aicache {

/// Whom a parked get belongs to: the batch it came in, and its place there.
struct waiter {
  std::uint64_t batch = 0;
  std::uint32_t position = 0;
  std::uint16_t operation = 0;  ///< the shard's numbers, for the counters
  std::uint16_t tenant = 0;
  instant since;            ///< when it asked
  std::uint16_t model = 0;  ///< as operation and tenant
  text_tier text = text_tier::small;
  std::uint32_t call = 0;  ///< of those that were joined in the batch

  friend bool operator==(const waiter&, const waiter&) = default;
};

/// Who computes which missing answer, and who waits for it: one flight per key, whoever asks.
///
/// Shape      a flight holds the lease's token, its holder, and a line of waiters; flights are found by key and by
///            token
/// Life       asked -> held -> landed (put) | released | late | holder gone. After the last three the first waiter
///            gets a new token of the same flight; without waiters the flight lingers for one more lease length, so
///            that a late put still lands. An invalidation cuts the flight off from its key: its put is delivered,
///            not stored.
/// Units      time in `instant`; bytes() estimates what the allocator gives
/// Owner      one shard; not thread-safe
/// Invariant  a key has at most one flight that is not cut off; every waiter is in exactly one line until it is
///            answered
/// Cost       O(1) per event; deadlines by a heap, bounded steps per tick
class lease_table {
 public:
  struct limits {
    duration lease{30'000};
    std::uint32_t parked = 65'536;          ///< waiting callers in all
    std::uint32_t parked_per_key = 20'000;  ///< waiting callers of one key
  };

  enum class asked : std::uint8_t { granted, parked, full };

  struct grant {
    asked what = asked::full;
    std::uint64_t token = 0;
  };

  /// What a tick or a holder's end brought about: `next` gets the lease `token`, or just a miss when token is 0.
  struct handover {
    waiter next;
    std::uint64_t token = 0;
    key128 key;
  };

  /// `seed` makes the tokens of this table differ from those of the shard's former incarnations.
  lease_table(limits l, std::uint64_t seed) : limits_(l), next_token_(seed | 1) {}

  /// From now on; who waits already, waits on.
  void limit(const limits& l) noexcept { limits_ = l; }

  /// A miss that asks for the lease: granted, or parked until `until`, or no room in the line. A call does not wait for
  /// a lease that it holds itself.
  grant ask(const key128& key, std::uint64_t owner, const waiter& who, instant now, instant until);

  /// Whether somebody computes the answer of `key`.
  bool in_flight(const key128& key) const { return by_key_.contains(key); }

  /// The same, and it still has the lease.
  bool is_held(const key128& key) const;

  /// Whether `token` is the present lease of this key's computation, and that is not cut off.
  bool holds(const key128& key, std::uint64_t token) const;

  enum class landing : std::uint8_t { current, cut_off, unknown };

  /// The answer of `key` has come, under `token` (0: from somebody who had no lease). The waiters who are owed it are
  /// moved to `line`; the flight ends. `unknown`: no flight has such a token, and nobody is owed anything by it.
  landing land(const key128& key, std::uint64_t token, std::vector<waiter>& line);

  /// The epoch in which the computation under this lease began; `otherwise` for an unknown token.
  std::uint32_t born(std::uint64_t token, std::uint32_t otherwise) const;

  /// The same for the present holder of a key's flight, if that is not cut off.
  std::uint32_t born_of(const key128& key, std::uint32_t otherwise) const;

  /// Computations that begin from now on begin in this epoch.
  void epoch(std::uint32_t e) noexcept { epoch_ = e; }

  /// The holder gives up. False when it held nothing. The next in line is appended to `out`.
  bool release(const key128& key, std::uint64_t token, instant now, std::vector<handover>& out);

  /// The client `owner` is gone: all of its leases pass on, all of its waiters leave; these are appended to `left`,
  /// for nobody answers them any more. Cost: the lines of that client's flights.
  void owner_gone(std::uint64_t owner, instant now, std::vector<handover>& out, std::vector<waiter>& left);

  /// An invalidation: whoever computes `key` computes something that may no longer be stored.
  void cut_off(const key128& key) noexcept;

  /// Cuts off every flight; the shard was emptied.
  void cut_off_all() noexcept;

  /// The keys of which `is_lost` says so are another node's from now on: their flights end, as if this table had died.
  /// Who waited in them is appended to `left`.
  template <class IsLost>
  void end_if(IsLost&& is_lost, std::vector<waiter>& left) {
    for (auto at = flights_.begin(); at != flights_.end();) {
      const auto ended = at++;
      if (!is_lost(ended->second.key)) continue;
      for (const seat& s : ended->second.line)
        if (!s.empty) left.push_back(s.who);
      end(ended);
    }
  }

  /// Ends what is due at `now`: waiters past their deadline (token 0 in `out`) and leases past their end. At most
  /// `limit` steps; true when more may be due.
  bool expire(instant now, unsigned limit, std::vector<handover>& out);

  /// Takes every waiter out, in no order; for the end of the shard.
  std::vector<waiter> abandon();

  std::size_t flights() const noexcept { return flights_.size(); }
  std::uint32_t parked() const noexcept { return parked_; }
  std::size_t bytes() const noexcept;

  /// Recounts.
  bool sound() const;

 private:
  struct seat {
    waiter who;
    std::uint64_t owner = 0;
    bool empty = false;
  };
  struct flight {
    key128 key;
    std::uint64_t token = 0;  ///< the present lease; the flight's number is its first token
    std::uint64_t owner = 0;
    std::uint64_t batch = 0;  ///< in which the holder got the lease
    std::uint32_t born = 0;   ///< the epoch in which its present holder began
    std::uint32_t call = 0;   ///< of the batch
    instant until;
    bool held = true;              ///< false: lingering without a holder
    bool lost = false;             ///< cut off from its key
    std::uint32_t first_seat = 0;  ///< the number of line[0]; seats before it are empty and gone
    std::uint32_t front = 0;       ///< the first place of the line that may be taken
    std::uint32_t seats_taken = 0;
    std::vector<seat> line;
    std::vector<std::uint64_t> former;  ///< tokens of holders that were late
  };
  struct alarm {
    instant at;
    std::uint64_t flight = 0;
    std::uint32_t seat = 0;  ///< UINT32_MAX: the lease itself
    friend auto operator<=>(const alarm&, const alarm&) = default;
  };
  struct key_hash {
    std::size_t operator()(const key128& k) const noexcept { return k.lo; }
  };
  /// Which flight a token belongs to, and the epoch in which it was given.
  struct lease_of {
    std::uint64_t number = 0;
    std::uint32_t born = 0;
  };
  using flights_map = std::unordered_map<std::uint64_t, flight>;
  using ties = std::unordered_map<std::uint64_t, std::uint32_t>;  // flight -> how often an owner holds or waits in it

  std::uint64_t new_token() noexcept { return next_token_ += 2; }
  void pass_on(flights_map::iterator f, instant now, std::vector<handover>& out);
  void set_alarm(instant at, std::uint64_t flight_number, std::uint32_t seat_number);
  void end(flights_map::iterator f) noexcept;
  void leave(flights_map::iterator f, std::size_t place) noexcept;
  bool is_live(const alarm& a) const;
  void drop_stale_alarms();
  static void shorten(flight& f) noexcept;
  void know_owner(std::uint64_t owner, std::uint64_t number);
  void forget_owner(std::uint64_t owner, std::uint64_t number) noexcept;

  limits limits_;
  std::uint64_t next_token_;
  std::uint32_t parked_ = 0;
  std::uint32_t epoch_ = 0;
  std::size_t seats_ = 0;                                       // capacity of all lines
  flights_map flights_;                                         // by number
  std::unordered_map<key128, std::uint64_t, key_hash> by_key_;  // not cut off
  std::unordered_map<std::uint64_t, lease_of> by_token_;        // every valid token
  std::unordered_map<std::uint64_t, ties> by_owner_;
  std::size_t owner_ties_ = 0;  // sum of the sizes
  std::vector<alarm> alarms_;   // a heap, the earliest on top; of equal ones waits end before leases
};

}  // namespace aicache
