#include "messages/instances.hpp"

#define AICACHE_OPERATION(name, batch, reply, idempotent, doc) \
  AICACHE_EACH_INSTANCE(, aicache::batch) AICACHE_EACH_INSTANCE(, aicache::reply)
#include "messages/ops.def"
#define AICACHE_NETWORK_TYPE(name) AICACHE_EACH_INSTANCE(, aicache::name)
#define AICACHE_LOCAL_TYPE(name)
#include "messages/types.def"
