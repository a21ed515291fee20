#include <algorithm>
#include <optional>
#include <utility>

#include "engine/shard/shard_core.hpp"

// What a shard does with answers past their time (RFC 5861: stale-while-revalidate, stale-if-error). They stay in memory
// for the longer of the two windows of their operation, and are served
//   - within `while_revalidate`, to everybody at once; the first who asks with a lease gets it beside the answer;
//   - within `if_error`, the same once a computation has failed; until then they are a miss like any other.
// Never after an invalidation, and never to others: the shared tier has only what is fresh.
namespace aicache {

shard_core::afterlife shard_core::afterlife_of(const blob& entry, instant now) const noexcept {
  const operation_state& o = operations_[entry.operation];
  const duration past = now - entry.expires;
  if (past < duration{0}) return afterlife::none;
  if (past < o.revalidate || (entry.queue.outlived && past < o.if_error)) return afterlife::served;
  return past < o.if_error ? afterlife::kept : afterlife::none;
}

// The entry of a key, if it is past its time and good for as much.
blob* shard_core::outlived(const key128& key, afterlife least, instant now) const noexcept {
  blob* entry = tiers_.find(key);
  if (entry == nullptr || afterlife_of(*entry, now) < least) return nullptr;
  return entry->epoch < doubtful_before_ && is_dead(*entry) ? nullptr : entry;
}

// Somebody has the lease, and began late enough that whoever asks now may have the answer.
bool shard_core::is_computed(const key128& key, std::uint16_t operation, std::uint16_t tenant) {
  if (is_dead(leases_.born_of(key, epoch_), operation, tenant, {})) leases_.cut_off(key);
  return leases_.is_held(key);
}

void shard_core::get_outlived(const get_item& item, const key128& key, blob& entry, const batch& b, instant now,
                              std::uint32_t position, get_result& r, effects& out) {
  if (entry.epoch < doubtful_before_ && is_dead(entry)) {
    bury(entry);
    return miss(item, key, &operation_counters::misses_invalidated, b, now, position, r, out);
  }
  if (afterlife_of(entry, now) == afterlife::kept)
    return miss(item, key, &operation_counters::misses_expired, b, now, position, r, out);
  const bool may_compute =
      item.lease && negatives_.find(key, now) == nullptr && leases_.bytes() < tiers_.budget() / 4 &&
      !is_computed(key, local(batch_operations_, item.operation), local(batch_tenants_, item.tenant)) &&
      !(shared_ && shared_->look_ups.contains(key));
  if (may_compute) return miss(item, key, &operation_counters::misses_expired, b, now, position, r, out);
  if (shared_) look_for_newer(item, key);
  serve_outlived(item, key, entry, b, now, position, r, out);
}

void shard_core::serve_outlived(const get_item& item, const key128& key, blob& entry, const batch& b, instant now,
                                std::uint32_t position, get_result& r, effects& out) {
  const waiter who = waiter_for(item, b, position, now);
  r = {};
  if (read_outlived(entry, item.text, r, out)) {
    r.status = get_status::hit;
    count_asked(who);
    count_stale(who, r.value->facts());
  } else if (blob* packed = tiers_.find(key); packed == nullptr) {
    return miss(item, key, &operation_counters::misses_corrupt, b, now, position, r, out);
  } else {
    count_asked(who);
    if (wait_for_worker(key, *packed, who, std::min(b.wait_until, now + options_.park), true, out)) {
      return wait(item, r);
    }
    return miss_at_once(who, &operation_counters::misses_unparked);
  }
  ++operations_[who.operation].served;
  ++tier_served_[static_cast<std::size_t>(r.from)];
}

// False, and nothing is said of it, when a worker would have to unpack it, or when it is corrupt and has left.
bool shard_core::read_outlived(blob& entry, text_tier text, get_result& r, effects& out) {
  const instant created = entry.created;
  const instant expires = entry.expires;
  const std::uint16_t retrievals = entry.count_retrieval();
  tier_stack::reading answer = tiers_.read(entry, may_be_hot(operations_[entry.operation], text), out);
  if (!answer.value) {
    if (answer.corrupt) tiers_.erase(entry);
    return false;
  }
  r.from = answer.from;
  r.stale = staleness::stale;
  r.retrievals = retrievals;
  r.value = std::move(answer.value);
  r.created = created;
  r.expires = expires;
  return true;
}

// What there is to say to one for whom the shared tier has nothing, without another computation.
bool shard_core::answer_without(const key128& key, text_tier text, const waiter& w, bool wants_lease, instant now,
                                get_result& r, effects& out) {
  blob* old = outlived(key, afterlife::served, now);
  const bool may_compute =
      wants_lease && negatives_.find(key, now) == nullptr && !is_computed(key, w.operation, w.tenant);
  if (old == nullptr || may_compute || !read_outlived(*old, text, r, out)) return tell_failure(key, w, now, r);
  r.status = get_status::hit;
  count_stale(w, r.value->facts());
  return true;
}

// Who has just got the lease is given what there is beside it.
void shard_core::offer_outlived(const key128& key, instant now, get_result& r, effects& out) {
  blob* old = outlived(key, afterlife::kept, now);
  if (old == nullptr) return;
  const bool is_fallback = now - old->expires < operations_[old->operation].if_error;
  if (afterlife_of(*old, now) == afterlife::served && read_outlived(*old, old->queue.text, r, out)) return;
  if (is_fallback) r.stale = staleness::fallback;
}

// Another node may have computed it anew. Nobody waits for the look-up.
void shard_core::look_for_newer(const get_item& item, const key128& key) {
  shared_side& s = *shared_;
  if (!s.available || leases_.in_flight(key) || s.look_ups.contains(key) || s.dirty.is_behind(key) || !may_look_up())
    return;
  std::optional<shared_name> name = name_of(item.operation, item.tenant, item.id);
  if (!name) return;
  s.asked.push_back(key);
  s.asked_keys.push_back(name->key);
  s.look_ups.start({item.id,
                    std::move(*name),
                    local(batch_operations_, item.operation),
                    local(batch_tenants_, item.tenant),
                    item.text,
                    epoch_,
                    0,
                    {}});
}

}  // namespace aicache
