#include "engine/shard/shard_core.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "engine/client/response.hpp"

namespace aicache {

namespace {
constexpr std::size_t most_samples = 512;
constexpr std::uint64_t samples_share = 64;  // of the budget, at most one part in so many
constexpr std::uint64_t names_share = 16;    // the same for operations, and for tenants
constexpr std::uint64_t waiting_share = 32;  // the same for changes that wait, and for generations
constexpr std::uint64_t change_bytes = 512;  // of one, with its name and what remembers it
constexpr std::uint64_t scope_bytes = 192;   // of a scope in the book of generations, or of a tag and its epoch
constexpr std::uint64_t ghosts_share = 256;  // the same for answers that expired
constexpr std::size_t most_ghosts = 4096;
constexpr std::size_t most_tags_known = 65'536;
constexpr std::uint64_t name_bytes = 2 * (sizeof(std::string) + name_table::longest_name) + 32;

[[gnu::noinline, gnu::cold]] void part_with(blob* counted) noexcept { blob_ref::adopt(counted); }
}  // namespace

shard_core::shard_core(const shard_options& options)
    : options_(options),
      tiers_(options.tiers, options.seed, counters_),
      leases_(options.leases, options.seed * 0x9e3779b97f4a7c15ULL),
      negatives_(std::min<std::uint64_t>(options.negatives.most, options.tiers.budget / waiting_share / scope_bytes)),
      operation_names_(affordable(options.operations, 2 * sizeof(operation_state) + name_bytes, options.tiers.budget)),
      tenant_names_(affordable(options.tenants, 2 * sizeof(tenant_state) + name_bytes, options.tiers.budget)),
      model_names_(affordable(options.models, name_bytes, options.tiers.budget)),
      accounts_(
          std::min<std::uint64_t>(options.accounts, options.tiers.budget / names_share / account_table::row_bytes)),
      most_samples_(std::min<std::uint64_t>(most_samples, options.tiers.budget / samples_share / sizeof(sampled))),
      expired_({std::min<std::size_t>(most_ghosts, options.tiers.budget / ghosts_share / sizeof(expired_key)), 16,
                affordable(options.operations, sizeof(lifetime_evidence) * 8, options.tiers.budget)}),
      most_tags_known_(std::max<std::uint64_t>(
          16, std::min<std::uint64_t>(most_tags_known, options.tiers.budget / waiting_share / scope_bytes))) {
  options_.shared = affordable(options.shared, options.tiers.budget);
  for (const auto* list :
       {&options.lifetimes.operations, &options.stale.while_revalidate_of, &options.stale.if_error_of})
    for (const auto& [name, length] : *list) operation_names_.number_of(name);
  for (const auto& [name, bytes] : options.quotas.tenants) tenant_names_.number_of(name);
  samples_.reserve(most_samples_);
  leases_.epoch(epoch_);
  if (options_.shared.on) {
    const tier_options& t = options.tiers;
    shared_ = std::make_unique<shared_side>(
        options_.shared,
        shared_codec::options{t.compression_level, t.compression_min_bytes, t.compression_min_gain, t.value_bytes});
  }
  effects none;
  grow_states();
  account(none);
}

// -- names -------------------------------------------------------------------

// How many names of `each` bytes a budget affords, and `names` at most.
std::uint16_t shard_core::affordable(std::uint16_t names, std::uint64_t each, std::uint64_t budget) noexcept {
  return static_cast<std::uint16_t>(std::min<std::uint64_t>(names, budget / names_share / each));
}

// The same for what must be remembered on behalf of the shared tier.
shared_options shard_core::affordable(shared_options o, std::uint64_t budget) noexcept {
  const auto most = [&](std::size_t wanted, std::uint64_t each) {
    return std::min<std::size_t>(wanted, std::max<std::uint64_t>(16, budget / waiting_share / each));
  };
  o.dirty_keys = most(o.dirty_keys, change_bytes);
  o.generations.scopes = most(o.generations.scopes, scope_bytes);
  o.generations.keys = most(o.generations.keys, scope_bytes);
  return o;
}

void shard_core::grow_states() {
  for (auto i = operations_.size(); i < operation_names_.size(); ++i) {
    operation_state o;
    set_terms(o, static_cast<std::uint16_t>(i));
    o.promotion = promotion_class_of(operation_names_.name_of(static_cast<std::uint16_t>(i)));
    operations_.push_back(std::move(o));
  }
  for (auto i = tenants_.size(); i < tenant_names_.size(); ++i) {
    const auto own = options_.quotas.tenants.find(tenant_names_.name_of(static_cast<std::uint16_t>(i)));
    tiers_.limit(static_cast<std::uint16_t>(i),
                 own == options_.quotas.tenants.end() ? options_.quotas.otherwise : own->second);
    tenants_.emplace_back();
  }
}

// How long answers of an operation live, and are of use beyond that.
void shard_core::set_terms(operation_state& o, std::uint16_t number) {
  const std::string& name = operation_names_.name_of(number);
  const auto own = options_.lifetimes.operations.find(name);
  o.lifetime = own == options_.lifetimes.operations.end() ? options_.lifetimes.otherwise : own->second;
  const stale_options& past = options_.stale;
  const auto window = [&name](const auto& by_name, duration otherwise) {
    const auto at = by_name.find(name);
    return at == by_name.end() ? otherwise : at->second;
  };
  o.revalidate = window(past.while_revalidate_of, past.while_revalidate);
  o.if_error = window(past.if_error_of, past.if_error);
  tiers_.linger(number, std::max(o.revalidate, o.if_error));
}

void shard_core::resolve(const name_lists& names, std::shared_ptr<const name_lists> kept) {
  resume(names, std::move(kept));
  ++counters_.batches;
}

void shard_core::resume(const name_lists& names, std::shared_ptr<const name_lists> kept) {
  if (shared_) shared_->names = kept ? std::move(kept) : std::make_shared<const name_lists>(names);
  batch_operations_.clear();
  batch_tenants_.clear();
  batch_models_.clear();
  settle_batch();
  for (const std::string& name : names.operations) batch_operations_.push_back(operation_names_.number_of(name));
  for (const std::string& name : names.tenants) batch_tenants_.push_back(tenant_names_.number_of(name));
  for (const std::string& name : names.models) batch_models_.push_back(model_names_.number_of(name));
  if (operation_names_.size() > operations_.size() || tenant_names_.size() > tenants_.size()) grow_states();
}

// -- get ---------------------------------------------------------------------

// A batch's items mostly have the names of those before them.
[[gnu::always_inline]] inline void shard_core::have_account(const get_item& item) {
  if (item.names() != account_names_) [[unlikely]]
    choose_account(item);
}

account_row& shard_core::account_of_item(const get_item& item) {
  have_account(item);
  return *account_;
}

// Of a single get that hits, nothing is called, hardly a register is saved, and what only others need is not even passed:
// how many misses of the processor's caches overlap from one get to the next depends on how short it is. So whatever is
// not a plain hot hit, or is to be sampled, is left to get_alone, untouched.
bool shard_core::hit_alone(const get_item& item, instant now, get_result& r) {
  const key128 key = item.id.key();
  if (item.names() != account_names_ || is_sampled(key)) [[unlikely]]
    return false;
  return hit_hot(item, tiers_.find(key), now, r);
}

[[gnu::noinline]] void shard_core::get_alone(const get_item& item, const batch& b, instant now, get_result& r,
                                             effects& out) {
  have_account(item);
  blob* entry = look_up(item.id.key());
  if (hit_hot(item, entry, now, r)) return;
  get_otherwise(item, entry, b, now, 0, r, out);
  send_look_ups(now, out);
  if (!out.empty()) account(out);
}

// The gets of one batch, in two kinds: hot hits, which are all that is inlined and write nothing but the entry, the
// result and plain counters, and everything else.
void shard_core::get_together(std::span<const get_item> items, const batch& b, instant now,
                              std::span<get_result> results, effects& out) {
  items = items.first(std::min(items.size(), results.size()));
  std::array<key128, batch_step> keys;
  for (std::size_t from = 0; from < items.size(); from += batch_step) {
    const std::size_t count = std::min(batch_step, items.size() - from);
    for (std::size_t i = 0; i < count; ++i) keys[i] = items[from + i].id.key();
    // Independent misses of the processor's caches overlap when they are asked for together.
    for (std::size_t i = 0; i < count; ++i) tiers_.prefetch(keys[i]);
    for (std::size_t i = 0; i < count; ++i) tiers_.prefetch_blob(keys[i]);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = from + i;
      have_account(items[at]);
      blob* entry = look_up(keys[i]);
      if (!hit_hot(items[at], entry, now, results[at]))
        get_otherwise(items[at], entry, b, now, static_cast<std::uint32_t>(at), results[at], out);
    }
  }
  send_look_ups(now, out);
  if (!out.empty()) account(out);
}

[[gnu::always_inline]] inline blob* shard_core::look_up(const key128& key) {
  blob* entry = tiers_.find(key);
  if (is_sampled(key)) [[unlikely]]
    sample(sample_hash(key), entry);
  return entry;
}

[[gnu::noinline]] void shard_core::sample(std::uint64_t hash, const blob* entry) {
  if (samples_.size() < most_samples_) samples_.push_back({hash, entry == nullptr ? 0 : entry->charged()});
}

void shard_core::note_expired(const blob& gone) noexcept {
  const expired_key k{sample_hash(gone.key), gone.expires, gone.expires - gone.created, gone.operation};
  if (k.hash <= expired_.threshold()) expired_.expired({&k, 1});
}

[[gnu::always_inline]] inline bool shard_core::hit_hot(const get_item& item, blob* entry, instant now, get_result& r) {
  if (entry == nullptr || entry->expires <= now || entry->epoch < doubtful_before_ || !tier_stack::is_hot(*entry))
      [[unlikely]]
    return false;
  r.status = get_status::hit;
  r.from = tier::hot;
  r.error = errc::none;
  r.stale = staleness::fresh;
  r.lease = 0;
  r.created = entry->created;
  r.expires = entry->expires;
  r.retrievals = entry->count_retrieval();
  account_->count_get(item.text);
  account_->count_hot_hit(*entry);
  // What the place held before is nearly always nothing: to part with it is kept out of the way.
  blob_ref value = tier_stack::read_hot(*entry);
  std::swap(r.value, value);
  if (blob* const before = value.release(); before != nullptr) [[unlikely]]
    part_with(before);
  return true;
}

[[gnu::noinline]] void shard_core::get_otherwise(const get_item& item, blob* entry, const batch& b, instant now,
                                                 std::uint32_t position, get_result& r, effects& out) {
  const key128 key = item.id.key();
  if (entry == nullptr) return miss(item, key, &operation_counters::misses_absent, b, now, position, r, out);
  if (entry->expires <= now) {
    if (afterlife_of(*entry, now) != afterlife::none) return get_outlived(item, key, *entry, b, now, position, r, out);
    ++operations_[entry->operation].counted.expired;
    note_expired(*entry);
    tiers_.erase(*entry);
    return miss(item, key, &operation_counters::misses_expired, b, now, position, r, out);
  }
  if (entry->epoch < doubtful_before_) {
    if (is_dead(*entry)) {
      if (!awaits_writing(*entry)) bury(*entry);
      return miss(item, key, &operation_counters::misses_invalidated, b, now, position, r, out);
    }
    // Hot, and not what the sweep is looking for.
    entry->epoch = doubtful_before_;
    have_account(item);
    if (hit_hot(item, entry, now, r)) return;
  }
  r.error = errc::none;
  r.stale = staleness::fresh;
  r.lease = 0;
  r.created = entry->created;
  r.expires = entry->expires;
  r.retrievals = entry->count_retrieval();
  read_warm(item, key, *entry, b, now, position, r, out);
}

void shard_core::hit(const get_item& item, operation_state& o, tier from, blob_ref value, get_result& r) {
  r.status = get_status::hit;
  r.from = from;
  account_row& a = account_of_item(item);
  a.count_get(item.text);
  a.count_saving(saving_of(from), value->facts());
  ++o.hits;
  r.value = std::move(value);
  ++o.served;
  ++tier_served_[static_cast<std::size_t>(from)];
}

void shard_core::read_warm(const get_item& item, const key128& key, blob& entry, const batch& b, instant now,
                           std::uint32_t position, get_result& r, effects& out) {
  operation_state& o = operation_of(item.operation);
  tier_stack::reading answer = tiers_.read_warm(entry, may_be_hot(o, item.text), out);
  if (answer.value) return hit(item, o, answer.from, std::move(answer.value), r);
  if (answer.corrupt) {
    tiers_.erase(entry);
    return miss(item, key, &operation_counters::misses_corrupt, b, now, position, r, out);
  }
  const waiter who = waiter_for(item, b, position, now);
  r = {};
  account_of_item(item).count_get(item.text);
  if (wait_for_worker(key, entry, who, std::min(b.wait_until, now + options_.park), false, out)) {
    wait(item, r);
    return;
  }
  miss_at_once(who, &operation_counters::misses_unparked);
}

// A large compressed answer: a worker unpacks it, once for all who ask meanwhile.
bool shard_core::wait_for_worker(const key128& key, blob& entry, const waiter& who, instant until, bool stale,
                                 effects& out) {
  auto job = std::find_if(unpacking_.begin(), unpacking_.end(),
                          [&](const unpacking& u) { return u.key == key && u.packed.get() == &entry; });
  if (until <= who.since) return false;
  if (job == unpacking_.end()) {
    const blob_ref packed = entry.hand_out();
    unpacking_.push_back({key, packed, {}, never});
    job = std::prev(unpacking_.end());
    out.emplace_back(unpack_job{key, packed, tiers_.dictionary_number(packed->dictionary())});
  }
  if (job->line.size() >= options_.leases.parked_per_key) return false;
  job->line.push_back({who, until, stale});
  job->next_due = std::min(job->next_due, until);
  return true;
}

void shard_core::miss(const get_item& item, const key128& key, std::uint64_t operation_counters::*why, const batch& b,
                      instant now, std::uint32_t position, get_result& r, effects& out) {
  const waiter who = waiter_for(item, b, position, now);
  r = {};
  account_of_item(item).count_get(item.text);
  if (const std::uint64_t hash = sample_hash(key); hash <= expired_.threshold()) expired_.missed({&hash, 1}, now);
  if (shared_) {
    const asked_shared asked = ask_shared(item, key, b, who, now);
    if (asked == asked_shared::asked) {
      wait(item, r);
      return;
    }
    if (asked == asked_shared::unreachable && why == &operation_counters::misses_absent)
      why = &operation_counters::misses_unreachable;
  }
  if (tell_failure(key, who, now, r)) {
    ++operations_[who.operation].served;
    ++tier_served_[static_cast<std::size_t>(tier::none)];
    ++text_misses_[static_cast<std::size_t>(item.text) % text_tier_count];
    return;
  }
  if (item.lease) {
    const lease_table::grant g = ask_lease(key, b.owner, who, now, std::min(b.wait_until, now + options_.park));
    account(out);
    if (g.what == lease_table::asked::parked) {
      wait(item, r);
      return;
    }
    if (g.what == lease_table::asked::granted) {
      ++counters_.leases_granted;
      r.status = get_status::lease;
      r.lease = g.token;
      offer_outlived(key, now, r, out);
    } else {
      why = &operation_counters::misses_unparked;
    }
  }
  miss_at_once(who, why);
}

lease_table::grant shard_core::ask_lease(const key128& key, std::uint64_t owner, const waiter& who, instant now,
                                         instant until) {
  // Whoever asks after an invalidation must not be given what was begun before it.
  if (is_dead(leases_.born_of(key, epoch_), who.operation, who.tenant, {})) leases_.cut_off(key);
  // Leases and lines share the shard's budget: past a quarter of it nobody else may hold or wait.
  if (leases_.bytes() >= tiers_.budget() / 4) return {};
  return leases_.ask(key, owner, who, now, until);
}

bool shard_core::may_be_hot(const operation_state& o, text_tier text) const noexcept {
  return aicache::may_be_hot(text, o.promotion, hits_of(o), options_.promotion_hits);
}

// -- put ---------------------------------------------------------------------

outcome<instant> shard_core::end_of(std::int64_t ttl_ms, const operation_state& o, instant now) const {
  if (ttl_ms == own_lifetime) return now + o.lifetime;
  if (ttl_ms <= 0) return fault{errc::invalid_argument, "a time to live must be above zero"};
  if (ttl_ms > options_.lifetimes.longest.count())
    return fault{errc::invalid_argument, "a time to live is over ttl.max"};
  return now + duration{ttl_ms};
}

std::uint32_t shard_core::put(std::span<const put_item> items, std::uint64_t id, instant now,
                              std::span<put_result> results, effects& out) {
  const std::size_t n = std::min(items.size(), results.size());
  std::uint32_t open = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const put_item& item = items[i];
    results[i] = put_one(item, now, out);
    if (!shared_ || results[i].status != put_status::stored) continue;
    if (!item.write_through) {
      change(item.id, item.operation, item.tenant, false, std::nullopt, out);
    } else if (shared_->available && change(item.id, item.operation, item.tenant, false,
                                            dirty_queue::waiting{id, static_cast<std::uint32_t>(i)}, out)) {
      ++open;
    } else {
      change(item.id, item.operation, item.tenant, false, std::nullopt, out);
      results[i].shared = shared_copy::failed;
    }
  }
  if (shared_) write_dirty(now, out);
  account(out);
  return open;
}

put_result shard_core::put_one(const put_item& item, instant now, effects& out) {
  operation_state& o = operation_of(item.operation);
  const key128 key = item.id.key();
  outcome<instant> end = end_of(item.ttl_ms, o, now);
  if (!item.value || item.value->codec() != blob_codec::raw || !end || item.tags.size() > shared_codec::most_tags) {
    ++counters_.refused_argument;
    return {put_status::refused, errc::invalid_argument};
  }
  const std::uint16_t operation = local(batch_operations_, item.operation);
  const std::uint16_t tenant = local(batch_tenants_, item.tenant);
  // Who states a life means it.
  if (item.ttl_ms == own_lifetime) *end = now + shortened(*end - now, key, options_.lifetimes.jitter_percent);
  if (was_cut_off(item, now, out)) return {put_status::not_stored, errc::none};
  const finish_reason finish = finish_of(*item.value);
  if (finish == finish_reason::failed) return put_failure(item, now, out);
  // What a caller keeps under a key of its own is no answer of a model: any bytes will do.
  const std::string_view name = attribute_of(*item.value, attribute::key);
  const answer_gate::verdict allowed =
      name.empty() ? options_.gate.judge(finish, item.value->text()) : answer_gate::verdict{};
  if (allowed.why != errc::none) return refuse(item, allowed, *end, now, out);
  line_.clear();
  const lease_table::landing how = leases_.land(key, item.lease, line_);
  get_result answer;
  answer.status = get_status::hit;
  answer.from = tier::parked;
  answer.value = item.value;
  answer.created = now;
  answer.expires = *end;
  answer_line(line_, answer, now, out);
  if (how != lease_table::landing::current) {
    ++counters_.refused_lease;
    return {put_status::not_stored, errc::none};
  }
  // A look-up that has not come back yet can only bring something older.
  if (fetch_table::flight f; shared_ && shared_->look_ups.take(key, 0, f)) answer_seats(f.line, answer, now, out);
  // It leaves by its invalidation, which counts it, not by this answer.
  bury_if_dead(key);
  const outcome<void> stored = store_counted(
      item.value, {key, operation, tenant, item.text, *end, may_be_hot(o, item.text), epoch_, {}, item.tags, name}, o,
      now, out);
  if (!stored) return {put_status::refused, stored.why().code};
  return {put_status::stored, errc::none};
}

// Stores what was put or imported and counts it, or by its reason what was refused.
outcome<void> shard_core::store_counted(const blob_ref& value, const tier_stack::particulars& about, operation_state& o,
                                        instant now, effects& out) {
  const std::uint32_t size = value->size();
  const std::uint64_t over_quota = tiers_.use_of(about.tenant).refused;
  outcome<void> stored = tiers_.store(value, about, now, out);
  if (!stored) {
    ++(tiers_.use_of(about.tenant).refused != over_quota ? counters_.refused_quota
       : stored.why().code == errc::too_large            ? counters_.refused_too_large
                                                         : counters_.refused_memory);
    return stored;
  }
  negatives_.forget(about.key);
  ++o.counted.puts;
  o.counted.put_bytes += size;
  tenant_state& t = tenants_[about.tenant];
  ++t.counted.puts;
  t.counted.put_bytes += size;
  return stored;
}

void shard_core::answer_line(const std::vector<waiter>& line, const get_result& r, instant now, effects& out) {
  for (const waiter& w : line) {
    if (r.status == get_status::negative) count_negative(w);
    if (r.status == get_status::hit && r.stale == staleness::stale) {
      count_stale(w, r.value->facts());
    } else if (r.status == get_status::hit) {
      account_of({w.operation, w.tenant, w.model}).count_saving(saving_of(r.from), r.value->facts());
      ++operations_[w.operation].hits;
    }
    record_late(w, r.from, now);
    out.emplace_back(late_answer{w.batch, w.position, r});
  }
}

}  // namespace aicache
