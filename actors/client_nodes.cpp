#include <algorithm>
#include <utility>

#include "actors/client_actor.hpp"
#include "actors/dial.hpp"
#include "messages/identity_rules.hpp"

// The nodes of a client: how it finds them, loses them, and learns who owns what.
namespace aicache {

namespace {

constexpr duration owners_patience{1'000};

// Whoever names requests in another way would be asked for other entries than the application means.
bool names_alike(const client_limits& a, const client_limits& b) noexcept {
  return a.unicode_nfc == b.unicode_nfc && a.line_ends == b.line_ends && a.trailing_blanks == b.trailing_blanks;
}

}  // namespace

// The node that sent the present message, by its front or another of its actors; the first for a client that has no front
// (the front's own).
std::uint32_t client_state::told_by() const {
  const caf::strong_actor_ptr& sender = self_->current_sender();
  for (std::uint32_t i = 0; i < links_.size(); ++i)
    if (links_[i].front && caf::actor_cast<caf::strong_actor_ptr>(links_[i].front) == sender) return i;
  for (std::uint32_t i = 0; i < links_.size(); ++i)
    if (links_[i].front && sender && links_[i].front.node() == sender->node()) return i;
  return !links_.empty() && !links_[0].front && nodes_->is_up(0) ? 0 : node_table::nobody;
}

void client_state::take_map(const shard_map& m) {
  const std::uint32_t node = told_by();
  if (node == node_table::nobody || m.epoch <= core_.epoch(node)) return;
  if (limits_ && !names_alike(*limits_, m.limits)) {
    lose(node);
    nodes_->failed(node, "it names requests by other rules (identity.*) than the node before", false, now());
    return perform();
  }
  if (!limits_) limits_ = m.limits;
  link& l = links_[node];
  std::vector<client_core::owner> owners;
  for (std::size_t i = 0; i < m.shards.size(); ++i) {
    const shard_actor before = i < l.shards.size() ? l.shards[i] : shard_actor{};
    const bool same = m.shards[i] && m.shards[i] == before;
    owners.push_back(same          ? client_core::owner::same
                     : m.shards[i] ? client_core::owner::replaced
                                   : client_core::owner::absent);
    if (m.shards[i] && !same) self_->monitor(m.shards[i]);
    if (!same) parcels_.lost(node, static_cast<std::uint32_t>(i));
  }
  if (m.shards.size() != l.shards.size()) parcels_.lost(node);
  for (const shard_actor& s : l.shards)
    if (s && std::find(m.shards.begin(), m.shards.end(), s) == m.shards.end()) self_->demonitor(s.address());
  l.shards = m.shards;
  l.batch_keys = m.limits.batch_keys;
  client_core::limits given;
  given.batch_keys = m.limits.batch_keys;
  given.in_flight_keys = m.limits.in_flight_keys;
  core_.map(node, m.epoch, owners, given, now(), effects_);
  answer_reached();
  perform();
}

void client_state::take_cluster(std::uint32_t from, const cluster_map& m) {
  if (from == node_table::nobody) return;
  links_[from].asked_owners = false;
  node_table::view v{m.epoch, {}, m.pins, m.asked};
  for (const cluster_member& c : m.members) v.members.push_back({c.name, {c.host, c.port}, c.incarnation});
  std::vector<std::uint32_t> restarted;
  if (!nodes_->heard(from, v, now(), restarted)) return;
  links_.resize(nodes_->size());
  for (const std::uint32_t node : restarted) lose(node);
  dial_nodes();
  serve();
  perform();
}

void client_state::ask_owners(std::uint32_t node) {
  if (!links_[node].front || std::exchange(links_[node].asked_owners, true)) return;
  self_->request(links_[node].front, owners_patience, cluster_request{})
      .then([this, node](const cluster_map& m) { take_cluster(node, m); },
            [this, node](const caf::error&) { links_[node].asked_owners = false; });
}

// -- connections -------------------------------------------------------------

void client_state::dial_nodes() {
  std::vector<node_table::dial> due;
  nodes_->due(now(), due);
  for (const node_table::dial& d : due)
    dial(
        self_, d.where.host, d.where.port,
        [this, node = d.node](const front_actor& front) {
          connected(node, front);
          perform();
        },
        [this, node = d.node](const fault& why) {
          not_connected(node, why);
          perform();
        });
}

void client_state::connected(std::uint32_t node, const front_actor& front) {
  for (std::uint32_t i = 0; i < links_.size(); ++i)
    if (i != node && links_[i].front == front && nodes_->is_up(i)) {
      nodes_->same(node, i);
      served_epoch_ = 0;  // ranges may have changed hands
      return serve();
    }
  links_[node].front = front;
  links_[node].is_remote = front.node() != self_->node();
  self_->monitor(front);
  nodes_->reached(node);
  // Whose the ranges are comes before who serves them, so that nothing is asked of the wrong node in between.
  self_->send(front, watch_cluster{cluster_watcher{client_actor{self_}}});
  self_->send(front, watch_map{map_watcher{client_actor{self_}}});
  serve();
}

void client_state::not_connected(std::uint32_t node, const fault& why) {
  nodes_->failed(node, why.detail, why.code == errc::deadline, now());
  dial_nodes();
  // What this process itself is not fit for, no other address makes good.
  if (why.code == errc::invalid_argument)
    for (auto& promise : std::exchange(waiting_, {})) promise.deliver(reached{why.code, why.detail, {}, {}});
  answer_reached();
  if (nodes_->is_hopeless(now())) core_.fail_all(errc::unavailable, effects_);
}

void client_state::down(const caf::down_msg& m) {
  for (std::uint32_t n = 0; n < links_.size(); ++n) {
    link& l = links_[n];
    if (l.front && l.front.address() == m.source) {
      lose(n);
      dial_nodes();
      if (nodes_->is_hopeless(now())) core_.fail_all(errc::unavailable, effects_);
      break;
    }
    for (std::uint32_t s = 0; s < l.shards.size(); ++s)
      if (l.shards[s] && l.shards[s].address() == m.source) {
        parcels_.lost(n, s);
        core_.shard_down(n, s, effects_);
      }
  }
  perform();
}

void client_state::lose(std::uint32_t node) {
  link gone = std::exchange(links_[node], {});
  if (gone.front) self_->demonitor(gone.front.address());
  if (gone.collector) caf::anon_send_exit(gone.collector, caf::exit_reason::user_shutdown);
  for (const shard_actor& s : gone.shards)
    if (s) self_->demonitor(s.address());
  nodes_->lost(node, now());
  parcels_.lost(node);
  core_.lost(node, effects_);
  serve();
}

// Tells the core, and those who use the front themselves, who serves now.
void client_state::serve() {
  if (const std::uint32_t any = nodes_->any_up(); present_ && any != node_table::nobody && links_[any].front)
    present_->set(links_[any].front);
  if (nodes_->owners().empty()) {
    if (serves_alone_ == nodes_->alone()) return;
    serves_alone_ = nodes_->alone();
    core_.serve_alone(*serves_alone_, now(), effects_);
  } else {
    // Without a valid epoch nobody is up: what is owned by whom stays as it was until somebody says otherwise.
    if (served_epoch_ == nodes_->epoch()) return;
    served_epoch_ = nodes_->epoch();
    serves_alone_.reset();
    if (served_epoch_ != 0) core_.serve_together(nodes_->owners(), now(), effects_);
  }
}

// Who waits for a first contact is told of it, or that there will be none.
void client_state::answer_reached() {
  if (waiting_.empty() || (!limits_ && !nodes_->all_refused())) return;
  const std::uint32_t any = nodes_->any_up();
  for (auto& promise : std::exchange(waiting_, {})) {
    if (limits_ && any != node_table::nobody) {
      promise.deliver(reached{errc::none, {}, links_[any].front, *limits_});
    } else {
      promise.deliver(reached{errc::unavailable, nodes_->reasons(), {}, {}});
    }
  }
}

}  // namespace aicache
