#pragma once

#include <caf/io/middleman_actor.hpp>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "actors/transport/listener.hpp"
#include "config/settings.hpp"
#include "messages/caf_version.hpp"

namespace aicache {

/// The one way by which an actor system of ours reaches others, and others reach it: everything that dials or publishes
/// asks it, and nobody CAF. With TLS in the settings there is nothing but TLS; without it nothing but loopback is
/// listened on.
///
/// Owner      the actor system, as a module of CAF's: it begins after the network and ends before it
/// Invariant  credentials that cannot be used are told to whoever dials or publishes; nothing goes in clear instead
class transport final : public caf::actor_system::module {
 public:
  /// For actor_system_config::module_factories. `s` needs no validation.
  transport(caf::actor_system& system, const config::settings& s);
  ~transport() override;

  /// That of the system. Fails: invalid_argument, for a system that is not meant to reach others.
  static outcome<transport*> of(caf::actor_system& system);

  bool is_encrypted() const noexcept { return !credentials_ || *credentials_ != nullptr; }

  /// Whom to ask for a connection, as CAF's own middleman_actor. Fails: as credentials::read.
  outcome<caf::io::middleman_actor> dialler() const;

  /// Lets others reach `who`, whose interface is `signatures`; returns the port. Fails: as credentials::read;
  /// invalid_argument without TLS where `host` is not loopback, or with TLS and nobody in tls.peers; unavailable.
  outcome<std::uint16_t> publish(const caf::strong_actor_ptr& who, std::set<std::string> signatures,
                                 const std::string& host, std::uint16_t port);

  void start() override;
  void stop() override;
  void init(caf::actor_system_config& config) override;
  id_t id() const override;
  void* subtype_ptr() override;

 private:
  caf::actor_system& system_;
  outcome<std::shared_ptr<const tls::credentials>> credentials_;  ///< null where all is in clear
  tls::listener::options limits_;
  caf::io::middleman_actor dialler_;
  std::vector<std::unique_ptr<tls::listener>> listeners_;
};

}  // namespace aicache
