#include "engine/shard/lease_table.hpp"

#include <algorithm>

namespace aicache {

namespace {
constexpr std::uint32_t the_lease = UINT32_MAX;
constexpr std::size_t map_node_bytes = 48;  // a small node of an unordered container with its share of the table
}  // namespace

void lease_table::set_alarm(instant at, std::uint64_t flight_number, std::uint32_t seat_number) {
  if (at != never) alarms_.push({at, flight_number, seat_number});
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
    f.until = now + limits_.lease;
    flights_.emplace(token, std::move(f));
    by_key_.emplace(key, token);
    by_token_.emplace(token, token);
    know_owner(owner, token);
    set_alarm(now + limits_.lease, token, the_lease);
    return {asked::granted, token};
  }
  const std::uint64_t number = known->second;
  flight& f = flights_.find(number)->second;
  if (!f.held) {
    const std::uint64_t token = new_token();
    f.former.push_back(f.token);
    f.token = token;
    f.owner = owner;
    f.held = true;
    f.until = now + limits_.lease;
    by_token_.emplace(token, number);
    know_owner(owner, number);
    set_alarm(f.until, number, the_lease);
    return {asked::granted, token};
  }
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
  if (by_owner_[owner].insert(number).second) ++owner_links_;
}

void lease_table::forget_owner(std::uint64_t owner, std::uint64_t number) noexcept {
  auto known = by_owner_.find(owner);
  if (known == by_owner_.end()) return;
  owner_links_ -= known->second.erase(number);
  if (known->second.empty()) by_owner_.erase(known);
}

void lease_table::leave(flight& f, std::size_t place) noexcept {
  f.line[place].empty = true;
  --f.seats_taken;
  --parked_;
}

// Drops the empty front of a line once it is the larger half, so that a line is as long as those who wait in it.
void lease_table::shorten(flight& f) {
  const auto taken = std::find_if(f.line.begin(), f.line.end(), [](const seat& s) { return !s.empty; });
  const auto gone = taken - f.line.begin();
  if (gone * 2 <= static_cast<std::ptrdiff_t>(f.line.size())) return;
  f.line.erase(f.line.begin(), taken);
  f.first_seat += static_cast<std::uint32_t>(gone);
}

lease_table::landing lease_table::land(const key128& key, std::uint64_t token, std::vector<waiter>& line) {
  std::uint64_t number = 0;
  if (token != 0) {
    auto known = by_token_.find(token);
    if (known == by_token_.end() || flights_.find(known->second)->second.key != key) return landing::unknown;
    number = known->second;
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

void lease_table::end(flights_map::iterator at) noexcept {
  flight& f = at->second;
  parked_ -= f.seats_taken;
  seats_ -= f.line.capacity();
  by_token_.erase(f.token);
  for (std::uint64_t t : f.former) by_token_.erase(t);
  if (auto known = by_key_.find(f.key); known != by_key_.end() && known->second == at->first) by_key_.erase(known);
  if (f.held) forget_owner(f.owner, at->first);
  for (const seat& s : f.line) forget_owner(s.owner, at->first);
  flights_.erase(at);
}

bool lease_table::release(const key128& key, std::uint64_t token, instant now, std::vector<handover>& out) {
  auto known = by_token_.find(token);
  if (known == by_token_.end()) return false;
  auto at = flights_.find(known->second);
  if (at->second.key != key || at->second.token != token || !at->second.held) return false;
  pass_on(at, now, out);
  return true;
}

// The holder is gone or late: the first who still waits becomes the holder; without one the flight lingers.
void lease_table::pass_on(flights_map::iterator at, instant now, std::vector<handover>& out) {
  flight& f = at->second;
  f.former.push_back(f.token);
  if (f.former.size() > 16) {
    by_token_.erase(f.former.front());
    f.former.erase(f.former.begin());
  }
  f.until = now + limits_.lease;
  for (std::size_t place = 0; place < f.line.size(); ++place) {
    if (f.line[place].empty) continue;
    const seat next = f.line[place];
    leave(f, place);
    shorten(f);
    f.token = new_token();
    f.owner = next.owner;
    f.held = true;
    by_token_.emplace(f.token, at->first);
    set_alarm(f.until, at->first, the_lease);
    out.push_back({next.who, f.token, f.key});
    return;
  }
  f.held = false;
  if (f.lost) return end(at);
  set_alarm(f.until, at->first, the_lease);
}

void lease_table::owner_gone(std::uint64_t owner, instant now, std::vector<handover>& out) {
  auto known = by_owner_.find(owner);
  if (known == by_owner_.end()) return;
  const std::unordered_set<std::uint64_t> numbers = std::move(known->second);
  owner_links_ -= numbers.size();
  by_owner_.erase(known);
  for (std::uint64_t number : numbers) {
    auto at = flights_.find(number);
    if (at == flights_.end()) continue;
    flight& f = at->second;
    for (std::size_t place = 0; place < f.line.size(); ++place)
      if (!f.line[place].empty && f.line[place].owner == owner) leave(f, place);
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
  while (!alarms_.empty() && alarms_.top().at <= now) {
    if (limit-- == 0) return true;
    const alarm a = alarms_.top();
    alarms_.pop();
    auto at = flights_.find(a.flight);
    if (at == flights_.end()) continue;
    flight& f = at->second;
    if (a.seat == the_lease) {
      if (f.until > now) continue;  // renewed since
      if (f.held) {
        pass_on(at, now, out);
      } else {
        end(at);
      }
    } else if (a.seat >= f.first_seat && !f.line[a.seat - f.first_seat].empty) {
      out.push_back({f.line[a.seat - f.first_seat].who, 0, f.key});
      leave(f, a.seat - f.first_seat);
      shorten(f);
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
  owner_links_ = 0;
  alarms_ = {};
  parked_ = 0;
  seats_ = 0;
  return all;
}

std::size_t lease_table::bytes() const noexcept {
  return flights_.size() * (sizeof(flight) + map_node_bytes) + seats_ * sizeof(seat) +
         (by_key_.size() + by_token_.size() + by_owner_.size() + owner_links_) * map_node_bytes + alarms_.size() * sizeof(alarm);
}

bool lease_table::sound() const {
  std::size_t taken = 0;
  std::size_t seats = 0;
  std::size_t keyed = 0;
  std::size_t links = 0;
  for (const auto& [owner, numbers] : by_owner_) links += numbers.size();
  for (const auto& [number, f] : flights_) {
    std::uint32_t here = 0;
    for (const seat& s : f.line) here += s.empty ? 0 : 1;
    if (here != f.seats_taken || (!f.held && here != 0)) return false;
    taken += here;
    seats += f.line.capacity();
    auto token = by_token_.find(f.token);
    if (token == by_token_.end() || token->second != number) return false;
    auto known = by_key_.find(f.key);
    const bool found = known != by_key_.end() && known->second == number;
    if (found == f.lost) return false;
    keyed += found ? 1 : 0;
  }
  return taken == parked_ && seats == seats_ && keyed == by_key_.size() && links == owner_links_;
}

}  // namespace aicache
