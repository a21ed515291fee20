#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "engine/events/event_hub.hpp"
#include "messages/caf_version.hpp"
#include "messages/local_types.hpp"
#include "messages/packed.hpp"

// Events: who asks for them, and what is sent. The words of the protocol:
//
//   subscriber --subscribe_request--> front --subscribed--> subscriber
//   front --event_batch--> subscriber --events_taken--> front      as often as there is something to tell
//   subscriber --unsubscribe_request--> front --unsubscribed--> subscriber
//
// A node sends a subscriber two batches; each one that it says to have taken makes room for another. What happens meanwhile
// waits, up to a limit, and then is dropped and counted. A subscriber that dies is forgotten.
namespace aicache {

namespace wire {
template <class Inspector>
inline constexpr bool prints_events = std::is_same_v<Inspector, caf::detail::stringification_inspector>;
}  // namespace wire

/// As messages show it: an identity is 64 hexadecimal digits, or nothing.
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, cache_event& x) {
  static constexpr identity none{};
  std::string id;
  auto kind = static_cast<std::uint8_t>(x.kind);
  auto from = static_cast<std::uint8_t>(x.from);
  if constexpr (Inspector::writes_state) {
    if (auto why = f(kind, from, x.at.ms, id, x.tenant, x.operation, x.entries)) return why;
    if (kind > static_cast<std::uint8_t>(last_event_kind) || from > static_cast<std::uint8_t>(tier::parked) ||
        (!id.empty() && id.size() != x.id.digest.size()))
      return caf::sec::runtime_error;
    x.kind = static_cast<event_kind>(kind);
    x.from = static_cast<tier>(from);
    if (!id.empty()) std::memcpy(x.id.digest.data(), id.data(), id.size());
    return caf::none;
  } else {
    if (x.id != none) id.assign(reinterpret_cast<const char*>(x.id.digest.data()), x.id.digest.size());
    if constexpr (wire::prints_events<Inspector>) id = x.id.hex();
    return f(caf::meta::type_name("aicache::cache_event"), kind, from, x.at.ms, id, x.tenant, x.operation, x.entries);
  }
}

AICACHE_INSPECT(event_filter, a, b, c, d, e)

/// What happened, as far as one subscription wants it (front to subscriber). It is answered with events_taken.
struct event_batch {
  std::uint64_t subscription = 0;
  std::uint64_t number = 0;   ///< of the batch, from 1
  std::uint64_t dropped = 0;  ///< events since the batch before for which there was no room
  std::vector<cache_event> events{};
};
AICACHE_INSPECT(event_batch, a, b, c, d)

/// Takes events.
using event_watcher = caf::typed_actor<caf::reacts_to<event_batch>>;

/// Tell this actor of such events, until it dies or unsubscribes (anyone to front).
struct subscribe_request {
  event_watcher watcher;
  event_filter what{};
};
AICACHE_INSPECT(subscribe_request, a, b)
struct subscribed {
  errc why = errc::none;  ///< invalid_argument: no kind of events, nobody to tell; overloaded: too many subscribers
  std::uint64_t subscription = 0;
};
AICACHE_INSPECT(subscribed, a, b)
/// No more of them.
struct unsubscribe_request {
  std::uint64_t subscription = 0;
};
AICACHE_INSPECT(unsubscribe_request, a)
struct unsubscribed {
  bool found = false;
};
AICACHE_INSPECT(unsubscribed, a)
/// A batch was taken: another may come (subscriber to front).
struct events_taken {
  std::uint64_t subscription = 0;
};
AICACHE_INSPECT(events_taken, a)

/// Note events of these kinds from now on; none: no more (front to shards).
struct watch_events {
  event_kinds kinds = 0;
};
/// What was noted since the last tick (shard to front).
struct events_noted {
  std::vector<cache_event> events;
  std::uint64_t dropped = 0;
};

}  // namespace aicache
