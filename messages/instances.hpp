#pragma once

#include "messages/interfaces.hpp"
#include "messages/shared_interfaces.hpp"

/// Says of every message that what CAF makes of it (how it lies in a mailbox, is copied, printed and serialized) is
/// compiled in the instances*.cpp, and not again in each source that sends it: without this, a third of what our own
/// sources compile to is that. A source builds without this header, too, only in more time; the build gives it to all
/// sources with actors.
#define AICACHE_EACH_INSTANCE(how, type)                                            \
  how template class caf::detail::tuple_vals_impl<caf::detail::message_data, type>; \
  how template class caf::detail::tuple_vals_impl<caf::type_erased_tuple, type>;    \
  how template class caf::detail::tuple_vals<type>;                                 \
  how template class caf::mailbox_element_vals<type>;                               \
  how template class caf::detail::type_erased_value_impl<type>;

// Nobody calls this member, and it would not compile, so it is left out of what is compiled.
#define AICACHE_INSTANCE(name)                                                \
  template <>                                                                 \
  inline void caf::mailbox_element_vals<aicache::name>::dispose() noexcept {} \
  AICACHE_EACH_INSTANCE(extern, aicache::name)
#define AICACHE_OPERATION(name, batch, reply, idempotent, doc) AICACHE_INSTANCE(batch) AICACHE_INSTANCE(reply)
#include "messages/ops.def"
#undef AICACHE_OPERATION
#define AICACHE_NETWORK_TYPE(name) AICACHE_INSTANCE(name)
#define AICACHE_LOCAL_TYPE(name) AICACHE_INSTANCE(name)
#include "messages/types.def"
#undef AICACHE_LOCAL_TYPE
#undef AICACHE_NETWORK_TYPE
#undef AICACHE_INSTANCE
