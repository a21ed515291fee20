#include "engine/client/node_table.hpp"

#include <algorithm>
#include <utility>

namespace aicache {

namespace {
bool has_address(const node_address& a) noexcept { return a.port != 0; }
}  // namespace

// -- who there is ------------------------------------------------------------

// The place of a node that is known no more is given to the next.
std::uint32_t node_table::place(node_address where, instant now) {
  const auto free = std::find_if(nodes_.begin(), nodes_.end(), [](const entry& n) { return n.is == standing::unused; });
  const auto at = static_cast<std::uint32_t>(free - nodes_.begin());
  entry n{std::move(where),
          false,
          {},
          0,
          standing::away,
          false,
          false,
          now,
          backoff(options_.first_wait, options_.longest_wait, options_.seed + at),
          {}};
  if (free == nodes_.end()) {
    nodes_.push_back(std::move(n));
  } else {
    *free = std::move(n);
  }
  return at;
}

std::uint32_t node_table::attach() {
  const std::uint32_t at = place({}, {});
  nodes_[at].given = true;
  reached(at);
  return at;
}

std::uint32_t node_table::add(node_address where, instant now) {
  const std::uint32_t at = place(std::move(where), now + options_.stagger * static_cast<int>(nodes_.size()));
  nodes_[at].given = true;
  if (!anybody_up() && nodes_.size() == 1) lost_at_ = now;
  return at;
}

// -- who is dialled ----------------------------------------------------------

bool node_table::anybody_up() const noexcept {
  return std::any_of(nodes_.begin(), nodes_.end(), [](const entry& n) { return n.is == standing::up; });
}

// Members always; those that the application named as long as nobody is up, for they may lead to the others.
bool node_table::is_wanted(const entry& n) const noexcept {
  if (n.is == standing::unused || !has_address(n.where)) return false;
  return !n.name.empty() || !anybody_up();
}

void node_table::due(instant now, std::vector<dial>& out) {
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    entry& n = nodes_[i];
    if (n.is != standing::away || n.next_try > now || !is_wanted(n)) continue;
    n.is = standing::dialling;
    out.push_back({i, n.where});
  }
}

instant node_table::next_due() const noexcept {
  instant next = never;
  for (const entry& n : nodes_)
    if (n.is == standing::away && is_wanted(n)) next = std::min(next, n.next_try);
  return next;
}

// -- what became of it -------------------------------------------------------

void node_table::reached(std::uint32_t at) {
  entry& n = nodes_[at];
  n.is = standing::up;
  n.tried = n.refused = false;
  n.why.clear();
  n.wait.reset();
  if (!is_up(serves_any_)) serves_any_ = at;
  if (owners_.empty() && (alone_ == nobody || nodes_[alone_].is != standing::up)) alone_ = at;
}

void node_table::failed(std::uint32_t at, std::string why, bool silent, instant now) {
  entry& n = nodes_[at];
  n.is = standing::away;
  n.tried = true;
  n.refused = !silent;
  n.why = std::move(why);
  n.next_try = now + n.wait.next();
  // The next alternative need not wait for its turn.
  if (const auto next =
          std::find_if(nodes_.begin(), nodes_.end(),
                       [&](const entry& o) { return o.is == standing::away && !o.tried && is_wanted(o); });
      next != nodes_.end())
    next->next_try = std::min(next->next_try, now);
  if (n.name.empty() && !n.given) n.is = standing::unused;
}

void node_table::lost(std::uint32_t at, instant now) {
  entry& n = nodes_[at];
  n.is = has_address(n.where) && (n.given || !n.name.empty()) ? standing::away : standing::unused;
  n.tried = n.refused = false;
  n.why = "it was lost";
  n.incarnation = 0;
  n.wait.reset();
  n.next_try = now;
  if (serves_any_ == at) serves_any_ = any_up();
  if (!anybody_up()) try_from(now);
  if (alone_ == at) alone_ = owners_.empty() ? choose() : nobody;
}

// Nobody is up: everybody known is tried, the one that served last as the last one, and a map of any epoch counts then.
void node_table::try_from(instant now) {
  lost_at_ = now;
  epoch_ = 0;
  int turn = 0;
  const auto count = static_cast<std::uint32_t>(nodes_.size());
  for (std::uint32_t i = 1; i <= count; ++i) {
    entry& n = nodes_[((alone_ == nobody ? 0 : alone_) + i) % count];
    n.tried = false;
    if (n.is != standing::away) continue;
    n.wait.reset();
    // Members are no alternatives to each other: all at once.
    n.next_try = now + (n.name.empty() ? options_.stagger * turn++ : duration{0});
  }
}

void node_table::same(std::uint32_t at, std::uint32_t other) {
  entry& n = nodes_[at];
  entry& o = nodes_[other];
  if (o.name.empty()) {
    o.name = std::exchange(n.name, {});
    o.incarnation = n.incarnation;
  }
  n.name.clear();
  n.is = n.given ? standing::away : standing::unused;
  n.next_try = {};
  for (std::uint32_t& owner : owners_)
    if (owner == at) owner = other;
}

// -- clusters ----------------------------------------------------------------

std::uint32_t node_table::find(const member& m) const noexcept {
  const auto at = [&](auto is_it) {
    const auto found = std::find_if(nodes_.begin(), nodes_.end(),
                                    [&](const entry& n) { return n.is != standing::unused && is_it(n); });
    return found == nodes_.end() ? nobody : static_cast<std::uint32_t>(found - nodes_.begin());
  };
  const std::uint32_t by_name = at([&](const entry& n) { return n.name == m.name; });
  return by_name != nobody ? by_name : at([&](const entry& n) { return n.name.empty() && n.where == m.where; });
}

bool node_table::heard(std::uint32_t from, const view& v, instant now, std::vector<std::uint32_t>& restarted) {
  if (from >= nodes_.size() || nodes_[from].is != standing::up) return false;
  if (v.members.empty()) {
    // One that left a cluster does not speak for those that are still in it.
    const bool others = std::any_of(nodes_.begin(), nodes_.end(), [&](const entry& n) {
      return &n != &nodes_[from] && n.is == standing::up && !n.name.empty();
    });
    if (owners_.empty() || others) return false;
    owners_.clear();
    epoch_ = 0;
    for (entry& n : nodes_) n.name.clear();
    alone_ = from;
    return true;
  }
  if (v.epoch <= epoch_) return false;
  // Who tells it is known by its connection, whatever address its name has.
  for (std::uint32_t i = 0; i < nodes_.size(); ++i)
    if (i != from && nodes_[i].name == v.asked && nodes_[i].is != standing::up) nodes_[i].name.clear();
  nodes_[from].name = v.asked;
  for (const member& m : v.members) {
    std::uint32_t at = find(m);
    if (at == nobody) at = place(m.where, now);
    entry& n = nodes_[at];
    n.name = m.name;
    const bool anew = n.incarnation != 0 && n.incarnation != m.incarnation;
    if (anew && n.is == standing::up && at != from) restarted.push_back(at);
    if (!(n.where == m.where) && (n.is == standing::away || n.is == standing::up) && !n.given) n.where = m.where;
    n.incarnation = m.incarnation;
  }
  for (entry& n : nodes_) {
    if (n.name.empty() ||
        std::any_of(v.members.begin(), v.members.end(), [&](const member& m) { return m.name == n.name; }))
      continue;
    n.name.clear();
    if (n.is == standing::away && !n.given) n.is = standing::unused;
  }
  epoch_ = v.epoch;
  assign(v);
  return true;
}

void node_table::assign(const view& v) {
  std::vector<std::string> names;
  std::vector<std::uint32_t> places;
  for (const member& m : v.members) {
    names.push_back(m.name);
    places.push_back(find(m));
  }
  const std::vector<std::uint16_t> by_member = assign_ranges(names, v.pins);
  owners_.resize(by_member.size());
  for (std::size_t r = 0; r < by_member.size(); ++r) owners_[r] = places[by_member[r]];
  alone_ = nobody;
}

// -- what holds now ----------------------------------------------------------

std::uint32_t node_table::choose() const noexcept {
  const auto up = std::find_if(nodes_.begin(), nodes_.end(), [](const entry& n) { return n.is == standing::up; });
  return up == nodes_.end() ? nobody : static_cast<std::uint32_t>(up - nodes_.begin());
}

std::uint32_t node_table::any_up() const noexcept {
  if (is_up(alone_)) return alone_;
  return is_up(serves_any_) ? serves_any_ : choose();
}

bool node_table::is_hopeless(instant now) const noexcept {
  if (anybody_up()) return false;
  bool dialable = false;
  for (const entry& n : nodes_) {
    if (!is_wanted(n)) continue;
    dialable = true;
    if (!n.tried) return false;
  }
  return !dialable || now - lost_at_ >= options_.give_up;
}

bool node_table::all_refused() const noexcept {
  return std::all_of(nodes_.begin(), nodes_.end(), [](const entry& n) { return n.is == standing::away && n.refused; });
}

std::string node_table::title(std::uint32_t at) const {
  if (at >= nodes_.size()) return "nobody";
  const entry& n = nodes_[at];
  if (!n.name.empty()) return n.name;
  return has_address(n.where) ? n.where.printable() : "the node of this process";
}

std::string node_table::reasons() const {
  std::string all;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    const entry& n = nodes_[i];
    if (n.is == standing::unused || n.is == standing::up) continue;
    if (!all.empty()) all += "; ";
    all += "no node at " + n.where.printable() + ": " + (n.why.empty() ? "it has not answered yet" : n.why);
  }
  return all;
}

}  // namespace aicache
