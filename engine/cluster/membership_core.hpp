#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/cluster/registry.hpp"
#include "engine/cluster/view.hpp"
#include "engine/types.hpp"

namespace aicache {

/// What nodes tell each other on every heartbeat, and whenever it changed.
struct node_report {
  std::uint64_t incarnation = 0;  ///< the teller's
  cluster_view view;
  std::uint64_t let_go = 0;  ///< up to this epoch the teller has let go of what is no longer its own
  bool cut_off = false;      ///< there is a registry, and the teller does not reach it
  bool leaving = false;
  bool pinning = false;  ///< `pins` are wanted by somebody who asked the teller
  std::vector<range_pin> pins;

  friend bool operator==(const node_report&, const node_report&) = default;
};

/// How a node presents itself to another.
struct node_greeting {
  cluster_node self;
  std::string fingerprint;
  node_report report;
};

/// The mind of a node of a cluster: who belongs to it, what of the key ranges this node serves, and until when.
///
/// Shape      with a registry that decides; while it is away the first by name among a majority of the last view goes on
///            numbering, and who has no majority serves nothing. Without one, the first in the order of the seeds numbers
///            whom it hears. A view with a higher epoch replaces a lower one, whoever brings it. What was gained is served
///            when those who had it have let go, or one lease later; what was lost is refused at once. Who was struck and
///            comes back begins empty
/// Units      times in `instant`; a lease counts from when what renewed it was asked for
/// Owner      one actor of a node; not thread-safe; is told the time
/// Fails      a node that must not belong says why (`refusal`), serves nothing and tries again on every heartbeat
/// Invariant  serves nothing past `serves_until`, which with a registry is never later than the end of its lease there
/// Cost       O(nodes) per event; O(range_count x nodes) per new view
class membership_core {
 public:
  struct options {
    cluster_node self;
    std::string fingerprint;
    bool registry = false;           ///< false: the seeds are all there is
    std::vector<std::string> seeds;  ///< "host:port"
    duration lease{1'200};
    duration heartbeat{300};
    std::uint64_t epoch = 0;  ///< that this node told clients before; none of its own is lower
  };

  // -- effects ---------------------------------------------------------------

  struct ask_registry {
    registry_call call;
  };
  /// Connect to this address and greet; then greeted() or dial_failed().
  struct dial {
    std::string host;
    std::uint16_t port = 0;
  };
  /// Tell this node my report(); its own comes back by reported().
  struct beat {
    std::string to;
  };
  /// Serve these ranges and refuse all others; forget what memory has of `forget`; then let_go(epoch).
  struct serve {
    std::uint64_t epoch = 0;
    range_set ranges;
    range_set forget;
  };
  struct extend {
    instant until;
  };
  /// The view is another: clients want to know.
  struct tell_view {};
  /// No range is this node's any more, and the others know it.
  struct left {};
  /// What an operator wants to know.
  struct remark {
    bool bad = false;
    std::string text;
  };
  using effect = std::variant<ask_registry, dial, beat, serve, extend, tell_view, left, remark>;
  using effects = std::vector<effect>;

  membership_core(options o, instant now);

  void registry_answered(const registry_answer& answer, instant asked, instant now, effects& out);
  void registry_failed(instant now, effects& out);

  /// This one answered at the address that was dialled, or came by itself and said that it is there.
  void greeted(const std::string& host, std::uint16_t port, const node_greeting& who, instant now, effects& out);
  void dial_failed(const std::string& host, std::uint16_t port, instant now, effects& out);
  /// The connection to this node is gone.
  void lost(std::string_view name, instant now, effects& out);
  /// A node's report: in answer to a beat that was sent at `asked`, or without being asked.
  void reported(std::string_view name, const node_report& r, std::optional<instant> asked, instant now, effects& out);

  /// The shards have done what `serve` of this epoch said, and Redis has what they still had to write.
  void let_go(std::uint64_t epoch, instant now, effects& out);
  void tick(instant now, effects& out);

  /// Give everything up for good: nothing is served from now on. When flushed() says that Redis has what the shards had
  /// still to write, the others are told; `left` follows when they know.
  void leave(instant now, effects& out);
  void flushed(instant now, effects& out);
  /// These pins from now on; they are in the view when they hold.
  void pin(std::vector<range_pin> pins, instant now, effects& out);

  duration tick_every() const noexcept { return std::max(options_.heartbeat / 4, duration{1}); }
  node_greeting greeting(instant now) const { return {options_.self, options_.fingerprint, report(now)}; }
  node_report report(instant now) const;
  const cluster_view& view() const noexcept { return view_; }
  const range_set& serving() const noexcept { return served_; }
  instant serves_until() const noexcept { return until_; }
  const std::string& refusal() const noexcept { return refused_; }
  bool is_cut_off(instant now) const noexcept;
  bool is_leaving() const noexcept { return leaving_; }
  bool is_linked(std::string_view name) const { return peers_.contains(name); }
  bool is_linked(const cluster_node& n) const {
    const auto at = peers_.find(n.name);
    return at != peers_.end() && at->second.self.incarnation == n.incarnation;
  }
  std::size_t linked() const noexcept { return peers_.size(); }
  /// How long ago a linked node was heard.
  std::optional<duration> silence(std::string_view name, instant now) const;
  std::uint64_t ranges_gained() const noexcept { return gained_; }
  std::uint64_t ranges_lost() const noexcept { return lost_; }

 private:
  struct peer {
    cluster_node self;
    instant heard{INT64_MIN / 2};  ///< its last answer was to a question of this time
    instant seen;                  ///< its last word came at this time
    std::uint64_t epoch = 0;
    std::uint64_t let_go = 0;
    bool cut_off = false;
    bool leaving = false;
    bool agrees = false;   ///< it has let go of what it lost by the present view
    bool differs = false;  ///< it has another view of the same epoch
  };
  struct address_state {
    instant next{INT64_MIN / 2};
    bool trying = false;
    bool tried = false;
    bool is_self = false;
    std::string name;  ///< who was met there
  };

  static std::string address_of(const cluster_node& n) { return n.host + ':' + std::to_string(n.port); }
  bool is_other(const cluster_node& a, const cluster_node& b) const noexcept {
    return a.incarnation != b.incarnation && (a.host != b.host || a.port != b.port);
  }
  bool is_me(const cluster_node& n) const noexcept {
    return n.name == options_.self.name && n.incarnation == options_.self.incarnation;
  }
  const cluster_node* me_in(const cluster_view& v) const noexcept;
  bool is_alive(const peer& p, instant now) const noexcept { return now - p.seen <= options_.lease; }
  bool is_silent(const cluster_node& n, instant now) const;
  bool is_settled(instant now) const;
  bool is_first(instant now) const;
  std::size_t place_of(const cluster_node& n) const;
  template <class Counts>
  std::optional<instant> majority_at(instant now, Counts counts) const;
  std::optional<instant> heard_by_majority(instant now) const;
  void found_on_view(instant now);
  void adopt(cluster_view next, instant now, effects& out);
  void await_former_owners(const cluster_view& before, bool fresh, instant now);
  void notice_standstill(instant now, effects& out);
  void serve_what_was_let_go(instant now, effects& out);
  void forget_everything(effects& out);
  void refuse(std::string why, std::string by, effects& out);
  void accept(effects& out);
  void lead(instant now, effects& out);
  cluster_view wanted_view(instant now) const;
  void beat_all(effects& out) const;
  void ask(instant now, effects& out);
  void dial_missing(instant now, effects& out);
  void lapse(instant now, effects& out);
  void extend_lease(instant now, effects& out);
  void say_left(effects& out);

  options options_;
  instant started_;
  cluster_view view_;
  std::vector<cluster_node> ground_;  // whose majority counts: the last view that the registry or a majority agreed to
  instant adopted_at_;
  range_set owned_;
  range_set served_;
  std::set<std::string, std::less<>> waiting_;  // of these what was gained has not been let go yet
  instant wait_until_;
  std::uint64_t let_go_ = 0;
  instant until_{INT64_MIN / 2};
  std::map<std::string, peer, std::less<>> peers_;  // linked ones, by name
  std::map<std::string, instant, std::less<>> last_seen_;
  std::map<std::string, address_state, std::less<>> addresses_;
  std::string refused_;
  std::string refused_by_;  // the address of who keeps this node out; empty: the registry
  instant registry_at_{INT64_MIN / 2};
  bool asking_ = false;
  bool unattended_ = false;  // nobody had called the registry before this node did
  bool alone_told_ = false;  // that there is no majority
  bool leaving_ = false;
  bool going_ = false;  // and the others may know
  bool left_ = false;
  std::optional<std::vector<range_pin>> pins_;  // wanted
  instant pins_until_;
  instant last_event_;
  instant next_beat_{INT64_MIN / 2};
  std::uint64_t gained_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace aicache
