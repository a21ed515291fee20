#pragma once

#include <caf/io/middleman_actor_impl.hpp>
#include <memory>
#include <string>

#include "actors/transport/credentials.hpp"
#include "messages/caf_version.hpp"

namespace aicache {

/// The actor that dials nodes: CAF's own, but for what it does with a socket. With credentials every connection is TLS;
/// without them it is in clear.
///
/// Owner      the transport of an actor system; a thread of its own, which waits for one connection after the other
/// Fails      connection_timeout, when a host does not answer or prove who it is within `patience`, whatever the
///            system's own patience is; cannot_connect_to_node, with the reason. It publishes nothing
class dialler final : public caf::io::middleman_actor_impl {
 public:
  dialler(caf::actor_config& how, caf::actor broker, std::shared_ptr<const tls::credentials> ours, duration patience);

  const char* name() const override;

 protected:
  caf::expected<caf::io::scribe_ptr> connect(const std::string& host, std::uint16_t port) override;
  caf::expected<caf::io::doorman_ptr> open(std::uint16_t port, const char* address, bool reuse) override;

 private:
  std::shared_ptr<const tls::credentials> ours_;
  duration patience_;
};

}  // namespace aicache
