#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "actors/client.hpp"
#include "actors/front.hpp"
#include "config/settings.hpp"
#include "config/sources.hpp"
#include "messages/registry.hpp"

namespace aicache {

/// The actor system configuration of a node, or of an application that uses one: aicache's messages are known, the I/O
/// module is loaded if asked for, as many scheduler threads as the settings say, and work shared rather than stolen
/// (a wake-up costs 13 to 16 us instead of 29 to 119, and an idle node burns nothing).
class system_config : public caf::actor_system_config {
 public:
  enum class network : bool { off, on };
  explicit system_config(const config::settings& s = {}, network n = network::off);
};

/// What the settings mean on a machine with `cores` processors, at `unix_now`.
node_options to_options(const config::settings& s, unsigned cores, instant unix_now);

/// Starts a node in this process, with the machine's cores and clock. It lives until the front is sent an exit message.
/// `sources` reads the settings again for a reload_request; use_settings needs none.
/// With Redis it waits for it, at most redis.connect_deadline. Fails: invalid_argument with all that is wrong with the
/// files and addresses that the settings name; unavailable without Redis where that is required.
outcome<front_actor> start_node(caf::actor_system& system, const config::settings& s,
                                std::function<config::loaded()> sources = {});

/// The front of the node at host:port, for whoever wants to write to it directly; client::connect needs no more than
/// this. Whoever refuses the connection is believed at once; a node that does not answer, being busy, is asked again
/// until `patience` is over.
outcome<front_actor> front_of(caf::actor_system& system, const std::string& host, std::uint16_t port,
                              duration patience = duration{5'000});

/// Lets other processes reach a node; returns the port. Fails: unavailable when the address cannot be bound.
outcome<std::uint16_t> publish(caf::actor_system& system, const front_actor& front, const std::string& host,
                               std::uint16_t port);

/// Sends everybody who waits away, then ends the node. Returns how many waited; blocks for at most `patience`.
std::uint64_t stop_node(caf::actor_system& system, const front_actor& front, duration patience);

}  // namespace aicache
