#pragma once

#include "engine/eviction/ghost_table.hpp"
#include "engine/eviction/mode.hpp"

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>

namespace aicache {

/// What fifo_policy keeps in an entry. A Node that derives from it may lay its own members into the seven bytes
/// behind `state`.
template <class Node>
struct policy_hook {
  Node* prev = nullptr;    ///< the next older entry of the queue
  Node* next = nullptr;    ///< the next younger one
  std::uint8_t state = 0;  ///< bits 0-1 hits, bit 2 second chance spent, bits 3-4 queue
};

/// How fifo_policy finds its way in a Node that derives from policy_hook and has `weight()` and `hash()`.
template <class Node>
struct policy_traits {
  static policy_hook<Node>& hook(Node& n) noexcept { return n; }
  static std::uint64_t weight_of(const Node& n) noexcept { return n.weight(); }
  static std::uint64_t hash_of(const Node& n) noexcept { return n.hash(); }
};

/// Who tells the ghost table that an evicted key has left memory.
enum class stamping : std::uint8_t {
  by_policy,  ///< the policy, with the eviction; it also grows the table when that is due
  by_owner,   ///< the owner, by remember(), when the key really leaves; the owner grows the table within its budget
};

/// The order of eviction of one cache: two FIFO queues and a memory of what left, under one of five settings.
///
/// Shape      newcomers enter probation; those hit twice there, and those that come back soon after they left, live
///            in main. Leaving probation with one hit gives one more round; main is a clock with counts up to three.
///            Few of those that leave probation unproven contest a place in main, lest dead keys hold it for ever.
/// Units      weights are whatever the owner counts (bytes in the engine, 1 in simulations); the capacity, both
///            queues and the ghost's window are sums of weights. A node's weight and hash are fixed while it is in.
/// Owner      whoever owns the nodes; not thread-safe. `evicted(Node&, bool remember_wanted)` is called with the node
///            unlinked; it may destroy it and may call remember(), but nothing else of the policy.
/// Fails      admit() refuses a node heavier than the capacity, and evicts nothing for it
/// Invariant  used() <= capacity() after every admit() that returns true; after capacity() or replace() the owner
///            restores it by shrink_to()
/// Cost       hit() is one byte; everything else O(1). One eviction moves at most `max_moves` nodes (of these at most
///            `max_second_chances` within probation) and two more, and then evicts regardless. A newcomer evicts as many as its
///            weight asks for; `max_evictions` bounds that. No allocation but the ghost table's.
/// Source     S3-FIFO (Yang et al., SOSP 23), ghost and promotion as in 2Q (Johnson & Shasha, VLDB 94); duels after
///            set dueling (Qureshi et al., ISCA 07)
template <class Node, class Traits = policy_traits<Node>, stamping Stamps = stamping::by_policy>
class fifo_policy {
 public:
  static constexpr unsigned max_second_chances = 16;
  static constexpr unsigned max_moves = 64;
  static constexpr unsigned duel_looks = 4;
  static constexpr unsigned contest_every = 32;

  explicit fifo_policy(std::uint64_t capacity, eviction_mode m = first_eviction_mode) noexcept
      : capacity_(capacity), mode_(m), ghost_(capacity) {
    retarget();
  }
  fifo_policy(const fifo_policy&) = delete;
  fifo_policy& operator=(const fifo_policy&) = delete;

  static void hit(Node& n) noexcept {
    std::uint8_t& state = Traits::hook(n).state;
    state = static_cast<std::uint8_t>(state + ((state & hits_mask) != hits_mask));
  }

  /// Makes room and takes the node in. False, and the node stays out, when it is heavier than the capacity, or when
  /// `max_evictions` were not enough (they are done, so the next try is nearer).
  template <class F>
  bool admit(Node& n, F&& evicted, unsigned max_evictions = UINT_MAX);

  /// Evicts until used() <= `weight`, at most `max_steps` nodes; returns the weight that left.
  template <class F>
  std::uint64_t shrink_to(std::uint64_t weight, unsigned max_steps, F&& evicted);

  /// Takes a node out, from wherever it is; nothing is remembered.
  void erase(Node& n) noexcept;

  /// `fresh`, in no queue, takes the place and the state of `old`. A heavier one may exceed the capacity.
  void replace(Node& old, Node& fresh) noexcept;

  /// Stamps a key that leaves memory, if evicted() said that this is wanted.
  void remember(std::uint64_t hash, std::uint64_t weight) noexcept { ghost_.remember(hash, weight); }

  /// Nothing is evicted at once: the queues drift to their new sizes as newcomers come.
  void capacity(std::uint64_t weight) noexcept;
  void mode(eviction_mode m) noexcept;

  bool ghost_wants_to_grow() const noexcept { return filled_ && ghost_.wants_to_grow(count()); }
  std::size_t ghost_growth_bytes() const noexcept { return ghost_table::growth_bytes(count()); }
  bool grow_ghost() noexcept { return ghost_.grow(count()); }
  /// Makes the ghost table fit `entries` beforehand.
  bool reserve_ghost(std::size_t entries) noexcept { return ghost_.grow(entries); }
  void forget_ghost() noexcept { ghost_.forget_all(); }
  std::size_t ghost_bytes() const noexcept { return ghost_.bytes(); }

  static bool holds(const Node& n) noexcept { return queue_of(const_cast<Node&>(n)) != in_none; }
  eviction_mode mode() const noexcept { return mode_; }
  std::uint64_t capacity() const noexcept { return capacity_; }
  std::uint64_t used() const noexcept { return probation_.weight + main_.weight; }
  std::uint64_t probation_used() const noexcept { return probation_.weight; }
  std::uint64_t main_used() const noexcept { return main_.weight; }
  std::uint64_t probation_target() const noexcept { return probation_target_; }
  std::size_t count() const noexcept { return probation_.count + main_.count; }

  /// Recounts everything; for tests.
  bool sound() const noexcept { return sound(probation_, in_probation) && sound(main_, in_main); }

 private:
  static constexpr std::uint8_t hits_mask = 3;
  static constexpr std::uint8_t second_chance = 4;
  static constexpr std::uint8_t in_none = 0;
  static constexpr std::uint8_t in_probation = 8;
  static constexpr std::uint8_t in_main = 16;
  static constexpr std::uint8_t queue_mask = in_probation | in_main;
  static constexpr std::uint8_t used_mask = hits_mask | second_chance | queue_mask;

  struct queue {
    Node* oldest = nullptr;
    Node* youngest = nullptr;
    std::uint64_t weight = 0;
    std::size_t count = 0;
  };

  static unsigned hits_of(Node& n) noexcept { return Traits::hook(n).state & hits_mask; }
  static std::uint8_t queue_of(Node& n) noexcept { return Traits::hook(n).state & queue_mask; }
  static void set_state(Node& n, unsigned state) noexcept {
    std::uint8_t& all = Traits::hook(n).state;
    all = static_cast<std::uint8_t>((all & ~used_mask) | state);
  }
  static void append(queue& q, Node& n) noexcept;
  static void unlink(queue& q, Node& n) noexcept;
  static bool sound(const queue& q, std::uint8_t id) noexcept;

  void to_probation(Node& n, unsigned state) noexcept {
    set_state(n, in_probation | state);
    append(probation_, n);
  }
  void to_main(Node& n, unsigned hits) noexcept {
    set_state(n, in_main | hits);
    append(main_, n);
  }
  void retarget() noexcept;
  bool fits(std::uint64_t weight) const noexcept { return used() <= capacity_ && weight <= capacity_ - used(); }
  bool hand_finds_unused(unsigned looks) noexcept;
  template <class F>
  void expel(queue& q, Node& n, bool remember_wanted, F& evicted);
  template <class F>
  void expel_unproven(Node& n, F& evicted);
  template <class F>
  void evict_from_main(unsigned moves, F& evicted);
  template <class F>
  void evict_one(F& evicted);

  queue probation_;
  queue main_;
  std::uint64_t capacity_;
  std::uint64_t probation_target_ = 1;
  std::uint64_t main_target_ = 0;
  std::uint64_t ghost_window_ = 0;
  /// The heaviest newcomer of late: a queue cannot keep its target more exactly than by one entry.
  std::uint64_t grain_ = 1;
  unsigned uncontested_ = 0;  ///< evictions from probation since the last that contested a place in main
  eviction_mode mode_;
  bool filled_ = false;  ///< something had to be evicted since the capacity last grew
  ghost_table ghost_;
};

template <class Node, class Traits, stamping Stamps>
void fifo_policy<Node, Traits, Stamps>::append(queue& q, Node& n) noexcept {
  policy_hook<Node>& h = Traits::hook(n);
  h.prev = q.youngest;
  h.next = nullptr;
  (q.youngest ? Traits::hook(*q.youngest).next : q.oldest) = &n;
  q.youngest = &n;
  q.weight += Traits::weight_of(n);
  ++q.count;
}

template <class Node, class Traits, stamping Stamps>
void fifo_policy<Node, Traits, Stamps>::unlink(queue& q, Node& n) noexcept {
  policy_hook<Node>& h = Traits::hook(n);
  (h.prev ? Traits::hook(*h.prev).next : q.oldest) = h.next;
  (h.next ? Traits::hook(*h.next).prev : q.youngest) = h.prev;
  h.prev = h.next = nullptr;
  q.weight -= Traits::weight_of(n);
  --q.count;
}

template <class Node, class Traits, stamping Stamps>
void fifo_policy<Node, Traits, Stamps>::retarget() noexcept {
  const eviction_settings& s = settings_of(mode_);
  probation_target_ = std::max<std::uint64_t>(1, permille_of(capacity_, s.probation_permille));
  main_target_ = capacity_ - std::min(capacity_, probation_target_);
  ghost_window_ = permille_of(capacity_, s.ghost_permille);
}

template <class Node, class Traits, stamping Stamps>
void fifo_policy<Node, Traits, Stamps>::capacity(std::uint64_t weight) noexcept {
  if (weight > capacity_) filled_ = false;
  capacity_ = weight;
  ghost_.capacity(weight);
  retarget();
}

template <class Node, class Traits, stamping Stamps>
void fifo_policy<Node, Traits, Stamps>::mode(eviction_mode m) noexcept {
  if (m == mode_) return;
  mode_ = m;
  retarget();
}

template <class Node, class Traits, stamping Stamps>
template <class F>
bool fifo_policy<Node, Traits, Stamps>::admit(Node& n, F&& evicted, unsigned max_evictions) {
  const std::uint64_t weight = Traits::weight_of(n);
  if (weight > capacity_) return false;
  grain_ = std::max(weight, grain_ - (grain_ >> 10));
  const bool returns = ghost_.take(Traits::hash_of(n), ghost_window_);
  bool known = returns;
  if (!fits(weight)) {
    if (known && settings_of(mode_).duel && main_.weight + weight > main_target_) {
      known = hand_finds_unused(duel_looks);
      if (known && max_evictions > 0) {
        expel(main_, *main_.oldest, settings_of(mode_).stamps_main, evicted);
        --max_evictions;
      }
    }
    for (; !fits(weight); --max_evictions) {
      if (max_evictions == 0) {
        if (returns) ghost_.remember(Traits::hash_of(n), weight);
        return false;
      }
      evict_one(evicted);
    }
    if (!known) to_probation(n, 0);
  } else if (!known) {
    // Room is there: probation takes what it should hold, main the rest.
    const std::uint64_t slack = filled_ ? grain_ : 0;
    if (probation_.weight + weight <= probation_target_ + slack) {
      to_probation(n, 0);
    } else {
      to_main(n, 0);
    }
  }
  if (known) to_main(n, 0);
  return true;
}

template <class Node, class Traits, stamping Stamps>
template <class F>
std::uint64_t fifo_policy<Node, Traits, Stamps>::shrink_to(std::uint64_t weight, unsigned max_steps, F&& evicted) {
  const std::uint64_t before = used();
  for (; used() > weight && max_steps > 0; --max_steps) evict_one(evicted);
  return before - used();
}

template <class Node, class Traits, stamping Stamps>
void fifo_policy<Node, Traits, Stamps>::erase(Node& n) noexcept {
  unlink(queue_of(n) == in_main ? main_ : probation_, n);
  set_state(n, in_none);
}

template <class Node, class Traits, stamping Stamps>
void fifo_policy<Node, Traits, Stamps>::replace(Node& old, Node& fresh) noexcept {
  queue& q = queue_of(old) == in_main ? main_ : probation_;
  policy_hook<Node>& from = Traits::hook(old);
  policy_hook<Node>& to = Traits::hook(fresh);
  to.prev = from.prev;
  to.next = from.next;
  set_state(fresh, from.state & used_mask);
  (to.prev ? Traits::hook(*to.prev).next : q.oldest) = &fresh;
  (to.next ? Traits::hook(*to.next).prev : q.youngest) = &fresh;
  q.weight = q.weight - Traits::weight_of(old) + Traits::weight_of(fresh);
  from.prev = from.next = nullptr;
  set_state(old, in_none);
}

template <class Node, class Traits, stamping Stamps>
template <class F>
void fifo_policy<Node, Traits, Stamps>::expel(queue& q, Node& n, bool remember_wanted, F& evicted) {
  unlink(q, n);
  set_state(n, in_none);
  if constexpr (Stamps == stamping::by_policy) {
    if (ghost_.wants_to_grow(count() + 1)) ghost_.grow(count() + 1);
    if (remember_wanted) ghost_.remember(Traits::hash_of(n), Traits::weight_of(n));
  }
  evicted(n, remember_wanted);
}

/// The hand passes over entries in use, each of which pays one hit. True when it stands at an unused one.
template <class Node, class Traits, stamping Stamps>
bool fifo_policy<Node, Traits, Stamps>::hand_finds_unused(unsigned looks) noexcept {
  for (; looks > 0 && main_.oldest; --looks) {
    Node& oldest = *main_.oldest;
    const unsigned hits = hits_of(oldest);
    if (hits == 0) return true;
    unlink(main_, oldest);
    to_main(oldest, hits - 1);
  }
  return false;
}

/// One in `contest_every` that leave probation contests the place of main's oldest and takes it when that is unused:
/// otherwise keys that never return could hold main for ever against keys that return too late to be known.
template <class Node, class Traits, stamping Stamps>
template <class F>
void fifo_policy<Node, Traits, Stamps>::expel_unproven(Node& n, F& evicted) {
  if (++uncontested_ < contest_every) return expel(probation_, n, true, evicted);
  uncontested_ = 0;
  if (!hand_finds_unused(1)) return expel(probation_, n, true, evicted);
  Node& loser = *main_.oldest;
  unlink(probation_, n);
  to_main(n, 0);
  expel(main_, loser, settings_of(mode_).stamps_main, evicted);
}

template <class Node, class Traits, stamping Stamps>
template <class F>
void fifo_policy<Node, Traits, Stamps>::evict_from_main(unsigned moves, F& evicted) {
  hand_finds_unused(moves);
  expel(main_, *main_.oldest, settings_of(mode_).stamps_main, evicted);
}

template <class Node, class Traits, stamping Stamps>
template <class F>
void fifo_policy<Node, Traits, Stamps>::evict_one(F& evicted) {
  filled_ = true;
  // Probation is too long after a mode change only. Its oldest must reach main whether they were hit or not: a loop
  // never hits probation, and main would stay small for ever.
  if (probation_.weight > probation_target_ + grain_) {
    Node& oldest = *probation_.oldest;
    const unsigned hits = hits_of(oldest) >= 2 ? 1 : 0;
    unlink(probation_, oldest);
    to_main(oldest, hits);
  }
  unsigned moves = max_moves;
  unsigned second_chances = max_second_chances;
  if (main_.weight <= main_target_) {
    while (Node* oldest = probation_.oldest) {
      const std::uint8_t state = Traits::hook(*oldest).state;
      const unsigned hits = state & hits_mask;
      const bool promoted = hits >= 2 && moves > 0;
      const bool again = hits == 1 && !(state & second_chance) && second_chances > 0 && moves > 0;
      if (!promoted && !again) return expel_unproven(*oldest, evicted);
      unlink(probation_, *oldest);
      --moves;
      if (promoted) {
        to_main(*oldest, 0);
      } else {
        --second_chances;
        to_probation(*oldest, hits | second_chance);
      }
    }
  }
  evict_from_main(moves, evicted);
}

template <class Node, class Traits, stamping Stamps>
bool fifo_policy<Node, Traits, Stamps>::sound(const queue& q, std::uint8_t id) noexcept {
  std::uint64_t weight = 0;
  std::size_t count = 0;
  Node* older = nullptr;
  for (Node* n = q.oldest; n; older = n, n = Traits::hook(*n).next) {
    if (Traits::hook(*n).prev != older || queue_of(*n) != id) return false;
    weight += Traits::weight_of(*n);
    if (++count > q.count) return false;
  }
  return older == q.youngest && weight == q.weight && count == q.count;
}

}  // namespace aicache
