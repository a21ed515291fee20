#include "engine/client/client_core.hpp"

#include <algorithm>
#include <numeric>

namespace aicache {

void call::fail(errc why) {
  get_result failed;
  failed.status = get_status::error;
  failed.error = why;
  got.assign(gets.size(), failed);
  stored.assign(puts.size(), {put_status::refused, why});
  told.assign(keys.size(), {false, why, 0});
}

const identity& client_core::id_of(const call& c, std::uint32_t position) noexcept {
  if (c.kind == call_kind::get) return c.gets[position].id;
  if (c.kind == call_kind::put) return c.puts[position].id;
  return c.keys[position].id;
}

void client_core::start(std::uint64_t token, std::shared_ptr<call> c, instant now, effects& out) {
  c->got.assign(c->kind == call_kind::get ? c->size() : 0, {});
  c->stored.assign(c->kind == call_kind::put ? c->size() : 0, {});
  c->told.assign(c->kind == call_kind::get || c->kind == call_kind::put ? 0 : c->size(), {});
  c->now = {};
  c->deadline = std::clamp(c->deadline, duration{0}, longest_deadline);
  const instant deadline = now + c->deadline;
  auto [at, fresh] = calls_.emplace(token, open_call{std::move(c), deadline, 0, {}});
  if (!fresh) return;
  at->second.open = at->second.what->size();
  deadlines_.emplace(deadline, token);
  if (shards_.empty()) {
    std::vector<std::uint32_t> all(at->second.open);
    std::iota(all.begin(), all.end(), 0U);
    hold_back(token, at->second, std::move(all), 1);
  } else {
    route(token, at->second, nullptr, 1, now, out);
  }
  settle(token, out);
}

// What waits for a shard counts against a credit as well, or a long restart would fill the memory. What a dead shard
// already had is within that shard's own credit.
void client_core::hold_back(std::uint64_t token, open_call& c, std::vector<std::uint32_t> positions, unsigned attempt) {
  if (positions.empty()) return;
  if (attempt == 1 && held_keys_ + positions.size() > limits_.in_flight_keys) {
    for (std::uint32_t at : positions) fail_item(c, at, errc::overloaded);
    return;
  }
  held_keys_ += positions.size();
  held_back_.push_back({token, attempt, std::move(positions)});
}

// Groups items by shard and sends them; null positions stand for all items.
void client_core::route(std::uint64_t token, open_call& c, const std::vector<std::uint32_t>* positions,
                        unsigned attempt, instant now, effects& out) {
  const auto shards = static_cast<std::uint32_t>(shards_.size());
  const std::size_t n = positions == nullptr ? c.what->size() : positions->size();
  by_shard_.resize(shards);
  for (auto& group : by_shard_) group.reserve(n / shards + 8);
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t at = positions == nullptr ? static_cast<std::uint32_t>(i) : (*positions)[i];
    by_shard_[shard_of(id_of(*c.what, at).key(), shards)].push_back(at);
  }
  for (std::uint32_t s = 0; s < shards; ++s) {
    std::vector<std::uint32_t> group = std::move(by_shard_[s]);
    by_shard_[s].clear();
    if (group.size() <= limits_.batch_keys) {
      if (!group.empty()) dispatch(token, c, s, std::move(group), attempt, now, out);
      continue;
    }
    for (std::size_t from = 0; from < group.size(); from += limits_.batch_keys) {
      const auto first = group.begin() + static_cast<std::ptrdiff_t>(from);
      const auto last = group.begin() + static_cast<std::ptrdiff_t>(std::min(from + limits_.batch_keys, group.size()));
      dispatch(token, c, s, {first, last}, attempt, now, out);
    }
  }
}

void client_core::dispatch(std::uint64_t token, open_call& c, std::uint32_t shard, std::vector<std::uint32_t> positions,
                           unsigned attempt, instant now, effects& out) {
  shard_state& to = shards_[shard];
  if (to.down) return hold_back(token, c, std::move(positions), attempt);
  if (to.keys + positions.size() > limits_.in_flight_keys) {
    for (std::uint32_t at : positions) fail_item(c, at, errc::overloaded);
    return;
  }
  send_part message{shard, ++next_correlation_, c.what->kind, c.deadline - now, {}};
  auto copy = [&](const auto& from, auto& to_items) {
    to_items.reserve(positions.size());
    for (std::uint32_t at : positions) to_items.push_back(from[at]);
  };
  if (c.what->kind == call_kind::get) {
    auto b = std::make_shared<get_body>();
    b->names = c.what->names;
    copy(c.what->gets, b->items);
    message.what = std::move(b);
  } else if (c.what->kind == call_kind::put) {
    auto b = std::make_shared<put_body>();
    b->names = c.what->names;
    copy(c.what->puts, b->items);
    message.what = std::move(b);
  } else {
    auto b = std::make_shared<key_body>();
    b->names = c.what->names;
    copy(c.what->keys, b->items);
    message.what = std::move(b);
  }
  to.keys += positions.size();
  part p;
  p.token = token;
  p.shard = shard;
  p.attempt = attempt;
  p.open = positions.size();
  p.answered.assign(positions.size(), false);
  p.positions = std::move(positions);
  parts_.emplace(message.correlation, std::move(p));
  c.parts.push_back(message.correlation);
  out.emplace_back(std::move(message));
}

void client_core::fail_item(open_call& c, std::uint32_t position, errc why) noexcept {
  call& w = *c.what;
  if (w.kind == call_kind::get) {
    w.got[position] = {};
    w.got[position].status = get_status::error;
    w.got[position].error = why;
  } else if (w.kind == call_kind::put) {
    w.stored[position] = {put_status::refused, why};
  } else {
    w.told[position] = {false, why, 0};
  }
  --c.open;
}

void client_core::settle(std::uint64_t token, effects& out) {
  auto at = calls_.find(token);
  if (at == calls_.end() || at->second.open > 0) return;
  deadlines_.erase({at->second.deadline, token});
  out.emplace_back(finish{token, std::move(at->second.what)});
  calls_.erase(at);
}

void client_core::close_part(parts_map::iterator p) noexcept {
  shards_[p->second.shard].keys -= p->second.open;
  parts_.erase(p);
}

void client_core::map(std::uint64_t epoch, std::span<const owner> owners, limits l, instant now, effects& out) {
  if (epoch <= epoch_ || owners.empty()) return;
  // Other ranges than before: no shard is what it was.
  const bool recut = owners.size() != shards_.size();
  for (std::uint32_t s = 0; s < shards_.size(); ++s)
    if (recut || owners[s] != owner::same) shard_down(s, out);
  if (recut) shards_.assign(owners.size(), {});
  for (std::size_t s = 0; s < owners.size(); ++s)
    if (owners[s] != owner::same) shards_[s].down = owners[s] == owner::absent;
  epoch_ = epoch;
  limits_ = l;
  // A node's word that no batch may hold anything must not stop the client.
  limits_.batch_keys = std::max<std::size_t>(limits_.batch_keys, 1);
  held_keys_ = 0;
  for (held_back& h : std::exchange(held_back_, {})) {
    route(h.token, calls_.find(h.token)->second, &h.positions, h.attempt, now, out);
    settle(h.token, out);
  }
}

void client_core::replied(std::uint64_t correlation, errc whole, const body& what, effects& out) {
  auto at = parts_.find(correlation);
  if (at == parts_.end()) return;
  part& p = at->second;
  const std::uint64_t token = p.token;
  open_call& c = calls_.find(token)->second;
  call& w = *c.what;
  std::size_t results = 0;
  std::visit([&](const auto& b) { results = b ? b->results.size() : 0; }, what);
  const bool fits = whole == errc::none && results == p.positions.size() &&
                    what.index() == (w.kind == call_kind::get   ? 0U
                                     : w.kind == call_kind::put ? 1U
                                                                : 2U);
  if (fits && w.kind == call_kind::get) w.now = std::max(w.now, (*std::get_if<0>(&what))->now);
  std::size_t pending = 0;
  for (std::size_t i = 0; i < p.positions.size(); ++i) {
    if (p.answered[i]) continue;
    const std::uint32_t to = p.positions[i];
    if (!fits) {
      fail_item(c, to, whole == errc::none ? errc::corrupt : whole);
      continue;
    }
    if (w.kind == call_kind::get) {
      get_result& r = (*std::get_if<0>(&what))->results[i];
      w.got[to] = std::move(r);
      if (w.got[to].status == get_status::pending) {
        ++pending;
        continue;
      }
    } else if (w.kind == call_kind::put) {
      w.stored[to] = (*std::get_if<1>(&what))->results[i];
    } else {
      w.told[to] = (*std::get_if<2>(&what))->results[i];
    }
    p.answered[i] = true;
    --c.open;
  }
  shards_[p.shard].keys -= p.open - pending;
  p.open = pending;
  if (pending == 0) parts_.erase(at);
  settle(token, out);
}

void client_core::hear_time(std::uint64_t correlation, instant node_now) noexcept {
  const auto at = parts_.find(correlation);
  if (at == parts_.end()) return;
  call& w = *calls_.find(at->second.token)->second.what;
  w.now = std::max(w.now, node_now);
}

void client_core::late(std::uint64_t correlation, std::uint32_t position, get_result result, effects& out) {
  auto at = parts_.find(correlation);
  if (at == parts_.end()) return;
  part& p = at->second;
  if (position >= p.positions.size() || p.answered[position]) return;
  const std::uint64_t token = p.token;
  open_call& c = calls_.find(token)->second;
  if (c.what->kind != call_kind::get || result.status == get_status::pending) return;
  c.what->got[p.positions[position]] = std::move(result);
  p.answered[position] = true;
  --c.open;
  --p.open;
  --shards_[p.shard].keys;
  if (p.open == 0) parts_.erase(at);
  settle(token, out);
}

void client_core::shard_down(std::uint32_t shard, effects& out) {
  if (shard >= shards_.size()) return;
  shards_[shard].down = true;
  std::vector<held_back> orphans;
  for (auto at = parts_.begin(); at != parts_.end();) {
    auto here = at++;
    part& p = here->second;
    if (p.shard != shard) continue;
    held_back h{p.token, p.attempt + 1, {}};
    for (std::size_t i = 0; i < p.positions.size(); ++i)
      if (!p.answered[i]) h.positions.push_back(p.positions[i]);
    close_part(here);
    orphans.push_back(std::move(h));
  }
  for (held_back& h : orphans) again(h.token, std::move(h.positions), h.attempt, out);
}

void client_core::again(std::uint64_t token, std::vector<std::uint32_t> positions, unsigned attempt, effects& out) {
  open_call& c = calls_.find(token)->second;
  if (attempt > limits_.attempts || c.what->kind == call_kind::release) {
    for (std::uint32_t at : positions) fail_item(c, at, errc::unavailable);
  } else {
    hold_back(token, c, std::move(positions), attempt);
  }
  settle(token, out);
}

void client_core::tick(instant now, effects& out) {
  std::vector<std::uint64_t> due;
  for (auto at = deadlines_.begin(); at != deadlines_.end() && at->first <= now; ++at) due.push_back(at->second);
  if (due.empty()) return;
  std::sort(due.begin(), due.end());
  std::erase_if(held_back_, [&](const held_back& h) {
    if (!std::binary_search(due.begin(), due.end(), h.token)) return false;
    for (std::uint32_t at : h.positions) fail_item(calls_.find(h.token)->second, at, errc::unavailable);
    held_keys_ -= h.positions.size();
    return true;
  });
  for (std::uint64_t token : due) {
    open_call& c = calls_.find(token)->second;
    for (std::uint64_t correlation : c.parts) {
      auto p = parts_.find(correlation);
      if (p == parts_.end()) continue;
      for (std::size_t i = 0; i < p->second.positions.size(); ++i)
        if (!p->second.answered[i]) fail_item(c, p->second.positions[i], errc::deadline);
      close_part(p);
    }
    settle(token, out);
  }
}

void client_core::fail_all(errc why, effects& out) {
  for (auto& [correlation, p] : parts_) {
    open_call& c = calls_.find(p.token)->second;
    for (std::size_t i = 0; i < p.positions.size(); ++i)
      if (!p.answered[i]) fail_item(c, p.positions[i], why);
  }
  for (const held_back& h : held_back_)
    for (std::uint32_t at : h.positions) fail_item(calls_.find(h.token)->second, at, why);
  parts_.clear();
  held_back_.clear();
  held_keys_ = 0;
  for (shard_state& s : shards_) s.keys = 0;
  std::vector<std::uint64_t> tokens;
  for (const auto& [token, c] : calls_) tokens.push_back(token);
  for (std::uint64_t token : tokens) settle(token, out);
}

bool client_core::sound() const {
  std::unordered_map<std::uint64_t, std::size_t> open;
  std::vector<std::size_t> keys(shards_.size(), 0);
  for (const auto& [correlation, p] : parts_) {
    std::size_t here = 0;
    for (bool done : p.answered) here += done ? 0 : 1;
    if (here != p.open || p.answered.size() != p.positions.size()) return false;
    open[p.token] += here;
    keys[p.shard] += here;
  }
  std::size_t held = 0;
  for (const held_back& h : held_back_) {
    open[h.token] += h.positions.size();
    held += h.positions.size();
  }
  for (const auto& [token, c] : calls_)
    if (c.open == 0 || open[token] != c.open || !deadlines_.contains({c.deadline, token})) return false;
  for (std::size_t s = 0; s < keys.size(); ++s)
    if (keys[s] != shards_[s].keys) return false;
  return held == held_keys_ && deadlines_.size() == calls_.size() && open.size() == calls_.size();
}

}  // namespace aicache
