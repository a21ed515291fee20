#include "engine/shared/generation_book.hpp"

#include <algorithm>
#include <unordered_set>

namespace aicache {

void generation_book::raise(const scope& s, generation g) {
  if (s.kind == scope_kind::everything && g == unnumbered) forget_unnumbered();
  const bool is_key = s.kind == scope_kind::key;
  table& in = is_key ? keys_ : scopes_;
  order& came = is_key ? keys_order_ : scopes_order_;
  const auto [at, fresh] = in.try_emplace(s, g);
  if (!fresh) {
    if (g <= at->second) return;
    at->second = g;
  }
  came.push_back({s, g});
  if (in.size() > (is_key ? limits_.keys : limits_.scopes)) forget(in, came, is_key);
  if (came.size() > 2 * in.size() + 16) tidy(in, came);
}

void generation_book::forget(table& in, order& came, bool keys) {
  for (std::size_t spared = 0; !came.empty() && spared < 2;) {
    const raised oldest = came.front();
    came.pop_front();
    const auto at = in.find(oldest.what);
    if (at == in.end() || at->second != oldest.number) continue;
    // What has no number yet must not be forgotten; it is looked at again when its turn comes round.
    if (oldest.number == unnumbered) {
      came.push_back(oldest);
      ++spared;
      continue;
    }
    if (keys) {
      keys_forgotten_ = std::max(keys_forgotten_, oldest.number);
    } else {
      raise_floor(oldest.number);
    }
    in.erase(at);
    return;
  }
}

// Whatever waits for a number gets one no later than the invalidation of everything that came after it, if it gets one
// at all: so that alone need be remembered.
void generation_book::forget_unnumbered() {
  for (auto* in : {&scopes_, &keys_}) std::erase_if(*in, [](const auto& known) { return known.second == unnumbered; });
  tidy(scopes_, scopes_order_);
  tidy(keys_, keys_order_);
}

void generation_book::tidy(const table& in, order& came) {
  std::erase_if(came, [&](const raised& r) {
    const auto at = in.find(r.what);
    return at == in.end() || at->second != r.number;
  });
}

void generation_book::settle(const scope& s, generation g) {
  table& in = s.kind == scope_kind::key ? keys_ : scopes_;
  // Raised anew, so that it stands in line with its number.
  if (const auto at = in.find(s); at != in.end() && at->second == unnumbered) at->second = 0;
  raise(s, g);
}

generation generation_book::own(const scope& s) const noexcept {
  const table& in = s.kind == scope_kind::key ? keys_ : scopes_;
  const auto at = in.find(s);
  return at == in.end() ? 0 : at->second;
}

generation generation_book::of(const scope& s) const noexcept {
  return s.kind == scope_kind::key ? own(s) : std::max(own(s), floor_);
}

bool generation_book::is_alive(generation born, std::span<const scope> scopes) const noexcept {
  if (born < floor_) return false;
  return std::all_of(scopes.begin(), scopes.end(), [&](const scope& s) { return of(s) <= born; });
}

std::size_t generation_book::bytes() const noexcept {
  constexpr std::size_t each = sizeof(table::value_type) + 2 * sizeof(void*);
  return size() * each + (scopes_order_.size() + keys_order_.size()) * sizeof(raised) +
         (scopes_.bucket_count() + keys_.bucket_count()) * sizeof(void*);
}

bool generation_book::sound() const {
  // Everything stands in line with its number once at least, or it would never be forgotten.
  auto listed = [](const table& in, const order& came) {
    std::unordered_set<scope, scope_hash> found;
    for (const raised& r : came)
      if (const auto at = in.find(r.what); at != in.end() && at->second == r.number) found.insert(r.what);
    return found.size() == in.size() && came.size() <= 2 * in.size() + 16;
  };
  return listed(scopes_, scopes_order_) && listed(keys_, keys_order_);
}

}  // namespace aicache
