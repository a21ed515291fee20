#pragma once

#include <caf/config.hpp>

// What is spelled differently between CAF versions, in one place. aicache targets 0.17.6; a port to 1.x changes this
// header, messages/ and actors/, and nothing else.
#if CAF_VERSION < 1706 || CAF_VERSION >= 1800
  #error "aicache is written against CAF 0.17.6"
#endif

#include <caf/all.hpp>

/// Gives a plain struct of messages its inspection: AICACHE_INSPECT(type, member...) inside the struct's namespace.
/// Deserializing reads the members in the same order as serializing writes them.
#define AICACHE_INSPECT(type, ...)                                  \
  template <class Inspector>                                        \
  typename Inspector::result_type inspect(Inspector& f, type& x) {  \
    auto& [__VA_ARGS__] = x;                                        \
    return f(caf::meta::type_name("aicache::" #type), __VA_ARGS__); \
  }

/// The same for a message without members.
#define AICACHE_INSPECT_EMPTY(type)                              \
  template <class Inspector>                                     \
  typename Inspector::result_type inspect(Inspector& f, type&) { \
    return f(caf::meta::type_name("aicache::" #type));           \
  }
