#include "actors/redis/invalidation.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "actors/errors.hpp"
#include "actors/redis/io_thread.hpp"
#include "actors/redis/subscription.hpp"
#include "actors/visit.hpp"

namespace aicache {

std::function<std::shared_ptr<void>(heard_channel)> listen_on(std::shared_ptr<io_thread> io, redis_options how) {
  return [io = std::move(io), how = std::move(how)](heard_channel channel) -> std::shared_ptr<void> {
    const auto heard = redis_subscription::make(io->context(), how, std::move(channel.name),
                                                std::move(channel.on_message), std::move(channel.on_state));
    heard->start();
    return {heard.get(), [heard, io](void*) { heard->stop(); }};
  };
}

invalidation_state::~invalidation_state() {
  for (auto& [ticket, who] : callers_) who.deliver(invalidated{errc::unavailable});
}

invalidation_actor::behavior_type invalidation_state::start(invalidation_setup setup) {
  take_no_offence(self_);
  setup_ = std::move(setup);
  setup_.options.alone = !setup_.link;
  core_ = std::make_unique<invalidation_core>(
      setup_.options, setup_.journal ? std::span<const scope>(setup_.journal->held()) : std::span<const scope>{});
  if (setup_.link) {
    self_->send(setup_.link, watch_link{caf::actor_cast<link_watcher>(self_)});
    if (setup_.subscribe) {
      // The listeners run elsewhere and may outlive the actor: they hold its address, which keeps nothing alive.
      const auto to = caf::actor_cast<caf::actor_addr>(self_);
      auto pass = [to](auto message) {
        if (const auto there = caf::actor_cast<caf::actor>(to)) caf::anon_send(there, std::move(message));
      };
      subscription_ =
          setup_.subscribe({core_->channel(), [pass](std::string text) { pass(announcement{std::move(text)}); },
                            [pass](bool subscribed) { pass(subscription_state{subscribed}); }});
    }
  }
  schedule_tick();
  return {
      [this](const link_state& m) {
        decide([&](auto& out) { core_->link_changed(m.reachable, m.masters, m.outages, now(), out); });
      },
      [this](const invalidate_request& m) {
        auto who = self_->make_response_promise<invalidated>();
        const std::uint64_t caller = ++last_caller_;
        callers_.emplace(caller, who);
        decide([&](auto& out) { core_->requested(caller, {m.kind, m.tenant, m.name, m.wait}, now(), out); });
        return who;
      },
      [this](const peer_invalidation& m) {
        auto who = self_->make_response_promise<invalidated>();
        const std::uint64_t caller = ++last_caller_;
        callers_.emplace(caller, who);
        decide([&](auto& out) { core_->requested(caller, {m.kind, m.tenant, m.name, false, false}, now(), out); });
        return who;
      },
      [this](const erased_keys& m) { decide([&](auto& out) { core_->keys_erased(m.keys, now(), out); }); },
      [this](const serve_shards& m) {
        front_ = m.front;
        serve(m.shards);
      },
      [this](const scopes_invalidated& m) {
        const std::int32_t shard = sender_shard();
        if (shard < 0) return;
        decide([&](auto& out) { core_->counted(static_cast<std::uint32_t>(shard), m.ticket, m.entries, now(), out); });
      },
      [this](const link_replies& m) { decide([&](auto& out) { core_->replied(m.ticket, m.replies, now(), out); }); },
      [this](const announcement& m) { decide([&](auto& out) { core_->announced(m.text, now(), out); }); },
      [this](const subscription_state& m) {
        if (m.subscribed) decide([&](auto& out) { core_->subscribed(now(), out); });
      },
      [this](invalidation_tick) {
        tick_due_ = never;
        decide([&](auto& out) { core_->tick(now(), out); });
      },
      [this](const pause_sweeps& m) { decide([&](auto& out) { core_->pause_sweeps(m.paused, now(), out); }); },
      [this](const judge_entries& m) {
        auto judged = core_->judge(m.entries);
        return entries_judged{judged.available, judged.masters, std::move(judged.alive)};
      },
      [this](invalidation_statistics_request) { return core_->counters(); },
  };
}

// An exception would kill the actor; what it can be is want of memory, and then what waits stays in the journal.
template <class Event>
void invalidation_state::decide(Event&& event) {
  try {
    event(effects_);
  } catch (const std::exception& why) {
    spdlog::error("an event of the invalidation could not be carried out: {}", why.what());
  }
  perform();
  schedule_tick();
}

void invalidation_state::schedule_tick() {
  const instant at = now();
  const instant due = core_->next_tick(at);
  if (due >= tick_due_) return;
  tick_due_ = due;
  self_->delayed_send(self_, due - at, invalidation_tick{});
}

void invalidation_state::serve(const std::vector<shard_actor>& shards) {
  std::vector<std::uint64_t> incarnations(shards.size());
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (!shards[i]) continue;
    const bool known = i < shards_.size() && shards_[i] == shards[i];
    incarnations[i] = known ? incarnations_[i] : ++last_incarnation_;
  }
  shards_ = shards;
  incarnations_ = incarnations;
  decide([&](auto& out) { core_->shards_changed(incarnations_, now(), out); });
}

std::int32_t invalidation_state::sender_shard() const {
  const auto& sender = self_->current_sender();
  const auto at = std::find_if(shards_.begin(), shards_.end(), [&](const shard_actor& s) { return s && s == sender; });
  return at == shards_.end() ? -1 : static_cast<std::int32_t>(at - shards_.begin());
}

// -- effects -----------------------------------------------------------------

void invalidation_state::perform() {
  // Performing makes no new effects: they all go out by message.
  invalidation_core::effects now = std::exchange(effects_, {});
  for (auto& e : now) std::visit([this](auto& one) { perform(one); }, e);
}

template <class Message>
void invalidation_state::to_shards(std::int32_t only, const Message& m) {
  for (std::size_t i = 0; i < shards_.size(); ++i)
    if (shards_[i] && (only < 0 || static_cast<std::size_t>(only) == i)) self_->send(shards_[i], m);
}

void invalidation_state::perform(const invalidation_core::tell_shards& e) {
  to_shards(e.shard, invalidate_scopes{e.ticket, e.since, e.settles, e.lost_track, e.floor, e.scopes});
}

void invalidation_state::perform(const invalidation_core::tell_state& e) {
  const shared_tier_state state{e.available, e.newest};
  to_shards(e.shard, state);
  if (front_ && e.shard < 0) self_->send(front_, state);
}

void invalidation_state::perform(invalidation_core::run_commands& e) {
  self_->send(setup_.link, link_commands{e.ticket, std::move(e.commands)});
}

void invalidation_state::perform(const invalidation_core::open_gate& e) {
  spdlog::info("the shared tier is in use: everything that was invalidated is known");
  self_->send(setup_.link, open_gate{e.outages});
}

void invalidation_state::perform(const invalidation_core::close_gate&) { self_->send(setup_.link, close_gate{}); }

void invalidation_state::perform(const invalidation_core::reply& e) {
  const auto at = callers_.find(e.caller);
  if (at == callers_.end()) return;
  at->second.deliver(invalidated{e.why, e.numbered, e.in_memory, e.in_redis, e.swept});
  callers_.erase(at);
}

void invalidation_state::perform(const invalidation_core::journal_append& e) {
  if (setup_.journal && !setup_.journal->append(e.scopes)) journal_failed();
}

void invalidation_state::perform(const invalidation_core::journal_clear&) {
  if (setup_.journal && !setup_.journal->clear()) journal_failed();
}

void invalidation_state::journal_failed() {
  if (!std::exchange(journal_broken_, true))
    spdlog::error("the journal of invalidations cannot be written: what waits for Redis is kept in memory only");
}

void invalidation_state::perform(invalidation_core::remark e) {
  switch (e) {
    case invalidation_core::remark::collapsed:
      spdlog::warn("more invalidations wait for Redis than are kept: everything is invalidated in their place");
      break;
    case invalidation_core::remark::generations_lost:
      spdlog::warn("Redis has lost generations and is told them again");
      break;
    case invalidation_core::remark::lease_lost:
      spdlog::warn("the generations could not be read for too long: the shared tier is not in use");
      break;
    case invalidation_core::remark::refused:
      spdlog::error("Redis refuses to number invalidations: they wait, and other nodes do not learn of them");
      break;
  }
}

}  // namespace aicache
