#include "engine/client/parcel_table.hpp"

#include <algorithm>
#include <string>

#include "engine/chunks/value_assembly.hpp"

namespace aicache {

namespace {

constexpr std::size_t late_put_lane = 7;
// Numbers of names are 16 bits wide.
constexpr std::size_t most_names = 60'000;

std::size_t items_of(const client_core::body& b) {
  return std::visit([](const auto& x) { return x->items.size(); }, b);
}

std::size_t bytes_of(const client_core::body& b) {
  const auto* puts = std::get_if<std::shared_ptr<put_body>>(&b);
  std::size_t bytes = 0;
  if (puts != nullptr)
    for (const put_item& i : (*puts)->items) bytes += i.value ? i.value->size() : 0;
  return bytes;
}

const std::shared_ptr<const name_lists>& names_of(const client_core::body& b) {
  return *std::visit([](const auto& x) { return &x->names; }, b);
}

/// The names of a parcel: those of all its parts, each once, and where a part's own went.
class joined_names {
 public:
  void turn_to(const std::shared_ptr<const name_lists>& part) {
    if (part == last_ || (last_ && *part == *last_)) return;
    last_ = part;
    operations_ = places(part->operations, all_->operations, known_[0]);
    tenants_ = places(part->tenants, all_->tenants, known_[1]);
    models_ = places(part->models, all_->models, known_[2]);
  }
  void rename(get_item& i) const {
    i.operation = at(operations_, i.operation);
    i.tenant = at(tenants_, i.tenant);
    i.model = at(models_, i.model);
  }
  template <class Item>
  void rename(Item& i) const {
    i.operation = at(operations_, i.operation);
    i.tenant = at(tenants_, i.tenant);
  }
  std::shared_ptr<const name_lists> take() { return std::move(all_); }

 private:
  using index = std::unordered_map<std::string, std::uint16_t>;
  static std::vector<std::uint16_t> places(const std::vector<std::string>& part, std::vector<std::string>& all,
                                           index& known) {
    std::vector<std::uint16_t> to;
    to.reserve(part.size());
    for (const std::string& name : part) {
      const auto [at, fresh] = known.emplace(name, static_cast<std::uint16_t>(all.size()));
      if (fresh) all.push_back(name);
      to.push_back(at->second);
    }
    return to;
  }
  static std::uint16_t at(const std::vector<std::uint16_t>& to, std::uint16_t own) noexcept {
    return own < to.size() ? to[own] : own;
  }

  std::shared_ptr<name_lists> all_ = std::make_shared<name_lists>();
  std::shared_ptr<const name_lists> last_;
  std::array<index, 3> known_;
  std::vector<std::uint16_t> operations_, tenants_, models_;
};

template <class Body, class Range>
client_core::body join(const Range& parts, std::size_t items) {
  auto all = std::make_shared<Body>();
  all->items.reserve(items);
  joined_names names;
  for (const auto& w : parts) {
    const Body& one = **std::get_if<std::shared_ptr<Body>>(&w.part.what);
    names.turn_to(one.names);
    for (const auto& item : one.items) names.rename(all->items.emplace_back(item));
    // Callers may wait for each other, but none for itself.
    if constexpr (std::is_same_v<Body, get_body>) all->calls.push_back(static_cast<std::uint32_t>(all->items.size()));
  }
  all->names = names.take();
  return all;
}

template <class Body>
client_core::body slice(const std::shared_ptr<Body>& all, std::size_t first, std::size_t count) {
  auto one = std::make_shared<Body>();
  const auto begin = all->results.begin() + static_cast<std::ptrdiff_t>(first);
  one->results.assign(std::make_move_iterator(begin),
                      std::make_move_iterator(begin + static_cast<std::ptrdiff_t>(count)));
  if constexpr (std::is_same_v<Body, get_body>) one->now = all->now;
  return one;
}

std::uint32_t pending_in(const client_core::body& what) {
  const auto* gets = std::get_if<std::shared_ptr<get_body>>(&what);
  if (gets == nullptr || !*gets) return 0;
  return static_cast<std::uint32_t>(std::count_if((*gets)->results.begin(), (*gets)->results.end(),
                                                  [](const get_result& r) { return r.status == get_status::pending; }));
}

}  // namespace

std::size_t parcel_table::lane_of(const send_part& p) noexcept {
  if (p.kind != call_kind::put) return static_cast<std::size_t>(p.kind);
  const auto& items = (*std::get_if<std::shared_ptr<put_body>>(&p.what))->items;
  const bool waits = std::any_of(items.begin(), items.end(), [](const put_item& i) {
    return i.write_through || (i.value && i.value->size() > large_value_bytes);
  });
  return waits ? late_put_lane : static_cast<std::size_t>(call_kind::put);
}

// A get is answered at once, with what is pending marked as such, and so is a put that is written behind.
bool parcel_table::is_prompt(std::size_t lane) noexcept {
  return lane == static_cast<std::size_t>(call_kind::get) || lane == static_cast<std::size_t>(call_kind::put);
}

void parcel_table::add(send_part p, std::size_t batch_keys, instant now) {
  shard_queue& q = queues_[{p.node, p.shard}];
  q.batch_keys = std::max<std::size_t>(batch_keys, 1);
  const instant until = now + p.wait;
  auto& lane = q.lanes[lane_of(p)];
  lane.push_back({std::move(p), until});
  ++gathered_;
}

bool parcel_table::is_ready() const noexcept {
  if (gathered_ == 0) return false;
  for (const auto& [to, q] : queues_)
    for (std::size_t l = 0; l < lane_count; ++l)
      if (!q.lanes[l].empty() && (!is_prompt(l) || q.under_way < options_.under_way)) return true;
  return false;
}

// How many of a lane's parts, from the first on, make one parcel.
std::size_t parcel_table::joined(const std::vector<waiting>& lane, std::size_t from, std::size_t batch_keys) const {
  std::size_t count = 0;
  std::size_t keys = 0;
  std::size_t bytes = 0;
  std::size_t names = 0;
  const waiting& first = lane[from];
  for (; from + count < lane.size(); ++count) {
    const waiting& w = lane[from + count];
    keys += items_of(w.part.what);
    bytes += bytes_of(w.part.what);
    const auto& n = names_of(w.part.what);
    names += n ? std::max({n->operations.size(), n->tenants.size(), n->models.size()}) : 0;
    if (count == 0) {
      if (!n) return 1;
      continue;
    }
    const duration apart = std::max(w.until, first.until) - std::min(w.until, first.until);
    const bool alike = apart * 10 <= std::min(w.part.wait, first.part.wait);
    if (!n || !alike || keys > batch_keys || bytes > options_.put_bytes || names > most_names) break;
  }
  return count;
}

void parcel_table::take(instant now, std::vector<send_part>& out) {
  if (gathered_ == 0) return;
  for (auto& [to, q] : queues_)
    for (std::size_t l = 0; l < lane_count; ++l) {
      auto& lane = q.lanes[l];
      if (lane.empty()) continue;
      const std::size_t before = lane.size();
      std::erase_if(lane, [now](const waiting& w) { return w.until <= now; });
      std::size_t from = 0;
      while (from < lane.size() && (!is_prompt(l) || q.under_way < options_.under_way)) {
        const std::size_t count = joined(lane, from, q.batch_keys);
        leave(to, q, lane, from, count, is_prompt(l), now, out);
        from += count;
      }
      lane.erase(lane.begin(), lane.begin() + static_cast<std::ptrdiff_t>(from));
      gathered_ -= before - lane.size();
    }
}

void parcel_table::leave(const address& to, shard_queue& q, std::vector<waiting>& lane, std::size_t from,
                         std::size_t count, bool counted, instant now, std::vector<send_part>& out) {
  const auto parts = std::span(lane).subspan(from, count);
  sent_parcel s;
  s.to = to;
  s.counted = counted;
  instant soonest = never;
  std::uint32_t items = 0;
  for (const waiting& w : parts) {
    const auto n = static_cast<std::uint32_t>(items_of(w.part.what));
    s.pieces.push_back({w.part.correlation, items, n});
    items += n;
    s.until = std::max(s.until, w.until);
    soonest = std::min(soonest, w.until);
  }
  send_part p{to.first, to.second, mark | ++next_, parts.front().part.kind, soonest - now, {}};
  if (count == 1) {
    p.what = std::move(parts.front().part.what);
  } else if (p.kind == call_kind::get) {
    p.what = join<get_body>(parts, items);
  } else if (p.kind == call_kind::put) {
    p.what = join<put_body>(parts, items);
  } else {
    p.what = join<key_body>(parts, items);
  }
  if (counted) ++q.under_way;
  sent_.emplace(p.correlation, std::move(s));
  out.push_back(std::move(p));
}

void parcel_table::replied(std::uint64_t correlation, errc whole, const client_core::body& what,
                           std::vector<part_reply>& out) {
  const auto at = sent_.find(correlation);
  if (at == sent_.end()) return;
  sent_parcel& s = at->second;
  if (std::exchange(s.counted, false)) --queues_[s.to].under_way;
  std::size_t results = 0;
  std::visit([&](const auto& b) { results = b ? b->results.size() : 0; }, what);
  const std::size_t items = s.pieces.back().first + s.pieces.back().count;
  s.open = pending_in(what);
  for (const piece& p : s.pieces) {
    // A reply that does not fit is of no part; each says so of its own.
    client_core::body own = what;
    if (whole == errc::none && results == items && s.pieces.size() > 1)
      own = std::visit([&](const auto& b) { return slice(b, p.first, p.count); }, what);
    if (results != items && s.pieces.size() > 1) own = {};
    out.push_back({p.correlation, std::move(own)});
  }
  s.replied = true;
  if (s.late >= s.open || whole != errc::none) sent_.erase(at);
}

std::optional<std::pair<std::uint64_t, std::uint32_t>> parcel_table::place_of(std::uint64_t correlation,
                                                                              std::uint32_t position) {
  const auto at = sent_.find(correlation);
  if (at == sent_.end()) return std::nullopt;
  const auto& pieces = at->second.pieces;
  const auto after = std::upper_bound(pieces.begin(), pieces.end(), position,
                                      [](std::uint32_t p, const piece& x) { return p < x.first; });
  const piece p = *std::prev(after);
  if (position >= p.first + p.count) return std::nullopt;
  if (++at->second.late >= at->second.open && at->second.replied) sent_.erase(at);
  return std::pair{p.correlation, position - p.first};
}

std::vector<std::uint64_t> parcel_table::parts_of(std::uint64_t correlation) const {
  std::vector<std::uint64_t> all;
  if (const auto at = sent_.find(correlation); at != sent_.end())
    for (const piece& p : at->second.pieces) all.push_back(p.correlation);
  return all;
}

void parcel_table::forget(sent_map::iterator at) {
  if (at->second.counted)
    if (const auto q = queues_.find(at->second.to); q != queues_.end()) --q->second.under_way;
  sent_.erase(at);
}

void parcel_table::lost(std::uint32_t node, std::uint32_t shard) {
  for (auto at = sent_.begin(); at != sent_.end();) {
    const auto here = at++;
    if (here->second.to == address{node, shard}) forget(here);
  }
  const auto q = queues_.find({node, shard});
  if (q == queues_.end()) return;
  for (const auto& lane : q->second.lanes) gathered_ -= lane.size();
  queues_.erase(q);
}

void parcel_table::lost(std::uint32_t node) {
  std::vector<std::uint32_t> shards;
  for (const auto& [to, q] : queues_)
    if (to.first == node) shards.push_back(to.second);
  for (const std::uint32_t s : shards) lost(node, s);
}

void parcel_table::tick(instant now) {
  for (auto at = sent_.begin(); at != sent_.end();) {
    const auto here = at++;
    if (here->second.until <= now) forget(here);
  }
}

}  // namespace aicache
