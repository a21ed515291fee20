#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/key.hpp"

namespace aicache {

/// Counts invalidations over all nodes that share a Redis. An answer is born with the generation that held when its
/// making began; it is dead once a scope it belongs to was invalidated in a later one.
using generation = std::uint64_t;

/// Of a scope that was invalidated while Redis, which numbers generations, could not be asked.
inline constexpr generation unnumbered = UINT64_MAX;

/// What an invalidation can name. The value is the letter that stands for it in Redis.
enum class scope_kind : char {
  everything = 'e',
  tenant = 't',
  operation = 'o',
  tag = 'g',
  key = 'k',
  /// A tenant's generic entries whose keys fit a pattern. No scope is of this kind: a pattern is resolved to keys.
  pattern = 'p',
};

/// The operation of generic entries: no request can have it, for a request's operation is never empty.
inline constexpr std::string_view generic_operation{};

/// The answers that one invalidation means. Names are kept as 128-bit hashes: no text of a user is stored or announced,
/// and two names that share a hash (never seen) would be invalidated together, never missed.
struct scope {
  scope_kind kind = scope_kind::everything;
  key128 name;  ///< of a key: the key itself; of everything: zero

  friend bool operator==(const scope&, const scope&) = default;
};

inline constexpr scope scope_of_everything{};
scope scope_of_tenant(std::string_view tenant) noexcept;
/// An operation, of all tenants.
scope scope_of_operation(std::string_view operation) noexcept;
/// What stands for a tag wherever it is kept; tenants do not share tags.
std::uint64_t tag_hash(std::string_view tenant, std::string_view tag) noexcept;
/// A tag that all generic entries of a tenant have, and that nobody can give.
std::uint64_t generic_tag(std::string_view tenant) noexcept;
inline scope scope_of_tag(std::uint64_t hash) noexcept { return {scope_kind::tag, {0, hash}}; }
inline scope scope_of_tag(std::string_view tenant, std::string_view tag) noexcept {
  return scope_of_tag(tag_hash(tenant, tag));
}
inline scope scope_of_key(const key128& key) noexcept { return {scope_kind::key, key}; }

/// 'e', or the letter and 32 lower-case hexadecimal digits.
std::string to_text(const scope& s);
/// False when it is not what to_text makes.
bool parse_scope(std::string_view text, scope& out) noexcept;

struct scope_hash {
  std::size_t operator()(const scope& s) const noexcept {
    return s.name.lo ^ (static_cast<std::uint64_t>(s.kind) << 56);
  }
};

}  // namespace aicache
