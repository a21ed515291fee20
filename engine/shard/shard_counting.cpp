#include <algorithm>
#include <utility>

#include "engine/shard/shard_core.hpp"
#include "engine/shared/scope.hpp"

// What a shard counts, and what it tells of it.
namespace aicache {

namespace {
constexpr std::uint64_t nanoseconds_per_ms = 1'000'000;
constexpr std::uint64_t histograms_share = 8;  // of the budget, at most one part in so many for latencies by operation
}  // namespace

// -- accounts ----------------------------------------------------------------

account_row& shard_core::account_of(const account_name& name) {
  account_row& a = accounts_.of(name, [this](account_row& gone) { settle(gone); });
  // Rows may have moved, and the one at hand may have been given to this name.
  account_names_ = no_names;
  return a;
}

[[gnu::noinline]] void shard_core::choose_account(const get_item& item) {
  account_row& a = account_of(account_name{local(batch_operations_, item.operation), local(batch_tenants_, item.tenant),
                                           local(batch_models_, item.model)});
  if (!a.in_batch) {
    a.in_batch = true;
    batch_accounts_.push_back(static_cast<std::uint32_t>(&a - accounts_.rows().data()));
  }
  account_ = &a;
  account_names_ = item.names();
}

// What its batch has asked under it goes to the sums whose latency is recorded when the batch is served.
void shard_core::settle_served(account_row& a) {
  const std::uint64_t hot = a.total.saved[saving::hot].calls - a.hot_served;
  a.hot_served += hot;
  operation_state& o = operations_[a.name.operation];
  o.hits += hot;
  o.served += static_cast<std::uint32_t>(hot);
  tier_served_[static_cast<std::size_t>(tier::hot)] += static_cast<std::uint32_t>(hot);
  for (std::size_t i = 0; i < text_tier_count; ++i)
    text_served_[i] += static_cast<std::uint32_t>(a.total.gets[i] - std::exchange(a.gets_served[i], a.total.gets[i]));
  a.in_batch = false;
}

void shard_core::settle_batch() {
  for (const std::uint32_t row : batch_accounts_) settle_served(accounts_.rows()[row]);
  batch_accounts_.clear();
  account_names_ = no_names;
}

// Under which names a batch asked stays known until it is served, whatever becomes of the row.
void shard_core::settle(account_row& a) {
  if (a.in_batch) {
    settle_served(a);
    std::erase(batch_accounts_, static_cast<std::uint32_t>(&a - accounts_.rows().data()));
  }
  add(operations_[a.name.operation].counted, tenants_[a.name.tenant].counted, account_table::settle(a));
}

void shard_core::settle_all() {
  for (account_row& a : accounts_.rows())
    add(operations_[a.name.operation].counted, tenants_[a.name.tenant].counted, account_table::settle(a));
  for (std::size_t i = 0; i < tenants_.size(); ++i) settle_use(static_cast<std::uint16_t>(i));
}

void shard_core::settle_use(std::uint16_t tenant) noexcept {
  const tenant_use use = tiers_.use_of(tenant);
  tenants_[tenant].counted.quota_evicted = use.evicted;
  tenants_[tenant].counted.quota_refused = use.refused;
}

tenant_gauges shard_core::gauges_of(std::uint16_t tenant) const noexcept {
  const tenant_use use = tiers_.use_of(tenant);
  return {use.bytes, use.entries, use.quota};
}

void shard_core::add(operation_counters& o, tenant_counters& t, const account_figures& gained) noexcept {
  o.gets_small += gained.gets[0];
  o.gets_medium += gained.gets[1];
  o.gets_large += gained.gets[2];
  o.gets_xlarge += gained.gets[3];
  o.hits_hot += gained.saved[saving::hot].calls;
  o.hits_warm += gained.saved[saving::warm].calls;
  o.hits_shared += gained.saved[saving::shared].calls;
  o.hits_parked += gained.saved[saving::parked].calls;
  const saved_amount all = gained.saved.total();
  o.saved_input_tokens += all.input_tokens;
  o.saved_output_tokens += all.output_tokens;
  o.saved_model_ms += all.model_ms;
  const std::uint64_t stale = gained.saved[saving::stale].calls;
  o.stale += stale;
  t.stale += stale;
  t.hits += all.calls - stale;
  t.saved_tokens += all.input_tokens + all.output_tokens;
}

std::uint64_t shard_core::hits_of(const operation_state& o) const noexcept {
  std::uint64_t hits = o.hits;
  const auto number = static_cast<std::uint16_t>(&o - operations_.data());
  for (const std::uint32_t row : batch_accounts_)
    if (const account_row& a = accounts_.rows()[row]; a.name.operation == number)
      hits += a.total.saved[saving::hot].calls - a.hot_served;
  return hits;
}

// -- misses and waits --------------------------------------------------------

waiter shard_core::waiter_for(const get_item& item, const batch& b, std::uint32_t position,
                              instant now) const noexcept {
  waiter w;
  w.batch = b.id;
  w.position = position;
  w.operation = local(batch_operations_, item.operation);
  w.tenant = local(batch_tenants_, item.tenant);
  w.since = now;
  w.model = local(batch_models_, item.model);
  w.text = item.text;
  w.call = static_cast<std::uint32_t>(std::upper_bound(b.calls.begin(), b.calls.end(), position) - b.calls.begin());
  return w;
}

// Its latency is recorded when it is answered, not with its batch.
void shard_core::wait(const get_item& item, get_result& r) noexcept {
  r.status = get_status::pending;
  ++text_pending_[static_cast<std::size_t>(item.text) % text_tier_count];
}

void shard_core::count_miss(const waiter& w, std::uint64_t operation_counters::*why) noexcept {
  ++(operations_[w.operation].counted.*why);
  ++tenants_[w.tenant].counted.misses;
}

// For those who are not in a hurry.
void shard_core::count_asked(const waiter& w) {
  account_of(account_name{w.operation, w.tenant, w.model}).count_get(w.text);
}

void shard_core::count_stale(const waiter& w, const answer_facts& facts) {
  account_of(account_name{w.operation, w.tenant, w.model}).count_saving(saving::stale, facts);
}

void shard_core::count_negative(const waiter& w) noexcept {
  ++operations_[w.operation].counted.negatives;
  ++tenants_[w.tenant].counted.negatives;
}

// A miss that is answered with its batch.
void shard_core::miss_at_once(const waiter& w, std::uint64_t operation_counters::*why) noexcept {
  count_miss(w, why);
  ++operations_[w.operation].served;
  ++tier_served_[static_cast<std::size_t>(tier::none)];
  ++text_misses_[static_cast<std::size_t>(w.text) % text_tier_count];
}

// -- latencies ---------------------------------------------------------------

// Where the budget is too small for a histogram of each operation, the rest share the one of "other".
void shard_core::record(std::uint16_t operation, std::uint64_t nanoseconds, std::uint64_t keys) {
  operation_state* o = &operations_[operation];
  if (!o->latency && histogram_bytes_ >= tiers_.budget() / histograms_share) o = &operations_[0];
  if (!o->latency) {
    o->latency = std::make_unique<histogram_window>();
    histogram_bytes_ += sizeof(histogram_window);
  }
  histogram_bytes_ += o->latency->record(nanoseconds, keys);
}

void shard_core::record_late(const waiter& w, tier from, instant now) {
  const auto waited = static_cast<std::uint64_t>((now - w.since).count()) * nanoseconds_per_ms;
  record(w.operation, waited, 1);
  histogram_bytes_ += tier_latency_[static_cast<std::size_t>(from)].record(waited);
  const std::size_t text = static_cast<std::size_t>(w.text) % text_tier_count;
  histogram_bytes_ += text_latency_[text].record(waited);
  if (from == tier::none) ++text_misses_[text];
}

void shard_core::served(std::uint64_t nanoseconds) {
  settle_batch();
  const auto record_answered = [&](std::uint16_t number) {
    if (const std::uint64_t keys = std::exchange(operations_[number].served, 0); keys != 0)
      record(number, nanoseconds, keys);
  };
  for (std::uint16_t number : batch_operations_) record_answered(number);
  // Items that named no operation of the batch were counted as "other".
  record_answered(0);
  for (std::size_t i = 0; i < tier_count; ++i)
    if (tier_served_[i] != 0)
      histogram_bytes_ += tier_latency_[i].record(nanoseconds, std::exchange(tier_served_[i], 0));
  for (std::size_t i = 0; i < text_tier_count; ++i) {
    const std::uint32_t answered = std::exchange(text_served_[i], 0) - std::exchange(text_pending_[i], 0);
    if (answered != 0) histogram_bytes_ += text_latency_[i].record(nanoseconds, answered);
  }
}

// -- reports -----------------------------------------------------------------

shard_report shard_core::take_report() {
  settle_all();
  shard_report r;
  r.counted = difference(counters_, reported_);
  reported_ = counters_;
  r.present = gauges();
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    operation_state& o = operations_[i];
    const lifetime_evidence lifetimes = expired_.take(static_cast<std::uint16_t>(i));
    if (o.counted == o.reported && (!o.latency || o.latency->is_empty()) && lifetimes.is_empty()) continue;
    const std::string& name = operation_names_.name_of(static_cast<std::uint16_t>(i));
    operation_report one{
        name.empty() ? std::string(generic_entries) : name, difference(o.counted, o.reported), {}, lifetimes};
    o.reported = o.counted;
    if (o.latency) o.latency->take(one.latency);
    r.operations.push_back(std::move(one));
  }
  for (std::size_t i = 0; i < tenants_.size(); ++i) {
    tenant_state& t = tenants_[i];
    const tenant_gauges present = gauges_of(static_cast<std::uint16_t>(i));
    if (t.counted == t.reported && present == t.told) continue;
    r.tenants.push_back(
        {tenant_names_.name_of(static_cast<std::uint16_t>(i)), difference(t.counted, t.reported), present});
    t.reported = t.counted;
    t.told = present;
  }
  for (std::size_t i = 0; i < tier_count; ++i) tier_latency_[i].take(r.latency_by_tier[i]);
  for (std::size_t i = 0; i < text_tier_count; ++i) text_latency_[i].take(r.latency_by_text[i]);
  tiers_.compression().take(r.compression);
  shared_reads_.take(r.shared_reads);
  r.misses_by_text = std::exchange(text_misses_, {});
  const auto name_in = [](const name_table& names) {
    return [&names](std::uint16_t number) -> const std::string& { return names.name_of(number); };
  };
  r.saved = accounts_.report(name_in(tenant_names_), name_in(operation_names_), name_in(model_names_));
  // No model was spared by what callers keep under keys of their own.
  std::erase_if(r.saved.lines, [](const auto& line) { return line.operation == generic_operation; });
  return r;
}

const operation_counters& shard_core::of_operation(std::string_view name) {
  settle_all();
  const std::uint16_t number = operation_names_.number_of(name);
  grow_states();
  return operations_[number].counted;
}

const tenant_counters& shard_core::of_tenant(std::string_view name) {
  settle_all();
  const std::uint16_t number = tenant_names_.number_of(name);
  grow_states();
  return tenants_[number].counted;
}

tenant_gauges shard_core::gauges_of(std::string_view tenant) {
  const std::uint16_t number = tenant_names_.number_of(tenant);
  grow_states();
  return gauges_of(number);
}

}  // namespace aicache
