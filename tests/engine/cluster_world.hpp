#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/cluster/membership_core.hpp"

namespace aicache::test {

/// Several nodes of a cluster on one time line, with a registry that behaves as the script in Redis, and connections
/// that can be cut. What a core wants is done at once, but letting go can be held up.
class cluster_world {
 public:
  using core = membership_core;

  struct node {
    cluster_node self;
    std::unique_ptr<core> mind;
    std::string fingerprint = "v1";
    bool running = true;  ///< false: stopped, or dead
    bool reaches_registry = true;
    bool slow_to_let_go = false;
    std::vector<std::uint64_t> to_let_go;
    instant until{INT64_MIN / 2};
    range_set serving;
    range_set forgotten;  ///< since it was looked at last
    bool left = false;
    std::vector<std::string> remarks;
  };

  explicit cluster_world(bool with_registry) : registry_on(with_registry), has_registry_(with_registry) {}

  node& start(const std::string& name, std::uint16_t port, const std::string& fingerprint = "v1") {
    node& n = nodes[name + ':' + std::to_string(port)];
    n = {};
    n.self = {name, "h", port, static_cast<std::uint64_t>(now.ms), 0};
    n.fingerprint = fingerprint;
    core::options o;
    o.self = n.self;
    o.fingerprint = fingerprint;
    o.registry = has_registry_;
    o.seeds = seeds;
    n.mind = std::make_unique<core>(o, now);
    return n;
  }

  node& operator[](const std::string& name) {
    for (auto& [key, n] : nodes)
      if (n.self.name == name) return n;
    throw std::out_of_range(name);
  }

  /// The process is gone: its peers notice at once.
  void kill(const std::string& name) {
    node& n = (*this)[name];
    n.running = false;
    for (auto& [key, other] : nodes)
      if (other.running) act(other, [&](auto& out) { other.mind->lost(name, now, out); });
    std::erase_if(nodes, [&](const auto& at) { return at.second.self.name == name; });
  }

  void cut(const std::string& a, const std::string& b) {
    cuts.insert({a, b});
    cuts.insert({b, a});
    for (const auto& [one, other] : {std::pair{a, b}, std::pair{b, a}})
      if (node& n = (*this)[one]; n.running) act(n, [&, other = other](auto& out) { n.mind->lost(other, now, out); });
  }
  void heal() { cuts.clear(); }

  /// Lets time pass in steps of a tick.
  void run(duration length) {
    for (const instant end = now + length; now < end;) {
      now = now + duration{25};
      for (auto& [key, n] : nodes) {
        if (!n.running) continue;
        if (!n.slow_to_let_go)
          for (std::uint64_t epoch : std::exchange(n.to_let_go, {}))
            act(n, [&](auto& out) {
              n.mind->let_go(epoch, now, out);
              if (n.mind->is_leaving()) n.mind->flushed(now, out);
            });
        if (now.ms % 75 == 0) act(n, [&](auto& out) { n.mind->tick(now, out); });
      }
      twice_served = std::max(twice_served, doubly());
    }
  }

  std::size_t served(const std::string& name) {
    node& n = (*this)[name];
    return n.running && n.until > now ? n.serving.count() : 0;
  }
  std::size_t served_in_all() {
    std::size_t sum = 0;
    for (auto& [key, n] : nodes) sum += served(n.self.name);
    return sum;
  }
  std::vector<std::string> members_seen_by(const std::string& name) {
    std::vector<std::string> names;
    for (const cluster_node& n : (*this)[name].mind->view().nodes) names.push_back(n.name);
    return names;
  }

  /// Effects are carried out in the order in which they were wanted, whatever they bring about.
  void act(node& n, const std::function<void(core::effects&)>& event) {
    core::effects out;
    event(out);
    for (core::effect& e : out) pending_.emplace_back(&n, std::move(e));
    if (std::exchange(performing_, true)) return;
    for (; !pending_.empty(); pending_.pop_front())
      std::visit([&](auto& one) { perform(*pending_.front().first, one); }, pending_.front().second);
    performing_ = false;
  }

  /// Redis comes back with nothing in it.
  void empty_registry() { registry_ = {}; }

  instant now{1'000'000};
  bool registry_on;
  std::vector<std::string> seeds;
  std::map<std::string, node> nodes;  // by name and port
  std::set<std::pair<std::string, std::string>> cuts;
  std::size_t twice_served = 0;  ///< most ranges that two served at one moment

 private:
  struct registered {
    cluster_node self;
    instant until;
    std::string fingerprint;
  };
  struct registry {
    std::uint64_t epoch = 0;
    std::vector<range_pin> pins;
    std::map<std::string, registered> members;
    instant seen;
  };

  std::size_t doubly() {
    range_set once;
    range_set twice;
    for (auto& [key, n] : nodes) {
      if (!n.running || n.until <= now) continue;
      twice |= once & n.serving;
      once |= n.serving;
    }
    return twice.count();
  }

  bool connected(const node& a, const node& b) const {
    return a.running && b.running && !cuts.contains({a.self.name, b.self.name});
  }

  void perform(node& n, core::ask_registry& e) {
    if (!registry_on || !n.reaches_registry) return act(n, [&](auto& out) { n.mind->registry_failed(now, out); });
    const registry_answer a = call(e.call);
    act(n, [&](auto& out) { n.mind->registry_answered(a, now, now, out); });
  }

  registry_answer call(const registry_call& c) {
    registry& r = registry_;
    bool changed = false;
    const bool unattended = r.seen != instant{} && now - r.seen > c.lease / 2;
    if (c.known.epoch > r.epoch) {
      r = {c.known.epoch, c.known.pins, {}, now};
      for (const cluster_node& n : c.known.nodes) r.members[n.name] = {n, now + c.lease, c.fingerprint};
    } else if (unattended) {
      for (auto& [name, m] : r.members) m.until = m.until + (now - r.seen);
    }
    r.seen = now;
    const std::uint64_t before = r.epoch;
    changed = c.known.epoch == before && before > 0 && c.known != view_of(r);
    changed = std::erase_if(r.members, [&](const auto& m) { return m.second.until < now; }) > 0 || changed;
    registry_answer a;
    const auto mine = r.members.find(c.self.name);
    if (c.action == registry_action::leave) {
      changed = r.members.erase(c.self.name) > 0 || changed;
    } else {
      bool known = mine != r.members.end() && mine->second.self.incarnation == c.self.incarnation;
      if (mine != r.members.end() && !known && mine->second.self.port != c.self.port) a.refused = "name";
      for (const auto& [name, m] : r.members)
        if (!known && m.fingerprint != c.fingerprint) a.refused = "fingerprint";
      if (a.refused.empty()) {
        cluster_node self = c.self;
        self.since = known ? mine->second.self.since : r.epoch + 1;
        changed = changed || !known;
        r.members[c.self.name] = {self, now + c.lease, c.fingerprint};
        if (c.action == registry_action::pin && r.pins != c.pins) {
          r.pins = c.pins;
          changed = true;
        }
      }
    }
    if (changed) ++r.epoch;
    a.view = view_of(r);
    a.unattended = unattended;
    return a;
  }

  static cluster_view view_of(const registry& r) {
    cluster_view v{r.epoch, {}, r.pins};
    for (const auto& [name, m] : r.members) v.nodes.push_back(m.self);
    return v;
  }

  void perform(node& n, core::dial& e) {
    for (auto& [key, other] : nodes) {
      if (other.self.port != e.port || !connected(n, other)) continue;
      const node_greeting mine = n.mind->greeting(now);
      const node_greeting g = other.mind->greeting(now);
      act(other, [&](auto& out) { other.mind->greeted(mine.self.host, mine.self.port, mine, now, out); });
      return act(n, [&](auto& out) { n.mind->greeted(e.host, e.port, g, now, out); });
    }
    act(n, [&](auto& out) { n.mind->dial_failed(e.host, e.port, now, out); });
  }

  void perform(node& n, core::beat& e) {
    for (auto& [key, other] : nodes) {
      if (other.self.name != e.to || !connected(n, other) || !n.mind->is_linked(e.to)) continue;
      const node_report mine = n.mind->report(now);
      act(other, [&](auto& out) { other.mind->reported(n.self.name, mine, std::nullopt, now, out); });
      const node_report theirs = other.mind->report(now);
      return act(n, [&](auto& out) { n.mind->reported(other.self.name, theirs, now, now, out); });
    }
  }

  void perform(node& n, core::serve& e) {
    n.serving = e.ranges;
    n.forgotten |= e.forget;
    n.to_let_go.push_back(e.epoch);
  }
  void perform(node& n, core::extend& e) { n.until = e.until; }
  void perform(node&, core::tell_view&) {}
  void perform(node& n, core::left&) { n.left = true; }
  void perform(node& n, core::remark& e) { n.remarks.push_back(e.text); }

  bool has_registry_;
  bool performing_ = false;
  std::deque<std::pair<node*, core::effect>> pending_;
  registry registry_;
};

}  // namespace aicache::test
