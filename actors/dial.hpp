#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "actors/errors.hpp"
#include "messages/interfaces.hpp"

// How a connection with a node is made; by which protocol is the transport's business.
namespace aicache {

/// One attempt to connect with the node at host:port. Blocks: some milliseconds, or where nobody answers about two
/// seconds, with TLS tls.handshake_timeout. Fails: invalid_argument without a network or with certificates that cannot be
/// used; unavailable when the connection is refused or whoever answers is no node; deadline when nobody answers.
outcome<front_actor> dial_once(caf::actor_system& system, const std::string& host, std::uint16_t port);

/// What came of an attempt.
struct dialled {
  front_actor front;
  errc why = errc::none;
  std::string detail;
};
using dialler_actor = caf::typed_actor<caf::replies_to<std::string, std::uint16_t>::with<dialled>>;

/// An actor for one attempt, on a thread of its own: names are looked up, and peers that are gone are waited for, in
/// calls that block.
dialler_actor spawn_dialler(caf::actor_system& system);

/// The same for an actor, without blocking: `then(front_actor)` or `otherwise(fault)` runs in `self`, later.
template <class Self, class Then, class Otherwise>
void dial(Self* self, const std::string& host, std::uint16_t port, Then then, Otherwise otherwise) {
  self->request(spawn_dialler(self->system()), caf::infinite, host, port)
      .then(
          [then = std::move(then), otherwise](const dialled& d) mutable {
            if (d.front) return then(d.front);
            otherwise(fault{d.why, d.detail});
          },
          [otherwise](const caf::error& why) mutable {
            otherwise(fault{to_errc(why), "the attempt was given up"});
          });
}

}  // namespace aicache

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::dialled)
