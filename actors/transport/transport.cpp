#include "actors/transport/transport.hpp"

#include <spdlog/spdlog.h>

#include <caf/io/all.hpp>
#include <utility>

#include "actors/transport/reach.hpp"
#include "actors/transport/scribe.hpp"
#include "config/rules.hpp"

namespace aicache {

namespace {

// As long as CAF gives a node to say who it is.
constexpr duration patience_in_clear{1'000};

caf::actor broker_of(caf::actor_system& system) {
  return system.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
}

outcome<std::shared_ptr<const tls::credentials>> credentials_of(const config::settings& s) {
  if (!tls::is_on(s)) return std::shared_ptr<const tls::credentials>{};
  return tls::credentials::read(s);
}

}  // namespace

transport::transport(caf::actor_system& system, const config::settings& s)
    : system_(system),
      credentials_(credentials_of(s)),
      limits_{static_cast<std::size_t>(s.tls.handshakes), static_cast<std::size_t>(s.tls.connections),
              s.tls.handshake_timeout} {}

transport::~transport() = default;

outcome<transport*> transport::of(caf::actor_system& system) {
  if (!system.has_network_manager())
    return fault{errc::invalid_argument, "this actor system was made without a network"};
  // CAF 0.17.6 has the place for a module like this one, and nothing that takes it.
  return reinterpret_cast<transport*>(&system.network_manager());
}

outcome<caf::strong_actor_ptr> transport::dial(const std::string& host, std::uint16_t port,
                                               const std::set<std::string>& signatures) {
  if (!credentials_) return credentials_.why();
  auto connection = reach(system_, host, port, *credentials_, *credentials_ ? limits_.patience : patience_in_clear);
  if (!connection) return connection.why();
  outcome<caf::strong_actor_ptr> found = fault{errc::unavailable, "nothing is published there"};
  caf::scoped_actor self{system_};
  // CAF itself gives a node a second to say who it is.
  self->request(broker_of(system_), caf::infinite, caf::connect_atom_v, std::move(*connection), port)
      .receive(
          [&](const caf::node_id&, const caf::strong_actor_ptr& who, const std::set<std::string>& has) {
            if (!who) return;
            if (system_.assignable(has, signatures)) {
              found = who;
            } else {
              found = fault{errc::unavailable, "what is published there is no node of this version"};
            }
          },
          [&](const caf::error& why) {
            found =
                fault{why == caf::sec::connection_timeout ? errc::deadline : errc::unavailable, system_.render(why)};
            // Whoever is refused by TLS is not told more than that.
            if (why == caf::sec::disconnect_during_handshake)
              found = fault{errc::unavailable,
                            *credentials_ ? "it ends the connection: it does not let in who has our certificate"
                                          : "it ends the connection: it may speak TLS"};
          });
  return found;
}

outcome<std::uint16_t> transport::publish(const caf::strong_actor_ptr& who, std::set<std::string> signatures,
                                          const std::string& host, std::uint16_t port) {
  if (!credentials_) return credentials_.why();
  const auto& ours = *credentials_;
  if (!ours) {
    if (!config::is_loopback(host))
      return fault{errc::invalid_argument, "without TLS a node listens on loopback only, and " + host + " is not"};
    auto f = caf::make_function_view(system_.middleman().actor_handle());
    auto bound = f(caf::publish_atom_v, port, who, std::move(signatures), host, true);
    if (!bound) return fault{errc::unavailable, system_.render(bound.error())};
    return *bound;
  }
  if (ours->peers().empty()) return fault{errc::invalid_argument, "tls.peers must name whom this node lets in"};
  auto open = tls::listener::open(host, port, ours, limits_);
  if (!open) return open.why();
  const std::uint16_t bound = (*open)->port();
  // CAF has a message for connections that somebody else has accepted: at which port, and who is found there.
  auto let_in = [&system = system_, broker = broker_of(system_), who, signatures = std::move(signatures), bound](
                    std::unique_ptr<tls::session> talk, int socket, std::shared_ptr<void> place) {
    caf::anon_send(broker, caf::publish_atom_v, tls::make_scribe(system, std::move(talk), socket, std::move(place)),
                   bound, who, signatures);
  };
  (*open)->begin(std::move(let_in), [](std::size_t how_many, const std::string& why) {
    spdlog::warn("TLS: refused connections: {}; the last of them was {}", how_many, why);
  });
  listeners_.push_back(std::move(*open));
  return bound;
}

void transport::start() {}

void transport::keep(std::shared_ptr<io_thread> what) {
  // A node that has ended uses its thread no more.
  std::erase_if(kept_, [](const auto& k) { return k.use_count() == 1; });
  kept_.push_back(std::move(what));
}

void transport::stop() { listeners_.clear(); }

void transport::init(caf::actor_system_config&) {}

caf::actor_system::module::id_t transport::id() const { return network_manager; }

void* transport::subtype_ptr() { return this; }

}  // namespace aicache
