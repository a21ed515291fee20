#include <algorithm>
#include <array>
#include <utility>

#include "engine/client/response.hpp"
#include "engine/shard/shard_core.hpp"

// A shard and the shared tier: what is looked up there, and what is believed of what comes back. What is written there:
// shard_writing.cpp.
namespace aicache {

// -- looking up --------------------------------------------------------------

std::optional<shared_name> shard_core::name_of(std::uint16_t operation, std::uint16_t tenant,
                                               const identity& id) const {
  const auto& names = shared_->names;
  if (!names || operation >= names->operations.size() || tenant >= names->tenants.size()) return std::nullopt;
  const std::string& of_tenant = names->tenants[tenant];
  const std::string& of_operation = names->operations[operation];
  return shared_name{redis_key(options_.shared.prefix, of_tenant, of_operation, id), scope_of_tenant(of_tenant),
                     scope_of_operation(of_operation)};
}

// There is a limit to how many wait, and an end to what they take of the budget.
bool shard_core::may_look_up() const noexcept {
  return shared_->look_ups.flights() < options_.shared.look_ups && shared_->look_ups.bytes() < tiers_.budget() / 8;
}

// Takes a seat in the key's line, with a new look-up if there is none, unless the shared tier cannot help.
shard_core::asked_shared shard_core::ask_shared(const get_item& item, const key128& key, const batch& b,
                                                const waiter& who, instant now) {
  shared_side& s = *shared_;
  const instant until = std::min(b.wait_until, now + options_.shared.patience);
  if (!s.available || until <= now) return asked_shared::unreachable;
  if (leases_.in_flight(key)) return asked_shared::known;
  const fetch_table::seat seat{who, item.lease ? b.owner : 0, until, std::min(b.wait_until, now + options_.park),
                               item.lease ? fetch_table::wish::lease : fetch_table::wish::answer};
  if (s.look_ups.bytes() >= tiers_.budget() / 8) return asked_shared::unreachable;
  if (s.look_ups.join(key, seat)) return asked_shared::asked;
  // What was changed here and is not yet written lies there in an older form.
  if (s.dirty.is_behind(key)) return asked_shared::known;
  if (!may_look_up()) return asked_shared::unreachable;
  std::optional<shared_name> name = name_of(item.operation, item.tenant, item.id);
  if (!name) return asked_shared::known;
  s.asked.push_back(key);
  s.asked_keys.push_back(name->key);
  s.look_ups.start({item.id, std::move(*name), who.operation, who.tenant, item.text, epoch_, 0, {}}, seat);
  return asked_shared::asked;
}

void shard_core::send_look_ups(instant now, effects& out) {
  if (!shared_ || shared_->asked.empty()) return;
  const std::uint64_t ticket = shared_->look_ups.ask(std::exchange(shared_->asked, {}), end_of_hope(now));
  out.emplace_back(fetch_request{ticket, std::exchange(shared_->asked_keys, {})});
}

std::uint32_t shard_core::look_up(std::span<const key_item> items, std::uint64_t id, instant until, instant now,
                                  effects& out) {
  if (!shared_ || !shared_->available || until <= now) return 0;
  std::uint32_t open = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const key128 key = items[i].id.key();
    if (live(key, now) != nullptr || shared_->look_ups.bytes() >= tiers_.budget() / 8) continue;
    waiter who;
    who.batch = id;
    who.position = static_cast<std::uint32_t>(i);
    who.operation = local(batch_operations_, items[i].operation);
    who.tenant = local(batch_tenants_, items[i].tenant);
    who.since = now;
    const fetch_table::seat seat{who, 0, std::min(until, now + options_.shared.patience), now, fetch_table::wish::news};
    if (shared_->look_ups.join(key, seat)) {
      ++open;
      continue;
    }
    std::optional<shared_name> name = name_of(items[i].operation, items[i].tenant, items[i].id);
    if (!name || shared_->dirty.is_behind(key) || !may_look_up()) continue;
    shared_->asked.push_back(key);
    shared_->asked_keys.push_back(name->key);
    shared_->look_ups.start({items[i].id, std::move(*name), who.operation, who.tenant, text_tier::small, epoch_, 0, {}},
                            seat);
    ++open;
  }
  send_look_ups(now, out);
  account(out);
  return open;
}

// -- what comes back ---------------------------------------------------------

void shard_core::fetched(std::uint64_t ticket, std::span<const fetched_value> values, instant now, effects& out) {
  if (!shared_) return;
  const std::vector<key128> keys = shared_->look_ups.answered(ticket);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    fetch_table::flight f;
    if (!shared_->look_ups.take(keys[i], ticket, f)) continue;
    const fetch_status how = i < values.size() ? values[i].how : fetch_status::unavailable;
    if (how == fetch_status::absent) {
      miss_seats(f, &operation_counters::misses_absent, now, out);
    } else if (how == fetch_status::unavailable) {
      miss_seats(f, &operation_counters::misses_unreachable, now, out);
    } else if (values[i].bytes.size() > options_.tiers.worker_bytes) {
      const identity id = f.id;
      shared_->look_ups.put_back(std::move(f));
      out.emplace_back(open_job{shared_->look_ups.ask({keys[i]}, end_of_hope(now)), id, values[i].bytes});
    } else {
      land(f, shared_->codec.open(values[i].bytes, f.id, keep_packed::no), now, out);
    }
  }
  account(out);
}

void shard_core::opened(std::uint64_t ticket, outcome<opened_answer> what, instant now, effects& out) {
  if (!shared_) return;
  for (const key128& key : shared_->look_ups.answered(ticket))
    if (fetch_table::flight f; shared_->look_ups.take(key, ticket, f)) land(f, what, now, out);
  account(out);
}

// The answer of a look-up, believed or not.
void shard_core::land(fetch_table::flight& f, const outcome<opened_answer>& what, instant now, effects& out) {
  if (!what) {
    if (what.why().code == errc::overloaded) return miss_seats(f, &operation_counters::misses_unreachable, now, out);
    // Other nodes may keep larger answers than this one: to it there is none, and it leaves theirs alone.
    if (what.why().code == errc::too_large) return miss_seats(f, &operation_counters::misses_absent, now, out);
    // Nobody will ever be able to read it.
    ++counters_.shared_corrupt;
    note({f.id, f.name, f.operation, f.tenant, true, {}}, out);
    return miss_seats(f, &operation_counters::misses_corrupt, now, out);
  }
  if (what->expires <= now) {
    ++counters_.shared_dead;
    return miss_seats(f, &operation_counters::misses_expired, now, out);
  }
  // What came while an invalidation was told may have been read before it, and not every invalidation has a number
  // that the answer could be measured by.
  if (!scopes_alive(what->born, f.name, what->tags, f.id.key()) ||
      is_dead(f.begun, f.operation, f.tenant, what->tags)) {
    ++counters_.shared_dead;
    return miss_seats(f, &operation_counters::misses_invalidated, now, out);
  }
  get_result r;
  r.status = get_status::hit;
  r.from = tier::shared;
  r.retrievals = 1;
  r.value = what->value;
  r.created = what->created;
  r.expires = what->expires;
  if (keep(f, *what, now, out)) ++counters_.shared_kept;
  negatives_.forget(f.id.key());
  answer_seats(f.line, r, now, out);
}

// It enters memory with what is left of its life; that it finds no room there is no reason not to serve it.
bool shard_core::keep(const fetch_table::flight& f, const opened_answer& a, instant now, effects& out) {
  const operation_state& o = operations_[f.operation];
  return static_cast<bool>(tiers_.store(a.value,
                                        {f.id.key(), f.operation, f.tenant, f.text, a.expires, may_be_hot(o, f.text),
                                         epoch_, a.created, a.tags, attribute_of(*a.value, attribute::key)},
                                        now, out));
}

void shard_core::answer_seats(const std::vector<fetch_table::seat>& line, const get_result& r, instant now,
                              effects& out) {
  line_.clear();
  for (const fetch_table::seat& s : line) {
    if (s.wants == fetch_table::wish::news) {
      out.emplace_back(late_news{s.who.batch, s.who.position, store_status::done});
      continue;
    }
    line_.push_back(s.who);
  }
  answer_line(line_, r, now, out);
}

void shard_core::miss_seats(const fetch_table::flight& f, std::uint64_t operation_counters::*why, instant now,
                            effects& out) {
  const key128 key = f.id.key();
  for (const fetch_table::seat& s : f.line) {
    if (s.wants == fetch_table::wish::news) {
      out.emplace_back(late_news{s.who.batch, s.who.position, store_status::absent});
      continue;
    }
    get_result r;
    auto reason = why;
    const bool wants_lease = s.wants == fetch_table::wish::lease;
    if (answer_without(key, f.text, s.who, wants_lease, now, r, out)) {
      record_late(s.who, r.from, now);
      out.emplace_back(late_answer{s.who.batch, s.who.position, std::move(r)});
      continue;
    }
    if (wants_lease) {
      const lease_table::grant g = ask_lease(key, s.owner, s.who, now, s.park_until);
      if (g.what == lease_table::asked::parked) continue;
      if (g.what == lease_table::asked::granted) {
        ++counters_.leases_granted;
        r.status = get_status::lease;
        r.lease = g.token;
        offer_outlived(key, now, r, out);
      } else {
        reason = &operation_counters::misses_unparked;
      }
    }
    count_miss(s.who, reason);
    record_late(s.who, tier::none, now);
    out.emplace_back(late_answer{s.who.batch, s.who.position, r});
  }
}

// -- its state ---------------------------------------------------------------

void shard_core::shared_tier(bool available, generation newest, instant now, effects& out) {
  if (!shared_) return;
  shared_->available = available;
  shared_->newest = std::max(shared_->newest, newest);
  if (!available) tell_waiting(out);
  write_dirty(now, out);
  account(out);
}

void shard_core::shared_tier_reset(instant now, effects& out) {
  if (!shared_) return;
  shared_->available = false;
  for (const fetch_table::flight& f : shared_->look_ups.take_all())
    miss_seats(f, &operation_counters::misses_unreachable, now, out);
  changes_lost(now, out);
  tell_waiting(out);
  account(out);
}

void shard_core::changes_lost(instant now, effects& out) {
  if (!shared_) return;
  std::vector<std::uint64_t> tickets;
  for (const auto& [ticket, w] : shared_->on_their_way) tickets.push_back(ticket);
  std::sort(tickets.begin(), tickets.end());
  for (const std::uint64_t ticket : tickets) written(ticket, {}, now, out);
}

void shard_core::use_keys(std::shared_ptr<const key_ring> keys) {
  if (shared_) shared_->codec.use(std::move(keys));
}

bool shard_core::scopes_alive(generation born, const shared_name& name, std::span<const std::uint64_t> tags,
                              const key128& key) const {
  const generation_book& book = shared_->book;
  const std::array<scope, 4> scopes{scope{}, name.tenant, name.operation, scope_of_key(key)};
  return book.is_alive(born, scopes) &&
         std::all_of(tags.begin(), tags.end(), [&](std::uint64_t t) { return book.of(scope_of_tag(t)) <= born; });
}

}  // namespace aicache
