#include <algorithm>

#include "engine/answers/provider_error.hpp"
#include "engine/client/response.hpp"
#include "engine/shard/shard_core.hpp"

// What a shard does with answers that are not to be kept, and with computations that failed.
namespace aicache {

// The computation under this lease began before an invalidation: whoever waits is owed a newer one.
bool shard_core::was_cut_off(const put_item& item, instant now, effects& out) {
  if (item.lease == 0 || !is_dead(leases_.born(item.lease, epoch_), local(batch_operations_, item.operation),
                                  local(batch_tenants_, item.tenant), item.tags))
    return false;
  ++counters_.refused_lease;
  leases_.release(item.id.key(), item.lease, now, handovers_);
  hand_over(now, out);
  return true;
}

put_result shard_core::refuse(const put_item& item, const answer_gate::verdict& why, instant expires, instant now,
                              effects& out) {
  switch (why.why) {
    case errc::answer_empty: ++counters_.refused_empty; break;
    case errc::answer_truncated: ++counters_.refused_truncated; break;
    case errc::answer_filtered: ++counters_.refused_filtered; break;
    case errc::answer_cancelled: ++counters_.refused_cancelled; break;
    default: ++counters_.refused_not_kept;
  }
  const put_result refused{put_status::refused, why.why};
  const key128 key = item.id.key();
  if (item.lease == 0) return refused;
  if (why.shared) {
    line_.clear();
    leases_.land(key, item.lease, line_);
    get_result answer;
    answer.status = get_status::hit;
    answer.from = tier::parked;
    answer.value = item.value;
    answer.created = now;
    answer.expires = expires;
    answer_line(line_, answer, now, out);
  } else if (why.why != errc::answer_cancelled && leases_.holds(key, item.lease)) {
    end_failed(key, item.lease, {}, now, out);
  } else {
    // Who gave up says nothing of whether there is an answer.
    leases_.release(key, item.lease, now, handovers_);
    hand_over(now, out);
  }
  return refused;
}

// A computation ended without an answer. Only the word of who has the lease counts while one is out.
put_result shard_core::put_failure(const put_item& item, instant now, effects& out) {
  const key128 key = item.id.key();
  if (item.lease != 0 ? !leases_.holds(key, item.lease) : leases_.is_held(key)) {
    ++counters_.refused_lease;
    leases_.release(key, item.lease, now, handovers_);
    hand_over(now, out);
    return {put_status::not_stored, errc::none};
  }
  ++counters_.refused_failed;
  negative_table::error e;
  if (const errc why = failure_of(*item.value); options_.negatives.keeps(why) && live(key, now) == nullptr) {
    const duration asked = item.ttl_ms == own_lifetime ? options_.negatives.ttl : duration{item.ttl_ms};
    e = {why, now,
         now + shortened(std::min(asked, options_.negatives.longest), key, options_.lifetimes.jitter_percent)};
    negatives_.note(key, e);
    ++counters_.negatives_kept;
  }
  end_failed(key, item.lease, e, now, out);
  if (e.why != errc::none) return {put_status::negative, errc::none};
  return {put_status::refused, failure_of(*item.value)};
}

// Who waits gets the answer that has outlived its time, if there is one for this case; else the error, if that is
// remembered; else the next in line shall try.
void shard_core::end_failed(const key128& key, std::uint64_t token, const negative_table::error& e, instant now,
                            effects& out) {
  blob* old = outlived(key, afterlife::kept, now);
  if (old != nullptr && now - old->expires >= operations_[old->operation].if_error) old = nullptr;
  if (old != nullptr) old->queue.outlived = true;
  if (token == 0) return;
  if (old == nullptr && e.why == errc::none) {
    leases_.release(key, token, now, handovers_);
    return hand_over(now, out);
  }
  line_.clear();
  leases_.land(key, token, line_);
  get_result r;
  if (old != nullptr && read_outlived(*old, old->queue.text, r, out)) {
    r.status = get_status::hit;
  } else if (e.why != errc::none) {
    r.status = get_status::negative;
    r.error = e.why;
    r.created = e.since;
    r.expires = e.until;
  } else {
    // It needs a worker, and how long each can wait is not known any more.
    for (const waiter& w : line_) count_miss(w, &operation_counters::misses_waited);
  }
  answer_line(line_, r, now, out);
}

// What is known of a provider's trouble with this request is as good as asking it again.
bool shard_core::tell_failure(const key128& key, const waiter& w, instant now, get_result& r) noexcept {
  const negative_table::error* e = negatives_.find(key, now);
  if (e == nullptr) return false;
  r.status = get_status::negative;
  r.error = e->why;
  r.created = e->since;
  r.expires = e->until;
  count_negative(w);
  return true;
}

}  // namespace aicache
