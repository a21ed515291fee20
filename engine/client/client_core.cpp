#include "engine/client/client_core.hpp"

#include <algorithm>
#include <numeric>

namespace aicache {

namespace {

// A node that is asked too early, or by an old map, is known of better a moment later: in all, ten times, some 1.9 s.
constexpr duration pause_after(unsigned moves) noexcept { return duration{10} * (1 << std::min(moves - 1, 5U)); }

bool is_moved(const get_result& r) noexcept { return r.status == get_status::error && r.error == errc::moved; }
bool is_moved(const put_result& r) noexcept { return r.error == errc::moved; }
bool is_moved(const key_result& r) noexcept { return r.error == errc::moved; }

}  // namespace

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
  route(token, at->second, nullptr, {}, now, out);
  settle(token, out);
}

// What waits for a shard counts against a credit as well, or a long restart would fill the memory. What a dead shard
// already had is within that shard's own credit, and so is what a shard sent on.
void client_core::hold_back(std::uint64_t token, open_call& c, std::vector<std::uint32_t> positions, tries tried,
                            instant until) {
  if (positions.empty()) return;
  if (tried.attempt == 1 && tried.moves == 0 && held_keys_ + positions.size() > limits_.in_flight_keys) {
    for (std::uint32_t at : positions) fail_item(c, at, errc::overloaded);
    return;
  }
  held_keys_ += positions.size();
  held_back_.push_back({token, tried, std::move(positions), until});
}

// Groups items by shard and sends them; null positions stand for all items.
void client_core::route(std::uint64_t token, open_call& c, const std::vector<std::uint32_t>* positions, tries tried,
                        instant now, effects& out) {
  const std::size_t n = positions == nullptr ? c.what->size() : positions->size();
  if (owners_.empty()) {
    if (shards_of(alone_) == 0) {
      std::vector<std::uint32_t> all(n);
      std::iota(all.begin(), all.end(), 0U);
      return hold_back(token, c, positions == nullptr ? std::move(all) : *positions, tried);
    }
    group_alone(*c.what, positions, n);
    for (std::uint32_t s = 0; s < shards_of(alone_); ++s) send_group(token, c, alone_, s, tried, now, out);
    return;
  }
  group_together(*c.what, positions, n);
  hold_back(token, c, std::exchange(ownerless_, {}), tried);
  for (std::uint32_t node = 0; node < nodes_.size(); ++node)
    for (std::uint32_t s = 0; s < shards_of(node); ++s) send_group(token, c, node, s, tried, now, out);
}

void client_core::group_alone(const call& c, const std::vector<std::uint32_t>* positions, std::size_t n) {
  const std::uint32_t shards = shards_of(alone_);
  const auto groups = std::span(groups_).subspan(nodes_[alone_].first_group, shards);
  if (n > 1)
    for (auto& group : groups) group.reserve(n / shards + 8);
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t at = positions == nullptr ? static_cast<std::uint32_t>(i) : (*positions)[i];
    groups[shard_of(id_of(c, at).key(), shards)].push_back(at);
  }
}

void client_core::group_together(const call& c, const std::vector<std::uint32_t>* positions, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t at = positions == nullptr ? static_cast<std::uint32_t>(i) : (*positions)[i];
    const key128 key = id_of(c, at).key();
    const std::uint32_t node = owners_[range_of(key)];
    const std::uint32_t shards = shards_of(node);
    (shards == 0 ? ownerless_ : groups_[nodes_[node].first_group + shard_of(key, shards)]).push_back(at);
  }
}

void client_core::send_group(std::uint64_t token, open_call& c, std::uint32_t node, std::uint32_t shard, tries tried,
                             instant now, effects& out) {
  std::vector<std::uint32_t>& ready = groups_[nodes_[node].first_group + shard];
  if (ready.empty()) return;
  std::vector<std::uint32_t> group = std::exchange(ready, {});
  const std::size_t most = nodes_[node].of.batch_keys;
  if (group.size() <= most) return dispatch(token, c, node, shard, std::move(group), tried, now, out);
  for (std::size_t from = 0; from < group.size(); from += most) {
    const auto first = group.begin() + static_cast<std::ptrdiff_t>(from);
    const auto last = group.begin() + static_cast<std::ptrdiff_t>(std::min(from + most, group.size()));
    dispatch(token, c, node, shard, {first, last}, tried, now, out);
  }
}

void client_core::dispatch(std::uint64_t token, open_call& c, std::uint32_t node, std::uint32_t shard,
                           std::vector<std::uint32_t> positions, tries tried, instant now, effects& out) {
  shard_state& to = nodes_[node].shards[shard];
  if (to.down) return hold_back(token, c, std::move(positions), tried);
  if (to.keys + positions.size() > nodes_[node].of.in_flight_keys) {
    for (std::uint32_t at : positions) fail_item(c, at, errc::overloaded);
    return;
  }
  send_part message{node, shard, ++next_correlation_, c.what->kind, c.deadline - now, {}};
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
  p.node = node;
  p.shard = shard;
  p.tried = tried;
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
  nodes_[p->second.node].shards[p->second.shard].keys -= p->second.open;
  parts_.erase(p);
}

// -- who serves --------------------------------------------------------------

void client_core::count_groups() {
  std::uint32_t groups = 0;
  for (node_state& n : nodes_) {
    n.first_group = groups;
    groups += static_cast<std::uint32_t>(n.shards.size());
  }
  groups_.resize(groups);
}

void client_core::map(std::uint32_t node, std::uint64_t epoch, std::span<const owner> owners, limits l, instant now,
                      effects& out) {
  if (epoch <= this->epoch(node) || owners.empty()) return;
  if (node >= nodes_.size()) nodes_.resize(node + 1);
  node_state& n = nodes_[node];
  // Other ranges than before: no shard is what it was.
  const bool recut = owners.size() != n.shards.size();
  for (std::uint32_t s = 0; s < n.shards.size(); ++s)
    if (recut || owners[s] != owner::same) shard_down(node, s, out);
  if (recut) {
    n.shards.assign(owners.size(), {});
    count_groups();
  }
  for (std::size_t s = 0; s < owners.size(); ++s)
    if (owners[s] != owner::same) n.shards[s].down = owners[s] == owner::absent;
  n.epoch = epoch;
  // A node's word that no batch may hold anything must not stop the client.
  l.batch_keys = std::max<std::size_t>(l.batch_keys, 1);
  n.of = limits_ = l;
  release_held(false, now, out);
}

void client_core::serve_alone(std::uint32_t node, instant now, effects& out) {
  owners_.clear();
  alone_ = node;
  release_held(true, now, out);
}

void client_core::serve_together(std::vector<std::uint32_t> nodes, instant now, effects& out) {
  owners_ = std::move(nodes);
  release_held(true, now, out);
}

void client_core::lost(std::uint32_t node, effects& out) {
  if (node >= nodes_.size()) return;
  for (std::uint32_t s = 0; s < shards_of(node); ++s) shard_down(node, s, out);
  nodes_[node].epoch = 0;
  nodes_[node].shards.clear();
  count_groups();
}

void client_core::release_held(bool all, instant now, effects& out) {
  std::vector<held_back> held = std::exchange(held_back_, {});
  held_keys_ = 0;
  for (held_back& h : held) {
    open_call& c = calls_.find(h.token)->second;
    if (!all && h.until > now) {
      hold_back(h.token, c, std::move(h.positions), h.tried, h.until);
      continue;
    }
    route(h.token, c, &h.positions, h.tried, now, out);
    settle(h.token, out);
  }
}

// -- what is answered --------------------------------------------------------

void client_core::replied(std::uint64_t correlation, errc whole, const body& what, instant now, effects& out) {
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
  std::vector<std::uint32_t> elsewhere;
  // True when the item has its answer.
  const auto take = [&](auto& place, auto& result, std::uint32_t to) {
    if (is_moved(result)) {
      elsewhere.push_back(to);
      return false;
    }
    place = std::move(result);
    return true;
  };
  for (std::size_t i = 0; i < p.positions.size(); ++i) {
    if (p.answered[i]) continue;
    const std::uint32_t to = p.positions[i];
    bool told = true;
    if (!fits) {
      told = whole != errc::moved;
      if (told) {
        fail_item(c, to, whole == errc::none ? errc::corrupt : whole);
        continue;
      }
      elsewhere.push_back(to);
    } else if (w.kind == call_kind::get) {
      told = take(w.got[to], (*std::get_if<0>(&what))->results[i], to);
      if (told && w.got[to].status == get_status::pending) {
        ++pending;
        continue;
      }
    } else if (w.kind == call_kind::put) {
      told = take(w.stored[to], (*std::get_if<1>(&what))->results[i], to);
    } else {
      told = take(w.told[to], (*std::get_if<2>(&what))->results[i], to);
    }
    p.answered[i] = true;
    if (told) --c.open;
  }
  nodes_[p.node].shards[p.shard].keys -= p.open - pending;
  p.open = pending;
  if (!elsewhere.empty()) [[unlikely]]
    moved(p, std::move(elsewhere), now, out);
  if (pending == 0) parts_.erase(at);
  settle(token, out);
}

// A node does not own these items. Nobody has lost anything yet: they are asked again when the owners are known anew, or
// a moment later when the node itself may have learnt of them. A lease, however, was left behind.
void client_core::moved(const part& p, std::vector<std::uint32_t> positions, instant now, effects& out) {
  open_call& c = calls_.find(p.token)->second;
  const tries tried{p.tried.attempt, p.tried.moves + 1};
  if (tried.moves > limits_.moves || c.what->kind == call_kind::release) {
    for (std::uint32_t at : positions) fail_item(c, at, errc::unavailable);
    return;
  }
  out.emplace_back(ask_owners{p.node});
  hold_back(p.token, c, std::move(positions), tried, now + pause_after(tried.moves));
}

void client_core::hear_time(std::uint64_t correlation, instant node_now) noexcept {
  const auto at = parts_.find(correlation);
  if (at == parts_.end()) return;
  call& w = *calls_.find(at->second.token)->second.what;
  w.now = std::max(w.now, node_now);
}

void client_core::late(std::uint64_t correlation, std::uint32_t position, get_result result, instant now,
                       effects& out) {
  auto at = parts_.find(correlation);
  if (at == parts_.end()) return;
  part& p = at->second;
  if (position >= p.positions.size() || p.answered[position]) return;
  const std::uint64_t token = p.token;
  open_call& c = calls_.find(token)->second;
  if (c.what->kind != call_kind::get || result.status == get_status::pending) return;
  p.answered[position] = true;
  --p.open;
  --nodes_[p.node].shards[p.shard].keys;
  if (is_moved(result)) {
    moved(p, {p.positions[position]}, now, out);
  } else {
    c.what->got[p.positions[position]] = std::move(result);
    --c.open;
  }
  if (p.open == 0) parts_.erase(at);
  settle(token, out);
}

void client_core::shard_down(std::uint32_t node, std::uint32_t shard, effects& out) {
  if (shard >= shards_of(node)) return;
  nodes_[node].shards[shard].down = true;
  std::vector<held_back> orphans;
  for (auto at = parts_.begin(); at != parts_.end();) {
    auto here = at++;
    part& p = here->second;
    if (p.node != node || p.shard != shard) continue;
    held_back h{p.token, {p.tried.attempt + 1, p.tried.moves}, {}, {}};
    for (std::size_t i = 0; i < p.positions.size(); ++i)
      if (!p.answered[i]) h.positions.push_back(p.positions[i]);
    close_part(here);
    orphans.push_back(std::move(h));
  }
  for (held_back& h : orphans) again(h.token, std::move(h.positions), h.tried, out);
}

void client_core::again(std::uint64_t token, std::vector<std::uint32_t> positions, tries tried, effects& out) {
  open_call& c = calls_.find(token)->second;
  if (tried.attempt > limits_.attempts || c.what->kind == call_kind::release) {
    for (std::uint32_t at : positions) fail_item(c, at, errc::unavailable);
  } else {
    hold_back(token, c, std::move(positions), tried);
  }
  settle(token, out);
}

void client_core::tick(instant now, effects& out) {
  std::vector<std::uint64_t> due;
  for (auto at = deadlines_.begin(); at != deadlines_.end() && at->first <= now; ++at) due.push_back(at->second);
  if (due.empty()) return send_on(now, out);
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
  send_on(now, out);
}

// What was sent on by a node goes out again when its pause is over.
void client_core::send_on(instant now, effects& out) {
  const auto is_due = [now](const held_back& h) { return h.until > instant{} && h.until <= now; };
  if (std::any_of(held_back_.begin(), held_back_.end(), is_due)) release_held(false, now, out);
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
  for (node_state& n : nodes_)
    for (shard_state& s : n.shards) s.keys = 0;
  std::vector<std::uint64_t> tokens;
  for (const auto& [token, c] : calls_) tokens.push_back(token);
  for (std::uint64_t token : tokens) settle(token, out);
}

bool client_core::sound() const {
  std::unordered_map<std::uint64_t, std::size_t> open;
  std::vector<std::vector<std::size_t>> keys;
  for (const node_state& n : nodes_) keys.emplace_back(n.shards.size(), 0);
  for (const auto& [correlation, p] : parts_) {
    std::size_t here = 0;
    for (bool done : p.answered) here += done ? 0 : 1;
    if (here != p.open || p.answered.size() != p.positions.size() || p.shard >= shards_of(p.node)) return false;
    open[p.token] += here;
    keys[p.node][p.shard] += here;
  }
  std::size_t held = 0;
  for (const held_back& h : held_back_) {
    open[h.token] += h.positions.size();
    held += h.positions.size();
  }
  for (const auto& [token, c] : calls_)
    if (c.open == 0 || open[token] != c.open || !deadlines_.contains({c.deadline, token})) return false;
  for (std::size_t n = 0; n < keys.size(); ++n)
    for (std::size_t s = 0; s < keys[n].size(); ++s)
      if (keys[n][s] != nodes_[n].shards[s].keys) return false;
  return held == held_keys_ && deadlines_.size() == calls_.size() && open.size() == calls_.size();
}

}  // namespace aicache
