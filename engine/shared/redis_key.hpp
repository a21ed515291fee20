#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/key.hpp"
#include "engine/shared/scope.hpp"

namespace aicache {

/// A name as it stands in Redis keys: letters, digits, '-', '_' and '.' as they are, every other byte as %XX. So it
/// holds neither the ':' that divides keys nor anything that a glob pattern or a cluster's hash tag would understand.
std::string key_part(std::string_view name);

/// "prefix:tenant:operation:hex": where an answer lies in Redis. `prefix` as it is in the settings.
std::string redis_key(std::string_view prefix, std::string_view tenant, std::string_view operation, const identity& id);

/// What the shared tier calls an answer, and the scopes that its names belong to.
struct shared_name {
  std::string key;
  scope tenant;
  scope operation;
};

/// The glob pattern that matches all answers of a tenant, of an operation, of both together, or of everybody.
std::string redis_pattern(std::string_view prefix, std::optional<std::string_view> tenant,
                          std::optional<std::string_view> operation);

/// What a key of ours names.
struct redis_key_parts {
  std::string tenant;
  std::string operation;
  identity id;
};
/// Takes a key apart that redis_key made with this prefix; false for any other.
bool parse_redis_key(std::string_view prefix, std::string_view key, redis_key_parts& out);

/// Reads the identity off a key that redis_key made; false for any other.
bool identity_of_key(std::string_view key, identity& out) noexcept;

}  // namespace aicache
