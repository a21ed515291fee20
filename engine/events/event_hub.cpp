#include "engine/events/event_hub.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace aicache {

outcome<std::uint64_t> event_hub::subscribe(event_filter what) {
  what.kinds &= all_event_kinds;
  if (what.kinds == 0) return fault{errc::invalid_argument, "no kind of events"};
  if (subscribers_.size() >= options_.subscribers) return fault{errc::overloaded, "too many subscribers"};
  subscribers_[++last_].what = std::move(what);
  return last_;
}

bool event_hub::unsubscribe(std::uint64_t subscription) { return subscribers_.erase(subscription) > 0; }

void event_hub::happened(std::span<const cache_event> events, std::uint64_t dropped, deliveries& out) {
  for (auto& [subscription, s] : subscribers_) {
    s.dropped += dropped;
    for (const cache_event& e : events) {
      if (!s.what.wants(e)) continue;
      const std::size_t bytes = bytes_of(e);
      if (s.bytes + bytes > options_.waiting_bytes) {
        ++s.dropped;
        continue;
      }
      s.bytes += bytes;
      s.waiting.push_back(e);
    }
    deliver(subscription, s, out);
  }
}

void event_hub::taken(std::uint64_t subscription, deliveries& out) {
  const auto at = subscribers_.find(subscription);
  if (at == subscribers_.end() || at->second.under_way == 0) return;
  --at->second.under_way;
  deliver(subscription, at->second, out);
}

void event_hub::deliver(std::uint64_t subscription, subscriber& s, deliveries& out) const {
  while (s.under_way < options_.credit && (!s.waiting.empty() || s.dropped > 0)) {
    delivery d{subscription, ++s.number, std::exchange(s.dropped, 0), {}};
    const std::size_t n = std::min(s.waiting.size(), options_.batch);
    d.events.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
      s.bytes -= bytes_of(s.waiting.front());
      d.events.push_back(std::move(s.waiting.front()));
      s.waiting.pop_front();
    }
    ++s.under_way;
    out.push_back(std::move(d));
  }
}

event_kinds event_hub::wanted() const noexcept {
  event_kinds all = 0;
  for (const auto& [subscription, s] : subscribers_) all |= s.what.kinds;
  return all;
}

}  // namespace aicache
