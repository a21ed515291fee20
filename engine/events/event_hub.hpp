#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "engine/events/event.hpp"
#include "engine/outcome.hpp"

namespace aicache {

/// Who is told of which events, and how much at a time.
///
/// Shape      events come from shards in batches; each subscriber has a queue of those that it wants, and is sent what has
///            gathered as long as it has credit: a batch that it has not yet said to have taken uses up one of `credit`
/// Owner      the front; not thread-safe
/// Fails      subscribe: invalid_argument for no kind at all, overloaded past `subscribers`
/// Invariant  a queue holds at most `waiting_bytes`; what finds no room is dropped, counted, and told with the next batch.
///            No subscriber, however slow, costs another an event
/// Cost       O(events * subscribers)
class event_hub {
 public:
  struct options {
    std::size_t subscribers = 32;
    std::size_t waiting_bytes = std::size_t{1} << 20;  ///< of each
    std::size_t batch = 1'024;                         ///< events in one message
    unsigned credit = 2;                               ///< messages that may be under way
  };

  /// What is to be sent to a subscriber.
  struct delivery {
    std::uint64_t subscription = 0;
    std::uint64_t number = 0;   ///< of the batch, from 1
    std::uint64_t dropped = 0;  ///< events that were wanted and found no room, since the batch before
    std::vector<cache_event> events;
  };
  using deliveries = std::vector<delivery>;

  explicit event_hub(options o) : options_(o) {}

  outcome<std::uint64_t> subscribe(event_filter what);
  /// False: there is no such subscription.
  bool unsubscribe(std::uint64_t subscription);

  /// So much happened, and `dropped` more that its shard had no room for, of which nobody knows who wanted them.
  void happened(std::span<const cache_event> events, std::uint64_t dropped, deliveries& out);
  /// A subscriber has taken a batch.
  void taken(std::uint64_t subscription, deliveries& out);

  /// The kinds that anybody wants.
  event_kinds wanted() const noexcept;
  std::size_t size() const noexcept { return subscribers_.size(); }

 private:
  struct subscriber {
    event_filter what;
    std::deque<cache_event> waiting;
    std::size_t bytes = 0;
    std::uint64_t dropped = 0;
    std::uint64_t number = 0;
    unsigned under_way = 0;
  };
  void deliver(std::uint64_t subscription, subscriber& s, deliveries& out) const;

  options options_;
  std::map<std::uint64_t, subscriber> subscribers_;
  std::uint64_t last_ = 0;
};

}  // namespace aicache
