#include "engine/shard/fetch_table.hpp"

#include <algorithm>
#include <utility>

namespace aicache {

bool fetch_table::join(const key128& key, const seat& s) {
  const auto at = flights_.find(key);
  if (at == flights_.end()) return false;
  at->second.line.push_back(s);
  ++seats_;
  next_due_ = std::min(next_due_, s.until);
  return true;
}

void fetch_table::start(flight f, const seat& first) {
  f.line.push_back(first);
  ++seats_;
  next_due_ = std::min(next_due_, first.until);
  start(std::move(f));
}

void fetch_table::start(flight f) {
  const key128 key = f.id.key();
  names_ += f.name.key.size();
  flights_.emplace(key, std::move(f));
}

std::uint64_t fetch_table::ask(std::vector<key128> keys, instant until) {
  asked_ += keys.size();
  ++next_ticket_;
  for (const key128& key : keys)
    if (const auto at = flights_.find(key); at != flights_.end()) at->second.ticket = next_ticket_;
  tickets_.emplace(next_ticket_, question{std::move(keys), until});
  next_due_ = std::min(next_due_, until);
  return next_ticket_;
}

std::vector<key128> fetch_table::answered(std::uint64_t ticket) {
  const auto at = tickets_.find(ticket);
  if (at == tickets_.end()) return {};
  std::vector<key128> keys = std::move(at->second.keys);
  asked_ -= keys.size();
  tickets_.erase(at);
  return keys;
}

bool fetch_table::take(const key128& key, std::uint64_t ticket, flight& out) {
  const auto at = flights_.find(key);
  if (at == flights_.end() || (ticket != 0 && at->second.ticket != ticket)) return false;
  out = std::move(at->second);
  seats_ -= out.line.size();
  names_ -= out.name.key.size();
  flights_.erase(at);
  return true;
}

void fetch_table::put_back(flight f) {
  names_ += f.name.key.size();
  seats_ += f.line.size();
  for (const seat& s : f.line) next_due_ = std::min(next_due_, s.until);
  const key128 key = f.id.key();
  flights_.emplace(key, std::move(f));
}

std::vector<fetch_table::flight> fetch_table::take_all() {
  std::vector<flight> all;
  all.reserve(flights_.size());
  for (auto& [key, f] : flights_) all.push_back(std::move(f));
  flights_.clear();
  tickets_.clear();
  seats_ = asked_ = names_ = 0;
  next_due_ = never;
  return all;
}

bool fetch_table::due(instant now, unsigned limit, std::vector<seat>& out) {
  if (next_due_ > now) return false;
  next_due_ = never;
  unsigned taken = 0;
  for (auto& [key, f] : flights_) {
    std::size_t kept = 0;
    for (const seat& s : f.line) {
      if (s.until <= now && taken < limit) {
        ++taken;
        out.push_back(s);
      } else {
        next_due_ = std::min(next_due_, s.until);
        f.line[kept++] = s;
      }
    }
    seats_ -= f.line.size() - kept;
    f.line.resize(kept);
  }
  // A flight without seats stays as long as its ticket: its answer is worth keeping, and nobody may start a second one
  // meanwhile.
  for (auto at = tickets_.begin(); at != tickets_.end();) {
    if (at->second.until > now || taken >= limit) {
      next_due_ = std::min(next_due_, at->second.until);
      ++at;
      continue;
    }
    asked_ -= at->second.keys.size();
    for (const key128& key : at->second.keys) {
      ++taken;
      flight over;
      if (take(key, at->first, over)) out.insert(out.end(), over.line.begin(), over.line.end());
    }
    at = tickets_.erase(at);
  }
  return next_due_ <= now;
}

void fetch_table::owner_gone(std::uint64_t owner, std::vector<seat>& out) {
  if (owner == 0) return;
  for (auto& [key, f] : flights_) {
    const auto gone =
        std::stable_partition(f.line.begin(), f.line.end(), [&](const seat& s) { return s.owner != owner; });
    out.insert(out.end(), gone, f.line.end());
    seats_ -= static_cast<std::size_t>(f.line.end() - gone);
    f.line.erase(gone, f.line.end());
  }
}

std::size_t fetch_table::seats_of_gets() const noexcept {
  std::size_t n = 0;
  for (const auto& [key, f] : flights_)
    for (const seat& s : f.line) n += s.wants != wish::news ? 1 : 0;
  return n;
}

std::size_t fetch_table::bytes() const noexcept {
  constexpr std::size_t node = 2 * sizeof(void*) + 16;
  return names_ + flights_.size() * (sizeof(flight) + sizeof(key128) + node) + flights_.bucket_count() * sizeof(void*) +
         2 * seats_ * sizeof(seat) + tickets_.size() * (sizeof(question) + 2 * node) + asked_ * sizeof(key128);
}

bool fetch_table::sound() const {
  std::size_t seats = 0;
  std::size_t asked = 0;
  std::size_t names = 0;
  bool early = false;
  for (const auto& [key, f] : flights_) {
    seats += f.line.size();
    names += f.name.key.size();
    if (key != f.id.key()) return false;
    // What no message asks for would never come back.
    if (!tickets_.contains(f.ticket)) return false;
    for (const seat& s : f.line) early = early || s.until < next_due_;
  }
  for (const auto& [ticket, q] : tickets_) {
    asked += q.keys.size();
    early = early || q.until < next_due_;
  }
  return seats == seats_ && asked == asked_ && names == names_ && !early;
}

}  // namespace aicache
