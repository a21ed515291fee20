#pragma once

#include <caf/actor_system.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actors/app/page.hpp"
#include "actors/client.hpp"
#include "actors/errors.hpp"
#include "actors/node.hpp"

namespace CLI {
class App;
}

namespace aicache::app {

/// An answer to be stored, with what only it has.
struct wanted_put {
  request asked;
  response what;
  std::optional<duration> ttl;  ///< none: as long as answers of the operation live
  std::vector<std::string> tags;
  bool write_through = false;
};

/// The node that a command works on: an actor system of its own, and a client in it.
///
/// Owner      one command, in the thread of main
/// Fails      invalid_argument: an address that is none, or what TLS needs and cannot be used; unavailable: nobody there
class node_session {
 public:
  /// `address` is HOST, HOST:PORT or [IPv6]:PORT, or several with commas between; when empty that of the variable AICACHE_NODE, and without one a node with
  /// default settings on this machine.
  static outcome<std::unique_ptr<node_session>> open(const std::string& address);

  const client& cache() const noexcept { return *cache_; }
  caf::actor_system& system() noexcept { return system_; }

  /// As client::put, where each answer has a life and tags of its own.
  std::vector<put_result> put(std::span<const wanted_put> all);

  /// Asks the node's front for what no client offers. Fails: deadline after `patience`, unavailable.
  template <class Reply, class Message>
  outcome<Reply> ask(const Message& m, duration patience) {
    outcome<Reply> told = fault{errc::unavailable, "the node has ended"};
    caf::scoped_actor self{system_};
    self->request(cache_->front(), patience, m)
        .receive([&](Reply& r) { told = std::move(r); },
                 [&](const caf::error& why) {
                   told = fault{to_errc(why), std::string("the node: ") + describe(to_errc(why))};
                 });
    return told;
  }

  /// Lets so much time pass.
  void pause(duration d);

 private:
  explicit node_session(const config::settings& s);

  system_config config_;
  caf::actor_system system_;
  std::optional<client> cache_;
};

/// The exit code of a command whose call failed so.
int exit_of(errc why) noexcept;
/// The page of that command.
page complaint_of(const fault& why);
page complaint_of(errc why);

/// Gives a command the option --node, and those of TLS.
void take_node(CLI::App& command, std::string& address);

}  // namespace aicache::app
