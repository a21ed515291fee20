#include "actors/dial.hpp"

#include "actors/errors.hpp"
#include "actors/transport/transport.hpp"

namespace aicache {

namespace {

dial_actor::behavior_type dialler(dial_actor::pointer self, const std::string& host, std::uint16_t port) {
  take_no_offence(self);
  return {[self, host, port](begin_dial) {
    self->quit();
    const auto way = transport::of(self->system());
    if (!way) return dialled{};
    const auto found = (*way)->dial(host, port, self->system().message_types(caf::detail::type_list<front_actor>{}));
    return found ? dialled{caf::actor_cast<front_actor>(*found)} : dialled{};
  }};
}

}  // namespace

dial_actor spawn_dial(caf::actor_system& system, const std::string& host, std::uint16_t port) {
  return system.spawn<caf::detached>(dialler, host, port);
}

}  // namespace aicache
