#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/key.hpp"
#include "engine/types.hpp"

namespace aicache {

/// What happened to an entry, or, of an invalidation, to many.
enum class event_kind : std::uint8_t {
  hit = 0,         ///< somebody got it; `from` says out of which tier
  miss = 1,        ///< somebody did not get it
  put = 2,         ///< it was stored
  erased = 3,      ///< it was there, and a caller erased it
  invalidate = 4,  ///< a caller of this node has invalidated; `entries` of its memory went
};
inline constexpr event_kind last_event_kind = event_kind::invalidate;
inline constexpr std::array<const char*, 5> event_names{"hit", "miss", "put", "delete", "invalidate"};

constexpr const char* to_string(event_kind k) noexcept {
  const auto at = static_cast<std::size_t>(k);
  return at < event_names.size() ? event_names[at] : "?";
}

/// A set of kinds, a bit for each.
using event_kinds = std::uint8_t;
constexpr event_kinds bit_of(event_kind k) noexcept { return static_cast<event_kinds>(1U << static_cast<unsigned>(k)); }
inline constexpr event_kinds all_event_kinds = (1U << event_names.size()) - 1;

/// One thing that happened on a node. No text of a user is in it.
struct cache_event {
  event_kind kind = event_kind::hit;
  tier from = tier::none;
  instant at;
  identity id;            ///< of an invalidation: none
  std::string tenant;     ///< of an invalidation: whose, if it is of one tenant
  std::string operation;  ///< empty for generic entries; of an invalidation: which, if it is of one operation
  std::uint64_t entries = 1;

  friend bool operator==(const cache_event&, const cache_event&) = default;
};

/// What it is charged while it waits.
inline std::size_t bytes_of(const cache_event& e) noexcept {
  return sizeof e + e.tenant.capacity() + e.operation.capacity();
}

/// Which events somebody wants.
struct event_filter {
  event_kinds kinds = all_event_kinds;
  bool one_tenant = false;  ///< only of `tenant`, which may be ""
  std::string tenant{};
  bool one_operation = false;  ///< only of `operation`; "" is that of generic entries
  std::string operation{};

  bool wants(const cache_event& e) const noexcept {
    return (kinds & bit_of(e.kind)) != 0 && (!one_tenant || e.tenant == tenant) &&
           (!one_operation || e.operation == operation);
  }
  friend bool operator==(const event_filter&, const event_filter&) = default;
};

}  // namespace aicache
