#pragma once

#include <cstdint>
#include <string>

#include "messages/interfaces.hpp"

namespace aicache {

/// Dial, once; `front` is null when nobody was there, or no node of this version.
struct begin_dial {};
struct dialled {
  front_actor front;
};
using dial_actor = caf::typed_actor<caf::replies_to<begin_dial>::with<dialled>>;

/// Spawns who dials the node at host:port on a thread of its own, and ends with its answer: to dial blocks.
dial_actor spawn_dial(caf::actor_system& system, const std::string& host, std::uint16_t port);

/// Connects an actor to the node at host:port without making it wait: then `then(front_actor)` is called, or
/// `otherwise()` when that could not be.
template <class Self, class Then, class Otherwise>
void dial(Self self, const std::string& host, std::uint16_t port, Then then, Otherwise otherwise) {
  self->request(spawn_dial(self->system(), host, port), caf::infinite, begin_dial{})
      .then(
          [then, otherwise](const dialled& d) mutable {
            if (d.front) {
              then(d.front);
            } else {
              otherwise();
            }
          },
          [otherwise](const caf::error&) mutable { otherwise(); });
}

}  // namespace aicache

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::begin_dial)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::dialled)
