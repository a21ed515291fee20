#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "actors/transport/credentials.hpp"
#include "actors/transport/session.hpp"
#include "engine/types.hpp"

namespace aicache::tls {

/// The port of a node that speaks TLS: lets in who proves to be a peer, and hands nobody else on.
///
/// Shape      everything on a thread of its own, so that strangers take no time from peers: accept, handshake, deadline
/// Units      `handshakes` and `connections` are counts of connections: before and after they have proved who they are
/// Owner      the transport of an actor system; may be closed by any thread
/// Invariant  whoever has not proved who it is costs one of `handshakes` places for at most `patience`; where there are
///            more at once the oldest goes, so that a flood of silent ones keeps no peer out
/// Fails      unavailable, when the address cannot be listened on
class listener {
 public:
  struct options {
    std::size_t handshakes = 64;
    std::size_t connections = 1024;
    duration patience{5'000};
  };
  /// Is given a peer, whose place among the connections is free again when `place` is gone, on the listener's thread.
  using on_peer = std::function<void(std::unique_ptr<session> talk, int socket, std::shared_ptr<void> place)>;
  /// Is told at most once in ten seconds how many were refused since, and why the last of them.
  using on_refused = std::function<void(std::size_t how_many, const std::string& why)>;

  /// Whoever connects waits until begin().
  static outcome<std::unique_ptr<listener>> open(const std::string& host, std::uint16_t port,
                                                 std::shared_ptr<const credentials> ours, options o);
  /// Nobody is let in, or handed on, once it has returned.
  ~listener();
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

  std::uint16_t port() const noexcept;
  void begin(on_peer found, on_refused refused);

 private:
  struct door;
  explicit listener(std::shared_ptr<door> d);

  std::shared_ptr<door> door_;
};

}  // namespace aicache::tls
