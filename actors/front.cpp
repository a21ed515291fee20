#include "actors/front.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "actors/client_actor.hpp"
#include "actors/codec_worker.hpp"
#include "actors/errors.hpp"
#include "actors/monitor.hpp"
#include "actors/shard.hpp"

namespace aicache {

namespace {
constexpr duration drain_patience{660'000};  // past the longest node.drain_timeout
constexpr duration statistics_patience{1'000};
}  // namespace

front_actor::behavior_type front_state::start(node_options options) {
  take_no_offence(self_);
  options_ = std::move(options);
  clock_ = node_clock(options_.origin, self_->clock().now());
  self_->set_down_handler([this](const caf::down_msg& m) {
    for (std::uint32_t i = 0; i < shards_.size(); ++i)
      if (shards_[i].handle && shards_[i].handle.address() == m.source) return shard_died(i, m.reason);
    for (std::size_t i = 0; i < workers_.size(); ++i)
      if (workers_[i].address() == m.source) {
        spdlog::error("a codec worker died; its jobs are given up");
        spawn_worker(i);
        return introduce();
      }
    if (monitor_.address() == m.source) {
      spdlog::error("the monitor died; its successor counts from zero");
      spawn_monitor();
      self_->send(monitor_, shards_changed{epoch_, map().shards, -1});
      return introduce();
    }
    if (link_ && link_.address() == m.source) {
      // The invalidation goes with its link, and a new pair begins from what Redis holds.
      if (m.reason != caf::exit_reason::user_shutdown) spdlog::error("the link to redis died; a new one is made");
      self_->send_exit(invalidation_, caf::exit_reason::user_shutdown);
      return share_anew();
    }
    if (invalidation_.address() == m.source) {
      if (m.reason == caf::exit_reason::user_shutdown) return;
      spdlog::error("the invalidation died; a new one is made");
      if (link_) self_->send_exit(link_, caf::exit_reason::user_shutdown);
      return share_anew();
    }
    if (cluster_ && cluster_.address() == m.source) {
      if (m.reason == caf::exit_reason::user_shutdown) return;
      spdlog::error("what belongs to the cluster for this node died; a new one joins it");
      return spawn_cluster();
    }
    watcher_gone(m.source);
    subscriber_gone(m.source);
    std::erase_if(watchers_, [&](const map_watcher& w) { return w.address() == m.source; });
  });
  spawn_monitor();
  spawn_sharing();
  workers_.resize(options_.codec_workers);
  for (std::size_t i = 0; i < workers_.size(); ++i) spawn_worker(i);
  shards_.resize(options_.shards);
  pressures_.resize(options_.shards);
  for (std::uint32_t i = 0; i < options_.shards; ++i) spawn_shard(i);
  own_client_ = self_->spawn<caf::linked>(cache_client, front_actor{});
  publish(-1);
  if (options_.sharing.on) take_level(level_.shared_tier(false, now()));
  self_->delayed_send(self_, options_.report_interval, front_tick{});
  return {
      [this](const get_batch& m) { return pass_on<get_reply>(m, call_kind::get); },
      [this](const put_batch& m) { return pass_on<put_reply>(m, call_kind::put); },
      [this](const erase_batch& m) { return pass_on<erase_reply>(m, call_kind::erase); },
      [this](const exists_batch& m) { return pass_on<exists_reply>(m, call_kind::exists); },
      [this](const time_left_batch& m) { return pass_on<time_left_reply>(m, call_kind::time_left); },
      [this](const touch_batch& m) { return pass_on<touch_reply>(m, call_kind::touch); },
      [this](const release_batch& m) { return pass_on<release_reply>(m, call_kind::release); },
      [this](const watch_cluster& m) { watch(m); },
      [this](cluster_request) { return cluster_map_; },
      [this](const cluster_map& m) { take_cluster_map(m); },
      [this](const cluster_hello& m) { return welcome(m); },
      [this](cluster_state_request) { return cluster_seen_from_here(); },
      [this](const pin_request& m) { return pin(m); },
      [this](const leave_request& m) { return leave(m); },
      [this](const peer_invalidation& m) { return invalidate_for_others(m); },
      [this](const published_at& m) { join(m); },
      [this](const watch_map& m) {
        if (!m.watcher) return;
        if (std::find(watchers_.begin(), watchers_.end(), m.watcher) == watchers_.end()) {
          self_->monitor(m.watcher);
          watchers_.push_back(m.watcher);
        }
        self_->send(m.watcher, map());
      },
      [this](map_request) { return map(); },
      [this](const keys_made& m) { self_->send(monitor_, m); },
      [this](statistics_request) { return statistics(); },
      [this](const figures_request& m) { return figures(m.view); },
      [this](reset_request) { return reset(); },
      [this](shared_tier_request) { return shared_.available; },
      [this](colleagues_request) { return with(); },
      [this](const export_request& m) { return export_page(m); },
      [this](const import_request& m) { return import_page(m); },
      [this](reload_request) { return reload(); },
      [this](const use_settings& m) { return m.wanted ? use(*m.wanted) : reload_reply{}; },
      [this](settings_request) { return running_settings{options_.settings}; },
      [this](const shared_tier_state& m) {
        shared_ = m;
        if (options_.sharing.on) take_level(level_.shared_tier(m.available, now()));
      },
      [this](const shard_pressure& m) {
        if (m.shard < pressures_.size()) pressures_[m.shard] = m;
      },
      [this](front_tick) { tick(); },
      [this](const invalidate_request& m) { return invalidate(m); },
      [this](const own_invalidation& m) { return invalidate_here(m.what); },
      [this](const keys_request& m) { return keys(m); },
      [this](const subscribe_request& m) { return subscribe(m); },
      [this](unsubscribe_request m) { return unsubscribe(m.subscription); },
      [this](events_taken m) { taken(m.subscription); },
      [this](const events_noted& m) { tell_events(m.events, m.dropped); },
      [this](const use_keys& m) {
        options_.sharing.keys = m.keys;
        for (const slot& s : shards_)
          if (s.handle) self_->send(s.handle, m);
        for (const codec_worker_actor& w : workers_) self_->send(w, m);
      },
      [this](drain_request) { return drain(); },
      [this](restart_shard m) {
        if (draining_ || shards_[m.shard].handle) return;
        spawn_shard(m.shard);
        publish(-1);
      },
  };
}

// -- those below -------------------------------------------------------------

void front_state::spawn_monitor() {
  const tier_options& t = options_.shard.tiers;
  const double hot_share = t.warm_share > 0 ? 1 - t.warm_share : 1;
  monitor_setup setup;
  setup.learn = options_.learn_eviction;
  setup.measure_curve = options_.measure_curve;
  setup.budget = t.budget * options_.shards;
  setup.hot_bytes = static_cast<std::uint64_t>(static_cast<double>(setup.budget) * hot_share);
  setup.expected_entry = options_.expected_answer;
  setup.figures = options_.figures;
  setup.ground = options_.ground;
  setup.redis_deadline = options_.sharing.link.how.core.read_deadline;
  setup.redis_connections = options_.sharing.link.connections;
  setup.clock = clock_;
  monitor_ = self_->spawn<caf::monitored>(monitor, setup);
}

// Where there is no Redis there is no link, and the invalidation concerns this node alone.
void front_state::spawn_sharing() {
  const sharing_options& s = options_.sharing;
  ++sharing_incarnations_;
  invalidation_setup setup;
  setup.options = s.invalidation;
  setup.options.origin += sharing_incarnations_;
  setup.clock = clock_;
  if (s.on) {
    link_setup link = s.link;
    link.how.core.seed += sharing_incarnations_;
    link_ = self_->spawn<redis_link, caf::monitored>(link);
    setup.link = link_;
    setup.journal = s.journal;
    setup.subscribe = listen_on(link.io, link.how);
  }
  invalidation_ = s.on && s.journal ? self_->spawn<caf::monitored + caf::detached>(invalidation, std::move(setup))
                                    : self_->spawn<caf::monitored>(invalidation, std::move(setup));
}

void front_state::share_anew() {
  if (draining_) return;
  spawn_sharing();
  // They count from zero.
  link_before_ = {};
  invalidations_before_ = {};
  for (const codec_worker_actor& w : workers_)
    if (link_) self_->send(w, serve_link{caf::actor_cast<shared_reader>(link_)});
  introduce();
  self_->send(invalidation_, serve_shards{map().shards, shared_watcher{front_actor{self_}}});
  tell_cluster();
}

colleagues front_state::with() const {
  return {monitor_, workers_, link_ ? caf::actor_cast<shared_reader>(link_) : shared_reader{},
          caf::actor_cast<shared_listener>(invalidation_), pressure_listener{front_actor{self_}}};
}

// Shards know those they work with by handle: whoever is replaced is made known.
void front_state::introduce() {
  for (const slot& s : shards_)
    if (s.handle) self_->send(s.handle, with());
}

shared_codec::options front_state::codec_options() const {
  const tier_options& t = options_.shard.tiers;
  return {t.compression_level, t.compression_min_bytes, t.compression_min_gain, t.value_bytes};
}

void front_state::spawn_worker(std::size_t place) {
  workers_[place] = self_->spawn<caf::monitored + caf::detached>(codec_worker, codec_options());
  if (options_.sharing.keys) self_->send(workers_[place], use_keys{options_.sharing.keys});
  if (link_) self_->send(workers_[place], serve_link{caf::actor_cast<shared_reader>(link_)});
}

void front_state::spawn_shard(std::uint32_t number) {
  slot& s = shards_[number];
  shard_setup setup;
  setup.number = number;
  setup.options = options_.shard;
  // Leases of a dead incarnation must mean nothing to its successor.
  setup.options.seed = options_.shard.seed + number + (++s.incarnations << 32);
  setup.limits = options_.limits;
  setup.report_interval = options_.report_interval;
  setup.clock = clock_;
  setup.drain_timeout = options_.drain_timeout;
  setup.with = with();
  setup.in_cluster = options_.cluster.is_on();
  s.handle = self_->spawn<caf::monitored>(shard, std::move(setup));
  if (options_.sharing.keys) self_->send(s.handle, use_keys{options_.sharing.keys});
  if (level_.level() != service_level::normal) self_->send(s.handle, serve_level{level_.level()});
  if (noted_ != 0) self_->send(s.handle, watch_events{noted_});
}

void front_state::shard_died(std::uint32_t number, const caf::error& why) {
  slot& s = shards_[number];
  s.handle = nullptr;
  if (draining_) return;
  const auto now = self_->clock().now();
  const supervision_options& o = options_.supervision;
  s.deaths.push_back(now);
  while (s.deaths.front() + o.window <= now) s.deaths.pop_front();
  const std::size_t recent = s.deaths.size();
  duration wait = o.backoff_max;
  if (recent > o.limit) {
    wait = o.window;
  } else if (recent <= 16) {
    wait = std::min<duration>(o.backoff_max, o.backoff * (1LL << (recent - 1)));
  }
  spdlog::error("shard {} died ({}), its {}. death of late; a new one starts in {} ms", number,
                self_->system().render(why), recent, wait.count());
  // Clients learn at once that nobody owns the range, so that they wait for the successor instead of a dead actor.
  publish(number);
  self_->delayed_send(self_, wait, restart_shard{number});
}

void front_state::publish(std::int64_t lost) {
  ++epoch_;
  const shard_map m = map();
  for (const map_watcher& w : watchers_) self_->send(w, m);
  self_->send(own_client_, m);
  self_->send(monitor_, shards_changed{epoch_, m.shards, lost});
  self_->send(invalidation_, serve_shards{m.shards, shared_watcher{front_actor{self_}}});
  tell_cluster();
}

shard_map front_state::map() const {
  shard_map m{epoch_, {}, options_.limits};
  m.shards.reserve(shards_.size());
  for (const slot& s : shards_) m.shards.push_back(s.handle);
  return m;
}

// -- the level of service ----------------------------------------------------

void front_state::take_level(const std::optional<degradation::change>& c) {
  if (!c) return;
  const bool worse = c->to > c->from && c->to != service_level::draining;
  spdlog::log(worse ? spdlog::level::warn : spdlog::level::info, "level of service: {} after {}: {}", to_string(c->to),
              to_string(c->from), c->why);
  for (const slot& s : shards_)
    if (s.handle) self_->send(s.handle, serve_level{c->to});
}

void front_state::tick() {
  shard_pressure worst;
  for (shard_pressure& p : pressures_) {
    worst.lag_ms = std::max(worst.lag_ms, p.lag_ms);
    worst.waiting = std::max(worst.waiting, p.waiting);
    p = {};
  }
  take_level(level_.pressure(duration{worst.lag_ms}, worst.waiting, now()));
  take_level(level_.tick(now()));
  self_->delayed_send(self_, options_.report_interval, front_tick{});
}

// -- figures -----------------------------------------------------------------

// Calls `then(link counters, invalidation counters)`, since the last reset, when both are known or cannot be had in time.
template <class Then>
void front_state::ask_sharing(Then then) {
  struct gathering {
    link_figures link;
    invalidation_counters invalidations;
    unsigned open = 0;
  };
  auto all = std::make_shared<gathering>();
  all->open = link_ ? 2 : 1;
  auto one = [all, then = std::move(then)]() mutable {
    if (--all->open == 0) then(all->link, all->invalidations);
  };
  auto failed = [one](const caf::error&) mutable { one(); };
  self_->request(invalidation_, statistics_patience, invalidation_statistics_request{})
      .then(
          [all, one](const invalidation_counters& c) mutable {
            all->invalidations = c;
            one();
          },
          failed);
  if (!link_) return;
  self_->request(link_, statistics_patience, link_statistics_request{})
      .then(
          [all, one](const link_figures& c) mutable {
            all->link = c;
            one();
          },
          failed);
}

node_facts front_state::facts(const link_figures& link, const invalidation_counters& invalidations) const {
  node_facts f;
  f.shards = shards_.size();
  f.level = level_.level();
  f.shared_available = shared_.available;
  if (link_) f.link = link_figures{difference(link.counted, link_before_), link.present};
  f.invalidations = difference(invalidations, invalidations_before_);
  return f;
}

// What the monitor, the link and the invalidation know, in one.
caf::result<node_statistics> front_state::statistics() {
  auto promise = self_->make_response_promise<node_statistics>();
  ask_sharing([this, promise](const link_figures& link, const invalidation_counters& invalidations) {
    const node_facts about = facts(link, invalidations);
    auto deliver = [promise, about](node_statistics s) mutable {
      const link_figures link_now = about.link.value_or(link_figures{});
      s.link = link_now.counted;
      s.link_present = link_now.present;
      s.invalidations = about.invalidations;
      s.level = static_cast<std::uint8_t>(about.level);
      promise.deliver(std::move(s));
    };
    self_->request(monitor_, statistics_patience, statistics_request{})
        .then([deliver](node_statistics& s) mutable { deliver(std::move(s)); },
              [deliver](const caf::error&) mutable { deliver({}); });
  });
  return promise;
}

caf::result<figures_reply> front_state::figures(figures_view view) {
  if (view > figures_view::everything) return caf::make_error(caf::sec::invalid_argument, "there is no such view");
  auto promise = self_->make_response_promise<figures_reply>();
  ask_sharing([this, promise, view](const link_figures& link, const invalidation_counters& invalidations) mutable {
    self_->request(monitor_, statistics_patience, figures_query{view, facts(link, invalidations)})
        .then([promise](figures_reply& r) mutable { promise.deliver(std::move(r)); },
              [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  });
  return promise;
}

caf::result<reset_done> front_state::reset() {
  auto promise = self_->make_response_promise<reset_done>();
  ask_sharing([this, promise](const link_figures& link, const invalidation_counters& invalidations) mutable {
    link_before_ = link.counted;
    invalidations_before_ = invalidations;
    self_->request(monitor_, statistics_patience, reset_request{})
        .then([promise](reset_done) mutable { promise.deliver(reset_done{}); },
              [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  });
  return promise;
}

// The monitor hears of what a caller invalidated, never of the names of keys.
caf::result<invalidated> front_state::invalidate_here(const invalidate_request& m) {
  // All of a tenant's generic entries have a scope of their own.
  if (m.dry_run || (m.kind == scope_kind::pattern && m.name != "*")) return search_and_invalidate(m);
  auto promise = self_->make_response_promise<invalidated>();
  const auto begun = self_->clock().now();
  // Whoever waits for a sweep waits for minutes.
  self_->request(invalidation_, caf::infinite, m)
      .then(
          [this, promise, begun, m](invalidated& done) mutable {
            if (done.why == errc::none) {
              const auto took = static_cast<std::uint64_t>(nanoseconds(self_->clock().now()) - nanoseconds(begun));
              tell_invalidated(m, done.in_memory);
              self_->send(
                  monitor_,
                  invalidation_seen{{now(), m.kind, m.name.empty() || m.kind == scope_kind::pattern ? m.tenant : m.name,
                                     done.in_memory, took}});
            }
            promise.deliver(std::move(done));
          },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

// -- operations for those who want one address -------------------------------

template <class Reply, class Batch>
caf::result<Reply> front_state::pass_on(const Batch& m, call_kind kind) {
  if (!m.body) return Reply{m.correlation, errc::invalid_argument, nullptr};
  if (m.body->items.size() > options_.limits.batch_keys) return Reply{m.correlation, errc::too_large, nullptr};
  auto c = std::make_shared<call>();
  c->kind = kind;
  if (m.wait_ms > 0) c->deadline = std::min(duration{m.wait_ms}, longest_deadline);
  if constexpr (requires { m.body->names; }) c->names = m.body->names;
  if constexpr (std::is_same_v<Batch, get_batch>) {
    c->gets = m.body->items;
  } else if constexpr (std::is_same_v<Batch, put_batch>) {
    c->puts = m.body->items;
  } else {
    c->keys = m.body->items;
  }
  auto promise = self_->template make_response_promise<Reply>();
  // The client ends every call by its deadline.
  self_->request(own_client_, caf::infinite, make_call{std::move(c)})
      .then(
          [promise, correlation = m.correlation, body = m.body](call_finished& done) mutable {
            if constexpr (std::is_same_v<Batch, get_batch>) {
              body->results = std::move(done.what->got);
              body->now = done.what->now;
            } else if constexpr (std::is_same_v<Batch, put_batch>) {
              body->results = std::move(done.what->stored);
            } else {
              body->results = std::move(done.what->told);
            }
            promise.deliver(Reply{correlation, errc::none, body});
          },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

// -- the end -----------------------------------------------------------------

caf::result<drained> front_state::drain() {
  draining_ = true;
  take_level(level_.drain());
  auto promise = self_->make_response_promise<drained>();
  if (!cluster_) {
    drain_shards(promise);
    return promise;
  }
  // Half of the time for the others to know, and to take over what is hot; what is left of it for who waits.
  self_->request(cluster_, caf::infinite, leave_request{options_.drain_timeout.count() / 2})
      .then([this, promise](const left_cluster&) mutable { drain_shards(promise); },
            [this, promise](const caf::error&) mutable { drain_shards(promise); });
  return promise;
}

void front_state::drain_shards(caf::typed_response_promise<drained> promise) {
  struct tally {
    std::size_t open = 0;
    drained sum;
  };
  auto t = std::make_shared<tally>();
  for (const slot& s : shards_) t->open += s.handle ? 1 : 0;
  if (t->open == 0) promise.deliver(t->sum);
  auto one = [promise, t](std::uint64_t abandoned) mutable {
    t->sum.abandoned += abandoned;
    if (--t->open == 0) promise.deliver(t->sum);
  };
  for (const slot& s : shards_)
    if (s.handle)
      self_->request(s.handle, drain_patience, drain_shard{})
          .then([one](drained d) mutable { one(d.abandoned); }, [one](caf::error&) mutable { one(0); });
}

front_state::~front_state() {
  // Those below live as long as their front: shards answer who waits when they end.
  for (const slot& s : shards_)
    if (s.handle) caf::anon_send_exit(s.handle, caf::exit_reason::user_shutdown);
  for (const codec_worker_actor& w : workers_)
    if (w) caf::anon_send_exit(w, caf::exit_reason::user_shutdown);
  if (cluster_) caf::anon_send_exit(cluster_, caf::exit_reason::user_shutdown);
  if (invalidation_) caf::anon_send_exit(invalidation_, caf::exit_reason::user_shutdown);
  if (link_) caf::anon_send_exit(link_, caf::exit_reason::user_shutdown);
  if (own_client_) caf::anon_send_exit(own_client_, caf::exit_reason::user_shutdown);
  if (monitor_) caf::anon_send_exit(monitor_, caf::exit_reason::user_shutdown);
}

}  // namespace aicache
