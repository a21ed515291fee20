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
      offer_outlived(h.key, now, r, out);
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
  if (shared_) {
    std::vector<fetch_table::seat> seats;
    shared_->look_ups.owner_gone(owner, seats);
    for (const fetch_table::seat& s : seats) left_.push_back(s.who);
  }
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

// Those whose look-up takes too long get a plain miss; what it brings may still be kept.
bool shard_core::end_look_ups(instant now, effects& out) {
  if (!shared_) return false;
  std::vector<fetch_table::seat> late;
  const bool more = shared_->look_ups.due(now, tick_steps, late);
  fetch_table::flight none;
  for (fetch_table::seat& s : late) {
    if (s.wants == fetch_table::wish::news) {
      out.emplace_back(late_news{s.who.batch, s.who.position, store_status::unavailable});
      continue;
    }
    count_miss(s.who, &operation_counters::misses_unreachable);
    record_late(s.who, tier::none, now);
    out.emplace_back(late_answer{s.who.batch, s.who.position, {}});
  }
  write_dirty(now, out);
  return more;
}

bool shard_core::tick(instant now, effects& out) {
  bool more = leases_.expire(now, tick_steps, handovers_);
  end_walk(now);
  end_searches(now);
  if (end_look_ups(now, out)) more = true;
  sweep_for_ranges();
  if (sweep_on(out)) more = true;
  if (end_waits(now, out)) more = true;
  if (negatives_.expire(now, tick_steps)) more = true;
  hand_over(now, out);
  const auto gone = [&](const blob& b) {
    ++operations_[b.operation].counted.expired;
    note_expired(b);
  };
  if (tiers_.expire(now, tick_steps, gone)) more = true;
  return more;
}

std::vector<waiter> shard_core::abandon() {
  std::vector<waiter> all = leases_.abandon();
  for (const unpacking& job : unpacking_)
    for (const unpacking::seat& s : job.line) all.push_back(s.who);
  unpacking_.clear();
  if (shared_)
    for (const fetch_table::flight& f : shared_->look_ups.take_all())
      for (const fetch_table::seat& s : f.line)
        if (s.wants != fetch_table::wish::news) all.push_back(s.who);
  for (const waiter& w : all) count_miss(w, &operation_counters::misses_waited);
  counters_.lost_waiters += all.size();
  return all;
}

// -- workers and learner -----------------------------------------------------

void shard_core::packed(const key128& key, const blob_ref& raw, blob_ref small, effects& out,
                        std::uint64_t nanoseconds) {
  tiers_.packed(key, raw, std::move(small), out, nanoseconds);
}

void shard_core::unpacked(const key128& key, const blob_ref& small, blob_ref raw, instant now, effects& out,
                          std::uint64_t nanoseconds) {
  tiers_.compression().record_unpack(nanoseconds);
  const auto job = std::find_if(unpacking_.begin(), unpacking_.end(),
                                [&](const unpacking& u) { return u.key == key && u.packed.get() == small.get(); });
  if (job == unpacking_.end()) return;
  const std::vector<unpacking::seat> seats = std::move(job->line);
  unpacking_.erase(job);
  const auto seats_of = [&](bool stale) {
    line_.clear();
    for (const unpacking::seat& s : seats)
      if (s.stale == stale) line_.push_back(s.who);
  };
  blob* entry = live(key, now);
  get_result r;
  const bool raw_given = static_cast<bool>(raw);
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
    if (entry == nullptr) entry = outlived(key, afterlife::kept, now);
    if (entry == small.get()) tiers_.erase(*entry);
    for (const unpacking::seat& s : seats) count_miss(s.who, &operation_counters::misses_corrupt);
  }
  seats_of(false);
  answer_line(line_, r, now, out);
  if (raw_given) {
    r.stale = staleness::stale;
    r.expires = small->expires;
  }
  seats_of(true);
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

void shard_core::retune(const shard_options& o, effects& out) {
  options_.lifetimes = o.lifetimes;
  options_.stale = o.stale;
  options_.gate = o.gate;
  options_.negatives = o.negatives;
  options_.leases = o.leases;
  options_.park = o.park;
  options_.promotion_hits = o.promotion_hits;
  leases_.limit(o.leases);
  for (const auto* list : {&o.lifetimes.operations, &o.stale.while_revalidate_of, &o.stale.if_error_of})
    for (const auto& [name, length] : *list) operation_names_.number_of(name);
  grow_states();
  for (std::size_t i = 0; i < operations_.size(); ++i) set_terms(operations_[i], static_cast<std::uint16_t>(i));
  account(out);
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
  const std::uint64_t names =
      operation_names_.bytes() + tenant_names_.bytes() + model_names_.bytes() + accounts_.bytes();
  if (line_.capacity() > lasting_line) line_ = std::vector<waiter>();
  if (left_.capacity() > lasting_line) left_ = std::vector<waiter>();
  if (handovers_.capacity() > lasting_line) handovers_ = std::vector<lease_table::handover>();
  std::uint64_t buffers =
      samples_.capacity() * sizeof(sampled) + (line_.capacity() + left_.capacity()) * sizeof(waiter) +
      handovers_.capacity() * sizeof(lease_table::handover) + unpacking_.capacity() * sizeof(unpacking);
  for (const unpacking& job : unpacking_) buffers += job.line.capacity() * sizeof(unpacking::seat);
  std::uint64_t sweeps = tags_dead_.size() * 48 + tags_dead_.bucket_count() * sizeof(void*);
  for (const auto* list : {&sweeps_, &next_sweeps_})
    for (const sweep& s : *list)
      sweeps += sizeof s + s.tags.capacity() * sizeof(std::uint64_t) +
                (s.operations.capacity() + s.tenants.capacity()) * sizeof(std::uint16_t);
  sweeps += negatives_.bytes() + ranges_dead_.capacity() * sizeof(std::uint32_t);
  if (shared_) sweeps += shared_->bytes();
  tiers_.reserve(leases_.bytes() + states + names + buffers + sweeps + histogram_bytes_ + expired_.bytes() +
                     sizeof *this - sizeof tiers_,
                 out);
}

shard_gauges shard_core::gauges() const noexcept {
  shard_gauges g;
  tiers_.fill(g);
  g.bytes_waiting = std::min(leases_.bytes(), g.bytes_other);
  g.bytes_other -= g.bytes_waiting;
  g.parked = leases_.parked();
  g.leases_out = leases_.flights();
  g.negatives = negatives_.size();
  if (shared_) {
    g.looked_up = shared_->look_ups.flights();
    g.dirty = shared_->dirty.size();
    for (const auto& [ticket, w] : shared_->on_their_way) g.dirty += w.changes.size();
  }
  return g;
}

bool shard_core::sound() const {
  std::uint64_t open = leases_.parked();
  for (const unpacking& job : unpacking_) open += job.line.size();
  if (shared_) {
    open += shared_->look_ups.seats_of_gets();
    std::uint64_t on_their_way = 0;
    for (const auto& [ticket, w] : shared_->on_their_way) on_their_way += w.bytes;
    if (!shared_->look_ups.sound() || !shared_->dirty.sound() || !shared_->book.sound() ||
        on_their_way != shared_->bytes_on_their_way)
      return false;
  }
  // What is not settled yet is added to what is.
  operation_counters all;
  tenant_counters by_tenant;
  for (const operation_state& o : operations_) aicache::add(all, o.counted);
  for (const tenant_state& t : tenants_) aicache::add(by_tenant, t.counted);
  for (const account_row& a : accounts_.rows()) add(all, by_tenant, a.total - a.settled);
  const std::uint64_t answered = all.hits() + all.misses() + all.stale + all.negatives;
  return negatives_.sound() && tiers_.sound() && leases_.sound() && all.gets() == answered + open &&
         by_tenant.hits + by_tenant.misses + by_tenant.stale + by_tenant.negatives == answered &&
         gauges().charged() == (options_.tiers.charge_overhead ? charged() : gauges().bytes_hot + gauges().bytes_warm);
}

}  // namespace aicache
