#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/client/node_address.hpp"
#include "engine/cluster/ranges.hpp"
#include "engine/redis/backoff.hpp"
#include "engine/types.hpp"

namespace aicache {

/// The nodes that a client knows: which of them it should be connected with, when it tries again, and who owns what.
///
/// Shape      alone: the nodes given are alternatives, and one of them serves. In a cluster: all members are wanted, and
///            each owns ranges. A node keeps its number, which is its place here, as long as it is wanted or connected
/// Owner      one client actor; not thread-safe; is told the time
/// Fails      nobody is there: is_hopeless(), once every address has been tried in vain for `give_up`
/// Invariant  whoever is dialled ends up as reached() or failed()
/// Cost       O(nodes) a call; a new map costs what assign_ranges() does
class node_table {
 public:
  static constexpr std::uint32_t nobody = UINT32_MAX;

  struct options {
    duration first_wait{50};  ///< before the second attempt; doubles, with jitter
    duration longest_wait{1'000};
    duration stagger{200};    ///< an alternative is tried so much later than the one before it, or when that refuses
    duration give_up{2'000};  ///< without any node: how long callers wait before they are told so at once
    std::uint64_t seed = 1;   ///< of the jitter
  };

  /// A member of a cluster, as a node tells of it.
  struct member {
    std::string name;
    node_address where;
    std::uint64_t incarnation = 0;
  };
  /// The map of a cluster; without members the node that tells it is alone.
  struct view {
    std::uint64_t epoch = 0;
    std::vector<member> members;
    std::vector<range_pin> pins;
    std::string asked;
  };

  /// Connect with a node.
  struct dial {
    std::uint32_t node = 0;
    node_address where;
  };

  explicit node_table(options o) : options_(o) {}

  /// A node that is at hand without an address: it is up from the start, and lost for good when it is lost.
  std::uint32_t attach();
  /// A node that serves, or leads to those that do.
  std::uint32_t add(node_address where, instant now);

  /// Whom to connect with now.
  void due(instant now, std::vector<dial>& out);
  /// When to ask again; `never` while there is nothing to wait for.
  instant next_due() const noexcept;

  void reached(std::uint32_t node);
  /// It was not reached; `silent`: nobody refused, but nobody answered either.
  void failed(std::uint32_t node, std::string why, bool silent, instant now);
  /// It was up and is no more.
  void lost(std::uint32_t node, instant now);
  /// What was dialled as `node` is `other`, which is up already.
  void same(std::uint32_t node, std::uint32_t other);

  /// A node that is up tells the map of its cluster. True when something is different now: owners() or alone(). Who is up
  /// and was started anew since, according to the map, is named in `restarted`.
  bool heard(std::uint32_t from, const view& v, instant now, std::vector<std::uint32_t>& restarted);

  /// The node of each range; empty while the client knows of no cluster, and alone() serves all.
  const std::vector<std::uint32_t>& owners() const noexcept { return owners_; }
  std::uint64_t epoch() const noexcept { return epoch_; }
  std::uint32_t alone() const noexcept { return alone_; }
  /// Any node that is up, for what any may do; the one that served so far is preferred. nobody when none is.
  std::uint32_t any_up() const noexcept;
  bool is_up(std::uint32_t node) const noexcept { return node < nodes_.size() && nodes_[node].is == standing::up; }

  bool is_hopeless(instant now) const noexcept;
  /// Nobody is up, and every node refused: it is of no use to wait for a first contact.
  bool all_refused() const noexcept;
  /// What became of each attempt, for people.
  std::string reasons() const;
  std::size_t size() const noexcept { return nodes_.size(); }
  /// The name by which a cluster knows a node, else its address.
  std::string title(std::uint32_t node) const;

 private:
  enum class standing : std::uint8_t { unused, away, dialling, up };
  struct entry {
    node_address where;
    bool given = false;  ///< by the application
    std::string name;    ///< as a member; empty otherwise
    std::uint64_t incarnation = 0;
    standing is = standing::unused;
    bool tried = false;    ///< in vain, since it or the last node was lost
    bool refused = false;  ///< the last attempt was, not only unanswered
    instant next_try;
    backoff wait;
    std::string why;
  };

  bool is_wanted(const entry& n) const noexcept;
  bool anybody_up() const noexcept;
  std::uint32_t place(node_address where, instant now);
  std::uint32_t find(const member& m) const noexcept;
  void try_from(instant now);
  void assign(const view& v);
  std::uint32_t choose() const noexcept;

  options options_;
  std::vector<entry> nodes_;
  std::vector<std::uint32_t> owners_;
  std::uint64_t epoch_ = 0;
  std::uint32_t alone_ = nobody;
  std::uint32_t serves_any_ = nobody;  ///< what any may do, from when it was connected until it is lost
  instant lost_at_;                    ///< since when nobody is up
};

}  // namespace aicache
