#include "messages/instances.hpp"

#define AICACHE_NETWORK_TYPE(name)
#define AICACHE_LOCAL_TYPE(name) AICACHE_EACH_INSTANCE(, aicache::name)
#include "messages/types.def"
