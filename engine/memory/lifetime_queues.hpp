#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/memory/blob.hpp"

namespace aicache {

/// Which entries have outlived their time, found without a scan.
///
/// Shape      one FIFO queue per class of lifetime, as in Segcache (Yang, Yue, Rashmi, NSDI 2021): entries of like
///            lifetime expire in the order in which they came, so only queue heads are ever looked at
/// Units      lifetimes in milliseconds; 128 classes per power of two, so a head hides an entry that expired before it
///            for at most 1/128 of its lifetime. Only memory waits for that: look-ups compare the exact time.
/// Owner      one shard; the links lie in the blobs
/// Invariant  every entry with an end stands in exactly one queue, entries without end in none
/// Cost       insert, erase and replace O(1); take_expired looks at the heads of the classes in use, and continues
///            where it stopped
class lifetime_queues {
 public:
  /// Enters a blob whose `expires` is set, for a lifetime counted from `now`; it is to stay for `lingers` after its end.
  void insert(blob& b, instant now, duration lingers = duration{0});

  /// Takes a blob out, whether or not it has an end.
  void erase(blob& b) noexcept;

  /// Lets `fresh`, which holds the same answer under the same end, stand in the place of `old`.
  void replace(blob& old, blob& fresh) noexcept;

  /// Calls `expired(blob&)` for at most `limit` entries whose time has come; the callee must erase each of them.
  /// True when more may be due. `lingers(const blob&)` says what insert was told of each.
  template <class Expired, class Lingers>
  bool take_expired(instant now, unsigned limit, Expired&& expired, Lingers&& lingers) {
    for (std::size_t looked = queues_.size(); looked-- > 0;) {
      if (next_ >= queues_.size()) next_ = 0;
      const std::uint16_t lifetime = queues_[next_].lifetime;
      while (slot_of_[lifetime] != 0) {
        blob& head = *queues_[next_].head;
        if (head.expires + lingers(std::as_const(head)) > now) break;
        if (limit-- == 0) return true;
        expired(head);
      }
      if (slot_of_[lifetime] != 0) ++next_;
      if (queues_.empty()) break;
    }
    return false;
  }

  template <class Expired>
  bool take_expired(instant now, unsigned limit, Expired&& expired) {
    return take_expired(now, limit, expired, [](const blob&) { return duration{0}; });
  }

  /// Recounts: every queue is linked both ways, and in the class that its entries belong to.
  bool sound(std::size_t& entries) const;

  /// What the queues themselves occupy.
  std::size_t bytes() const noexcept { return sizeof *this + queues_.capacity() * sizeof(queue); }

  /// The class of a lifetime: its seven bits below the highest one, and the highest one's place.
  static std::uint16_t class_of(duration lifetime) noexcept;

 private:
  static constexpr unsigned per_octave = 128;
  static constexpr unsigned octaves = 36;  // 2^35 ms is more than a year
  static constexpr unsigned classes = per_octave * octaves;
  static constexpr std::uint16_t none = UINT16_MAX;

  struct queue {
    blob* head = nullptr;
    blob* tail = nullptr;
    std::uint16_t lifetime = 0;
  };

  queue& queue_of(const blob& b) noexcept { return queues_[slot_of_[b.lifetime_class] - 1U]; }

  std::array<std::uint16_t, classes> slot_of_{};  // 1 + the place in queues_, 0 for a class that is empty
  std::vector<queue> queues_;                     // those that are not empty
  std::size_t next_ = 0;
};

}  // namespace aicache
