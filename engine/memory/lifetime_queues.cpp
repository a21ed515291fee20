#include "engine/memory/lifetime_queues.hpp"

#include <algorithm>
#include <bit>

namespace aicache {

std::uint16_t lifetime_queues::class_of(duration lifetime) noexcept {
  const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(lifetime.count(), 1));
  const auto top = static_cast<unsigned>(std::bit_width(ms)) - 1;
  // Below 128 ms every millisecond has a class of its own; above, the seven bits under the highest.
  if (top < 7) return static_cast<std::uint16_t>(ms);
  const std::uint64_t number = (top - 6) * per_octave + ((ms >> (top - 7)) & (per_octave - 1));
  return static_cast<std::uint16_t>(std::min<std::uint64_t>(number, classes - 1));
}

void lifetime_queues::insert(blob& b, instant now, duration lingers) {
  b.lifetime = {};
  b.lifetime_class = none;
  if (b.expires == never) return;
  const std::uint16_t lifetime = class_of(b.expires - now + lingers);
  if (slot_of_[lifetime] == 0) {
    queues_.push_back({nullptr, nullptr, lifetime});
    slot_of_[lifetime] = static_cast<std::uint16_t>(queues_.size());
  }
  b.lifetime_class = lifetime;
  queue& q = queue_of(b);
  b.lifetime.prev = q.tail;
  (q.tail == nullptr ? q.head : q.tail->lifetime.next) = &b;
  q.tail = &b;
}

void lifetime_queues::erase(blob& b) noexcept {
  if (b.lifetime_class == none) return;
  queue& q = queue_of(b);
  (b.lifetime.prev == nullptr ? q.head : b.lifetime.prev->lifetime.next) = b.lifetime.next;
  (b.lifetime.next == nullptr ? q.tail : b.lifetime.next->lifetime.prev) = b.lifetime.prev;
  if (q.head == nullptr) {
    slot_of_[queues_.back().lifetime] = slot_of_[b.lifetime_class];
    slot_of_[b.lifetime_class] = 0;
    q = queues_.back();
    queues_.pop_back();
  }
  b.lifetime = {};
  b.lifetime_class = none;
}

void lifetime_queues::replace(blob& old, blob& fresh) noexcept {
  fresh.lifetime = old.lifetime;
  fresh.lifetime_class = old.lifetime_class;
  if (old.lifetime_class == none) return;
  queue& q = queue_of(old);
  (old.lifetime.prev == nullptr ? q.head : old.lifetime.prev->lifetime.next) = &fresh;
  (old.lifetime.next == nullptr ? q.tail : old.lifetime.next->lifetime.prev) = &fresh;
  old.lifetime = {};
  old.lifetime_class = none;
}

bool lifetime_queues::sound(std::size_t& entries) const {
  entries = 0;
  std::size_t used = 0;
  for (std::uint16_t slot : slot_of_) used += slot != 0 ? 1 : 0;
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    const queue& q = queues_[i];
    const blob* before = nullptr;
    if (q.head == nullptr || slot_of_[q.lifetime] != i + 1) return false;
    for (const blob* b = q.head; b != nullptr; before = b, b = b->lifetime.next, ++entries)
      if (b->lifetime.prev != before || b->lifetime_class != q.lifetime || b->expires == never) return false;
    if (q.tail != before) return false;
  }
  return used == queues_.size();
}

}  // namespace aicache
