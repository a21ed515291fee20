#include "actors/shard.hpp"

#include <algorithm>
#include <utility>

#include "actors/errors.hpp"
#include "actors/visit.hpp"

namespace aicache {

namespace {
// Leases are looked after at least this often while any is out.
constexpr duration lease_tick{50};
}  // namespace

shard_actor::behavior_type shard_state::start(shard_setup setup) {
  take_no_offence(self_);
  setup_ = std::move(setup);
  core_ = std::make_unique<shard_core>(setup_.options);
  if (setup_.in_cluster) owned_ = std::make_shared<const range_set>();
  next_report_ = self_->clock().now() + setup_.report_interval;
  self_->set_down_handler([this](const caf::down_msg& m) { client_gone(m.source); });
  next_tick(setup_.report_interval);
  return {
      [this](const get_batch& m) { return moves(m) ? only_owned<get_reply>(m) : get(m); },
      [this](const put_batch& m) { return moves(m) ? only_owned<put_reply>(m) : put(m); },
      [this](const erase_batch& m) { return moves(m) ? only_owned<erase_reply>(m) : erase(m); },
      [this](const exists_batch& m) -> caf::result<exists_reply> {
        if (moves(m)) return only_owned<exists_reply>(m);
        return by_key<exists_reply>(m, true, [this](key_body& b) { core_->exists(b.items, now(), b.results); });
      },
      [this](const time_left_batch& m) -> caf::result<time_left_reply> {
        if (moves(m)) return only_owned<time_left_reply>(m);
        return by_key<time_left_reply>(m, true, [this](key_body& b) { core_->time_left(b.items, now(), b.results); });
      },
      [this](const touch_batch& m) -> caf::result<touch_reply> {
        if (moves(m)) return only_owned<touch_reply>(m);
        return by_key<touch_reply>(m, true, [this](key_body& b) { core_->touch(b.items, now(), b.results, effects_); });
      },
      [this](const release_batch& m) -> caf::result<release_reply> {
        if (moves(m)) return only_owned<release_reply>(m);
        return by_key<release_reply>(m, false,
                                     [this](key_body& b) { core_->release(b.items, now(), b.results, effects_); });
      },
      [this](shard_tick t) { tick(t.extra); },
      [this](const steer& m) {
        slow_nanoseconds_ = m.slow_nanoseconds;
        core_->steer(m.mode, m.sample_threshold, m.sample_batch);
      },
      [this](const pack_done& m) {
        core_->packed(m.key, m.raw, m.packed, effects_, m.nanoseconds);
        perform();
      },
      [this](const unpack_done& m) {
        core_->unpacked(m.key, m.packed, m.raw, now(), effects_, m.nanoseconds);
        perform();
      },
      [this](const train_done& m) {
        if (m.made) {
          core_->trained(m.operation, m.made, effects_);
        } else {
          core_->trained(m.operation, fault{errc::invalid_argument, "the samples gave no dictionary"}, effects_);
        }
        perform();
      },
      [this](const fetched& m) {
        time_fetch(m);
        core_->fetched(m.ticket, m.values, now(), effects_);
        perform();
      },
      [this](const open_done& m) {
        core_->opened(m.ticket, m.what, now(), effects_);
        perform();
      },
      [this](const stored& m) {
        core_->written(m.ticket, m.items, now(), effects_);
        perform();
        if (!letting_go_.empty()) answer_let_go();
      },
      [this](const use_keys& m) { core_->use_keys(m.keys); },
      [this](const serve_level& m) { level_ = m.level; },
      [this](const shared_tier_state& m) {
        shared_available_ = m.available;
        core_->shared_tier(m.available, m.newest, now(), effects_);
        perform();
      },
      [this](const invalidate_scopes& m) {
        core_->invalidate(m, effects_);
        perform();
        tick_soon();
      },
      [this](const memory_search& m) { return look_for(m); },
      [this](watch_events m) { events_.watch(m.kinds); },
      [this](const colleagues& m) { take_colleagues(m); },
      [this](drain_shard) { return drain(); },
      [this](const walk_request& m) { return walk(m); },
      [this](const import_entries& m) { return import(m); },
      [this](const retune_shard& m) { retune(m); },
      [this](const serve_ranges& m) { return serve(m); },
      [this](extend_ranges m) { owned_until_ = m.until; },
  };
}

template <class Body>
errc shard_state::refusal(const std::shared_ptr<Body>& body) const {
  if (!body) return errc::invalid_argument;
  return body->items.size() > setup_.limits.batch_keys ? errc::too_large : errc::none;
}

// A client that asks for leases is watched: when it dies, its leases pass on.
std::uint64_t shard_state::owner_of(const caf::strong_actor_ptr& sender) {
  if (!sender) return 0;
  auto [at, fresh] = owners_.emplace(caf::actor_cast<caf::actor_addr>(sender), next_owner_ + 1);
  if (fresh) {
    ++next_owner_;
    self_->monitor(caf::actor_cast<caf::actor>(sender));
  }
  return at->second;
}

void shard_state::client_gone(const caf::actor_addr& who) {
  if (taker_gone(who)) return;
  auto gone = owners_.find(who);
  if (gone == owners_.end()) return;
  const std::uint64_t owner = gone->second;
  owners_.erase(gone);
  std::erase_if(open_, [&](const auto& entry) { return entry.second.owner == owner; });
  core_->owner_gone(owner, now(), effects_);
  perform();
}

caf::result<get_reply> shard_state::get(const get_batch& m) {
  const auto begin = self_->clock().now();
  const caf::strong_actor_ptr sender = self_->current_sender();
  if (const errc why = refusal(m.body); why != errc::none) return get_reply{m.correlation, why, nullptr};
  get_body& body = *m.body;
  try {
    body.results.assign(body.items.size(), {});
    body.now = setup_.clock.at(begin);
    core_->resolve(body.names ? *body.names : name_lists{}, body.names);
    shard_core::batch b{++next_batch_, 0, {}, body.calls};
    const bool leases =
        gives_leases() && std::any_of(body.items.begin(), body.items.end(), [](const get_item& i) { return i.lease; });
    const instant at = setup_.clock.at(begin);
    b.wait_until = at + duration{std::clamp<std::int64_t>(m.wait_ms, 0, setup_.options.park.count())};
    if (leases) {
      b.owner = owner_of(sender);
    } else if (!gives_leases()) {
      for (get_item& i : body.items) i.lease = false;
    }
    core_->get(body.items, b, at, body.results, effects_);
    if (core_->samples_full()) caf::anon_send(setup_.with.monitor, report_message{nullptr, core_->take_samples()});
    const std::int64_t end = nanoseconds(self_->clock().now());
    const auto took = static_cast<std::uint64_t>(end - (m.sent_ns > 0 ? std::min(m.sent_ns, end) : nanoseconds(begin)));
    core_->served(took);
    if (took > slow_nanoseconds_) [[unlikely]]
      tell_slow(body, took, at);
    if (events_.is_watched()) [[unlikely]]
      note_gets(body);
    const auto open = static_cast<std::uint32_t>(std::count_if(
        body.results.begin(), body.results.end(), [](const get_result& r) { return r.status == get_status::pending; }));
    if (effects_.empty() && open == 0) return reply_to(m, sender);
    auto promise = self_->make_response_promise<get_reply>();
    if (open > 0) {
      open_batch& o = open_[b.id];
      o.owner = b.owner;
      o.correlation = m.correlation;
      o.open = open;
      if (events_.is_watched()) o.asked = m.body;
      if (m.partial) {
        o.sender = sender;
      } else {
        o.whole = promise;
        o.body = m.body;
      }
    }
    if (open == 0 || m.partial) promise.deliver(reply_to(m, sender));
    perform();
    return promise;
  } catch (const std::exception&) {
    open_.erase(next_batch_);
    return get_reply{m.correlation, errc::internal, nullptr};
  }
}

caf::result<put_reply> shard_state::put(const put_batch& m) {
  if (const errc why = refusal(m.body); why != errc::none) return put_reply{m.correlation, why, nullptr};
  if (draining_) return put_reply{m.correlation, errc::shutting_down, nullptr};
  if (level_ == service_level::shedding) return put_reply{m.correlation, errc::overloaded, nullptr};
  if (!m.large.empty()) [[unlikely]]
    return take_large(m);
  try {
    put_body& body = *m.body;
    body.results.assign(body.items.size(), {});
    core_->resolve(body.names ? *body.names : name_lists{}, body.names);
    const std::uint64_t batch = ++next_batch_;
    const std::uint32_t open = core_->put(body.items, batch, now(), body.results, effects_);
    if (events_.is_watched()) note_puts(body);
    if (open == 0) {
      perform();
      return put_reply{m.correlation, errc::none, m.body};
    }
    return when_told<put_reply>(batch, open, m.correlation, m.body, [to = m.body](std::uint32_t at, store_status how) {
      to->results[at].shared = how == store_status::done ? shared_copy::written : shared_copy::failed;
    });
  } catch (const std::exception&) {
    return put_reply{m.correlation, errc::internal, nullptr};
  }
}

caf::result<erase_reply> shard_state::erase(const erase_batch& m) {
  if (const errc why = refusal(m.body); why != errc::none) return erase_reply{m.correlation, why, nullptr};
  try {
    key_body& body = *m.body;
    body.results.assign(body.items.size(), {});
    core_->resolve(body.names ? *body.names : name_lists{}, body.names);
    const std::uint64_t batch = ++next_batch_;
    const std::uint32_t open = core_->erase(body.items, batch, now(), body.results, effects_);
    for (std::size_t i = 0; events_.is_watched() && i < body.items.size(); ++i)
      if (body.results[i].found) note_erased(body, i);
    if (open == 0) {
      perform();
      return erase_reply{m.correlation, errc::none, m.body};
    }
    return when_told<erase_reply>(batch, open, m.correlation, m.body,
                                  [this, to = m.body](std::uint32_t at, store_status how) {
                                    if (to->results[at].found || how != store_status::done) return;
                                    to->results[at].found = true;
                                    if (events_.is_watched()) note_erased(*to, at);
                                  });
  } catch (const std::exception&) {
    return erase_reply{m.correlation, errc::internal, nullptr};
  }
}

template <class Reply, class Batch, class Work>
caf::result<Reply> shard_state::by_key(const Batch& m, bool look_up, Work&& work) {
  if (const errc why = refusal(m.body); why != errc::none) return Reply{m.correlation, why, nullptr};
  try {
    key_body& body = *m.body;
    body.results.assign(body.items.size(), {});
    core_->resolve(body.names ? *body.names : name_lists{}, body.names);
    const std::uint64_t batch = ++next_batch_;
    const instant until = now() + duration{std::max<std::int64_t>(m.wait_ms, 0)};
    const std::uint32_t open = look_up ? core_->look_up(body.items, batch, until, now(), effects_) : 0;
    if (open == 0) {
      work(body);
      perform();
      return Reply{m.correlation, errc::none, m.body};
    }
    return when_told<Reply>(
        batch, open, m.correlation, m.body, [](std::uint32_t, store_status) {},
        [this, work, to = m.body]() mutable {
          core_->resume(to->names ? *to->names : name_lists{}, to->names);
          work(*to);
        });
  } catch (const std::exception&) {
    return Reply{m.correlation, errc::internal, nullptr};
  }
}

// A batch that is answered when its last result has been told.
template <class Reply, class Body>
caf::result<Reply> shard_state::when_told(std::uint64_t batch, std::uint32_t open, std::uint64_t correlation,
                                          const std::shared_ptr<Body>& body,
                                          std::function<void(std::uint32_t, store_status)> one,
                                          std::function<void()> last) {
  auto promise = self_->make_response_promise<Reply>();
  changes_[batch] = {open, std::move(one), [promise, correlation, body, last = std::move(last)](errc why) mutable {
                       if (why == errc::none && last) last();
                       promise.deliver(Reply{correlation, why, why == errc::none ? body : nullptr});
                     }};
  perform();
  return promise;
}

void shard_state::tell(const late_news& n) {
  const auto at = changes_.find(n.batch);
  if (at == changes_.end()) return;
  at->second.one(n.position, n.how);
  if (--at->second.open > 0) return;
  const auto all = std::move(at->second.all);
  changes_.erase(at);
  all(errc::none);
}

void shard_state::answer(late_answer& a) {
  const auto at = open_.find(a.batch);
  if (at == open_.end()) return;
  open_batch& o = at->second;
  if (o.asked) note_get(*o.asked, a.position, a.result);
  if (o.sender) {
    late_[a.batch].push_back({a.position, std::move(a.result)});
  } else {
    o.body->results[a.position] = std::move(a.result);
  }
  if (--o.open > 0) return;
  if (o.sender) return;
  o.body->now = now();
  o.whole.deliver(get_reply{o.correlation, errc::none, std::move(o.body)});
  open_.erase(at);
}

// Answers that came in one turn travel in one message per batch.
void shard_state::send_late() {
  for (auto& [batch, results] : late_) {
    const auto at = open_.find(batch);
    if (at == open_.end()) continue;  // its batch failed while its results were written
    caf::anon_send(caf::actor_cast<caf::actor>(at->second.sender),
                   addressed(late_reply{at->second.correlation, std::move(results), now()}, at->second.sender));
    if (at->second.open == 0) open_.erase(at);
  }
  late_.clear();
}

// The same worker for all of a shard's changes: they must not overtake each other.
codec_worker_actor shard_state::writer(const colleagues& with) const {
  return with.workers.empty() ? codec_worker_actor{} : with.workers[setup_.number % with.workers.size()];
}

void shard_state::take_colleagues(const colleagues& m) {
  const bool other_link = m.link != setup_.with.link;
  const bool other_writer = writer(m) != writer(setup_.with);
  setup_.with = m;
  if (other_link) {
    fetches_.clear();
    shared_available_ = false;
    core_->shared_tier_reset(now(), effects_);
  } else if (other_writer) {
    core_->changes_lost(now(), effects_);
  }
  perform();
}

void shard_state::perform() {
  const auto worker = [this]() -> const codec_worker_actor& {
    return setup_.with.workers[next_worker_++ % setup_.with.workers.size()];
  };
  // Without workers (a bare shard in a test) a job stays undone: its value stays as it is. Without a link there is no
  // shared tier, and nothing is asked of it.
  for (std::size_t i = 0; i < effects_.size(); ++i) {
    std::visit(overloaded{
                   [this](late_answer& a) { answer(a); },
                   [this](late_news& n) { tell(n); },
                   [this](fetch_request& f) {
                     if (!setup_.with.link) return;
                     fetches_[f.ticket] = nanoseconds(self_->clock().now());
                     self_->send(setup_.with.link, std::move(f));
                   },
                   [this](write_job& w) {
                     if (const auto to = writer(setup_.with)) self_->send(to, std::move(w));
                   },
                   [this](erased_keys& k) {
                     if (setup_.with.invalidation) self_->send(setup_.with.invalidation, std::move(k));
                   },
                   [this](invalidation_done& d) {
                     if (setup_.with.invalidation)
                       self_->send(setup_.with.invalidation, scopes_invalidated{d.ticket, d.entries});
                   },
                   [&](auto& job) {
                     if (!setup_.with.workers.empty()) self_->send(worker(), std::move(job));
                   },
               },
               effects_[i]);
  }
  effects_.clear();
  if (!late_.empty()) send_late();
}

void shard_state::time_fetch(const fetched& m) {
  const auto at = fetches_.find(m.ticket);
  if (at == fetches_.end()) return;
  const auto took = static_cast<std::uint64_t>(nanoseconds(self_->clock().now()) - at->second);
  fetches_.erase(at);
  const bool answered = std::any_of(m.values.begin(), m.values.end(),
                                    [](const fetched_value& v) { return v.how != fetch_status::unavailable; });
  if (answered) core_->shared_answered(took);
}

// Housekeeping that ran out of memory is tried again at the next tick.
void shard_state::tick(bool extra) {
  if (extra) extra_tick_ = false;
  bool more = false;
  try {
    more = core_->tick(now(), effects_);
    perform();
    if (self_->clock().now() >= next_report_) {
      shard_report all = core_->take_report();
      all.present.mailbox = self_->mailbox().size();
      report(std::move(all));
    }
  } catch (const std::exception&) {
    more = false;
  }
  if (more) tick_soon();
  if (extra) return;
  if (events_.has_news()) tell_noted();
  const shard_gauges g = core_->gauges();
  if (!letting_go_.empty()) answer_let_go();
  if (drained_ && (g.dirty == 0 || now() >= drain_until_)) {
    drained_->deliver(drained{abandoned_});
    drained_.reset();
  }
  if (setup_.with.front) {
    const auto lag = std::chrono::duration_cast<duration>(self_->clock().now() - tick_due_);
    const double room = static_cast<double>(setup_.options.tiers.budget) / 4;
    self_->send(setup_.with.front, shard_pressure{setup_.number, std::max<std::int64_t>(0, lag.count()),
                                                  static_cast<double>(g.bytes_waiting) / room});
  }
  const bool waiting = !letting_go_.empty() || g.leases_out > 0 || g.looked_up > 0 || g.dirty > 0;
  next_tick(waiting ? std::min(lease_tick, setup_.report_interval) : setup_.report_interval);
}

void shard_state::tick_soon() {
  if (std::exchange(extra_tick_, true)) return;
  self_->send(self_, shard_tick{true});
}

void shard_state::next_tick(duration wait) {
  tick_due_ = self_->clock().now() + wait;
  self_->delayed_send(self_, wait, shard_tick{});
}

// Without memory for what it finds a search has to begin again.
memory_found shard_state::look_for(const memory_search& m) {
  try {
    return core_->search(m, now());
  } catch (const std::exception&) {
    memory_found none;
    none.lost = true;
    return none;
  }
}

// Of a run of slow batches the first is told, until the next report.
void shard_state::tell_slow(const get_body& body, std::uint64_t nanoseconds, instant at) {
  if (std::exchange(slow_told_, true) || body.items.empty()) return;
  const std::uint16_t operation = body.items.front().operation;
  const bool named = body.names && operation < body.names->operations.size();
  caf::anon_send(
      setup_.with.monitor,
      slow_seen{{at, work_kind::get, named ? body.names->operations[operation] : std::string{}, nanoseconds, 0}});
}

void shard_state::report(shard_report now) {
  slow_told_ = false;
  next_report_ = self_->clock().now() + setup_.report_interval;
  now.shard = setup_.number;
  if (setup_.with.monitor)
    caf::anon_send(setup_.with.monitor,
                   report_message{std::make_shared<const shard_report>(std::move(now)), core_->take_samples()});
}

// Whoever waits is sent away at once; the reply comes when Redis has what is to be written, or time is up.
caf::result<drained> shard_state::drain() {
  draining_ = true;
  const std::vector<waiter> sent_away = core_->abandon();
  for (const waiter& w : sent_away) {
    get_result r;
    r.status = get_status::error;
    r.error = errc::shutting_down;
    effects_.emplace_back(late_answer{w.batch, w.position, r});
  }
  perform();
  for (auto& [batch, c] : std::exchange(changes_, {})) c.all(errc::shutting_down);
  report(core_->take_report());
  if (core_->gauges().dirty == 0) return drained{sent_away.size()};
  abandoned_ += sent_away.size();
  if (drained_) drained_->deliver(to_error(errc::unavailable));  // who asked before waits no longer
  drain_until_ = now() + setup_.drain_timeout;
  drained_ = self_->make_response_promise<drained>();
  return *drained_;
}

shard_state::~shard_state() {
  if (!core_) return;
  // Clients that take partial replies watch this shard and ask its successor; whoever made a request is told here,
  // because CAF 0.17 drops the promises of a dead actor without a word.
  for (auto& [id, o] : open_)
    if (!o.sender) o.whole.deliver(to_error(errc::unavailable));
  for (auto& [batch, c] : changes_) c.all(errc::unavailable);
  if (drained_) drained_->deliver(to_error(errc::unavailable));
  for (auto& who : letting_go_) who.deliver(to_error(errc::unavailable));
  core_->abandon();
  shard_report last = core_->take_report();
  // What it held is gone with it.
  last.present = {};
  for (tenant_report& t : last.tenants) t.present = {};
  report(std::move(last));
}

}  // namespace aicache
