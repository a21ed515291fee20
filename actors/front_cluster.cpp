#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "actors/errors.hpp"
#include "actors/front.hpp"

// The front of a node in a cluster: it spawns the actor that belongs to it, and tells clients its map.
namespace aicache {

namespace {
constexpr duration cluster_patience{5'000};
}  // namespace

// Others reach this node at an address that is known only when it is published.
void front_state::join(const published_at& m) {
  if (!options_.cluster.is_on() || draining_ || published_) return;
  published_ = m;
  cluster_map_.asked = options_.cluster.name;
  spawn_cluster();
}

void front_state::spawn_cluster() {
  if (draining_) return;
  const cluster_options& o = options_.cluster;
  cluster_setup setup;
  setup.core.self = {o.name, o.host.empty() ? published_->host : o.host, o.port == 0 ? published_->port : o.port,
                     static_cast<std::uint64_t>(now().ms), 0};
  setup.core.fingerprint = o.fingerprint;
  setup.core.registry = static_cast<bool>(link_);
  setup.core.seeds = o.seeds;
  setup.core.lease = o.lease;
  setup.core.heartbeat = o.heartbeat;
  setup.core.epoch = cluster_map_.epoch;
  setup.prefix = options_.sharing.invalidation.prefix;
  setup.page_entries = std::min<std::uint64_t>(setup.page_entries, options_.limits.batch_keys);
  setup.clock = clock_;
  setup.front = front_actor{self_};
  cluster_ = self_->spawn<caf::monitored>(cluster, std::move(setup));
  tell_cluster();
}

void front_state::tell_cluster() {
  if (cluster_) self_->send(cluster_, cluster_colleagues{map().shards, link_});
}

void front_state::take_cluster_map(const cluster_map& m) {
  if (m.epoch < cluster_map_.epoch || m.asked != options_.cluster.name) return;
  cluster_map_ = m;
  for (const cluster_watcher& w : cluster_watchers_) self_->send(w, m);
  // Who comes by the front is answered for every key, whoever owns it.
  self_->send(own_client_, m);
}

// Of a cluster that this node has not yet seen there is nothing to tell: the map follows.
void front_state::watch(const watch_cluster& m) {
  if (!m.watcher) return;
  if (std::find(cluster_watchers_.begin(), cluster_watchers_.end(), m.watcher) == cluster_watchers_.end()) {
    self_->monitor(m.watcher);
    cluster_watchers_.push_back(m.watcher);
  }
  if (!options_.cluster.is_on() || cluster_map_.epoch > 0) self_->send(m.watcher, cluster_map_);
}

void front_state::watcher_gone(const caf::actor_addr& who) {
  std::erase_if(cluster_watchers_, [&](const cluster_watcher& w) { return w.address() == who; });
}

caf::result<cluster_welcome> front_state::welcome(const cluster_hello& m) {
  if (!cluster_) return cluster_welcome{};
  return self_->delegate(cluster_, m);
}

caf::result<cluster_state> front_state::cluster_seen_from_here() {
  if (!cluster_) {
    cluster_state none;
    none.name = options_.cluster.name;
    return none;
  }
  return self_->delegate(cluster_, cluster_state_request{});
}

caf::result<cluster_map> front_state::pin(const pin_request& m) {
  if (!cluster_) return to_error(errc::invalid_argument);
  return self_->delegate(cluster_, m);
}

caf::result<left_cluster> front_state::leave(const leave_request& m) {
  if (!cluster_) return to_error(errc::invalid_argument);
  return self_->delegate(cluster_, m);
}

// -- invalidation ------------------------------------------------------------

// Calls `then(entries that left the memory of other members)`.
template <class Then>
void front_state::invalidate_elsewhere(const invalidate_request& m, Then then) {
  self_->request(cluster_, cluster_patience, tell_members{{m.kind, m.tenant, m.name, m.dry_run}})
      .then([then](const invalidated& done) mutable { then(done.in_memory); },
            [then](const caf::error&) mutable { then(std::uint64_t{0}); });
}

// All members at the same time; the answer counts them all.
caf::result<invalidated> front_state::invalidate(const invalidate_request& m) {
  if (!cluster_) return invalidate_here(m);
  auto promise = self_->make_response_promise<invalidated>();
  struct gathering {
    invalidated sum;
    std::optional<caf::error> failed;
    unsigned open = 2;
  };
  auto all = std::make_shared<gathering>();
  auto one = [all, promise]() mutable {
    if (--all->open > 0) return;
    if (all->failed) {
      promise.deliver(std::move(*all->failed));
    } else {
      promise.deliver(std::move(all->sum));
    }
  };
  invalidate_elsewhere(m, [all, one](std::uint64_t entries) mutable {
    if (all->sum.why == errc::none) all->sum.in_memory += entries;
    one();
  });
  self_->request(front_actor{self_}, caf::infinite, own_invalidation{m})
      .then(
          [all, one](invalidated& done) mutable {
            const std::uint64_t elsewhere = done.why == errc::none ? all->sum.in_memory : 0;
            all->sum = std::move(done);
            all->sum.in_memory += elsewhere;
            one();
          },
          [all, one](caf::error& why) mutable {
            all->failed = std::move(why);
            one();
          });
  return promise;
}

// Another member was asked to; what it found in Redis is its business.
caf::result<invalidated> front_state::invalidate_for_others(const peer_invalidation& m) {
  if (!m.dry_run && (m.kind != scope_kind::pattern || m.name == "*")) return self_->delegate(invalidation_, m);
  return search_and_invalidate({m.kind, m.tenant, m.name, false, m.dry_run});
}

}  // namespace aicache
