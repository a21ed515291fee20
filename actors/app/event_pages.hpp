#pragma once

#include <cstdint>
#include <string>

#include "actors/app/page.hpp"
#include "engine/events/event.hpp"

namespace aicache::app {

/// Writes events to standard output as they happen, a line each, until so many were written (0: for ever), or SIGINT or
/// SIGTERM comes.
///
/// Fails      with exit code 3 without a node, or when it ends; 1 when it has too many subscribers
page events_page(const std::string& node, const event_filter& what, std::uint64_t count, bool as_json);

/// {"at_ms":…,"event":"hit","tier":"hot","id":"…","tenant":"…","operation":"…"}; generic entries have "generic":true and no
/// operation, an invalidation has "entries" and no id. For people the same in columns.
std::string line_of(const cache_event& e, bool as_json);

}  // namespace aicache::app
