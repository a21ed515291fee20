#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/chunks/value_assembly.hpp"
#include "messages/interfaces.hpp"

// Large values between machines: a courier gives one out, whoever wants it pulls it in pieces.
namespace aicache {

/// A value on its way to `receiver`; no longer than that lives, nor than anybody pulls.
large_value send_by_courier(caf::actor_system& system, const blob_ref& value, std::uint32_t position,
                            const caf::strong_actor_ptr& receiver);

/// Whether a value of a message for `receiver` goes by courier.
inline bool is_large(const blob_ref& value) noexcept { return value && value->size() > large_value_bytes; }
inline bool is_elsewhere(const caf::strong_actor_ptr& receiver, const caf::node_id& here) noexcept {
  return receiver && receiver->node() != here;
}

/// Pull the large values that belong to this reply, and pass each on as a late_reply when it is whole (client to its
/// collector). `results` are those of the large values, in their order.
struct collect_results {
  std::uint64_t correlation = 0;
  instant now;
  large_values values;
  std::vector<get_result> results;
};
using collector_actor = caf::typed_actor<caf::reacts_to<collect_results>>;

/// Pulls what one node has for a client, a value after the other, so that small replies come between the pieces. What
/// does not come whole is passed on as an error.
collector_actor spawn_collector(caf::actor_system& system, const client_actor& client);

/// Pulls the values of one put, and passes it on to its shard when all are there, on behalf of who sent it.
using put_taker_actor = caf::typed_actor<caf::replies_to<put_batch>::with<put_reply>>;
put_taker_actor spawn_put_taker(caf::actor_system& system, const shard_actor& shard);

}  // namespace aicache

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::collect_results)
