#pragma once

#include <cstdint>
#include <string>

#include "engine/outcome.hpp"
#include "engine/shared/scope.hpp"
#include "messages/caf_version.hpp"

// What is invalidated, and what came of it.
namespace aicache {

/// Forget answers (anyone to front):
///   {scope_kind::tag, "acme", "doc-17"}     tenant acme's with that tag
///   {scope_kind::tenant, "acme"}            all of a tenant's; it may be "", as in requests
///   {scope_kind::operation, "", "qa"}       of an operation, of all tenants
///   {scope_kind::everything}
///   {scope_kind::pattern, "acme", "user:*"} tenant acme's generic entries whose keys fit (engine/search/glob.hpp); "*" all
/// Single answers are erased, not invalidated: scope_kind::key is refused, and so is an empty operation, tag or pattern.
///
/// A pattern but "*" is resolved to keys, in the memory of this node and in Redis, before it is answered, and each is
/// erased by itself: dead on all nodes from then on, as erased keys are. What only another node has, and not Redis, is
/// not found; nor what lies in Redis while that is away, which `swept` says.
struct invalidate_request {
  scope_kind kind = scope_kind::everything;
  std::string tenant{};
  std::string name{};
  bool wait = false;     ///< answer when Redis has been swept as well, which may take minutes
  bool dry_run = false;  ///< say what would go, and let it be; with `wait` also what would go of Redis
};
AICACHE_INSPECT(invalidate_request, a, b, c, d, e)

/// What an invalidation came to; it holds from the moment of this answer on, in this node, and in others as soon as they
/// can be told.
struct invalidated {
  errc why = errc::none;
  bool numbered = false;        ///< Redis knows of it; else it will when it is back, before anything is read from it
  std::uint64_t in_memory = 0;  ///< entries of this node that went
  std::uint64_t in_redis = 0;   ///< entries that a sweep removed; counted only for who waits, and for patterns
  bool swept = false;           ///< the sweep, or the search, went through all of Redis
};
AICACHE_INSPECT(invalidated, a, b, c, d, e)

}  // namespace aicache
