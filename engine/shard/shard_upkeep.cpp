#include <algorithm>
#include <utility>

#include "engine/shard/shard_core.hpp"

// What a shard does beside answering: who waits, what workers and the learner say, reports, and the state of the whole.
namespace aicache {

namespace {
constexpr std::size_t lasting_line = 256;  // a longer buffer is given back after use
}  // namespace

// -- waiting callers ---------------------------------------------------------

// Those whose turn it is to compute get the lease; those whose wait is over get a plain miss.
void shard_core::hand_over(instant now, effects& out) {
  for (const lease_table::handover& h : handovers_) {
    get_result r;
    if (h.token != 0) {
      r.status = get_status::lease;
      r.lease = h.token;
      ++counters_.leases_passed;
    }
    count_miss(h.next, &operation_counters::misses_waited);
    record_late(h.next, tier::none, now);
    out.emplace_back(late_answer{h.next.batch, h.next.position, r});
  }
  handovers_.clear();
  account(out);
}

void shard_core::owner_gone(std::uint64_t owner, instant now, effects& out) {
  left_.clear();
  leases_.owner_gone(owner, now, handovers_, left_);
  for (const waiter& w : left_) count_miss(w, &operation_counters::misses_waited);
  hand_over(now, out);
}

// Those who waited for a worker long enough get a plain miss; the worker's result may still serve the others.
bool shard_core::end_waits(instant now, effects& out) {
  unsigned steps = 0;
  for (unpacking& job : unpacking_) {
    if (job.next_due > now) continue;
    instant next = never;
    std::size_t kept = 0;
    for (const unpacking::seat& s : job.line) {
      if (s.until <= now && steps < tick_steps) {
        ++steps;
        count_miss(s.who, &operation_counters::misses_waited);
        record_late(s.who, tier::none, now);
        out.emplace_back(late_answer{s.who.batch, s.who.position, {}});
      } else {
        next = std::min(next, s.until);
        job.line[kept++] = s;
      }
    }
    job.line.resize(kept);
    job.next_due = next;
  }
  // What nobody waits for any more is given up: a worker that died must not hold it for ever.
  std::erase_if(unpacking_, [](const unpacking& job) { return job.line.empty(); });
  return steps == tick_steps;
}

bool shard_core::tick(instant now, effects& out) {
  bool more = leases_.expire(now, tick_steps, handovers_);
  if (end_waits(now, out)) more = true;
  hand_over(now, out);
  if (tiers_.expire(now, tick_steps, [&](const blob& gone) { ++operations_[gone.operation].counted.expired; }))
    more = true;
  return more;
}

std::vector<waiter> shard_core::abandon() {
  std::vector<waiter> all = leases_.abandon();
  for (const unpacking& job : unpacking_)
    for (const unpacking::seat& s : job.line) all.push_back(s.who);
  unpacking_.clear();
  for (const waiter& w : all) count_miss(w, &operation_counters::misses_waited);
  counters_.lost_waiters += all.size();
  return all;
}

// -- workers and learner -----------------------------------------------------

void shard_core::packed(const key128& key, const blob_ref& raw, blob_ref small, effects& out) {
  tiers_.packed(key, raw, std::move(small), out);
}

void shard_core::unpacked(const key128& key, const blob_ref& small, blob_ref raw, instant now, effects& out) {
  const auto job = std::find_if(unpacking_.begin(), unpacking_.end(),
                                [&](const unpacking& u) { return u.key == key && u.packed.get() == small.get(); });
  if (job == unpacking_.end()) return;
  line_.clear();
  for (const unpacking::seat& s : job->line) line_.push_back(s.who);
  unpacking_.erase(job);
  blob* entry = live(key, now);
  get_result r;
  if (raw) {
    // What was erased or replaced meanwhile was still the answer when it was asked for.
    ++counters_.unpacked;
    r.status = get_status::hit;
    r.from = tier::warm;
    r.value = std::move(raw);
    r.created = small->created;
    if (entry == small.get()) {
      r.expires = entry->expires;
      r.retrievals = entry->retrievals;
    }
  } else {
    if (entry == small.get()) tiers_.erase(*entry);
    for (const waiter& w : line_) count_miss(w, &operation_counters::misses_corrupt);
  }
  answer_line(line_, r, now, out);
  account(out);
}

void shard_core::trained(std::uint16_t operation, outcome<std::shared_ptr<const dictionary>> made, effects& out) {
  if (made) {
    tiers_.trained(operation, std::move(*made), out);
  } else {
    tiers_.training_failed(operation);
  }
}

void shard_core::steer(eviction_mode mode, std::uint64_t threshold, std::size_t sample_batch) {
  tiers_.mode(mode);
  sample_threshold_ = threshold;
  sample_batch_ = std::max<std::size_t>(sample_batch, 1);
}

std::vector<sampled> shard_core::take_samples() {
  std::vector<sampled> taken;
  taken.reserve(most_samples_);
  taken.swap(samples_);
  return taken;
}

// -- the whole ---------------------------------------------------------------

// What this object holds beside the tiers counts against the budget as well.
void shard_core::account(effects& out) {
  const std::uint64_t states =
      operations_.capacity() * sizeof(operation_state) + tenants_.capacity() * sizeof(tenant_state);
  const std::uint64_t names = operation_names_.bytes() + tenant_names_.bytes();
  if (line_.capacity() > lasting_line) line_ = std::vector<waiter>();
  if (left_.capacity() > lasting_line) left_ = std::vector<waiter>();
  if (handovers_.capacity() > lasting_line) handovers_ = std::vector<lease_table::handover>();
  std::uint64_t buffers =
      samples_.capacity() * sizeof(sampled) + (line_.capacity() + left_.capacity()) * sizeof(waiter) +
      handovers_.capacity() * sizeof(lease_table::handover) + unpacking_.capacity() * sizeof(unpacking);
  for (const unpacking& job : unpacking_) buffers += job.line.capacity() * sizeof(unpacking::seat);
  tiers_.reserve(leases_.bytes() + states + names + buffers + histogram_bytes_ + sizeof *this - sizeof tiers_, out);
}

shard_gauges shard_core::gauges() const noexcept {
  shard_gauges g;
  tiers_.fill(g);
  g.bytes_waiting = std::min(leases_.bytes(), g.bytes_other);
  g.bytes_other -= g.bytes_waiting;
  g.parked = leases_.parked();
  g.leases_out = leases_.flights();
  return g;
}

shard_report shard_core::take_report() {
  shard_report r;
  r.counted = difference(counters_, reported_);
  reported_ = counters_;
  r.present = gauges();
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    operation_state& o = operations_[i];
    if (o.counted == o.reported && (!o.latency || o.latency->count() == 0)) continue;
    operation_report one{
        operation_names_.name_of(static_cast<std::uint16_t>(i)), difference(o.counted, o.reported), {}};
    o.reported = o.counted;
    if (o.latency) {
      o.latency->report_since(histogram{}, one.latency);
      *o.latency = histogram{};
    }
    r.operations.push_back(std::move(one));
  }
  for (std::size_t i = 0; i < tenants_.size(); ++i) {
    tenant_state& t = tenants_[i];
    if (t.counted == t.reported) continue;
    r.tenants.push_back({tenant_names_.name_of(static_cast<std::uint16_t>(i)), difference(t.counted, t.reported)});
    t.reported = t.counted;
  }
  for (std::size_t i = 0; i < tier_count; ++i) {
    tier_latency_[i].report_since(histogram{}, r.latency_by_tier[i]);
    tier_latency_[i] = histogram{};
  }
  return r;
}

const operation_counters& shard_core::of_operation(std::string_view name) {
  const std::uint16_t number = operation_names_.number_of(name);
  grow_states();
  return operations_[number].counted;
}

const tenant_counters& shard_core::of_tenant(std::string_view name) {
  const std::uint16_t number = tenant_names_.number_of(name);
  grow_states();
  return tenants_[number].counted;
}

bool shard_core::sound() const {
  std::uint64_t open = leases_.parked();
  for (const unpacking& job : unpacking_) open += job.line.size();
  std::uint64_t gets = 0;
  std::uint64_t answered = 0;
  for (const operation_state& o : operations_) {
    gets += o.counted.gets();
    answered += o.counted.hits() + o.counted.misses();
  }
  std::uint64_t by_tenant = 0;
  for (const tenant_state& t : tenants_) by_tenant += t.counted.hits + t.counted.misses;
  return tiers_.sound() && leases_.sound() && gets == answered + open && by_tenant == answered &&
         gauges().charged() == (options_.tiers.charge_overhead ? charged() : gauges().bytes_hot + gauges().bytes_warm);
}

}  // namespace aicache
