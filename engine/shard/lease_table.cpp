#include "engine/shard/lease_table.hpp"

#include <algorithm>
#include <functional>

namespace aicache {

namespace {
constexpr std::uint32_t the_lease = UINT32_MAX;
constexpr std::size_t map_node_bytes = 48;  // a small node of an unordered container with its share of the table
constexpr std::size_t few_alarms = 64;      // not worth a search for stale ones
constexpr std::size_t most_former = 16;     // holders of one flight who may still put
}  // namespace

void lease_table::set_alarm(instant at, std::uint64_t flight_number, std::uint32_t seat_number) {
  if (at == never) return;
  if (alarms_.size() >= few_alarms && alarms_.size() > 2 * (flights_.size() + parked_)) drop_stale_alarms();
  alarms_.push_back({at, flight_number, seat_number});
  std::push_heap(alarms_.begin(), alarms_.end(), std::greater<>{});
}

bool lease_table::is_live(const alarm& a) const {
  auto at = flights_.find(a.flight);
  if (at == flights_.end()) return false;
  const flight& f = at->second;
  if (a.seat == the_lease) return f.until == a.at;
  return a.seat >= f.first_seat && !f.line[a.seat - f.first_seat].empty;
}

// What landed leaves its alarm behind until that is due; at a high rate those would outweigh everything else.
void lease_table::drop_stale_alarms() {
  std::erase_if(alarms_, [this](const alarm& a) { return !is_live(a); });
  if (alarms_.size() < alarms_.capacity() / 4) alarms_.shrink_to_fit();
  std::make_heap(alarms_.begin(), alarms_.end(), std::greater<>{});
}

lease_table::grant lease_table::ask(const key128& key, std::uint64_t owner, const waiter& who, instant now,
                                    instant until) {
  auto known = by_key_.find(key);
  if (known == by_key_.end()) {
    const std::uint64_t token = new_token();
    flight f;
    f.key = key;
    f.token = token;
    f.owner = owner;
    f.batch = who.batch;
    f.call = who.call;
    f.born = epoch_;
    f.until = now + limits_.lease;
    flights_.emplace(token, std::move(f));
    by_key_.emplace(key, token);
    by_token_.emplace(token, lease_of{token, epoch_});
    know_owner(owner, token);
    set_alarm(now + limits_.lease, token, the_lease);
    return {asked::granted, token};
  }
  const std::uint64_t number = known->second;
  flight& f = flights_.find(number)->second;
  if (!f.held) {
    // Its last token became a former one when the flight lost its holder.
    const std::uint64_t token = new_token();
    f.token = token;
    f.owner = owner;
    f.batch = who.batch;
    f.call = who.call;
    f.held = true;
    f.born = epoch_;
    f.until = now + limits_.lease;
    by_token_.emplace(token, lease_of{number, epoch_});
    know_owner(owner, number);
    set_alarm(f.until, number, the_lease);
    return {asked::granted, token};
  }
  // Who asks twice in one call would wait for itself.
  if (f.batch == who.batch && f.call == who.call && f.owner == owner) return {};
  if (parked_ >= limits_.parked || f.seats_taken >= limits_.parked_per_key || until <= now) return {};
  const std::size_t before = f.line.capacity();
  f.line.push_back({who, owner, false});
  seats_ += f.line.capacity() - before;
  ++f.seats_taken;
  ++parked_;
  know_owner(owner, number);
  set_alarm(until, number, f.first_seat + static_cast<std::uint32_t>(f.line.size() - 1));
  return {asked::parked, 0};
}

void lease_table::know_owner(std::uint64_t owner, std::uint64_t number) {
  if (++by_owner_[owner][number] == 1) ++owner_ties_;
}

void lease_table::forget_owner(std::uint64_t owner, std::uint64_t number) noexcept {
  auto known = by_owner_.find(owner);
  if (known == by_owner_.end()) return;
  auto tie = known->second.find(number);
  if (tie == known->second.end() || --tie->second != 0) return;
  known->second.erase(tie);
  --owner_ties_;
  if (known->second.empty()) by_owner_.erase(known);
}

void lease_table::leave(flights_map::iterator at, std::size_t place) noexcept {
  flight& f = at->second;
  f.line[place].empty = true;
  forget_owner(f.line[place].owner, at->first);
  --f.seats_taken;
  --parked_;
}

// Drops the empty front of a line once it is the larger half, so that a line is as long as those who wait in it.
void lease_table::shorten(flight& f) noexcept {
  while (f.front < f.line.size() && f.line[f.front].empty) ++f.front;
  if (std::size_t{f.front} * 2 <= f.line.size()) return;
  f.line.erase(f.line.begin(), f.line.begin() + f.front);
  f.first_seat += f.front;
  f.front = 0;
}

lease_table::landing lease_table::land(const key128& key, std::uint64_t token, std::vector<waiter>& line) {
  std::uint64_t number = 0;
  if (token != 0) {
    auto known = by_token_.find(token);
    if (known == by_token_.end() || flights_.find(known->second.number)->second.key != key) return landing::unknown;
    number = known->second.number;
  } else {
    auto known = by_key_.find(key);
    if (known == by_key_.end()) return landing::current;
    number = known->second;
  }
  auto at = flights_.find(number);
  const landing how = at->second.lost ? landing::cut_off : landing::current;
  for (const seat& s : at->second.line)
    if (!s.empty) line.push_back(s.who);
  end(at);
  return how;
}

std::uint32_t lease_table::born(std::uint64_t token, std::uint32_t otherwise) const {
  const auto known = by_token_.find(token);
  return known == by_token_.end() ? otherwise : known->second.born;
}

std::uint32_t lease_table::born_of(const key128& key, std::uint32_t otherwise) const {
  const auto known = by_key_.find(key);
  return known == by_key_.end() ? otherwise : flights_.find(known->second)->second.born;
}

bool lease_table::is_held(const key128& key) const {
  const auto known = by_key_.find(key);
  return known != by_key_.end() && flights_.find(known->second)->second.held;
}

bool lease_table::holds(const key128& key, std::uint64_t token) const {
  const auto known = by_token_.find(token);
  if (known == by_token_.end()) return false;
  const flight& f = flights_.find(known->second.number)->second;
  return f.held && !f.lost && f.token == token && f.key == key;
}

void lease_table::end(flights_map::iterator at) noexcept {
  flight& f = at->second;
  parked_ -= f.seats_taken;
  seats_ -= f.line.capacity();
  by_token_.erase(f.token);
  for (std::uint64_t t : f.former) by_token_.erase(t);
  if (auto known = by_key_.find(f.key); known != by_key_.end() && known->second == at->first) by_key_.erase(known);
  if (f.held) forget_owner(f.owner, at->first);
  for (const seat& s : f.line)
    if (!s.empty) forget_owner(s.owner, at->first);
  flights_.erase(at);
}

bool lease_table::release(const key128& key, std::uint64_t token, instant now, std::vector<handover>& out) {
  auto known = by_token_.find(token);
  if (known == by_token_.end()) return false;
  auto at = flights_.find(known->second.number);
  if (at->second.key != key || at->second.token != token || !at->second.held) return false;
  pass_on(at, now, out);
  return true;
}

// The holder is gone or late: the first who still waits becomes the holder; without one the flight lingers.
void lease_table::pass_on(flights_map::iterator at, instant now, std::vector<handover>& out) {
  flight& f = at->second;
  if (f.held) forget_owner(f.owner, at->first);
  f.former.push_back(f.token);
  if (f.former.size() > most_former) {
    by_token_.erase(f.former.front());
    f.former.erase(f.former.begin());
  }
  f.until = now + limits_.lease;
  for (std::size_t place = f.front; place < f.line.size(); ++place) {
    if (f.line[place].empty) continue;
    const seat next = f.line[place];
    leave(at, place);
    shorten(f);
    f.token = new_token();
    f.owner = next.owner;
    f.batch = next.who.batch;
    f.call = next.who.call;
    f.held = true;
    f.born = epoch_;
    by_token_.emplace(f.token, lease_of{at->first, epoch_});
    know_owner(f.owner, at->first);
    set_alarm(f.until, at->first, the_lease);
    out.push_back({next.who, f.token, f.key});
    return;
  }
  f.held = false;
  if (f.lost) return end(at);
  set_alarm(f.until, at->first, the_lease);
}

void lease_table::owner_gone(std::uint64_t owner, instant now, std::vector<handover>& out, std::vector<waiter>& left) {
  auto known = by_owner_.find(owner);
  if (known == by_owner_.end()) return;
  const ties flights_of_owner = std::move(known->second);
  owner_ties_ -= flights_of_owner.size();
  by_owner_.erase(known);
  for (const auto& [number, times] : flights_of_owner) {
    auto at = flights_.find(number);
    flight& f = at->second;
    for (std::size_t place = f.front; place < f.line.size(); ++place) {
      if (f.line[place].empty || f.line[place].owner != owner) continue;
      left.push_back(f.line[place].who);
      leave(at, place);
    }
    shorten(f);
    if (f.held && f.owner == owner) pass_on(at, now, out);
  }
}

void lease_table::cut_off_all() noexcept {
  for (auto& [number, f] : flights_) f.lost = true;
  by_key_.clear();
}

void lease_table::cut_off(const key128& key) noexcept {
  auto known = by_key_.find(key);
  if (known == by_key_.end()) return;
  flights_.find(known->second)->second.lost = true;
  by_key_.erase(known);
}

bool lease_table::expire(instant now, unsigned limit, std::vector<handover>& out) {
  while (!alarms_.empty() && alarms_.front().at <= now) {
    if (limit-- == 0) return true;
    const alarm a = alarms_.front();
    std::pop_heap(alarms_.begin(), alarms_.end(), std::greater<>{});
    alarms_.pop_back();
    if (!is_live(a)) continue;
    auto at = flights_.find(a.flight);
    flight& f = at->second;
    if (a.seat != the_lease) {
      out.push_back({f.line[a.seat - f.first_seat].who, 0, f.key});
      leave(at, a.seat - f.first_seat);
      shorten(f);
    } else if (f.held) {
      pass_on(at, now, out);
    } else {
      end(at);
    }
  }
  return false;
}

std::vector<waiter> lease_table::abandon() {
  std::vector<waiter> all;
  for (auto& [number, f] : flights_)
    for (const seat& s : f.line)
      if (!s.empty) all.push_back(s.who);
  flights_.clear();
  by_key_.clear();
  by_token_.clear();
  by_owner_.clear();
  owner_ties_ = 0;
  alarms_ = std::vector<alarm>();
  parked_ = 0;
  seats_ = 0;
  return all;
}

std::size_t lease_table::bytes() const noexcept {
  return flights_.size() * (sizeof(flight) + map_node_bytes) + seats_ * sizeof(seat) +
         (by_key_.size() + by_token_.size() + 2 * by_owner_.size() + owner_ties_) * map_node_bytes +
         alarms_.capacity() * sizeof(alarm);
}

bool lease_table::sound() const {
  std::size_t taken = 0;
  std::size_t seats = 0;
  std::size_t keyed = 0;
  std::size_t tokens = 0;
  std::unordered_map<std::uint64_t, ties> by_owner;
  for (const auto& [number, f] : flights_) {
    std::uint32_t here = 0;
    if (f.held) ++by_owner[f.owner][number];
    for (const seat& s : f.line) {
      if (s.empty) continue;
      ++here;
      ++by_owner[s.owner][number];
    }
    if (here != f.seats_taken || (!f.held && here != 0)) return false;
    taken += here;
    seats += f.line.capacity();
    tokens += f.former.size() + (f.held ? 1 : 0);
    auto token = by_token_.find(f.token);
    if (token == by_token_.end() || token->second.number != number || token->second.born != f.born) return false;
    auto known = by_key_.find(f.key);
    const bool found = known != by_key_.end() && known->second == number;
    if (found == f.lost) return false;
    keyed += found ? 1 : 0;
  }
  std::size_t linked = 0;
  for (const auto& [owner, flights_of_owner] : by_owner) linked += flights_of_owner.size();
  return taken == parked_ && seats == seats_ && keyed == by_key_.size() && tokens == by_token_.size() &&
         by_owner == by_owner_ && linked == owner_ties_;
}

}  // namespace aicache
