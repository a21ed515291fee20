#include "engine/shared/invalidation_core.hpp"

#include <algorithm>
#include <utility>

namespace aicache {

invalidation_core::invalidation_core(options o, std::span<const scope> written_down)
    : options_(std::move(o)),
      commands_(options_.prefix, options_.book, options_.origin),
      book_(options_.book),
      reader_(commands_, options_.page),
      journal_(options_.journal),
      sweeps_([this] {
        sweep_core::options sweep = options_.sweep;
        sweep.prefix = options_.prefix;
        return sweep;
      }()) {
  if (options_.alone) return;
  for (const scope& s : written_down) journal_.add(s);
  counted_.journaled += journal_.keep().size();
  // Neither the names of what waits are known any more, nor whether erased keys were removed.
  sweep_all_ = written_ = !written_down.empty();
}

// -- callers -----------------------------------------------------------------

errc invalidation_core::understand(const request& r, std::size_t name_bytes, scope& what, sweep_request& sweep) {
  if (r.tenant.size() > name_bytes || r.name.size() > name_bytes) return errc::too_large;
  switch (r.kind) {
    case scope_kind::everything: what = scope_of_everything; break;
    case scope_kind::tenant:
      what = scope_of_tenant(r.tenant);
      sweep.tenant = r.tenant;
      break;
    case scope_kind::operation:
      if (r.name.empty()) return errc::invalid_argument;
      what = scope_of_operation(r.name);
      sweep.operation = r.name;
      break;
    case scope_kind::tag:
      if (r.name.empty()) return errc::invalid_argument;
      what = scope_of_tag(r.tenant, r.name);
      sweep.tenant = r.tenant;
      break;
    case scope_kind::pattern:
      // All of them have one tag; any other pattern must be resolved to keys, by a search.
      if (r.name != "*") return errc::invalid_argument;
      what = scope_of_tag(generic_tag(r.tenant));
      sweep.tenant = r.tenant;
      sweep.operation = generic_operation;
      break;
    case scope_kind::key:
    default: return errc::invalid_argument;  // whoever asks may be another process, and say anything
  }
  sweep.what = what;
  return errc::none;
}

void invalidation_core::requested(std::uint64_t caller, const request& r, instant now, effects& out) {
  call c;
  errc why = understand(r, options_.name_bytes, c.what, c.sweep);
  if (why == errc::none && calls_.size() >= options_.calls) why = errc::overloaded;
  if (why != errc::none) {
    out.push_back(reply{caller, why});
    return;
  }
  ++counted_.requested;
  const std::uint64_t ticket = ++last_ticket_;
  c.caller = caller;
  c.wait = r.wait && !options_.alone;
  c.owed = present();
  c.count_until = now + options_.count_deadline;
  c.sweep_until = now + options_.sweep_deadline;
  if (options_.alone) {
    c.number = number_state::done;
    out.push_back(tell_shards{-1, ticket, ++alone_newest_, false, false, 0, {c.what}});
    tell_newest(out);
  } else {
    out.push_back(tell_shards{-1, ticket, unnumbered, false, false, 0, {c.what}});
    c.place = open_scope(c.what, out).place;
    if (r.sweep) sweep_later(c.sweep);
    if (!reachable_) {
      keep(out);
      c.number = number_state::failed;
    }
  }
  calls_.emplace(ticket, std::move(c));
  advance(now, out);
  finish_calls(now, out);
}

invalidation_journal::added invalidation_core::open_scope(const scope& s, effects& out) {
  const auto added = journal_.add(s);
  if (added.collapsed) {
    ++counted_.collapsed;
    out.push_back(remark::collapsed);
    tell(scope_of_everything, unnumbered, false, out);
    keep(out);
  }
  return added;
}

void invalidation_core::keys_erased(std::span<const key128> keys, instant now, effects& out) {
  counted_.erased += keys.size();
  for (const key128& key : keys) {
    if (options_.alone) {
      tell(scope_of_key(key), ++alone_newest_, true, out);
    } else {
      open_scope(scope_of_key(key), out);
    }
  }
  if (options_.alone) return tell_newest(out);
  if (!reachable_) keep(out);
  advance(now, out);
}

void invalidation_core::sweep_later(sweep_request r) {
  // So many names are not kept: one sweep over everything finds the dead of all of them.
  if (unswept_.size() >= options_.sweep.waiting) {
    sweep_all_ = true;
  } else {
    unswept_.try_emplace(r.what, std::move(r));
  }
}

void invalidation_core::keep(effects& out) {
  std::vector<scope> fresh = journal_.keep();
  if (fresh.empty()) return;
  counted_.journaled += fresh.size();
  written_ = true;
  out.push_back(journal_append{std::move(fresh)});
}

bool invalidation_core::finish(const call& c, instant now, effects& out) const {
  const bool counting = now < c.count_until && std::find(c.owed.begin(), c.owed.end(), true) != c.owed.end();
  if (counting || c.number == number_state::open) return false;
  if (c.wait && c.number == number_state::done && now < c.sweep_until) return false;
  out.push_back(reply{c.caller, errc::none, c.number == number_state::done, c.in_memory, c.in_redis, c.swept});
  return true;
}

void invalidation_core::finish_calls(instant now, effects& out) {
  std::erase_if(calls_, [&](const auto& at) { return finish(at.second, now, out); });
}

// -- shards ------------------------------------------------------------------

std::vector<bool> invalidation_core::present() const {
  std::vector<bool> there(incarnations_.size());
  std::transform(incarnations_.begin(), incarnations_.end(), there.begin(), [](std::uint64_t i) { return i != 0; });
  return there;
}

void invalidation_core::shards_changed(std::span<const std::uint64_t> incarnations, instant now, effects& out) {
  const std::vector<std::uint64_t> old = std::exchange(incarnations_, {incarnations.begin(), incarnations.end()});
  std::vector<numbered_scope> all;
  for (std::uint32_t i = 0; i < shards(); ++i) {
    const bool fresh = i >= old.size() || old[i] != incarnations_[i];
    if (!fresh) continue;
    for (auto& [ticket, c] : calls_)
      if (i < c.owed.size()) c.owed[i] = false;
    // With a shard die the removals that it had still to make.
    if (i < old.size() && old[i] != 0 && !journal_.nothing_kept()) sweep_all_ = true;
    if (incarnations_[i] == 0) continue;
    if (all.empty()) {
      book_.for_each_after(0, [&](const scope& s, generation g) { all.push_back({s, g}); });
      std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
    }
    const auto shard = static_cast<std::int32_t>(i);
    if (book_.floor() != 0) out.push_back(tell_shards{shard, 0, unnumbered, false, false, book_.floor(), {}});
    tell_raised(all, false, shard, out);
    tell_shards open{shard, 0, unnumbered, false, false, 0, journal_.open()};
    std::erase_if(open.scopes,
                  [&](const scope& s) { return s.kind == scope_kind::key && shard_of(s.name, shards()) != i; });
    if (!open.scopes.empty()) out.push_back(std::move(open));
    out.push_back(tell_state{shard, available_, learned()});
  }
  finish_calls(now, out);
}

void invalidation_core::counted(std::uint32_t shard, std::uint64_t ticket, std::uint64_t entries, instant now,
                                effects& out) {
  const auto at = calls_.find(ticket);
  if (at == calls_.end() || shard >= at->second.owed.size() || !at->second.owed[shard]) return;
  at->second.owed[shard] = false;
  call& c = at->second;
  c.in_memory += entries;
  // Whoever was held up itself (a journal's disk) finds counts waiting that came in time: only a tick gives up on them.
  if (std::find(c.owed.begin(), c.owed.end(), true) == c.owed.end() && finish(c, now, out)) calls_.erase(at);
}

void invalidation_core::tell(const scope& s, generation g, bool settles, effects& out) const {
  const bool is_key = s.kind == scope_kind::key;
  if (is_key && shards() == 0) return;
  const std::int32_t owner = is_key ? static_cast<std::int32_t>(shard_of(s.name, shards())) : -1;
  out.push_back(tell_shards{owner, 0, g, settles, false, 0, {s}});
}

// Whatever has one number goes in one message: to all shards, but for keys, which have one owner.
void invalidation_core::tell_raised(std::span<const numbered_scope> raised, bool settles, std::int32_t only,
                                    effects& out) const {
  std::vector<std::vector<scope>> owned(shards());
  while (!raised.empty()) {
    const generation g = raised.front().number;
    std::vector<scope> of_all;
    for (; !raised.empty() && raised.front().number == g; raised = raised.subspan(1)) {
      const scope& s = raised.front().what;
      if (s.kind != scope_kind::key) {
        of_all.push_back(s);
      } else if (!owned.empty()) {
        owned[shard_of(s.name, shards())].push_back(s);
      }
    }
    if (!of_all.empty()) out.push_back(tell_shards{only, 0, g, settles, false, 0, std::move(of_all)});
    for (std::size_t i = 0; i < owned.size(); ++i) {
      std::vector<scope> mine = std::exchange(owned[i], {});
      const auto shard = static_cast<std::int32_t>(i);
      if (!mine.empty() && (only < 0 || only == shard)) {
        out.push_back(tell_shards{shard, 0, g, settles, false, 0, std::move(mine)});
      }
    }
  }
}

// -- who searches Redis ------------------------------------------------------

invalidation_core::searchable invalidation_core::judge(std::span<const shared_entry> entries) const {
  searchable s{available_, masters_, {}};
  s.alive.reserve(entries.size());
  for (const shared_entry& e : entries)
    s.alive.push_back(
        book_.is_alive(e.born, e.scopes) &&
        std::none_of(e.scopes.begin(), e.scopes.end(), [this](const scope& dead) { return journal_.is_open(dead); }));
  return s;
}

// -- what is known of it -----------------------------------------------------

instant invalidation_core::next_tick(instant now) const {
  return std::min(now + std::max(options_.lease / 8, duration{1}), std::max(now + duration{1}, sweeps_.due()));
}

invalidation_counters invalidation_core::counters() const {
  invalidation_counters c = counted_;
  c.swept = sweeps_.counted().removed;
  c.scanned = sweeps_.counted().scanned;
  c.foreign = sweeps_.counted().foreign;
  c.sweeps = sweeps_.counted().sweeps;
  c.masters_swept = sweeps_.counted().masters;
  return c;
}

}  // namespace aicache
