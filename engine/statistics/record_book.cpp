#include "engine/statistics/record_book.hpp"

#include <algorithm>
#include <utility>

namespace aicache {

namespace {

histogram over_tiers(const std::array<histogram, tier_count>& by_tier) noexcept {
  histogram all;
  for (const histogram& h : by_tier) all.merge(h);
  return all;
}

}  // namespace

record_book::record_book(options o)
    : options_(std::move(o)),
      totals_(options_.tenants),
      recent_(options_.recent_slots, options_.recent_slot),
      ledger_(options_.ledger_rows, options_.prices),
      memory_(options_.memory),
      invalidations_(options_.invalidations),
      slow_(options_.slow) {}

void record_book::retune(const options& o) {
  options_.operations = o.operations;
  options_.otherwise = o.otherwise;
  options_.memory = o.memory;
  options_.invalidations = o.invalidations;
  options_.prices = o.prices;
  ledger_.prices(o.prices);
  memory_.limits(o.memory);
  invalidations_.limits(o.invalidations);
}

outcome<void> record_book::add(const shard_report& report, instant now) {
  if (auto added = totals_.add(report); !added) return added;
  ledger_.add(report.saved);
  recent_.at(now).add_report(report);
  return {};
}

void record_book::tick(instant now) {
  if (!totals_.present_by_shard().empty()) memory_.sample(now, totals_.present());
  slow_.learn(work_kind::key_generation, keys_.nanoseconds);
  slow_.learn(work_kind::get, over_tiers(totals_.latency_by_tier()));
  slow_.learn(work_kind::compression, totals_.compression().pack_nanoseconds);
}

recent_figures record_book::recent(instant now) const {
  recent_figures late;
  recent_.each(now, recent_.span(), [&](const recent_figures& slot) { late += slot; });
  return late;
}

duration record_book::life_of(const std::string& operation) const noexcept {
  const auto own = options_.operations.find(operation);
  return own == options_.operations.end() ? options_.otherwise : own->second;
}

std::vector<operation_summary> record_book::summarise_operations(const recent_figures& late) const {
  std::map<std::string, operation_summary> by_name;
  for (const auto& [name, life] : options_.operations) by_name[name].ttl = life;
  for (const auto& [name, total] : totals_.operations()) {
    operation_summary& s = by_name[name];
    s.gets = gets_of(total.counted);
    s.puts = total.counted.puts;
    s.saved_tokens = total.counted.saved_tokens();
    s.nanoseconds = distribution_of(total.latency);
    s.lifetimes = total.lifetimes;
  }
  for (const auto& [name, counted] : late.operations) by_name[name].recent = gets_of(counted);
  std::vector<operation_summary> operations;
  operations.reserve(by_name.size());
  for (auto& [name, s] : by_name) {
    s.name = name;
    operations.push_back(std::move(s));
  }
  return operations;
}

std::vector<tenant_summary> record_book::summarise_tenants() const {
  std::vector<tenant_summary> tenants;
  for (const auto& [name, t] : totals_.tenants()) {
    tenant_summary s;
    s.name = name;
    s.gets = {t.counted.hits + t.counted.misses, t.counted.hits, t.counted.misses, {}};
    s.gets.hit_percent = percent(s.gets.hits, s.gets.answered);
    s.counted = t.counted;
    s.present = t.over_shards();
    s.quota_percent = percent(s.present.bytes, s.present.quota);
    tenants.push_back(std::move(s));
  }
  return tenants;
}

summary record_book::summarise(instant now) const {
  const recent_figures late = recent(now);
  summary s;
  s.at = now;
  s.recent_span = recent_.span();
  s.total = totals_.over_operations();
  s.gets = gets_of(s.total);
  s.recent = gets_of(late.over_operations());
  s.operations = summarise_operations(late);
  s.tenants = summarise_tenants();
  const operation_summary* fastest = nullptr;
  const operation_summary* slowest = nullptr;
  for (const operation_summary& o : s.operations) {
    if (!o.nanoseconds) continue;
    if (!fastest || o.nanoseconds->mean < fastest->nanoseconds->mean) fastest = &o;
    if (!slowest || o.nanoseconds->mean > slowest->nanoseconds->mean) slowest = &o;
  }
  if (fastest) s.fastest = fastest->name;
  if (slowest) s.slowest = slowest->name;
  s.nanoseconds = distribution_of(over_tiers(totals_.latency_by_tier()));
  s.shared_reads = distribution_of(totals_.shared_reads());
  s.recent_nanoseconds = distribution_of(late.nanoseconds);
  s.text_tiers = summarise_text_tiers(s.total, totals_.texts());
  s.ranking = rank(s.text_tiers);
  const auto seen = std::count_if(s.text_tiers.begin(), s.text_tiers.end(), [](const auto& t) { return t.gets != 0; });
  s.text_tier_completeness_percent = 100.0 * static_cast<double>(seen) / text_tier_count;
  s.key_generation = summarise_key_generation(keys_);
  s.compression = summarise_compression(totals_.shards(), totals_.compression());
  // The trend is of ticks; what there is, is of now.
  memory_trend memory = memory_;
  if (!totals_.present_by_shard().empty()) memory.sample(now, totals_.present());
  s.memory = memory.summarise();
  s.memory_notices = memory.notices();
  s.invalidations = invalidations_.summarise(now);
  s.invalidation_notices = invalidations_.notices(now);
  s.slow = slow_.recent(now);
  return s;
}

void record_book::reset() {
  totals_.reset();
  recent_.clear();
  ledger_.clear();
  keys_ = {};
  memory_.clear();
  invalidations_.clear();
  slow_.clear();
}

}  // namespace aicache
