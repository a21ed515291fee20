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
#define AICACHE_NETWORK_TYPE(name) CAF_ADD_TYPE_ID(aicache, (aicache::name))
#define AICACHE_LOCAL_TYPE(name)
#include "messages/types.def"
#undef AICACHE_LOCAL_TYPE
#undef AICACHE_NETWORK_TYPE
CAF_END_TYPE_ID_BLOCK(aicache)

namespace aicache {

/// Where an application's own block of type ids may begin.
inline constexpr caf::type_id_t first_free_type_id = caf::id_block::aicache::end;

/// Teaches a configuration aicache's messages; call it before the actor system is made.
inline void add_messages(caf::actor_system_config& config) { config.add_message_types<caf::id_block::aicache>(); }

}  // namespace aicache
