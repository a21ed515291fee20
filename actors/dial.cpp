#include "actors/dial.hpp"

#include "actors/transport/transport.hpp"

namespace aicache {

outcome<front_actor> dial_once(caf::actor_system& system, const std::string& host, std::uint16_t port) {
  const auto way = transport::of(system);
  if (!way) return way.why();
  const auto found = (*way)->dial(host, port, system.message_types(caf::detail::type_list<front_actor>{}));
  if (!found) return found.why();
  return caf::actor_cast<front_actor>(*found);
}

dialler_actor spawn_dialler(caf::actor_system& system) {
  // The system is handed over: of a function without arguments of its own CAF binds a reference to nothing.
  const auto attempt = [](dialler_actor::pointer self, caf::actor_system* by) -> dialler_actor::behavior_type {
    return {[self, by](const std::string& host, std::uint16_t port) {
      const auto front = dial_once(*by, host, port);
      self->quit();
      return front ? dialled{*front, errc::none, {}} : dialled{{}, front.why().code, front.why().detail};
    }};
  };
  return system.spawn<caf::detached>(attempt, &system);
}

}  // namespace aicache
