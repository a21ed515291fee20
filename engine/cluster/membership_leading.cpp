#include <algorithm>
#include <utility>

#include "engine/cluster/membership_core.hpp"

// Who numbers the views where no registry does, and whom it counts as members.
namespace aicache {

// Nobody has heard of it for a lease, neither this node nor, as far as this node knows, the registry.
bool membership_core::is_silent(const cluster_node& n, instant now) const {
  const auto at = last_seen_.find(n.name);
  const instant seen =
      std::max({adopted_at_, registry_at_ + options_.heartbeat, at == last_seen_.end() ? started_ : at->second});
  return now - seen > options_.lease;
}

// Whether all seeds were tried: who numbers before that numbers for itself alone.
bool membership_core::is_settled(instant now) const {
  if (now - started_ >= options_.lease) return true;
  return std::all_of(options_.seeds.begin(), options_.seeds.end(), [&](const std::string& seed) {
    const address_state& a = addresses_.at(seed);
    return a.is_self || a.tried;
  });
}

std::size_t membership_core::place_of(const cluster_node& n) const {
  const auto at = std::find(options_.seeds.begin(), options_.seeds.end(), address_of(n));
  return static_cast<std::size_t>(at - options_.seeds.begin());
}

// In the order of the seeds, then of the names; with a registry that is away, in the order of the names alone.
bool membership_core::is_first(instant now) const {
  const auto before = [this](const cluster_node& a, const cluster_node& b) {
    if (options_.registry) return a.name < b.name;
    return std::pair(place_of(a), a.name) < std::pair(place_of(b), b.name);
  };
  return std::none_of(peers_.begin(), peers_.end(), [&](const auto& at) {
    const peer& p = at.second;
    if (!is_alive(p, now) || p.leaving || !before(p.self, options_.self)) return false;
    // While the registry is away only members number.
    return !options_.registry || view_.find(p.self.name) != nullptr;
  });
}

// The latest time that holds for a majority of the ground, this node counted: half of it will do with its first by name.
template <class Counts>
std::optional<instant> membership_core::majority_at(instant now, Counts counts) const {
  std::vector<std::pair<instant, bool>> heard;  // and whether it is the first by name
  for (const cluster_node& n : ground_) {
    const bool first = &n == &ground_.front();
    if (is_me(n)) {
      heard.emplace_back(now, first);
    } else if (const auto at = peers_.find(n.name);
               at != peers_.end() && at->second.self.incarnation == n.incarnation && counts(at->second)) {
      heard.emplace_back(at->second.heard, first);
    }
  }
  std::sort(heard.begin(), heard.end(), [](const auto& a, const auto& b) { return b.first < a.first; });
  std::size_t count = 0;
  bool with_first = false;
  for (const auto& [at, first] : heard) {
    ++count;
    with_first = with_first || first;
    if (2 * count > ground_.size() || (2 * count == ground_.size() && with_first)) return at;
  }
  return std::nullopt;
}

// Of which a majority is known to have heard this node. Who reaches the registry does not count: that one knows better.
std::optional<instant> membership_core::heard_by_majority(instant now) const {
  return majority_at(now, [](const peer& p) { return p.cut_off; });
}

// A view becomes the ground of the next when the registry has it, or a majority of the former ground.
void membership_core::found_on_view(instant now) {
  if (ground_ == view_.nodes) return;
  if (is_cut_off(now) && !ground_.empty() && !majority_at(now, [](const peer& p) { return p.agrees; })) return;
  ground_ = view_.nodes;
}

// The members as this node sees them, and in the place of those that it knew already their old `since`.
cluster_view membership_core::wanted_view(instant now) const {
  cluster_view v;
  v.epoch = view_.epoch;
  for (const auto& [name, p] : peers_) v.epoch = std::max(v.epoch, p.epoch);
  ++v.epoch;
  v.pins = pins_ ? *pins_ : view_.pins;
  const auto add = [&](cluster_node n) {
    const cluster_node* known = view_.find(n.name);
    n.since = known != nullptr && known->incarnation == n.incarnation ? known->since : v.epoch;
    v.nodes.push_back(std::move(n));
  };
  if (!leaving_) add(options_.self);
  for (const auto& [name, p] : peers_)
    if (is_alive(p, now) && !p.leaving && (!options_.registry || p.cut_off)) add(p.self);
  if (options_.registry) {
    // Who may still serve is struck when its lease must be over.
    for (const cluster_node& n : view_.nodes) {
      const auto at = peers_.find(n.name);
      if (at != peers_.end() && at->second.leaving) continue;
      if (v.find(n.name) == nullptr && !is_me(n) && !is_silent(n, now)) v.nodes.push_back(n);
    }
  }
  v.sort();
  return v;
}

void membership_core::lead(instant now, effects& out) {
  if (left_ || !refused_.empty()) return;
  if (options_.registry) {
    if (!is_cut_off(now) || me_in(view_) == nullptr) return;
    if (ground_ != view_.nodes) return;
    const auto at = heard_by_majority(now);
    if (!at || now - *at > options_.lease) return;
  } else if (!is_settled(now)) {
    return;
  }
  if (leaving_ || !is_first(now)) return;
  cluster_view next = wanted_view(now);
  const bool clash = std::any_of(peers_.begin(), peers_.end(),
                                 [&](const auto& at) { return is_alive(at.second, now) && at.second.differs; });
  if (!clash && next.nodes == view_.nodes && next.pins == view_.pins) return;
  adopt(std::move(next), now, out);
}

}  // namespace aicache
