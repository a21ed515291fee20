#include "actors/cluster.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>
#include <variant>

#include "actors/dial.hpp"
#include "actors/errors.hpp"
#include "actors/hand_over.hpp"

namespace aicache {

namespace {
constexpr std::size_t most_untold = 4'096;  // invalidations that a member which does not answer is still to be told
}  // namespace

cluster_state_actor::~cluster_state_actor() {
  for (wish& w : wishes_) w.who.deliver(to_error(errc::unavailable));
  if (leaver_) leaver_->deliver(to_error(errc::unavailable));
}

cluster_actor::behavior_type cluster_state_actor::start(cluster_setup setup) {
  take_no_offence(self_);
  setup_ = std::move(setup);
  core_ = std::make_unique<membership_core>(setup_.core, now());
  self_->set_down_handler([this](const caf::down_msg& m) { gone(m.source); });
  self_->delayed_send(self_, core_->tick_every(), cluster_tick{});
  return {
      [this](const cluster_beat& m) {
        decide([&](auto& out) { core_->reported(m.name, m.report, std::nullopt, now(), out); });
        return cluster_beat{setup_.core.self.name, core_->report(now())};
      },
      [this](const peer_invalidation& m) { return self_->delegate(setup_.front, m); },
      [this](const cluster_hello& m) {
        know(m.who, m.peer, m.front);
        return cluster_welcome{core_->greeting(now()), caf::actor_cast<cluster_peer>(cluster_actor{self_}),
                               entry_taker{setup_.front}};
      },
      [this](const tell_members& m) { return tell_others(m.what); },
      [this](const cluster_colleagues& m) { take_colleagues(m); },
      [this](const link_replies& m) { take_replies(m); },
      [this](cluster_tick) { tick(); },
      [this](cluster_state_request) { return state(); },
      [this](const pin_request& m) { return pin(m); },
      [this](const leave_request& m) { return leave(m); },
  };
}

// Performing brings about new effects at once where nobody has to be asked: they are carried out after those before them.
template <class Event>
void cluster_state_actor::decide(Event&& event) {
  try {
    event(effects_);
    if (std::exchange(performing_, true)) return;
    while (!effects_.empty()) {
      membership_core::effects these = std::exchange(effects_, {});
      for (auto& e : these) std::visit([this](auto& one) { perform(one); }, e);
    }
  } catch (const std::exception& why) {
    spdlog::error("an event of the cluster could not be carried out: {}", why.what());
  }
  performing_ = false;
}

void cluster_state_actor::tick() {
  decide([&](auto& out) { core_->tick(now(), out); });
  for (wish& w : wishes_)
    if (w.until <= now()) w.who.deliver(to_error(errc::deadline));
  std::erase_if(wishes_, [this](const wish& w) { return w.until <= now(); });
  if (hand_over_at_ <= now()) hand_over();
  if (leaver_ && leave_until_ <= now()) answer_left(0);
  self_->delayed_send(self_, core_->tick_every(), cluster_tick{});
}

// -- the registry ------------------------------------------------------------

void cluster_state_actor::perform(membership_core::ask_registry& e) {
  if (!link_) return decide([&](auto& out) { core_->registry_failed(now(), out); });
  const std::uint64_t ticket = ++last_ticket_;
  link_commands commands{ticket, {registry_command(setup_.prefix, e.call)}};
  asked_.emplace(ticket, std::pair{std::move(e.call), now()});
  self_->send(link_, std::move(commands));
}

void cluster_state_actor::take_replies(const link_replies& m) {
  const auto at = asked_.find(m.ticket);
  if (at == asked_.end()) return;
  const auto [call, asked] = std::move(at->second);
  asked_.erase(at);
  std::optional<registry_answer> answer;
  if (m.replies.size() == 1 && m.replies.front().answered) answer = read_registry(m.replies.front().reply, call);
  decide([&](auto& out) {
    if (answer) {
      core_->registry_answered(*answer, asked, now(), out);
    } else {
      core_->registry_failed(now(), out);
    }
  });
}

// -- other nodes -------------------------------------------------------------

void cluster_state_actor::perform(membership_core::dial& e) {
  const auto failed = [this, host = e.host, port = e.port](const fault&) {
    decide([&](auto& out) { core_->dial_failed(host, port, now(), out); });
  };
  dial(
      self_, e.host, e.port,
      [this, host = e.host, port = e.port](const front_actor& there) { greet(host, port, there); }, failed);
}

void cluster_state_actor::greet(const std::string& host, std::uint16_t port, const front_actor& there) {
  const auto failed = [this, host, port](const caf::error&) {
    decide([&](auto& out) { core_->dial_failed(host, port, now(), out); });
  };
  self_
      ->request(there, setup_.core.lease,
                cluster_hello{core_->greeting(now()), caf::actor_cast<cluster_peer>(cluster_actor{self_}),
                              entry_taker{setup_.front}})
      .then(
          [this, host, port, failed](const cluster_welcome& w) {
            if (!w.peer) return failed({});
            decide([&](auto& out) { core_->greeted(host, port, w.who, now(), out); });
            know(w.who, w.peer, w.front);
          },
          failed);
}

// Of whoever the core takes for a member the handles are kept.
void cluster_state_actor::know(const node_greeting& who, const cluster_peer& handle, const entry_taker& front) {
  if (!handle) return;
  decide([&](auto& out) { core_->greeted(who.self.host, who.self.port, who, now(), out); });
  if (!core_->is_linked(who.self)) return;
  peer& p = peers_[who.self.name];
  if (p.handle != handle) {
    if (p.handle) self_->demonitor(p.handle.address());
    self_->monitor(handle);
  }
  p.handle = handle;
  p.front = front;
  membership_core::beat first{who.self.name};
  perform(first);
}

void cluster_state_actor::gone(const caf::actor_addr& who) {
  const auto at = std::find_if(peers_.begin(), peers_.end(),
                               [&](const auto& p) { return p.second.handle && p.second.handle.address() == who; });
  if (at == peers_.end()) return;
  const std::string gone_one = at->first;
  at->second.handle = nullptr;
  at->second.telling = 0;
  decide([&](auto& out) { core_->lost(gone_one, now(), out); });
}

void cluster_state_actor::perform(membership_core::beat& e) {
  const auto at = peers_.find(e.to);
  if (at == peers_.end() || !at->second.handle) return;
  const instant asked = now();
  self_->request(at->second.handle, setup_.core.lease, cluster_beat{setup_.core.self.name, core_->report(asked)})
      .then(
          [this, asked](const cluster_beat& b) {
            decide([&](auto& out) { core_->reported(b.name, b.report, asked, now(), out); });
            tell_what_was_missed(b.name);
          },
          [](const caf::error&) {});
}

// -- shards and front --------------------------------------------------------

void cluster_state_actor::take_colleagues(const cluster_colleagues& m) {
  const bool other_link = m.link != link_;
  link_ = m.link;
  if (other_link)
    for (std::size_t open = std::exchange(asked_, {}).size(); open > 0; --open)
      decide([&](auto& out) { core_->registry_failed(now(), out); });
  // A shard that has just started knows nothing of ranges.
  for (const shard_actor& s : m.shards)
    if (s && std::find(shards_.begin(), shards_.end(), s) == shards_.end())
      caf::anon_send(s, serve_ranges{serving_, {}, false, core_->serves_until()});
  shards_ = m.shards;
}

void cluster_state_actor::perform(membership_core::serve& e) {
  serving_ = std::make_shared<const range_set>(e.ranges);
  const bool leaves = core_->is_leaving();
  serve_all(e.epoch, leaves ? ~range_set{} : e.forget, leaves);
}

void cluster_state_actor::serve_all(std::uint64_t epoch, const range_set& forget, bool keep) {
  auto open = std::make_shared<std::size_t>(1);
  const auto one = [this, open, epoch, keep] {
    if (--*open > 0) return;
    decide([&](auto& out) {
      core_->let_go(epoch, now(), out);
      if (keep) core_->flushed(now(), out);
    });
  };
  for (const shard_actor& s : shards_) {
    if (!s) continue;
    ++*open;
    self_->request(s, setup_.core.lease, serve_ranges{serving_, forget, keep, core_->serves_until()})
        .then([one](ranges_served) { one(); }, [one](const caf::error&) { one(); });
  }
  one();
}

void cluster_state_actor::perform(membership_core::extend& e) {
  for (const shard_actor& s : shards_)
    if (s) self_->send(s, extend_ranges{e.until});
}

void cluster_state_actor::perform(membership_core::tell_view&) {
  self_->send(setup_.front, map());
  const cluster_view& v = core_->view();
  for (wish& w : wishes_)
    if (w.pins == v.pins) w.who.deliver(map());
  std::erase_if(wishes_, [&](const wish& w) { return w.pins == v.pins; });
  // Who was struck begins empty when it comes back.
  std::erase_if(peers_, [&](const auto& p) { return !p.second.handle && v.find(p.first) == nullptr; });
  std::string names;
  for (const cluster_node& n : v.nodes) names += (names.empty() ? "" : ", ") + n.name;
  spdlog::info("cluster epoch {}: {}; {} of {} ranges are this node's", v.epoch, names.empty() ? "nobody" : names,
               ranges_of(v, core_->is_leaving() ? std::string_view{} : setup_.core.self.name).count(), range_count);
}

void cluster_state_actor::perform(membership_core::remark& e) {
  spdlog::log(e.bad ? spdlog::level::warn : spdlog::level::info, "{}", e.text);
}

cluster_map cluster_state_actor::map() const {
  const cluster_view& v = core_->view();
  cluster_map m{v.epoch, {}, v.pins, setup_.core.self.name};
  for (const cluster_node& n : v.nodes) m.members.push_back({n.name, n.host, n.port, n.incarnation});
  return m;
}

cluster_state cluster_state_actor::state() const {
  const cluster_view& v = core_->view();
  cluster_state s;
  s.name = setup_.core.self.name;
  s.epoch = v.epoch;
  const std::vector<std::uint16_t> owners = owners_of(v);
  for (const cluster_node& n : v.nodes) {
    member_state m{{n.name, n.host, n.port, n.incarnation}, 0, n.name == s.name, 0};
    if (const auto silence = core_->silence(n.name, now())) {
      m.linked = true;
      m.silence_ms = silence->count();
    }
    s.members.push_back(std::move(m));
  }
  for (const std::uint16_t owner : owners) ++s.members[owner].ranges;
  s.pins = v.pins;
  if (core_->serves_until() > now()) s.serving = static_cast<std::uint32_t>(core_->serving().count());
  s.gained = core_->ranges_gained();
  s.lost = core_->ranges_lost();
  s.cut_off = core_->is_cut_off(now());
  s.leaving = core_->is_leaving();
  s.refusal = core_->refusal();
  return s;
}

caf::result<cluster_map> cluster_state_actor::pin(const pin_request& m) {
  const bool known = std::all_of(m.pins.begin(), m.pins.end(), [](const range_pin& p) {
    return p.first <= p.last && p.last < range_count && is_node_name(p.member);
  });
  if (!known) return to_error(errc::invalid_argument);
  if (core_->view().pins == m.pins) return map();
  wish w{m.pins, self_->make_response_promise<cluster_map>(), now() + 2 * setup_.core.lease};
  auto promise = w.who;
  wishes_.push_back(std::move(w));
  decide([&](auto& out) { core_->pin(m.pins, now(), out); });
  return promise;
}

// -- invalidation ------------------------------------------------------------

// All members at once; who does not answer is told again when it does, and is not waited for any longer than that.
caf::result<invalidated> cluster_state_actor::tell_others(const peer_invalidation& m) {
  struct gathering {
    invalidated sum;
    std::size_t open = 1;
  };
  auto all = std::make_shared<gathering>();
  auto promise = self_->make_response_promise<invalidated>();
  auto one = [all, promise]() mutable {
    if (--all->open == 0) promise.deliver(all->sum);
  };
  for (const cluster_node& n : core_->view().nodes) {
    if (n.name == setup_.core.self.name) continue;
    peer& p = peers_[n.name];
    const auto later = [this, m, member = n.name] {
      const auto at = peers_.find(member);
      if (m.dry_run || at == peers_.end()) return;
      auto& untold = at->second.untold;
      if (untold.size() < most_untold) return untold.push_back(m);
      // So many are more than anybody names: everything, whatever is being told at the moment.
      untold.assign(1, peer_invalidation{});
      at->second.telling = 0;
    };
    if (!p.handle) {
      later();
      continue;
    }
    ++all->open;
    self_->request(p.handle, setup_.core.lease, m)
        .then(
            [all, one](const invalidated& done) mutable {
              all->sum.in_memory += done.in_memory;
              one();
            },
            [later, one](const caf::error&) mutable {
              later();
              one();
            });
  }
  one();
  return promise;
}

void cluster_state_actor::tell_what_was_missed(const std::string& to) {
  const auto at = peers_.find(to);
  if (at == peers_.end() || at->second.untold.empty() || at->second.telling != 0 || !at->second.handle) return;
  const std::uint64_t attempt = at->second.telling = ++last_telling_;
  // What an earlier attempt comes to says nothing of the first that waits now.
  const auto ended = [this, to, attempt] {
    const auto told = peers_.find(to);
    return told != peers_.end() && told->second.telling == attempt ? &told->second : nullptr;
  };
  self_->request(at->second.handle, setup_.core.lease, at->second.untold.front())
      .then(
          [this, to, ended](const invalidated&) {
            peer* const told = ended();
            if (told == nullptr) return;
            told->telling = 0;
            told->untold.pop_front();
            tell_what_was_missed(to);
          },
          [ended](const caf::error&) {
            if (peer* const told = ended()) told->telling = 0;
          });
}

// -- the end -----------------------------------------------------------------

caf::result<left_cluster> cluster_state_actor::leave(const leave_request& m) {
  if (known_to_have_left_) return left_cluster{true, 0};
  if (leaver_) return to_error(errc::overloaded);
  leaver_ = self_->make_response_promise<left_cluster>();
  leave_until_ = now() + duration{std::max<std::int64_t>(0, m.patience_ms)};
  const auto promise = *leaver_;
  decide([&](auto& out) { core_->leave(now(), out); });
  return promise;
}

void cluster_state_actor::perform(membership_core::left&) {
  known_to_have_left_ = true;
  // By then the new owners have heard that they are.
  hand_over_at_ = now() + setup_.core.heartbeat;
}

void cluster_state_actor::hand_over() {
  hand_over_at_ = never;
  hand_over_setup setup;
  setup.view = core_->view();
  std::erase_if(setup.view.nodes, [this](const cluster_node& n) { return n.name == setup_.core.self.name; });
  for (const auto& [member, p] : peers_)
    if (p.handle && p.front) setup.takers.emplace(member, p.front);
  setup.shards = shards_;
  setup.page_entries = setup_.page_entries;
  const duration left = leave_until_ - now();
  if (!leaver_ || left.count() <= 0 || setup.takers.empty()) return answer_left(0);
  setup.patience = left;
  const hand_over_actor who = self_->spawn(aicache::hand_over, std::move(setup));
  self_->request(who, caf::infinite, begin_hand_over{})
      .then([this](const handed_over& h) { answer_left(h.entries); }, [this](const caf::error&) { answer_left(0); });
}

void cluster_state_actor::answer_left(std::uint64_t handed_over) {
  if (!leaver_) return;
  leaver_->deliver(left_cluster{known_to_have_left_, handed_over});
  leaver_.reset();
}

}  // namespace aicache
