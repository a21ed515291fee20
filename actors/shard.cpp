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
  next_report_ = self_->clock().now() + setup_.report_interval;
  self_->set_down_handler([this](const caf::down_msg& m) { client_gone(m.source); });
  self_->delayed_send(self_, setup_.report_interval, shard_tick{});
  return {
      [this](const get_batch& m) { return get(m); },
      [this](const put_batch& m) { return put(m); },
      [this](const erase_batch& m) {
        return by_key<erase_reply>(m, [this](key_body& b) { core_->erase(b.items, now(), b.results); });
      },
      [this](const exists_batch& m) {
        return by_key<exists_reply>(m, [this](key_body& b) { core_->exists(b.items, now(), b.results); });
      },
      [this](const time_left_batch& m) {
        return by_key<time_left_reply>(m, [this](key_body& b) { core_->time_left(b.items, now(), b.results); });
      },
      [this](const touch_batch& m) {
        return by_key<touch_reply>(m, [this](key_body& b) { core_->touch(b.items, now(), b.results); });
      },
      [this](const release_batch& m) {
        return by_key<release_reply>(m, [this](key_body& b) { core_->release(b.items, now(), b.results, effects_); });
      },
      [this](shard_tick) { tick(); },
      [this](const steer& m) { core_->steer(m.mode, m.sample_threshold, m.sample_batch); },
      [this](const pack_done& m) {
        core_->packed(m.key, m.raw, m.packed, effects_);
        perform();
      },
      [this](const unpack_done& m) {
        core_->unpacked(m.key, m.packed, m.raw, now(), effects_);
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
      [this](const colleagues& m) { setup_.with = m; },
      [this](drain_shard) { return drain(); },
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
    core_->resolve(body.names ? *body.names : name_lists{});
    shard_core::batch b{++next_batch_, 0, {}};
    const bool leases =
        !draining_ && std::any_of(body.items.begin(), body.items.end(), [](const get_item& i) { return i.lease; });
    const instant at = setup_.clock.at(begin);
    b.wait_until = at + duration{std::clamp<std::int64_t>(m.wait_ms, 0, setup_.options.park.count())};
    if (leases) {
      b.owner = owner_of(sender);
    } else if (draining_) {
      for (get_item& i : body.items) i.lease = false;
    }
    core_->get(body.items, b, at, body.results, effects_);
    if (core_->samples_full()) caf::anon_send(setup_.with.monitor, report_message{nullptr, core_->take_samples()});
    const std::int64_t end = nanoseconds(self_->clock().now());
    core_->served(static_cast<std::uint64_t>(end - (m.sent_ns > 0 ? std::min(m.sent_ns, end) : nanoseconds(begin))));
    const auto open = static_cast<std::uint32_t>(std::count_if(
        body.results.begin(), body.results.end(), [](const get_result& r) { return r.status == get_status::pending; }));
    if (effects_.empty() && open == 0) return get_reply{m.correlation, errc::none, m.body};
    auto promise = self_->make_response_promise<get_reply>();
    if (open > 0) {
      open_batch& o = open_[b.id];
      o.owner = b.owner;
      o.correlation = m.correlation;
      o.open = open;
      if (m.partial) {
        o.sender = sender;
      } else {
        o.whole = promise;
        o.body = m.body;
      }
    }
    if (open == 0 || m.partial) promise.deliver(get_reply{m.correlation, errc::none, m.body});
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
  try {
    m.body->results.assign(m.body->items.size(), {});
    core_->resolve(m.body->names ? *m.body->names : name_lists{});
    core_->put(m.body->items, now(), m.body->results, effects_);
    perform();
    return put_reply{m.correlation, errc::none, m.body};
  } catch (const std::exception&) {
    return put_reply{m.correlation, errc::internal, nullptr};
  }
}

template <class Reply, class Batch, class Work>
caf::result<Reply> shard_state::by_key(const Batch& m, Work&& work) {
  if (const errc why = refusal(m.body); why != errc::none) return Reply{m.correlation, why, nullptr};
  try {
    m.body->results.assign(m.body->items.size(), {});
    work(*m.body);
    perform();
    return Reply{m.correlation, errc::none, m.body};
  } catch (const std::exception&) {
    return Reply{m.correlation, errc::internal, nullptr};
  }
}

void shard_state::perform() {
  for (std::size_t i = 0; i < effects_.size(); ++i) {
    std::visit(overloaded{
                   [this](late_answer& a) {
                     auto at = open_.find(a.batch);
                     if (at == open_.end()) return;
                     open_batch& o = at->second;
                     if (o.sender) {
                       caf::anon_send(caf::actor_cast<caf::actor>(o.sender),
                                      late_reply{o.correlation, a.position, std::move(a.result)});
                     } else {
                       o.body->results[a.position] = std::move(a.result);
                     }
                     if (--o.open > 0) return;
                     if (!o.sender) o.whole.deliver(get_reply{o.correlation, errc::none, std::move(o.body)});
                     open_.erase(at);
                   },
                   [this](auto& job) {
                     // Without workers (a bare shard in a test) a job stays undone: its value stays as it is.
                     if (setup_.with.workers.empty()) return;
                     self_->send(setup_.with.workers[next_worker_++ % setup_.with.workers.size()], std::move(job));
                   },
               },
               effects_[i]);
  }
  effects_.clear();
}

// Housekeeping that ran out of memory is tried again at the next tick.
void shard_state::tick() {
  bool more = false;
  try {
    more = core_->tick(now(), effects_);
    perform();
    if (self_->clock().now() >= next_report_) report(core_->take_report());
  } catch (const std::exception&) {
    more = false;
  }
  if (more) {
    self_->send(self_, shard_tick{});
  } else {
    const bool waiting = core_->gauges().leases_out > 0;
    self_->delayed_send(self_, waiting ? std::min(lease_tick, setup_.report_interval) : setup_.report_interval,
                        shard_tick{});
  }
}

void shard_state::report(shard_report now) {
  next_report_ = self_->clock().now() + setup_.report_interval;
  now.shard = setup_.number;
  if (setup_.with.monitor)
    caf::anon_send(setup_.with.monitor,
                   report_message{std::make_shared<const shard_report>(std::move(now)), core_->take_samples()});
}

drained shard_state::drain() {
  draining_ = true;
  const std::vector<waiter> sent_away = core_->abandon();
  for (const waiter& w : sent_away) {
    get_result r;
    r.status = get_status::error;
    r.error = errc::shutting_down;
    effects_.emplace_back(late_answer{w.batch, w.position, r});
  }
  perform();
  report(core_->take_report());
  return {sent_away.size()};
}

shard_state::~shard_state() {
  if (!core_) return;
  // Clients that take partial replies watch this shard and ask its successor; whoever made a request is told here,
  // because CAF 0.17 drops the promises of a dead actor without a word.
  for (auto& [id, o] : open_)
    if (!o.sender) o.whole.deliver(to_error(errc::unavailable));
  core_->abandon();
  shard_report last = core_->take_report();
  // What it held is gone with it.
  last.present = {};
  report(std::move(last));
}

}  // namespace aicache
