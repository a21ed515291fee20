#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "engine/shard/batch.hpp"
#include "engine/types.hpp"

namespace aicache {

/// The longest that a call may take; longer deadlines mean this one.
inline constexpr duration longest_deadline{3'600'000};

/// What a call asks of the shards. Releasing a lease is the one that may not be repeated.
enum class call_kind : std::uint8_t { get, put, erase, exists, time_left, touch, release };

/// How the identities of a call's requests were made, by whoever built it.
struct key_making {
  std::uint64_t nanoseconds = 0;           ///< for all of them; 0 when that was not taken
  std::vector<std::uint32_t> code_points;  ///< of the text of each item, in their order
  std::array<std::uint32_t, text_tier_count> by_text{};
};

/// One call of an application: any number of items of one kind, answered together.
/// The list of the kind is filled by the caller; the answers stand in the same order when the call is finished.
struct call {
  call_kind kind = call_kind::get;
  duration deadline{5'000};
  std::shared_ptr<const name_lists> names;
  std::vector<get_item> gets;
  std::vector<get_result> got;
  instant now;  ///< of gets: the node's time when the last answer came; ages are counted from it
  std::vector<put_item> puts;
  std::vector<put_result> stored;
  std::vector<key_item> keys;
  std::vector<key_result> told;
  key_making made;

  std::size_t size() const noexcept {
    return kind == call_kind::get ? gets.size() : kind == call_kind::put ? puts.size() : keys.size();
  }

  /// Gives every item the same error.
  void fail(errc why);
};

/// The mind of a client: which shard gets which keys, what is in flight, what is late, what must be asked again.
///
/// Shape      a call is cut into parts, one message per shard (and per `batch_keys`), each with a correlation number;
///            when every item has its answer, the call is finished
/// Owner      one client actor; not thread-safe; is told the time
/// Fails      per item: overloaded (credits used up; at once), deadline, unavailable (its shard died twice under it, or
///            is away until the deadline), corrupt (a reply of the wrong length or kind)
/// Invariant  every call that was started is finished exactly once; keys in flight to a shard never exceed the credit,
///            nor do keys that wait for a shard which is away, but for those that it already had
/// Cost       per call a few allocations, per key none; deadlines in an ordered set
class client_core {
 public:
  struct limits {
    std::size_t batch_keys = 4'096;
    std::size_t in_flight_keys = 262'144;  ///< per shard
    unsigned attempts = 2;
  };

  using body = std::variant<std::shared_ptr<get_body>, std::shared_ptr<put_body>, std::shared_ptr<key_body>>;

  /// Send a message to a shard of the present map.
  struct send_part {
    std::uint32_t shard = 0;
    std::uint64_t correlation = 0;
    call_kind kind = call_kind::get;
    duration wait{0};  ///< what is left until the caller's deadline
    body what;
  };
  /// Tell the application that its call has all its answers.
  struct finish {
    std::uint64_t token = 0;
    std::shared_ptr<call> done;
  };
  using effect = std::variant<send_part, finish>;
  using effects = std::vector<effect>;

  explicit client_core(limits l) : limits_(l) {}

  /// A call to make, under a token of the owner's choice.
  void start(std::uint64_t token, std::shared_ptr<call> c, instant now, effects& out);

  /// What a new map says of a range: the owner is who it was, another one, or nobody yet.
  enum class owner : std::uint8_t { same, replaced, absent };

  /// A new shard map is valid; what waited for it goes out. `owners` has one place per range, `l` are the node's limits.
  /// What owners owed who are no more is asked of their successors. An owner that is known to be dead stays so while
  /// maps still name it.
  void map(std::uint64_t epoch, std::span<const owner> owners, limits l, instant now, effects& out);

  /// A shard has answered a message, or refused it as a whole.
  void replied(std::uint64_t correlation, errc whole, const body& what, effects& out);

  /// The node's time, as the shard gave it that answers under this number.
  void hear_time(std::uint64_t correlation, instant node_now) noexcept;

  /// A result that was pending has come.
  void late(std::uint64_t correlation, std::uint32_t position, get_result result, effects& out);

  /// A shard of the present map is dead: what it owed is asked of its successor, once. Dead until a map replaces it.
  void shard_down(std::uint32_t shard, effects& out);

  /// Ends calls that are past their deadline.
  void tick(instant now, effects& out);

  /// Ends every call with an error.
  void fail_all(errc why, effects& out);

  std::uint64_t epoch() const noexcept { return epoch_; }
  std::size_t open_calls() const noexcept { return calls_.size(); }
  std::size_t in_flight(std::uint32_t shard) const noexcept { return shard < shards_.size() ? shards_[shard].keys : 0; }
  bool sound() const;

 private:
  struct open_call {
    std::shared_ptr<call> what;
    instant deadline;
    std::size_t open = 0;              ///< items without an answer
    std::vector<std::uint64_t> parts;  ///< correlations, also of parts that are closed
  };
  struct part {
    std::uint64_t token = 0;
    std::uint32_t shard = 0;
    unsigned attempt = 1;
    std::vector<std::uint32_t> positions;  ///< in the call, of each item of the message
    std::vector<bool> answered;
    std::size_t open = 0;
  };
  struct held_back {
    std::uint64_t token = 0;
    unsigned attempt = 1;
    std::vector<std::uint32_t> positions;
  };
  struct shard_state {
    std::size_t keys = 0;  ///< in flight
    bool down = false;
  };
  using calls_map = std::unordered_map<std::uint64_t, open_call>;
  using parts_map = std::unordered_map<std::uint64_t, part>;

  static const identity& id_of(const call& c, std::uint32_t position) noexcept;
  void route(std::uint64_t token, open_call& c, const std::vector<std::uint32_t>* positions, unsigned attempt,
             instant now, effects& out);
  void dispatch(std::uint64_t token, open_call& c, std::uint32_t shard, std::vector<std::uint32_t> positions,
                unsigned attempt, instant now, effects& out);
  void fail_item(open_call& c, std::uint32_t position, errc why) noexcept;
  void settle(std::uint64_t token, effects& out);
  void close_part(parts_map::iterator p) noexcept;
  void again(std::uint64_t token, std::vector<std::uint32_t> positions, unsigned attempt, effects& out);
  void hold_back(std::uint64_t token, open_call& c, std::vector<std::uint32_t> positions, unsigned attempt);

  limits limits_;
  std::uint64_t epoch_ = 0;
  std::uint64_t next_correlation_ = 0;
  std::vector<shard_state> shards_;
  calls_map calls_;
  parts_map parts_;
  std::vector<held_back> held_back_;  // for want of a map or of a shard
  std::size_t held_keys_ = 0;
  std::set<std::pair<instant, std::uint64_t>> deadlines_;
  std::vector<std::vector<std::uint32_t>> by_shard_;  // scratch
};

}  // namespace aicache
