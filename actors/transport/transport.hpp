#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/transport/listener.hpp"
#include "config/settings.hpp"
#include "messages/caf_version.hpp"

namespace aicache {

class io_thread;

/// The one way by which an actor system of ours reaches others, and others reach it: everything that dials or publishes
/// asks it, and nobody CAF. With TLS in the settings there is nothing but TLS; without it nothing but loopback is
/// listened on.
///
/// Owner      the actor system, as a module of CAF's: it ends before the network
/// Invariant  credentials that cannot be used are told to whoever dials or publishes; nothing goes in clear instead
class transport final : public caf::actor_system::module {
 public:
  /// For actor_system_config::module_factories. `s` needs no validation.
  transport(caf::actor_system& system, const config::settings& s);
  ~transport() override;

  /// That of the system. Fails: invalid_argument, for a system that is not meant to reach others.
  static outcome<transport*> of(caf::actor_system& system);

  /// Who is published at host:port, if its interface is `signatures`. A new connection, unless there is one with its
  /// process. Blocks. Fails: as credentials::read, and reach; unavailable, when something else is published there, or the
  /// other side ends the connection; deadline, when it does not say what is.
  outcome<caf::strong_actor_ptr> dial(const std::string& host, std::uint16_t port,
                                      const std::set<std::string>& signatures);

  /// Lets others reach `who`, whose interface is `signatures`; returns the port. Fails: as credentials::read;
  /// invalid_argument without TLS where `host` is not loopback, or with TLS and nobody in tls.peers; unavailable.
  outcome<std::uint16_t> publish(const caf::strong_actor_ptr& who, std::set<std::string> signatures,
                                 const std::string& host, std::uint16_t port);

  /// Keeps a node's thread until the next one comes or the system ends, and then waits for its end: one that dies on
  /// itself, with the last actor that it ran, may still be at work when the process ends. Of one caller at a
  /// time, as publish.
  void keep(std::shared_ptr<io_thread> what);

  void start() override;
  void stop() override;
  void init(caf::actor_system_config& config) override;
  id_t id() const override;
  void* subtype_ptr() override;

 private:
  caf::actor_system& system_;
  outcome<std::shared_ptr<const tls::credentials>> credentials_;  ///< null where all is in clear
  tls::listener::options limits_;
  std::vector<std::unique_ptr<tls::listener>> listeners_;
  std::vector<std::shared_ptr<io_thread>> kept_;
};

}  // namespace aicache
