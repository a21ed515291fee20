#pragma once

#include "messages/interfaces.hpp"
#include "messages/shared_interfaces.hpp"

// The type ids of everything that crosses a network. An application that has type ids of its own starts them at
// `aicache::first_free_type_id`.
CAF_BEGIN_TYPE_ID_BLOCK(aicache, caf::first_custom_type_id)
#define AICACHE_OPERATION(name, batch, reply, idempotent, doc) \
  CAF_ADD_TYPE_ID(aicache, (aicache::batch))                   \
  CAF_ADD_TYPE_ID(aicache, (aicache::reply))
#include "messages/ops.def"
#undef AICACHE_OPERATION
CAF_ADD_TYPE_ID(aicache, (aicache::late_reply))
CAF_ADD_TYPE_ID(aicache, (aicache::pull_piece))
CAF_ADD_TYPE_ID(aicache, (aicache::value_piece))
CAF_ADD_TYPE_ID(aicache, (aicache::shard_map))
CAF_ADD_TYPE_ID(aicache, (aicache::client_limits))
CAF_ADD_TYPE_ID(aicache, (aicache::watch_map))
CAF_ADD_TYPE_ID(aicache, (aicache::keys_made))
CAF_ADD_TYPE_ID(aicache, (aicache::map_request))
CAF_ADD_TYPE_ID(aicache, (aicache::statistics_request))
CAF_ADD_TYPE_ID(aicache, (aicache::node_statistics))
CAF_ADD_TYPE_ID(aicache, (aicache::figures_request))
CAF_ADD_TYPE_ID(aicache, (aicache::figures_reply))
CAF_ADD_TYPE_ID(aicache, (aicache::reset_request))
CAF_ADD_TYPE_ID(aicache, (aicache::reset_done))
CAF_ADD_TYPE_ID(aicache, (aicache::drain_request))
CAF_ADD_TYPE_ID(aicache, (aicache::drained))
CAF_ADD_TYPE_ID(aicache, (aicache::invalidate_request))
CAF_ADD_TYPE_ID(aicache, (aicache::invalidated))
CAF_ADD_TYPE_ID(aicache, (aicache::keys_request))
CAF_ADD_TYPE_ID(aicache, (aicache::keys_found))
CAF_ADD_TYPE_ID(aicache, (aicache::event_batch))
CAF_ADD_TYPE_ID(aicache, (aicache::subscribe_request))
CAF_ADD_TYPE_ID(aicache, (aicache::subscribed))
CAF_ADD_TYPE_ID(aicache, (aicache::unsubscribe_request))
CAF_ADD_TYPE_ID(aicache, (aicache::unsubscribed))
CAF_ADD_TYPE_ID(aicache, (aicache::events_taken))
CAF_ADD_TYPE_ID(aicache, (aicache::shared_tier_request))
CAF_ADD_TYPE_ID(aicache, (aicache::export_request))
CAF_ADD_TYPE_ID(aicache, (aicache::export_reply))
CAF_ADD_TYPE_ID(aicache, (aicache::import_request))
CAF_ADD_TYPE_ID(aicache, (aicache::import_reply))
CAF_ADD_TYPE_ID(aicache, (aicache::reload_request))
CAF_ADD_TYPE_ID(aicache, (aicache::reload_reply))
CAF_ADD_TYPE_ID(aicache, (aicache::range_pin))
CAF_ADD_TYPE_ID(aicache, (aicache::cluster_member))
CAF_ADD_TYPE_ID(aicache, (aicache::cluster_map))
CAF_ADD_TYPE_ID(aicache, (aicache::watch_cluster))
CAF_ADD_TYPE_ID(aicache, (aicache::cluster_request))
CAF_ADD_TYPE_ID(aicache, (aicache::cluster_beat))
CAF_ADD_TYPE_ID(aicache, (aicache::peer_invalidation))
CAF_ADD_TYPE_ID(aicache, (aicache::cluster_hello))
CAF_ADD_TYPE_ID(aicache, (aicache::cluster_welcome))
CAF_ADD_TYPE_ID(aicache, (aicache::cluster_state_request))
CAF_ADD_TYPE_ID(aicache, (aicache::cluster_state))
CAF_ADD_TYPE_ID(aicache, (aicache::pin_request))
CAF_ADD_TYPE_ID(aicache, (aicache::leave_request))
CAF_ADD_TYPE_ID(aicache, (aicache::left_cluster))
CAF_END_TYPE_ID_BLOCK(aicache)

namespace aicache {

/// Where an application's own block of type ids may begin.
inline constexpr caf::type_id_t first_free_type_id = caf::id_block::aicache::end;

/// Teaches a configuration aicache's messages; call it before the actor system is made.
inline void add_messages(caf::actor_system_config& config) { config.add_message_types<caf::id_block::aicache>(); }

}  // namespace aicache
