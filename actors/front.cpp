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
constexpr duration drain_patience{10'000};
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
    std::erase_if(watchers_, [&](const map_watcher& w) { return w.address() == m.source; });
  });
  spawn_monitor();
  workers_.resize(options_.codec_workers);
  for (std::size_t i = 0; i < workers_.size(); ++i) spawn_worker(i);
  shards_.resize(options_.shards);
  for (std::uint32_t i = 0; i < options_.shards; ++i) spawn_shard(i);
  own_client_ = self_->spawn<caf::linked>(cache_client, front_actor{});
  publish(-1);
  return {
      [this](const get_batch& m) { return pass_on<get_reply>(m, call_kind::get); },
      [this](const put_batch& m) { return pass_on<put_reply>(m, call_kind::put); },
      [this](const erase_batch& m) { return pass_on<erase_reply>(m, call_kind::erase); },
      [this](const exists_batch& m) { return pass_on<exists_reply>(m, call_kind::exists); },
      [this](const time_left_batch& m) { return pass_on<time_left_reply>(m, call_kind::time_left); },
      [this](const touch_batch& m) { return pass_on<touch_reply>(m, call_kind::touch); },
      [this](const release_batch& m) { return pass_on<release_reply>(m, call_kind::release); },
      [this](const watch_map& m) {
        if (!m.watcher) return;
        if (std::find(watchers_.begin(), watchers_.end(), m.watcher) == watchers_.end()) {
          self_->monitor(m.watcher);
          watchers_.push_back(m.watcher);
        }
        self_->send(m.watcher, map());
      },
      [this](map_request) { return map(); },
      [this](statistics_request r) -> caf::result<node_statistics> { return self_->delegate(monitor_, r); },
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
  monitor_setup setup{options_.learn_eviction,
                      static_cast<std::uint64_t>(static_cast<double>(t.budget * options_.shards) * hot_share),
                      options_.expected_answer};
  monitor_ = self_->spawn<caf::monitored>(monitor, setup);
}

// Shards know those they work with by handle: whoever is replaced is made known.
void front_state::introduce() {
  for (const slot& s : shards_)
    if (s.handle) self_->send(s.handle, colleagues{monitor_, workers_});
}

void front_state::spawn_worker(std::size_t place) {
  workers_[place] = self_->spawn<caf::monitored + caf::detached>(codec_worker, options_.shard.tiers.compression_level);
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
  setup.with = {monitor_, workers_};
  s.handle = self_->spawn<caf::monitored>(shard, std::move(setup));
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
}

shard_map front_state::map() const {
  shard_map m{epoch_, {}, options_.limits};
  m.shards.reserve(shards_.size());
  for (const slot& s : shards_) m.shards.push_back(s.handle);
  return m;
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
  auto promise = self_->make_response_promise<drained>();
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
  return promise;
}

front_state::~front_state() {
  // Those below live as long as their front: shards answer who waits when they end.
  for (const slot& s : shards_)
    if (s.handle) caf::anon_send_exit(s.handle, caf::exit_reason::user_shutdown);
  for (const codec_worker_actor& w : workers_)
    if (w) caf::anon_send_exit(w, caf::exit_reason::user_shutdown);
  if (own_client_) caf::anon_send_exit(own_client_, caf::exit_reason::user_shutdown);
  if (monitor_) caf::anon_send_exit(monitor_, caf::exit_reason::user_shutdown);
}

}  // namespace aicache
