#include "engine/shard/shard_core.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace aicache {

namespace {
constexpr std::uint64_t nanoseconds_per_ms = 1'000'000;
constexpr std::size_t most_samples = 512;
constexpr std::uint64_t samples_share = 64;    // of the budget, at most one part in so many
constexpr std::uint64_t names_share = 16;      // the same for operations, and for tenants
constexpr std::uint64_t histograms_share = 8;  // the same for latencies by operation
constexpr std::uint64_t name_bytes = 2 * (sizeof(std::string) + name_table::longest_name) + 32;
}  // namespace

shard_core::shard_core(const shard_options& options)
    : options_(options),
      tiers_(options.tiers, options.seed, counters_),
      leases_(options.leases, options.seed * 0x9e3779b97f4a7c15ULL),
      operation_names_(affordable(options.operations, 2 * sizeof(operation_state) + name_bytes, options.tiers.budget)),
      tenant_names_(affordable(options.tenants, 2 * sizeof(tenant_state) + name_bytes, options.tiers.budget)),
      most_samples_(std::min<std::uint64_t>(most_samples, options.tiers.budget / samples_share / sizeof(sampled))) {
  for (const auto& [name, lifetime] : options.lifetimes.operations) operation_names_.number_of(name);
  samples_.reserve(most_samples_);
  effects none;
  grow_states();
  account(none);
}

// -- names -------------------------------------------------------------------

// How many names of `each` bytes a budget affords, and `names` at most.
std::uint16_t shard_core::affordable(std::uint16_t names, std::uint64_t each, std::uint64_t budget) noexcept {
  return static_cast<std::uint16_t>(std::min<std::uint64_t>(names, budget / names_share / each));
}

void shard_core::grow_states() {
  for (auto i = operations_.size(); i < operation_names_.size(); ++i) {
    const std::string& name = operation_names_.name_of(static_cast<std::uint16_t>(i));
    operation_state o;
    const auto own = options_.lifetimes.operations.find(name);
    o.lifetime = own == options_.lifetimes.operations.end() ? options_.lifetimes.otherwise : own->second;
    o.promotion = promotion_class_of(name);
    operations_.push_back(std::move(o));
  }
  tenants_.resize(tenant_names_.size());
}

void shard_core::resolve(const name_lists& names) {
  batch_operations_.clear();
  batch_tenants_.clear();
  for (const std::string& name : names.operations) batch_operations_.push_back(operation_names_.number_of(name));
  for (const std::string& name : names.tenants) batch_tenants_.push_back(tenant_names_.number_of(name));
  if (operation_names_.size() > operations_.size() || tenant_names_.size() > tenants_.size()) grow_states();
  ++counters_.batches;
}

std::uint16_t shard_core::local(const std::vector<std::uint16_t>& numbers, std::uint16_t in_batch) const noexcept {
  return in_batch < numbers.size() ? numbers[in_batch] : std::uint16_t{0};
}

shard_core::operation_state& shard_core::operation_of(std::uint16_t in_batch) noexcept {
  return operations_[local(batch_operations_, in_batch)];
}

// -- get ---------------------------------------------------------------------

void shard_core::get(std::span<const get_item> items, const batch& b, instant now, std::span<get_result> results,
                     effects& out) {
  const std::size_t n = std::min(items.size(), results.size());
  if (n == 1) {
    get_one(items[0], items[0].id.key(), b, now, 0, results[0], out);
  } else {
    get_together(items.first(n), b, now, results, out);
  }
  if (!out.empty()) account(out);
}

void shard_core::get_together(std::span<const get_item> items, const batch& b, instant now,
                              std::span<get_result> results, effects& out) {
  std::array<key128, batch_step> keys;
  for (std::size_t from = 0; from < items.size(); from += batch_step) {
    const std::size_t count = std::min(batch_step, items.size() - from);
    for (std::size_t i = 0; i < count; ++i) keys[i] = items[from + i].id.key();
    // Independent misses of the processor's caches overlap when they are asked for together.
    for (std::size_t i = 0; i < count; ++i) tiers_.prefetch(keys[i]);
    for (std::size_t i = 0; i < count; ++i) tiers_.prefetch_blob(keys[i]);
    for (std::size_t i = 0; i < count; ++i)
      get_one(items[from + i], keys[i], b, now, static_cast<std::uint32_t>(from + i), results[from + i], out);
  }
}

void shard_core::get_one(const get_item& item, const key128& key, const batch& b, instant now, std::uint32_t position,
                         get_result& r, effects& out) {
  blob* entry = tiers_.find(key);
  if (sample_threshold_ != 0 && sample_hash(key) <= sample_threshold_ && samples_.size() < most_samples_)
    samples_.push_back({sample_hash(key), entry == nullptr ? 0 : entry->charged()});
  if (entry == nullptr) return miss(item, key, &operation_counters::misses_absent, b, now, position, r, out);
  if (entry->expires <= now) {
    ++operations_[entry->operation].counted.expired;
    tiers_.erase(*entry);
    return miss(item, key, &operation_counters::misses_expired, b, now, position, r, out);
  }
  if (entry->retrievals != UINT16_MAX) ++entry->retrievals;
  r.error = errc::none;
  r.lease = 0;
  r.created = entry->created;
  r.expires = entry->expires;
  r.retrievals = entry->retrievals;
  if (!tier_stack::is_hot(*entry)) return read_warm(item, key, *entry, b, now, position, r, out);
  hit(item, operation_of(item.operation), tier::hot, tier_stack::read_hot(*entry), r);
}

void shard_core::hit(const get_item& item, operation_state& o, tier from, blob_ref value, get_result& r) noexcept {
  r.status = get_status::hit;
  r.from = from;
  count_get(o, item.text);
  count_hit(o, tenants_[local(batch_tenants_, item.tenant)], from, value->facts());
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
  const waiter who{b.id, position, local(batch_operations_, item.operation), local(batch_tenants_, item.tenant), now};
  r = {};
  count_get(o, item.text);
  if (wait_for_worker(key, entry, who, std::min(b.wait_until, now + options_.park), out)) {
    r.status = get_status::pending;
    return;
  }
  count_miss(who, &operation_counters::misses_unparked);
  ++o.served;
  ++tier_served_[static_cast<std::size_t>(tier::none)];
}

// A large compressed answer: a worker unpacks it, once for all who ask meanwhile.
bool shard_core::wait_for_worker(const key128& key, blob& entry, const waiter& who, instant until, effects& out) {
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
  job->line.push_back({who, until});
  job->next_due = std::min(job->next_due, until);
  return true;
}

void shard_core::miss(const get_item& item, const key128& key, std::uint64_t operation_counters::*why, const batch& b,
                      instant now, std::uint32_t position, get_result& r, effects& out) {
  const waiter who{b.id, position, local(batch_operations_, item.operation), local(batch_tenants_, item.tenant), now};
  r = {};
  count_get(operations_[who.operation], item.text);
  if (item.lease) {
    // Leases and lines share the shard's budget: past a quarter of it nobody else may hold or wait.
    const bool room = leases_.bytes() < tiers_.budget() / 4;
    const instant until = std::min(b.wait_until, now + options_.park);
    const lease_table::grant g = room ? leases_.ask(key, b.owner, who, now, until) : lease_table::grant{};
    account(out);
    if (g.what == lease_table::asked::parked) {
      r.status = get_status::pending;
      return;
    }
    if (g.what == lease_table::asked::granted) {
      ++counters_.leases_granted;
      r.status = get_status::lease;
      r.lease = g.token;
    } else {
      why = &operation_counters::misses_unparked;
    }
  }
  count_miss(who, why);
  ++operations_[who.operation].served;
  ++tier_served_[static_cast<std::size_t>(tier::none)];
}

bool shard_core::may_be_hot(const operation_state& o, text_tier text) const noexcept {
  return aicache::may_be_hot(text, o.promotion, o.counted.hits(), options_.promotion_hits);
}

// -- counting ----------------------------------------------------------------

void shard_core::count_get(operation_state& o, text_tier text) noexcept {
  switch (text) {
    case text_tier::small: ++o.counted.gets_small; break;
    case text_tier::medium: ++o.counted.gets_medium; break;
    case text_tier::large: ++o.counted.gets_large; break;
    case text_tier::xlarge: ++o.counted.gets_xlarge; break;
  }
}

void shard_core::count_hit(operation_state& o, tenant_state& t, tier from, const answer_facts& facts) noexcept {
  switch (from) {
    case tier::warm: ++o.counted.hits_warm; break;
    case tier::shared: ++o.counted.hits_shared; break;
    case tier::parked: ++o.counted.hits_parked; break;
    case tier::hot:
    case tier::none: ++o.counted.hits_hot; break;
  }
  o.counted.saved_input_tokens += facts.input_tokens;
  o.counted.saved_output_tokens += facts.output_tokens;
  o.counted.saved_model_ms += facts.model_ms;
  ++t.counted.hits;
  t.counted.saved_tokens += std::uint64_t{facts.input_tokens} + facts.output_tokens;
}

void shard_core::count_miss(const waiter& w, std::uint64_t operation_counters::*why) noexcept {
  ++(operations_[w.operation].counted.*why);
  ++tenants_[w.tenant].counted.misses;
}

// Where the budget is too small for a histogram of each operation, the rest share the one of "other".
void shard_core::record(std::uint16_t operation, std::uint64_t nanoseconds, std::uint64_t keys) {
  operation_state* o = &operations_[operation];
  if (!o->latency && histogram_bytes_ + sizeof(histogram) > tiers_.budget() / histograms_share) o = &operations_[0];
  if (!o->latency) {
    o->latency = std::make_unique<histogram>();
    histogram_bytes_ += sizeof(histogram);
  }
  o->latency->record(nanoseconds, keys);
}

void shard_core::record_late(const waiter& w, tier from, instant now) {
  const auto waited = static_cast<std::uint64_t>((now - w.since).count()) * nanoseconds_per_ms;
  record(w.operation, waited, 1);
  tier_latency_[static_cast<std::size_t>(from)].record(waited);
}

void shard_core::served(std::uint64_t nanoseconds) {
  for (std::uint16_t number : batch_operations_)
    if (operations_[number].served != 0) record(number, nanoseconds, std::exchange(operations_[number].served, 0));
  // Items that named no operation of the batch were counted as "other".
  if (operations_[0].served != 0) record(0, nanoseconds, std::exchange(operations_[0].served, 0));
  for (std::size_t i = 0; i < tier_count; ++i)
    if (tier_served_[i] != 0) tier_latency_[i].record(nanoseconds, std::exchange(tier_served_[i], 0));
}

// -- put ---------------------------------------------------------------------

outcome<instant> shard_core::end_of(std::int64_t ttl_ms, const operation_state& o, instant now) const {
  if (ttl_ms == own_lifetime) return now + o.lifetime;
  if (ttl_ms <= 0) return fault{errc::invalid_argument, "a time to live must be above zero"};
  if (ttl_ms > options_.lifetimes.longest.count())
    return fault{errc::invalid_argument, "a time to live is over ttl.max"};
  return now + duration{ttl_ms};
}

void shard_core::put(std::span<const put_item> items, instant now, std::span<put_result> results, effects& out) {
  const std::size_t n = std::min(items.size(), results.size());
  for (std::size_t i = 0; i < n; ++i) results[i] = put_one(items[i], now, out);
  account(out);
}

put_result shard_core::put_one(const put_item& item, instant now, effects& out) {
  operation_state& o = operation_of(item.operation);
  const outcome<instant> end = end_of(item.ttl_ms, o, now);
  if (!item.value || item.value->codec() != blob_codec::raw || !end) {
    ++counters_.refused_argument;
    return {put_status::refused, errc::invalid_argument};
  }
  const key128 key = item.id.key();
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
  const std::uint32_t size = item.value->size();
  const outcome<void> stored =
      tiers_.store(item.value,
                   {key, local(batch_operations_, item.operation), local(batch_tenants_, item.tenant), item.text, *end,
                    may_be_hot(o, item.text)},
                   now, out);
  if (!stored) {
    ++(stored.why().code == errc::too_large ? counters_.refused_too_large : counters_.refused_memory);
    return {put_status::refused, stored.why().code};
  }
  ++o.counted.puts;
  o.counted.put_bytes += size;
  tenant_state& t = tenants_[local(batch_tenants_, item.tenant)];
  ++t.counted.puts;
  t.counted.put_bytes += size;
  return {put_status::stored, errc::none};
}

void shard_core::answer_line(const std::vector<waiter>& line, const get_result& r, instant now, effects& out) {
  for (const waiter& w : line) {
    if (r.status == get_status::hit) count_hit(operations_[w.operation], tenants_[w.tenant], r.from, r.value->facts());
    record_late(w, r.from, now);
    out.emplace_back(late_answer{w.batch, w.position, r});
  }
}

// -- by key ------------------------------------------------------------------

blob* shard_core::live(const key128& key, instant now) const noexcept {
  blob* entry = tiers_.find(key);
  return entry != nullptr && entry->expires > now ? entry : nullptr;
}

void shard_core::erase(std::span<const key_item> items, instant now, std::span<key_result> results) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    const key128 key = items[i].id.key();
    results[i] = {};
    // Whoever computes this answer began before it was invalidated.
    leases_.cut_off(key);
    blob* entry = tiers_.find(key);
    if (entry == nullptr) continue;
    results[i].found = entry->expires > now;
    ++(results[i].found ? operations_[entry->operation].counted.erased : operations_[entry->operation].counted.expired);
    tiers_.erase(*entry);
  }
}

void shard_core::exists(std::span<const key_item> items, instant now, std::span<key_result> results) const {
  for (std::size_t i = 0; i < items.size(); ++i) results[i] = {live(items[i].id.key(), now) != nullptr, errc::none, 0};
}

void shard_core::time_left(std::span<const key_item> items, instant now, std::span<key_result> results) const {
  for (std::size_t i = 0; i < items.size(); ++i) {
    const blob* entry = live(items[i].id.key(), now);
    results[i] = {};
    if (entry == nullptr) continue;
    results[i] = {true, errc::none, entry->expires == never ? never.ms : (entry->expires - now).count()};
  }
}

void shard_core::touch(std::span<const key_item> items, instant now, std::span<key_result> results) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    blob* entry = live(items[i].id.key(), now);
    results[i] = {};
    const outcome<instant> end = end_of(items[i].argument, operations_[entry == nullptr ? 0 : entry->operation], now);
    if (!end) {
      results[i].error = end.why().code;
      continue;
    }
    if (entry == nullptr) continue;
    tiers_.set_end(*entry, *end, now);
    results[i] = {true, errc::none, (*end - now).count()};
  }
}

void shard_core::release(std::span<const key_item> items, instant now, std::span<key_result> results, effects& out) {
  for (std::size_t i = 0; i < items.size(); ++i)
    results[i] = {leases_.release(items[i].id.key(), static_cast<std::uint64_t>(items[i].argument), now, handovers_),
                  errc::none, 0};
  hand_over(now, out);
}

std::uint64_t shard_core::clear(effects& out) {
  const std::uint64_t gone = tiers_.size();
  leases_.cut_off_all();
  tiers_.clear();
  account(out);
  return gone;
}

}  // namespace aicache
