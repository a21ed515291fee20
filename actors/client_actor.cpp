#include "actors/client_actor.hpp"

#include <algorithm>
#include <utility>

#include "actors/errors.hpp"
#include "actors/visit.hpp"

namespace aicache {

namespace {
constexpr duration deadline_tick{10};
constexpr unsigned attempts = 2;
constexpr duration keys_told_every{1'000};
}  // namespace

client_actor::behavior_type client_state::start(front_actor front) {
  take_no_offence(self_);
  front_ = std::move(front);
  // The client's own time line: only differences matter to it.
  clock_ = node_clock({}, self_->clock().now());
  self_->set_down_handler([this](const caf::down_msg& m) { down(m); });
  if (front_) {
    self_->monitor(front_);
    self_->send(front_, watch_map{map_watcher{client_actor{self_}}});
  }
  return {
      [this](const shard_map& m) { take_map(m); },
#define AICACHE_OPERATION(name, batch, reply, idempotent, doc) [this](const reply& r) { replied(r); },
#include "messages/ops.def"
#undef AICACHE_OPERATION
      [this](const late_reply& r) {
        core_.hear_time(r.correlation, r.now);
        for (const late_result& l : r.results) core_.late(r.correlation, l.position, l.result, effects_);
        perform();
      },
      [this](client_tick) {
        ticking_ = false;
        if (now() >= tell_keys_at_) tell_keys();
        core_.tick(now(), effects_);
        perform();
      },
      [this](const submit_call& m) {
        start_call(m.what, {m.listener, {}});
      },
      [this](const make_call& m) -> caf::result<call_finished> {
        auto promise = self_->make_response_promise<call_finished>();
        start_call(m.what, {nullptr, promise});
        return promise;
      },
  };
}

void client_state::start_call(const std::shared_ptr<call>& what, asked who) {
  const std::uint64_t token = ++next_token_;
  asked_.emplace(token, std::move(who));
  if (front_) keys_.record(what->made.nanoseconds, what->made.code_points, what->made.by_text);
  if (now() >= tell_keys_at_) tell_keys();
  core_.start(token, what, now(), effects_);
  if (lost_) core_.fail_all(errc::unavailable, effects_);
  perform();
}

void client_state::tell_keys() {
  if (keys_.is_empty() || lost_) return;
  keys_made m;
  keys_.take(m.what);
  caf::anon_send(front_, std::move(m));
  tell_keys_at_ = now() + keys_told_every;
}

void client_state::take_map(const shard_map& m) {
  if (m.epoch <= core_.epoch()) return;
  std::vector<client_core::owner> owners;
  for (std::size_t i = 0; i < m.shards.size(); ++i) {
    const shard_actor before = i < shards_.size() ? shards_[i] : shard_actor{};
    const bool same = m.shards[i] && m.shards[i] == before;
    owners.push_back(same          ? client_core::owner::same
                     : m.shards[i] ? client_core::owner::replaced
                                   : client_core::owner::absent);
    if (m.shards[i] && !same) self_->monitor(m.shards[i]);
  }
  for (const shard_actor& s : shards_)
    if (s && std::find(m.shards.begin(), m.shards.end(), s) == m.shards.end()) self_->demonitor(s.address());
  shards_ = m.shards;
  core_.map(m.epoch, owners, {m.limits.batch_keys, m.limits.in_flight_keys, attempts}, now(), effects_);
  perform();
}

void client_state::down(const caf::down_msg& m) {
  if (front_ && m.source == front_.address()) {
    lost_ = true;
    core_.fail_all(errc::unavailable, effects_);
  }
  for (std::uint32_t i = 0; i < shards_.size(); ++i)
    if (shards_[i] && shards_[i].address() == m.source) core_.shard_down(i, effects_);
  perform();
}

template <class Reply>
void client_state::replied(const Reply& r) {
  core_.replied(r.correlation, r.why, r.body, effects_);
  perform();
}

template <class Batch, class Body>
void client_state::send_batch(const client_core::send_part& p) {
  self_->send(shards_[p.shard], Batch{p.correlation, p.wait.count(), true, nanoseconds(self_->clock().now()),
                                      *std::get_if<std::shared_ptr<Body>>(&p.what)});
}

void client_state::send(const client_core::send_part& p) {
  switch (p.kind) {
    case call_kind::get: return send_batch<get_batch, get_body>(p);
    case call_kind::put: return send_batch<put_batch, put_body>(p);
    case call_kind::erase: return send_batch<erase_batch, key_body>(p);
    case call_kind::exists: return send_batch<exists_batch, key_body>(p);
    case call_kind::time_left: return send_batch<time_left_batch, key_body>(p);
    case call_kind::touch: return send_batch<touch_batch, key_body>(p);
    case call_kind::release: return send_batch<release_batch, key_body>(p);
  }
}

void client_state::perform() {
  for (std::size_t i = 0; i < effects_.size(); ++i) {
    std::visit(overloaded{
                   [this](const client_core::send_part& p) { send(p); },
                   [this](client_core::finish& f) {
                     auto at = asked_.find(f.token);
                     if (at->second.listener) {
                       at->second.listener->finished(f.done);
                     } else {
                       at->second.promise.deliver(call_finished{std::move(f.done)});
                     }
                     asked_.erase(at);
                   },
               },
               effects_[i]);
  }
  effects_.clear();
  if (!ticking_ && (core_.open_calls() > 0 || !keys_.is_empty())) {
    ticking_ = true;
    const bool idle = core_.open_calls() == 0;
    self_->delayed_send(self_, idle ? std::max(deadline_tick, tell_keys_at_ - now()) : deadline_tick, client_tick{});
  }
}

client_state::~client_state() {
  tell_keys();
  core_.fail_all(errc::shutting_down, effects_);
  perform();
}

}  // namespace aicache
