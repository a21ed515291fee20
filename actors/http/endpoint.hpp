#pragma once

#include <memory>
#include <string>

#include "actors/http/commands.hpp"
#include "actors/http/exporter.hpp"
#include "actors/http/server.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"

namespace aicache::http {

class router;

/// What the settings of http mean for one node, once the token's file has been read.
struct endpoint_setup {
  front_actor front;
  config::settings settings;
  std::string version;
  instant started;
};

/// A node's HTTP: the exporter, and the server that shows what it finds.
///
/// Owner      whoever started it, which must let go of it before the actor system ends
/// Fails      start: invalid_argument with all that is wrong with the token, unavailable when the address cannot be bound
class endpoint {
 public:
  static outcome<std::unique_ptr<endpoint>> start(caf::actor_system& system, endpoint_setup setup);
  ~endpoint();
  endpoint(const endpoint&) = delete;
  endpoint& operator=(const endpoint&) = delete;

  std::uint16_t port() const noexcept { return server_->port(); }
  /// From now on the node is told not to be ready: say it before the node drains.
  void drain() noexcept { board_->drain(); }

 private:
  endpoint() = default;

  std::shared_ptr<snapshot_board> board_;
  std::unique_ptr<router> router_;
  exporter_actor exporter_;
  std::unique_ptr<server> server_;
};

}  // namespace aicache::http
