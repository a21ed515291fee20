#pragma once

#include <caf/io/scribe.hpp>
#include <memory>

#include "actors/transport/session.hpp"
#include "messages/caf_version.hpp"

namespace aicache::tls {

/// A connection of CAF's over a session whose ends have proved who they are. It takes the socket, and keeps `place` as
/// long as it lives. Any thread may make one.
caf::io::scribe_ptr make_scribe(caf::actor_system& system, std::unique_ptr<session> talk, int socket,
                                std::shared_ptr<void> place = nullptr);

}  // namespace aicache::tls
