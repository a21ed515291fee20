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

#include "engine/cluster/ranges.hpp"
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

/// The mind of a client: which shard of which node gets which keys, what is in flight, what is late, what must be asked
/// again.
///
/// Shape      a call is cut into parts, one message per shard (and per `batch_keys`), each with a correlation number;
///            when every item has its answer, the call is finished. Nodes have numbers, which the owner gives; one of them
///            serves alone, or each serves the ranges that are its own
/// Owner      one client actor; not thread-safe; is told the time
/// Fails      per item: overloaded (credits used up; at once), deadline, unavailable (its shard died twice under it, or
///            is away until the deadline, or every node that it was asked of says that it is another's), corrupt (a reply
///            of the wrong length or kind)
/// Invariant  every call that was started is finished exactly once; keys in flight to a shard never exceed the credit,
///            nor do keys that wait for a shard which is away, but for those that it already had
/// Cost       per call a few allocations, per key none; deadlines in an ordered set
class client_core {
 public:
  static constexpr std::uint32_t nobody = UINT32_MAX;

  struct limits {
    std::size_t batch_keys = 4'096;
    std::size_t in_flight_keys = 262'144;  ///< per shard
    unsigned attempts = 2;                 ///< of an item: its shard may die under it so often, less one
    unsigned moves = 10;  ///< so often an item may be sent on by a node that it is not asked of rightly
  };

  using body = std::variant<std::shared_ptr<get_body>, std::shared_ptr<put_body>, std::shared_ptr<key_body>>;

  /// Send a message to a shard of a node's present map.
  struct send_part {
    std::uint32_t node = 0;
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
  /// A node does not own what it was asked of: have it tell the map of its cluster.
  struct ask_owners {
    std::uint32_t node = 0;
  };
  using effect = std::variant<send_part, finish, ask_owners>;
  using effects = std::vector<effect>;

  explicit client_core(limits l) : limits_(l) {}

  /// A call to make, under a token of the owner's choice.
  void start(std::uint64_t token, std::shared_ptr<call> c, instant now, effects& out);

  /// What a new map says of a range: the owner is who it was, another one, or nobody yet.
  enum class owner : std::uint8_t { same, replaced, absent };

  /// A new shard map of a node is valid; what waited for it goes out. `owners` has one place per shard, `l` are the node's
  /// limits. What shards owed that are no more is asked of their successors. A shard that is known to be dead stays so
  /// while maps still name it.
  void map(std::uint32_t node, std::uint64_t epoch, std::span<const owner> owners, limits l, instant now, effects& out);

  /// This node serves all keys from now on; nobody: none does at present. What others are asked already stays with them.
  void serve_alone(std::uint32_t node, instant now, effects& out);

  /// From now on the ranges belong to these nodes, `range_count` of them.
  void serve_together(std::vector<std::uint32_t> nodes, instant now, effects& out);

  /// A node is gone with all its shards: what they owed is asked once more, of whoever is next. The node's next map may
  /// have any epoch.
  void lost(std::uint32_t node, effects& out);

  /// A shard has answered a message, or refused it as a whole.
  void replied(std::uint64_t correlation, errc whole, const body& what, instant now, effects& out);

  /// The node's time, as the shard gave it that answers under this number.
  void hear_time(std::uint64_t correlation, instant node_now) noexcept;

  /// A result that was pending has come.
  void late(std::uint64_t correlation, std::uint32_t position, get_result result, instant now, effects& out);

  /// A shard of a node's present map is dead: what it owed is asked of its successor, once. Dead until a map replaces it.
  void shard_down(std::uint32_t node, std::uint32_t shard, effects& out);

  /// Ends calls that are past their deadline, and sends again what has waited long enough.
  void tick(instant now, effects& out);

  /// Ends every call with an error.
  void fail_all(errc why, effects& out);

  std::uint64_t epoch(std::uint32_t node) const noexcept { return node < nodes_.size() ? nodes_[node].epoch : 0; }
  std::size_t open_calls() const noexcept { return calls_.size(); }
  std::size_t in_flight(std::uint32_t node, std::uint32_t shard) const noexcept {
    return shard < shards_of(node) ? nodes_[node].shards[shard].keys : 0;
  }
  bool sound() const;

 private:
  struct open_call {
    std::shared_ptr<call> what;
    instant deadline;
    std::size_t open = 0;              ///< items without an answer
    std::vector<std::uint64_t> parts;  ///< correlations, also of parts that are closed
  };
  /// How often an item has been asked, in vain.
  struct tries {
    unsigned attempt = 1;
    unsigned moves = 0;
  };
  struct part {
    std::uint64_t token = 0;
    std::uint32_t node = 0;
    std::uint32_t shard = 0;
    tries tried;
    std::vector<std::uint32_t> positions;  ///< in the call, of each item of the message
    std::vector<bool> answered;
    std::size_t open = 0;
  };
  struct held_back {
    std::uint64_t token = 0;
    tries tried;
    std::vector<std::uint32_t> positions;
    instant until;  ///< not before then, unless the owners are others
  };
  struct shard_state {
    std::size_t keys = 0;  ///< in flight
    bool down = false;
  };
  struct node_state {
    std::uint64_t epoch = 0;
    limits of;
    std::vector<shard_state> shards;
    std::uint32_t first_group = 0;  ///< of its shards, in `groups_`
  };
  using calls_map = std::unordered_map<std::uint64_t, open_call>;
  using parts_map = std::unordered_map<std::uint64_t, part>;

  static const identity& id_of(const call& c, std::uint32_t position) noexcept;
  std::uint32_t shards_of(std::uint32_t node) const noexcept {
    return node < nodes_.size() ? static_cast<std::uint32_t>(nodes_[node].shards.size()) : 0;
  }
  void route(std::uint64_t token, open_call& c, const std::vector<std::uint32_t>* positions, tries tried, instant now,
             effects& out);
  void group_alone(const call& c, const std::vector<std::uint32_t>* positions, std::size_t n);
  void group_together(const call& c, const std::vector<std::uint32_t>* positions, std::size_t n);
  void send_group(std::uint64_t token, open_call& c, std::uint32_t node, std::uint32_t shard, tries tried, instant now,
                  effects& out);
  void dispatch(std::uint64_t token, open_call& c, std::uint32_t node, std::uint32_t shard,
                std::vector<std::uint32_t> positions, tries tried, instant now, effects& out);
  void fail_item(open_call& c, std::uint32_t position, errc why) noexcept;
  void settle(std::uint64_t token, effects& out);
  void close_part(parts_map::iterator p) noexcept;
  void again(std::uint64_t token, std::vector<std::uint32_t> positions, tries tried, effects& out);
  void moved(const part& p, std::vector<std::uint32_t> positions, instant now, effects& out);
  void hold_back(std::uint64_t token, open_call& c, std::vector<std::uint32_t> positions, tries tried,
                 instant until = {});
  void send_on(instant now, effects& out);
  void release_held(bool all, instant now, effects& out);
  void count_groups();

  limits limits_;  // those that a node told last
  std::uint64_t next_correlation_ = 0;
  std::uint32_t alone_ = 0;            // while `owners_` is empty
  std::vector<std::uint32_t> owners_;  // of each range
  std::vector<node_state> nodes_;
  calls_map calls_;
  parts_map parts_;
  std::vector<held_back> held_back_;  // for want of a map or of a shard, or to be sent on
  std::size_t held_keys_ = 0;
  std::set<std::pair<instant, std::uint64_t>> deadlines_;
  std::vector<std::vector<std::uint32_t>> groups_;  // scratch: of each shard, node by node
  std::vector<std::uint32_t> ownerless_;            // scratch: of nodes without a map
};

}  // namespace aicache
