#include <algorithm>
#include <utility>

#include "engine/redis/link_core.hpp"

// Which of a link's connections are of use, what that says about the gate, and who is master of which slots.
namespace aicache {

// -- the gate, and the connections -------------------------------------------

link_core::standing link_core::how() const noexcept {
  if (!options_.cluster) return {connections_.first_up() != connection_table::nobody, 1, gate_};
  const auto& masters = connections_.masters();
  const bool any = std::any_of(masters.begin(), masters.end(), [&](std::uint16_t m) { return connections_.is_up(m); });
  return {slots_known_ && any, std::max(1U, static_cast<std::uint32_t>(masters.size())), gate_};
}

void link_core::open_gate(std::uint64_t number) noexcept {
  if (number == gate_ && told_ == how() && told_.reachable) gate_open_ = true;
}

void link_core::something_was_missed() noexcept {
  ++gate_;
  gate_open_ = false;
}

void link_core::breaker_changed(std::uint32_t id, breaker_state to, instant now, effects& out) {
  const std::uint16_t place = connections_.find(id);
  if (place != connection_table::nobody && to == breaker_state::closed) came_up(place);
  if (place != connection_table::nobody && to == breaker_state::open) went_down(place);
  finish_event(now, out);
}

void link_core::came_up(std::uint16_t place) {
  connection_table::connection& c = connections_[place];
  if (c.is == connection_table::standing::up) return;
  c.is = connection_table::standing::up;
  ++counted_.connects;
  // To one server, a connection tells nothing new that was lost before something else closed the gate. Of a cluster's
  // masters each has data of its own.
  if (std::exchange(c.was_lost, false) && (options_.cluster || c.lost_at_gate == gate_)) something_was_missed();
  for (redis_trouble& t : c.troubles) t = redis_trouble::none;
  if (options_.cluster) {
    slots_wanted_ = true;
    if (!slots_known_) slots_not_before_ = {};
  }
  for (const connection_table::parked& p : std::exchange(connections_[place].waiting, {}))
    send(p.command, place, p.ask);
}

void link_core::went_down(std::uint16_t place) {
  connection_table::connection& c = connections_[place];
  if (c.is == connection_table::standing::down) return;
  if (c.is == connection_table::standing::up) {
    c.was_lost = true;
    c.lost_at_gate = gate_;
  }
  c.is = connection_table::standing::down;
  slots_wanted_ = slots_wanted_ || options_.cluster;
  for (const connection_table::parked& p : std::exchange(c.waiting, {})) settle_unavailable(p.command);
}

// -- the slots of a cluster --------------------------------------------------

void link_core::adopt(const std::vector<slot_range>& ranges) {
  bool replaced = false;
  std::vector<std::uint16_t> fresh(slot_count, connection_table::nobody);
  for (const slot_range& range : ranges) {
    std::uint16_t place = connections_.find(range.address);
    if (place == connection_table::nobody) place = open_place(range.address);
    std::fill(fresh.begin() + range.first, fresh.begin() + range.last + 1, place);
  }
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    const std::uint16_t before = connections_.owner(slot);
    replaced = replaced || (before != connection_table::nobody && before != fresh[slot] &&
                            connections_[before].is == connection_table::standing::down);
    connections_.assign(slot, fresh[slot]);
  }
  if (replaced) something_was_missed();
  slots_known_ = true;
  connections_.find_masters();
  const auto& masters = connections_.masters();
  for (std::uint16_t i = 0; i < connections_.size(); ++i) {
    if (!connections_[i].in_use || std::find(masters.begin(), masters.end(), i) != masters.end()) continue;
    // What was never made need not be closed.
    if (std::erase(to_open_, connections_[i].id) == 0) to_close_.push_back(connections_[i].id);
    for (const connection_table::parked& p : std::exchange(connections_[i].waiting, {})) settle_unavailable(p.command);
    std::erase(outboxes_, i);
    for (const redis_core::command& c : std::exchange(connections_[i].outbox, {}))
      settle_unavailable(static_cast<std::uint32_t>(c.ticket));
    connections_.close(i);
  }
  const bool whole = std::find(fresh.begin(), fresh.end(), connection_table::nobody) == fresh.end();
  const bool well = std::none_of(masters.begin(), masters.end(), [&](std::uint16_t m) {
    return connections_[m].is == connection_table::standing::down;
  });
  if (!whole || !well) return;
  slots_wanted_ = false;
  refresh_.reset();
}

void link_core::ask_for_slots(instant now) {
  if (!slots_wanted_ || slots_asked_ || now < slots_not_before_) return;
  slots_not_before_ = now + refresh_.next();
  const std::uint16_t place = connections_.next_up();
  if (place == connection_table::nobody) {
    // Everybody known is gone: begin again with those named at first.
    for (const std::string& seed : options_.seeds)
      if (connections_.find(seed) == connection_table::nobody) open_place(seed);
    return;
  }
  slots_asked_ = true;
  send(new_command(command_of::refresh, 0, 0, 0), place, false);
}

link_gauges link_core::present() const noexcept {
  link_gauges g;
  for (std::uint16_t i = 0; i < connections_.size(); ++i)
    if (connections_[i].in_use) ++(connections_.is_up(i) ? g.breakers_closed : g.breakers_open);
  g.waiting = open_requests();
  g.gate = gate_open_ ? 1 : 0;
  return g;
}

}  // namespace aicache
