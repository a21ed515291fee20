#pragma once

#include "messages/caf_version.hpp"

// CAF lets messages that cannot be serialized stay within a process, if it is told of each.
namespace aicache {
#define AICACHE_NETWORK_TYPE(name)
#define AICACHE_LOCAL_TYPE(name) struct name;
#include "messages/types.def"
#undef AICACHE_LOCAL_TYPE
}  // namespace aicache

#define AICACHE_LOCAL_TYPE(name) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::name)
#include "messages/types.def"
#undef AICACHE_LOCAL_TYPE
#undef AICACHE_NETWORK_TYPE
