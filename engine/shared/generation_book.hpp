#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>

#include "engine/shared/scope.hpp"

namespace aicache {

/// Which generation each scope is in, as far as its owner knows.
///
/// Shape      a table of tenants, operations and tags, and one of keys, each with the generation of its last
///            invalidation. Over the limit those are forgotten whose last invalidation is the longest ago: of a forgotten scope that is not a key the floor
///            remembers the generation, and what was born before the floor counts as dead, too much rather than too
///            little. A forgotten key leaves no floor behind: it matters only while an older answer of that key may
///            still be on its way into Redis
///            An invalidation of everything without a number takes the place of all others without one
/// Units      generations count from 1; bytes() estimates what the allocator gave
/// Owner      one shard, or the node's invalidation; not thread-safe
/// Invariant  a scope's generation never falls, except from `unnumbered` when it is settled
/// Cost       O(1) a scope, forgetting included, on average
class generation_book {
 public:
  struct limits {
    std::size_t scopes = 65'536;
    std::size_t keys = 16'384;
  };

  explicit generation_book(limits l) noexcept : limits_(l) {}

  /// `s` was invalidated in generation `g`, or, until `settle`, in one that has no number yet.
  void raise(const scope& s, generation g);

  /// The invalidation of `s` that had no number has got one, and no other is without.
  void settle(const scope& s, generation g);

  /// Everything born before `g` is dead.
  void raise_floor(generation g) noexcept { floor_ = g > floor_ ? g : floor_; }

  /// The generation of the scope's last invalidation; 0 for none known, the floor counts for all but keys.
  generation of(const scope& s) const noexcept;

  /// The same without the floor: 0 for what is not, or no longer, remembered by itself.
  generation own(const scope& s) const noexcept;

  /// Whether an answer born in `born` that belongs to these scopes is alive.
  bool is_alive(generation born, std::span<const scope> scopes) const noexcept;

  generation floor() const noexcept { return floor_; }
  /// Of keys, all that has been forgotten was invalidated in this generation or before.
  generation keys_forgotten() const noexcept { return keys_forgotten_; }
  std::size_t size() const noexcept { return scopes_.size() + keys_.size(); }
  std::size_t bytes() const noexcept;

  /// Calls `visit(scope, generation)` for every scope that was raised after `since`, keys included.
  template <class Visit>
  void for_each_after(generation since, Visit&& visit) const {
    for (const auto& [s, g] : scopes_)
      if (g > since) visit(s, g);
    for (const auto& [s, g] : keys_)
      if (g > since) visit(s, g);
  }

  /// Recounts.
  bool sound() const;

 private:
  using table = std::unordered_map<scope, generation, scope_hash>;
  struct raised {
    scope what;
    generation number;
  };
  using order = std::deque<raised>;  // as they were raised; what was raised again since has another number by now

  void forget(table& in, order& came, bool keys);
  void forget_unnumbered();
  static void tidy(const table& in, order& came);

  limits limits_;
  generation floor_ = 0;
  generation keys_forgotten_ = 0;
  table scopes_;
  table keys_;
  order scopes_order_;
  order keys_order_;
};

}  // namespace aicache
