#include "actors/client_actor.hpp"

#include <algorithm>
#include <tuple>
#include <type_traits>
#include <utility>

#include "actors/errors.hpp"
#include "actors/visit.hpp"

namespace aicache {

namespace {
constexpr duration deadline_tick{10};
constexpr duration keys_told_every{1'000};
// A message to oneself comes behind all calls that lie in the mailbox already.
constexpr std::uint64_t send_parcels_tick = 0;
}  // namespace

client_actor::behavior_type client_state::start(client_setup setup) {
  take_no_offence(self_);
  // The client's own time line: only differences matter to it.
  clock_ = node_clock({}, self_->clock().now());
  nodes_.emplace(node_table::options{.seed = self_->id()});
  present_ = std::move(setup.present);
  self_->set_down_handler([this](const caf::down_msg& m) { down(m); });
  tells_keys_ = setup.front || !setup.nodes.empty();
  if (setup.front || setup.nodes.empty()) {
    links_.resize(nodes_->attach() + 1);
    if (setup.front) connected(0, setup.front);
  }
  for (node_address& a : setup.nodes) nodes_->add(std::move(a), now());
  links_.resize(nodes_->size());
  dial_nodes();
  plan_tick();
  return {
      [this](const shard_map& m) { take_map(m); },
#define AICACHE_OPERATION(name, batch, reply, idempotent, doc) [this](const reply& r) { replied(r); },
#include "messages/ops.def"
#undef AICACHE_OPERATION
      [this](const cluster_map& m) { take_cluster(told_by(), m); },
      [this](const late_reply& r) {
        collect(r.correlation, r.now, r.large, [&r](std::uint32_t at) -> const get_result* {
          const auto l =
              std::find_if(r.results.begin(), r.results.end(), [at](const late_result& x) { return x.position == at; });
          return l == r.results.end() ? nullptr : &l->result;
        });
        for (const late_result& l : r.results)
          if (l.result.status != get_status::pending) late(r.correlation, l, r.now);
        perform();
      },
      [this](client_tick t) { t.number == send_parcels_tick ? send_parcels() : tick(t.number); },
      [this](const submit_call& m) {
        start_call(m.what, {m.listener, {}});
      },
      [this](reach_request) -> caf::result<reached> {
        auto promise = self_->make_response_promise<reached>();
        waiting_.push_back(promise);
        answer_reached();
        return promise;
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
  const instant at = now();
  asked_.emplace(token, std::move(who));
  if (tells_keys_) keys_.record(what->made.nanoseconds, what->made.code_points, what->made.by_text);
  if (at >= tell_keys_at_) tell_keys();
  core_.start(token, what, at, effects_);
  if (nodes_->is_hopeless(at)) [[unlikely]]
    core_.fail_all(errc::unavailable, effects_);
  perform();
}

void client_state::tell_keys() {
  const std::uint32_t any = nodes_->any_up();
  if (keys_.is_empty() || any == node_table::nobody || !links_[any].front) return;
  keys_made m;
  keys_.take(m.what);
  caf::anon_send(links_[any].front, std::move(m));
  tell_keys_at_ = now() + keys_told_every;
}

template <class Reply>
void client_state::replied(const Reply& r) {
  const instant at = now();
  if constexpr (std::is_same_v<Reply, get_reply>)
    if (!r.large.empty() && r.body) [[unlikely]]
      collect(r.correlation, r.body->now, r.large,
              [&r](std::uint32_t i) { return i < r.body->results.size() ? &r.body->results[i] : nullptr; });
  if (parcel_table::is_parcel(r.correlation)) {
    part_replies_.clear();
    parcels_.replied(r.correlation, r.why, r.body, part_replies_);
    for (const auto& p : part_replies_) core_.replied(p.correlation, r.why, p.what, at, effects_);
  } else {
    core_.replied(r.correlation, r.why, r.body, at, effects_);
  }
  perform();
}

void client_state::late(std::uint64_t correlation, const late_result& l, instant node_now) {
  std::uint32_t position = l.position;
  if (parcel_table::is_parcel(correlation)) {
    const auto place = parcels_.place_of(correlation, position);
    if (!place) return;
    std::tie(correlation, position) = *place;
  }
  core_.hear_time(correlation, node_now);
  core_.late(correlation, position, l.result, now(), effects_);
}

// Values that follow their reply by themselves: each becomes one more late result.
template <class ResultAt>
void client_state::collect(std::uint64_t correlation, instant node_now, const large_values& large,
                           ResultAt&& result_at) {
  if (large.empty()) return;
  const auto from = std::find_if(links_.begin(), links_.end(), [&](const link& l) {
    return l.front && l.front.node() == large.front().courier.node();
  });
  if (from == links_.end()) return;
  collect_results m{correlation, node_now, {}, {}};
  for (const large_value& v : large)
    if (const get_result* r = result_at(v.position);
        r != nullptr && r->status == get_status::pending && limits_ && v.claim.size <= limits_->value_bytes) {
      m.values.push_back(v);
      m.results.push_back(*r);
    }
  if (!from->collector) from->collector = spawn_collector(self_->system(), client_actor{self_});
  self_->send(from->collector, std::move(m));
}

void client_state::send_parcels() {
  sends_parcels_ = false;
  leaving_.clear();
  parcels_.take(now(), leaving_);
  for (const client_core::send_part& p : leaving_) send(p);
}

template <class Batch, class Body>
void client_state::send_batch(const client_core::send_part& p) {
  const link& l = links_[p.node];
  const shard_actor& to = l.shards[p.shard];
  Batch m{p.correlation, p.wait.count(), true, nanoseconds(self_->clock().now()),
          *std::get_if<std::shared_ptr<Body>>(&p.what)};
  if constexpr (std::is_same_v<Body, put_body>)
    for (std::uint32_t i = 0; l.is_remote && i < m.body->items.size(); ++i)
      if (blob_ref& value = m.body->items[i].value; is_large(value))
        m.large.push_back(
            send_by_courier(self_->system(), std::exchange(value, {}), i, caf::actor_cast<caf::strong_actor_ptr>(to)));
  self_->send(to, std::move(m));
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
                   [this](client_core::send_part& p) {
                     const link& to = links_[p.node];
                     if (!to.is_remote) return send(p);
                     parcels_.add(std::move(p), to.batch_keys, now());
                   },
                   [this](client_core::finish& f) {
                     auto at = asked_.find(f.token);
                     if (at->second.listener) {
                       at->second.listener->finished(f.done);
                     } else {
                       at->second.promise.deliver(call_finished{std::move(f.done)});
                     }
                     asked_.erase(at);
                   },
                   [this](const client_core::ask_owners& a) { ask_owners(a.node); },
               },
               effects_[i]);
  }
  effects_.clear();
  if (!sends_parcels_ && parcels_.is_ready()) {
    sends_parcels_ = true;
    self_->send(self_, client_tick{send_parcels_tick});
  }
  plan_tick();
}

// -- ticks -------------------------------------------------------------------

void client_state::tick(std::uint64_t number) {
  if (number != tick_) return;
  tick_due_ = never;
  tick_is_near_ = false;
  const instant at = now();
  if (at >= tell_keys_at_) tell_keys();
  core_.tick(at, effects_);
  parcels_.tick(at);
  dial_nodes();
  if (core_.open_calls() > 0 && nodes_->is_hopeless(at)) core_.fail_all(errc::unavailable, effects_);
  perform();
}

// A tick for deadlines while calls are open; without, one for what else has a time. A sooner one takes the place of a
// later one, which is not listened to any more.
void client_state::plan_tick() {
  if (tick_is_near_) return;
  instant due = nodes_->next_due();
  const bool busy = core_.open_calls() > 0;
  if (!busy && due == never && keys_.is_empty()) return;
  const instant at = now();
  if (busy) {
    due = at + deadline_tick;
  } else if (!keys_.is_empty() && nodes_->any_up() != node_table::nobody) {
    due = std::min(due, tell_keys_at_);
  }
  if (due == never) return;
  due = std::max(due, at + (busy ? deadline_tick : duration{1}));
  if (due >= tick_due_) return;
  tick_due_ = due;
  tick_is_near_ = busy;
  self_->delayed_send(self_, due - at, client_tick{++tick_});
}

client_state::~client_state() {
  if (!nodes_) return;
  tell_keys();
  core_.fail_all(errc::shutting_down, effects_);
  for (const link& l : links_)
    if (l.collector) caf::anon_send_exit(l.collector, caf::exit_reason::user_shutdown);
  for (client_core::effect& e : effects_)
    if (auto* f = std::get_if<client_core::finish>(&e)) {
      auto& who = asked_.at(f->token);
      if (who.listener) {
        who.listener->finished(f->done);
      } else {
        who.promise.deliver(call_finished{std::move(f->done)});
      }
    }
}

}  // namespace aicache
