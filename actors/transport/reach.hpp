#pragma once

#include <caf/io/scribe.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "actors/transport/credentials.hpp"
#include "engine/types.hpp"
#include "messages/caf_version.hpp"

namespace aicache {

/// A connection of CAF's to host:port, not yet greeted: TLS with credentials, whose other end has proved who it is then,
/// and in clear without. Blocks, for `patience` and what it takes to look up the host.
/// Fails: deadline, when nobody answers or proves who it is in time; unavailable, with the reason.
outcome<caf::io::scribe_ptr> reach(caf::actor_system& system, const std::string& host, std::uint16_t port,
                                   const std::shared_ptr<const tls::credentials>& ours, duration patience);

}  // namespace aicache
