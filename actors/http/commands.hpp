#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "messages/interfaces.hpp"

namespace aicache::http {

/// What callers with the token may have done. Called by the threads that serve HTTP; each may block for a while. None is
/// empty.
struct node_commands {
  std::function<outcome<invalidated>(const invalidate_request&)> invalidate;
  std::function<outcome<void>()> reset;
  std::function<outcome<reload_reply>()> reload;
};

/// Asks the front, and waits: five seconds, or five minutes for who wants Redis swept as well. Fails: deadline when it may
/// have been done or not; unavailable.
outcome<invalidated> invalidate_at(caf::actor_system& system, const front_actor& front, const invalidate_request& what);

/// Counts from zero, and waits like an invalidation.
outcome<void> reset_at(caf::actor_system& system, const front_actor& front);

/// Has the settings read again, and waits likewise. Fails: invalid_argument with all that is wrong with them.
outcome<reload_reply> reload_at(caf::actor_system& system, const front_actor& front);

/// {"scope": "tag", "tenant": "acme", "name": "doc-17", "wait": false}: the scope is tag, operation or tenant. Fails:
/// invalid_argument, with what is wrong.
outcome<invalidate_request> parse_invalidation(std::string_view json);

std::string to_json(const invalidated& what);
std::string to_json(const reload_reply& what);

}  // namespace aicache::http
