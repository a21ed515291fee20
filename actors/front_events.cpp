#include <utility>

#include "actors/front.hpp"

// What a front does for those who want to be told of events.
namespace aicache {

subscribed front_state::subscribe(const subscribe_request& m) {
  if (!m.watcher) return {errc::invalid_argument};
  const auto made = events_.subscribe(m.what);
  if (!made) return {made.why().code};
  self_->monitor(m.watcher);
  subscribers_.emplace(*made, m.watcher);
  have_events_noted();
  return {errc::none, *made};
}

unsubscribed front_state::unsubscribe(std::uint64_t subscription) {
  const bool found = events_.unsubscribe(subscription);
  if (const auto at = subscribers_.find(subscription); at != subscribers_.end()) {
    self_->demonitor(at->second.address());
    subscribers_.erase(at);
  }
  have_events_noted();
  return {found};
}

void front_state::subscriber_gone(const caf::actor_addr& who) {
  std::erase_if(subscribers_, [&](const auto& s) {
    if (s.second.address() != who) return false;
    events_.unsubscribe(s.first);
    return true;
  });
  have_events_noted();
}

void front_state::taken(std::uint64_t subscription) {
  event_hub::deliveries out;
  events_.taken(subscription, out);
  deliver(out);
}

void front_state::tell_events(std::span<const cache_event> events, std::uint64_t dropped) {
  event_hub::deliveries out;
  events_.happened(events, dropped, out);
  deliver(out);
}

// Of a tag or a pattern only the tenant is told: what they say is text of a user.
void front_state::tell_invalidated(const invalidate_request& m, std::uint64_t entries) {
  if ((noted_ & bit_of(event_kind::invalidate)) == 0) return;
  cache_event e;
  e.kind = event_kind::invalidate;
  e.at = now();
  if (m.kind == scope_kind::operation) {
    e.operation = m.name;
  } else {
    e.tenant = m.tenant;
  }
  e.entries = entries;
  tell_events({&e, 1}, 0);
}

void front_state::deliver(event_hub::deliveries& all) {
  for (event_hub::delivery& d : all)
    if (const auto to = subscribers_.find(d.subscription); to != subscribers_.end())
      self_->send(to->second, event_batch{d.subscription, d.number, d.dropped, std::move(d.events)});
}

// Shards note what anybody wants, and nothing while nobody wants anything.
void front_state::have_events_noted() {
  const event_kinds wanted = events_.wanted();
  if (std::exchange(noted_, wanted) == wanted) return;
  for (const slot& s : shards_)
    if (s.handle) self_->send(s.handle, watch_events{wanted});
}

}  // namespace aicache
