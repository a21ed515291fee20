#include "engine/cluster/membership_core.hpp"

#include <algorithm>
#include <utility>

// What a node of a cluster makes of what it is told. Who leads, and whom it counts: membership_leading.cpp.
namespace aicache {

membership_core::membership_core(options o, instant now)
    : options_(std::move(o)), started_(now), adopted_at_(now), wait_until_(now), pins_until_(now), last_event_(now) {
  view_.epoch = options_.epoch;
  for (const std::string& seed : options_.seeds) addresses_[seed];
  addresses_[address_of(options_.self)].is_self = true;
}

const cluster_node* membership_core::me_in(const cluster_view& v) const noexcept {
  const cluster_node* n = v.find(options_.self.name);
  return n != nullptr && is_me(*n) ? n : nullptr;
}

bool membership_core::is_cut_off(instant now) const noexcept {
  return options_.registry && now - registry_at_ >= options_.lease / 2;
}

node_report membership_core::report(instant now) const {
  node_report r{options_.self.incarnation, view_, let_go_, is_cut_off(now), going_, pins_.has_value(), {}};
  if (pins_) r.pins = *pins_;
  return r;
}

std::optional<duration> membership_core::silence(std::string_view name, instant now) const {
  const auto at = peers_.find(name);
  if (at == peers_.end()) return std::nullopt;
  return now - at->second.seen;
}

// -- the registry ------------------------------------------------------------

void membership_core::ask(instant now, effects& out) {
  if (!options_.registry || asking_) return;
  asking_ = true;
  registry_call c{registry_action::renew, options_.self, options_.fingerprint, options_.lease, view_, {}};
  if (going_) {
    c.action = registry_action::leave;
  } else if (pins_) {
    c.action = registry_action::pin;
    c.pins = *pins_;
  }
  if (pins_ && now >= pins_until_) pins_.reset();
  out.push_back(ask_registry{std::move(c)});
}

void membership_core::registry_answered(const registry_answer& answer, instant asked, instant now, effects& out) {
  asking_ = false;
  unattended_ = answer.unattended;
  registry_at_ = std::max(registry_at_, asked);
  if (!answer.refused.empty()) {
    refuse(answer.refused, {}, out);
  } else if (!leaving_) {
    accept(out);
  }
  if (answer.view.epoch > view_.epoch) adopt(answer.view, now, out);
  // What was asked before this node meant to leave says nothing of it.
  if (going_ && me_in(answer.view) == nullptr) say_left(out);
  extend_lease(now, out);
}

void membership_core::registry_failed(instant now, effects& out) {
  asking_ = false;
  lead(now, out);
}

void membership_core::refuse(std::string why, std::string by, effects& out) {
  if (why != refused_) out.push_back(remark{true, "this node is not let into the cluster: " + why});
  refused_ = std::move(why);
  refused_by_ = std::move(by);
  if (served_.none() && owned_.none()) return;
  owned_.reset();
  forget_everything(out);
}

void membership_core::accept(effects& out) {
  if (refused_.empty()) return;
  refused_.clear();
  out.push_back(remark{false, "nothing keeps this node out of the cluster any more"});
}

void membership_core::forget_everything(effects& out) {
  lost_ += served_.count();
  served_.reset();
  out.push_back(serve{view_.epoch, served_, ~range_set{}});
}

// -- other nodes -------------------------------------------------------------

void membership_core::dial_missing(instant now, effects& out) {
  for (const cluster_node& n : view_.nodes)
    if (n.name != options_.self.name) addresses_[address_of(n)];
  for (auto& [address, a] : addresses_) {
    if (a.trying || a.is_self || a.next > now || peers_.contains(a.name)) continue;
    const std::size_t colon = address.rfind(':');
    a.trying = true;
    out.push_back(dial{address.substr(0, colon), static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1)))});
  }
}

void membership_core::dial_failed(const std::string& host, std::uint16_t port, instant now, effects& out) {
  address_state& a = addresses_[host + ':' + std::to_string(port)];
  a.trying = false;
  a.tried = true;
  a.next = now + options_.heartbeat;
  // Who kept this node out is no longer there.
  if (!options_.registry && refused_by_ == host + ':' + std::to_string(port)) accept(out);
  lead(now, out);
}

void membership_core::greeted(const std::string& host, std::uint16_t port, const node_greeting& who, instant now,
                              effects& out) {
  address_state& a = addresses_[host + ':' + std::to_string(port)];
  a.trying = false;
  a.tried = true;
  a.next = now + options_.heartbeat;
  if (is_me(who.self)) {
    a.is_self = true;
    return lead(now, out);
  }
  std::string why;
  if (who.self.name == options_.self.name) {
    why = "another node at " + address_of(who.self) + " is called " + who.self.name + "; give one another cluster.name";
  } else if (who.fingerprint != options_.fingerprint) {
    why = "node " + who.self.name + " is set otherwise: here " + difference_of(options_.fingerprint, who.fingerprint);
  }
  if (!why.empty()) {
    // With a registry that says who is let in; else the older of the two stays.
    if (options_.registry || who.self.incarnation > options_.self.incarnation) {
      if (a.name != who.self.name) out.push_back(remark{true, "not taken into the cluster: " + why});
      a.name = who.self.name;
      return lead(now, out);
    }
    a.name = who.self.name;
    if (who.report.view.epoch > view_.epoch) view_ = who.report.view;
    refuse(std::move(why), address_of(who.self), out);
    out.push_back(tell_view{});
    return;
  }
  // Of two that have one name the younger will find out by itself.
  if (const auto there = peers_.find(who.self.name); there != peers_.end() && is_other(there->second.self, who.self))
    return;
  a.name = who.self.name;
  if (!options_.registry && refused_by_ == address_of(who.self)) accept(out);
  peer& p = peers_[who.self.name];
  if (p.self.incarnation != who.self.incarnation) p = {};
  p.self = who.self;
  p.seen = now;
  out.push_back(beat{who.self.name});
  reported(who.self.name, who.report, std::nullopt, now, out);
}

void membership_core::lost(std::string_view name, instant now, effects& out) {
  notice_standstill(now, out);
  const auto at = peers_.find(name);
  if (at == peers_.end()) return;
  address_state& a = addresses_[address_of(at->second.self)];
  a.next = now;
  peers_.erase(at);
  dial_missing(now, out);
  lead(now, out);
}

void membership_core::reported(std::string_view name, const node_report& r, std::optional<instant> asked, instant now,
                               effects& out) {
  notice_standstill(now, out);
  const auto at = peers_.find(name);
  if (at == peers_.end() || at->second.self.incarnation != r.incarnation) return;
  peer& p = at->second;
  if (asked) p.heard = std::max(p.heard, *asked);
  p.seen = now;
  last_seen_[p.self.name] = now;
  p.epoch = r.view.epoch;
  p.let_go = r.let_go;
  p.cut_off = r.cut_off;
  p.leaving = r.leaving;
  p.differs = r.view.epoch == view_.epoch && r.view != view_;
  if (r.pinning && r.pins != view_.pins && !pins_) {
    pins_ = r.pins;
    pins_until_ = now + 2 * options_.lease;
  }
  if (r.view.epoch > view_.epoch && refused_.empty()) adopt(r.view, now, out);
  // Of another view of the same epoch it says nothing.
  p.agrees = p.let_go >= view_.epoch && r.view == view_;
  if (p.agrees) waiting_.erase(p.self.name);
  serve_what_was_let_go(now, out);
  const bool registry_decides = options_.registry && !is_cut_off(now);
  if (going_ && !registry_decides && me_in(r.view) == nullptr && r.view.epoch >= view_.epoch) say_left(out);
  lead(now, out);
  extend_lease(now, out);
}

// -- a new view --------------------------------------------------------------

void membership_core::adopt(cluster_view next, instant now, effects& out) {
  next.sort();
  const cluster_view before = std::exchange(view_, std::move(next));
  adopted_at_ = now;
  if (pins_ && view_.pins == *pins_) pins_.reset();
  const cluster_node* me = leaving_ || !refused_.empty() ? nullptr : me_in(view_);
  const bool fresh = me != nullptr && me->since > before.epoch;
  const range_set own = me != nullptr ? ranges_of(view_, me->name) : range_set{};
  const range_set kept = fresh ? range_set{} : served_ & own;
  const range_set dropped = served_ & ~kept;
  owned_ = own;
  served_ = kept;
  lost_ += dropped.count();
  await_former_owners(before, fresh, now);
  for (auto& [name, p] : peers_) p.differs = p.agrees = false;
  // A node that leaves still has answers to hand over.
  out.push_back(serve{view_.epoch, served_, leaving_ ? range_set{} : (fresh ? ~range_set{} : dropped)});
  serve_what_was_let_go(now, out);
  out.push_back(tell_view{});
  beat_all(out);
  dial_missing(now, out);
}

// Those who may still serve what is this node's now: they are asked to let go first.
void membership_core::await_former_owners(const cluster_view& before, bool fresh, instant now) {
  const range_set gained = owned_ & ~served_;
  const bool one_step = !fresh && view_.epoch == before.epoch + 1 && waiting_.empty() && me_in(before) != nullptr;
  waiting_.clear();
  wait_until_ = now + options_.lease;
  if (gained.none()) return;
  // The registry may have come back with a state of long ago, and those who know better have not called yet.
  if (fresh && unattended_) waiting_.insert(std::string{});
  // Who came in with this view has nothing to let go of.
  for (const cluster_node& n : view_.nodes)
    if (n.name != options_.self.name && n.since < view_.epoch) waiting_.insert(n.name);
  if (one_step) {
    std::set<std::string, std::less<>> former;
    const std::vector<std::uint16_t> owners = owners_of(before);
    for (std::size_t r = 0; r < owners.size(); ++r)
      if (gained[r]) former.insert(before.nodes[owners[r]].name);
    std::erase_if(waiting_, [&](const std::string& name) { return !former.contains(name); });
  }
}

void membership_core::serve_what_was_let_go(instant now, effects& out) {
  found_on_view(now);
  if (served_ == owned_) return;
  // In contact with the registry it is known that who did not hear of this view in one lease has lost its own.
  if (!waiting_.empty() && (now < wait_until_ || is_cut_off(now))) return;
  if (options_.registry && ground_ != view_.nodes) return;
  waiting_.clear();
  gained_ += (owned_ & ~served_).count();
  served_ = owned_;
  out.push_back(serve{view_.epoch, served_, {}});
}

void membership_core::let_go(std::uint64_t epoch, instant, effects& out) {
  if (epoch <= let_go_) return;
  let_go_ = epoch;
  beat_all(out);
}

void membership_core::beat_all(effects& out) const {
  for (const auto& [name, p] : peers_) out.push_back(beat{name});
}

// -- time, and wishes --------------------------------------------------------

// Others own by now what this node had, and may have changed it. What they said before it stood still comes after it, and
// must not be taken for the present: so this is looked at before anything else is.
void membership_core::notice_standstill(instant now, effects& out) {
  const bool hung = now - std::exchange(last_event_, now) > options_.lease;
  if (!hung || options_.registry || !served_.any()) return;
  out.push_back(remark{true, "this node stood still for longer than its lease, and begins empty"});
  forget_everything(out);
  view_.nodes.clear();
  owned_.reset();
}

void membership_core::tick(instant now, effects& out) {
  notice_standstill(now, out);
  if (pins_ && now >= pins_until_) pins_.reset();
  serve_what_was_let_go(now, out);
  lead(now, out);
  if (now >= next_beat_) {
    next_beat_ = now + options_.heartbeat;
    ask(now, out);
    beat_all(out);
    dial_missing(now, out);
  }
  extend_lease(now, out);
}

void membership_core::extend_lease(instant now, effects& out) {
  if (leaving_ || !refused_.empty() || me_in(view_) == nullptr) return;
  instant from = now;
  if (options_.registry) {
    from = registry_at_;
    if (is_cut_off(now))
      if (const auto at = heard_by_majority(now)) from = std::max(from, *at);
  }
  if (now - from < options_.lease) {
    if (std::exchange(alone_told_, false)) out.push_back(remark{false, "this node serves its ranges again"});
  } else if (!std::exchange(alone_told_, true)) {
    out.push_back(remark{true, "neither Redis nor a majority of the cluster is in sight: this node serves nothing"});
  }
  if (from + options_.lease <= until_) return;
  if (until_ <= now && served_.any()) lapse(now, out);
  until_ = from + options_.lease;
  out.push_back(extend{until_});
}

// Meanwhile others may have been given what was this node's: it is asked for anew, as if it were gained.
void membership_core::lapse(instant now, effects& out) {
  served_.reset();
  wait_until_ = now + options_.lease;
  waiting_.clear();
  for (const cluster_node& n : view_.nodes)
    if (!is_me(n)) waiting_.insert(n.name);
  out.push_back(serve{view_.epoch, served_, {}});
  beat_all(out);
  serve_what_was_let_go(now, out);
}

void membership_core::leave(instant, effects& out) {
  if (std::exchange(leaving_, true)) return;
  pins_.reset();
  lost_ += served_.count();
  owned_.reset();
  served_.reset();
  out.push_back(serve{view_.epoch, {}, {}});
}

void membership_core::flushed(instant now, effects& out) {
  if (!leaving_ || std::exchange(going_, true)) return;
  const bool alone = std::none_of(view_.nodes.begin(), view_.nodes.end(), [&](const auto& n) { return !is_me(n); });
  if (me_in(view_) == nullptr || (alone && !options_.registry)) return say_left(out);
  ask(now, out);
  beat_all(out);
}

void membership_core::say_left(effects& out) {
  if (!std::exchange(left_, true)) out.push_back(left{});
}

void membership_core::pin(std::vector<range_pin> pins, instant now, effects& out) {
  pins_ = std::move(pins);
  pins_until_ = now + 2 * options_.lease;
  if (view_.pins == *pins_) return pins_.reset();
  if (!is_cut_off(now)) ask(now, out);
  lead(now, out);
  beat_all(out);
}

}  // namespace aicache
