#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "engine/key.hpp"
#include "engine/shard/lease_table.hpp"
#include "engine/shared/redis_key.hpp"
#include "engine/types.hpp"

namespace aicache {

/// Which missing answers are being looked up in the shared tier, and who waits for each: one look-up a key, whoever asks.
///
/// Shape      a flight per key, with a line of seats; a ticket per message to the link, with the keys it asked for in
///            their order
/// Life       asked -> landed (whatever the look-up brought), or taken by a put that came first, or over: a ticket that
///            was not answered by its end never will be, and takes its flights with it. A seat whose wait is over
///            leaves earlier
/// Units      bytes() estimates what the allocator gives
/// Owner      one shard; not thread-safe
/// Invariant  a key has at most one flight; every seat is in exactly one line until it is taken
/// Cost       O(1) an event but for `due` and `owner_gone`, which look at every seat; flights are bounded by the owner
class fetch_table {
 public:
  /// What a seat wants once the look-up is over.
  enum class wish : std::uint8_t {
    answer,  ///< the answer, or a miss
    lease,   ///< the answer, or the lease to compute it
    news,    ///< only that it is over: an operation by key goes on then
  };

  struct seat {
    waiter who;
    std::uint64_t owner = 0;
    instant until;       ///< the look-up is waited for so long
    instant park_until;  ///< and another's computation after it
    wish wants = wish::answer;
  };

  struct flight {
    identity id;
    shared_name name;
    std::uint16_t operation = 0;  ///< the shard's numbers
    std::uint16_t tenant = 0;
    text_tier text = text_tier::small;
    std::uint32_t begun = 0;   ///< the shard's epoch when it began
    std::uint64_t ticket = 0;  ///< of the message that asks for it
    std::vector<seat> line;
  };

  /// Takes a seat in the line for `key`; false when there is no such flight.
  bool join(const key128& key, const seat& s);

  /// A new flight, with its first seat.
  void start(flight f, const seat& first);

  /// The same for nobody: what it brings is for those who come later.
  void start(flight f);

  bool contains(const key128& key) const { return flights_.contains(key); }

  /// These keys, in this order, were asked for under a new ticket, which is returned. It is hoped for until `until`.
  std::uint64_t ask(std::vector<key128> keys, instant until);

  /// The keys of a ticket, which is forgotten; empty for an unknown one.
  std::vector<key128> answered(std::uint64_t ticket);

  /// Takes a flight out; false when there is none, or when it belongs to another ticket than the one given (0: any).
  bool take(const key128& key, std::uint64_t ticket, flight& out);

  /// Puts back what was taken out, for another ticket.
  void put_back(flight f);

  /// Takes the flights of some keys out; what their look-ups bring is nobody's.
  template <class IsLost>
  std::vector<flight> take_if(IsLost&& is_lost) {
    std::vector<key128> keys;
    for (const auto& [key, f] : flights_)
      if (is_lost(key)) keys.push_back(key);
    std::vector<flight> taken(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) take(keys[i], 0, taken[i]);
    return taken;
  }

  /// Takes every flight out, and forgets all tickets.
  std::vector<flight> take_all();

  /// Takes out the seats whose wait is over, at most `limit` and those of one ticket; true when there may be more.
  bool due(instant now, unsigned limit, std::vector<seat>& out);

  /// Takes out the seats of a client that is gone.
  void owner_gone(std::uint64_t owner, std::vector<seat>& out);

  std::size_t flights() const noexcept { return flights_.size(); }
  std::size_t seats() const noexcept { return seats_; }
  /// Those who wait for an answer, counted now.
  std::size_t seats_of_gets() const noexcept;
  std::size_t bytes() const noexcept;

  /// Recounts.
  bool sound() const;

 private:
  struct question {
    std::vector<key128> keys;
    instant until;
  };
  struct key_hash {
    std::size_t operator()(const key128& k) const noexcept { return k.lo; }
  };

  std::unordered_map<key128, flight, key_hash> flights_;
  std::map<std::uint64_t, question> tickets_;  // in the order in which they were asked
  std::uint64_t next_ticket_ = 0;
  std::size_t seats_ = 0;
  std::size_t asked_ = 0;     // keys in all tickets
  std::size_t names_ = 0;     // bytes of the names of all flights
  instant next_due_ = never;  // no seat's wait, nor a ticket's, ends before
};

}  // namespace aicache
