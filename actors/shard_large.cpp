#include <algorithm>
#include <utility>
#include <vector>

#include "actors/courier.hpp"
#include "actors/errors.hpp"
#include "actors/shard.hpp"

// Large values on their way from and to clients of other machines.
namespace aicache {

// What is too large to stand in the message is given out by couriers, and said to be pending.
template <class Each>
void shard_state::send_large(const caf::strong_actor_ptr& receiver, large_values& large, std::size_t count,
                             Each&& result_of) {
  for (std::size_t i = 0; i < count; ++i) {
    get_result& r = result_of(i);
    if (!is_large(r.value)) continue;
    large.push_back(send_by_courier(self_->system(), r.value, static_cast<std::uint32_t>(i), receiver));
    large.back().status = std::exchange(r.status, get_status::pending);
    r.value = {};
  }
}

get_reply shard_state::addressed(get_reply r, const caf::strong_actor_ptr& receiver) {
  if (is_elsewhere(receiver, self_->node()) && r.body)
    send_large(receiver, r.large, r.body->results.size(),
               [&](std::size_t i) -> get_result& { return r.body->results[i]; });
  return r;
}

// Only who takes late results can be told of values to come.
get_reply shard_state::reply_to(const get_batch& m, const caf::strong_actor_ptr& sender) {
  return addressed(get_reply{m.correlation, errc::none, m.body}, m.partial ? sender : nullptr);
}

late_reply shard_state::addressed(late_reply r, const caf::strong_actor_ptr& receiver) {
  if (is_elsewhere(receiver, self_->node())) {
    send_large(receiver, r.large, r.results.size(), [&](std::size_t i) -> get_result& { return r.results[i].result; });
    for (large_value& v : r.large) v.position = r.results[v.position].position;
  }
  return r;
}

// Why a put whose values are still to come is not begun. What is under way is bounded, for it is not yet in the budget.
errc shard_state::refusal_of_large(const put_batch& m, std::uint64_t& bytes) const {
  const std::uint64_t most = setup_.limits.value_bytes;
  std::vector<bool> seen(m.body->items.size(), false);
  for (const large_value& v : m.large) {
    if (v.position >= seen.size() || seen[v.position] || m.body->items[v.position].value || !v.courier)
      return errc::invalid_argument;
    seen[v.position] = true;
    if (v.claim.size > most) return errc::too_large;
    bytes += v.claim.size;
  }
  const std::uint64_t room = std::max(most, setup_.options.tiers.budget / 4);
  return taken_bytes_ + bytes > room ? errc::overloaded : errc::none;
}

caf::result<put_reply> shard_state::take_large(const put_batch& m) {
  std::uint64_t bytes = 0;
  if (const errc why = refusal_of_large(m, bytes); why != errc::none) return put_reply{m.correlation, why, nullptr};
  const put_taker_actor taker = spawn_put_taker(self_->system(), shard_actor{self_});
  self_->monitor(taker);
  takers_.emplace(taker.address(), bytes);
  taken_bytes_ += bytes;
  return self_->delegate(taker, m);
}

bool shard_state::taker_gone(const caf::actor_addr& who) {
  const auto at = takers_.find(who);
  if (at == takers_.end()) return false;
  taken_bytes_ -= at->second;
  takers_.erase(at);
  return true;
}

}  // namespace aicache
