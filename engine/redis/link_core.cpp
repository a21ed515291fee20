#include "engine/redis/link_core.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace aicache {

link_core::link_core(options o, formatter format)
    : options_(std::move(o)),
      format_(format),
      refresh_(options_.refresh_first, options_.refresh_longest, options_.seed) {
  options_.connections = std::clamp<std::uint32_t>(options_.connections, 1, connection_table::most);
  options_.keys_per_read = std::max<std::size_t>(options_.keys_per_read, 1);
}

void link_core::start(instant now, effects& out) {
  if (options_.cluster) {
    slots_wanted_ = true;
    for (const std::string& seed : options_.seeds)
      if (connections_.find(seed) == connection_table::nobody) open_place(seed);
  } else {
    for (std::uint32_t i = 0; i < options_.connections; ++i) open_place({});
  }
  finish_event(now, out);
}

std::uint16_t link_core::open_place(std::string_view address) {
  const std::uint16_t place = connections_.open(address);
  if (place != connection_table::nobody) to_open_.push_back(connections_[place].id);
  return place;
}

// -- requests ----------------------------------------------------------------

void link_core::read(std::uint64_t token, std::vector<std::string> keys, instant now, effects& out) {
  const auto count = static_cast<std::uint32_t>(keys.size());
  reading what{std::move(keys), {}};
  what.values.resize(count);
  const std::uint32_t r = new_request(token, count, std::move(what));
  if (!gate_open_ || count == 0) {
    requests_[r].open = 0;
    answered_.push_back(r);
  } else {
    const auto step = options_.cluster ? 1U : static_cast<std::uint32_t>(options_.keys_per_read);
    for (std::uint32_t first = 0; first < count; first += step) {
      const std::uint32_t number = new_command(command_of::read, r, first, std::min(step, count - first));
      route(number, place_for(commands_[number]));
    }
  }
  finish_event(now, out);
}

void link_core::write(std::uint64_t token, std::vector<store_item> items, instant now, effects& out) {
  const auto count = static_cast<std::uint32_t>(items.size());
  const std::uint32_t r =
      new_request(token, count, writing{std::move(items), std::vector<store_status>(count, store_status::unavailable)});
  if (!gate_open_ || count == 0) {
    requests_[r].open = 0;
    answered_.push_back(r);
    return finish_event(now, out);
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    if (options_.cluster) {
      const std::string& key = std::get<writing>(requests_[r].what).items[i].key;
      if (const auto [at, is_first] = under_way_.try_emplace(key); !is_first) {
        at->second.push_back({r, i});
        continue;
      }
    }
    launch_write(r, i);
  }
  finish_event(now, out);
}

void link_core::run(std::uint64_t token, std::vector<link_command> tasks, instant now, effects& out) {
  const auto count = static_cast<std::uint32_t>(tasks.size());
  const std::uint32_t r = new_request(token, count, running{std::move(tasks), std::vector<link_reply>(count)});
  if (count == 0) answered_.push_back(r);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t number = new_command(command_of::task, r, i, 1);
    route(number, place_for(commands_[number]));
  }
  finish_event(now, out);
}

void link_core::launch_write(std::uint32_t r, std::uint32_t item) {
  const std::uint32_t number = new_command(command_of::write, r, item, 1);
  route(number, place_for(commands_[number]));
}

std::uint32_t link_core::new_request(std::uint64_t token, std::uint32_t open,
                                     std::variant<reading, writing, running> what) {
  if (free_requests_.empty()) {
    free_requests_.push_back(static_cast<std::uint32_t>(requests_.size()));
    requests_.emplace_back();
  }
  const std::uint32_t r = free_requests_.back();
  free_requests_.pop_back();
  requests_[r] = {token, gate_, open, true, std::move(what)};
  return r;
}

std::uint32_t link_core::new_command(command_of whose, std::uint32_t r, std::uint32_t first, std::uint32_t count) {
  if (free_commands_.empty()) {
    free_commands_.push_back(static_cast<std::uint32_t>(commands_.size()));
    commands_.emplace_back();
  }
  const std::uint32_t number = free_commands_.back();
  free_commands_.pop_back();
  sent_command& c = commands_[number];
  c = {whose, 0, false, c.serial + 1, r, first, count, 0};
  return number;
}

void link_core::free_command(std::uint32_t number) {
  commands_[number].whose = command_of::nobody;
  free_commands_.push_back(number);
}

// -- where to, and how -------------------------------------------------------

std::uint16_t link_core::place_for(const sent_command& c) {
  if (c.whose == command_of::task) {
    const link_command& t = std::get<running>(requests_[c.request].what).tasks[c.first];
    if (!options_.cluster) return connections_.first_up();
    if (t.master < 0) return connections_.owner(slot_of(t.route));
    const auto& masters = connections_.masters();
    const auto n = static_cast<std::size_t>(t.master);
    return n < masters.size() ? masters[n] : connection_table::nobody;
  }
  if (c.whose == command_of::read) {
    if (!options_.cluster) return connections_.least_busy();
    return connections_.owner(slot_of(std::get<reading>(requests_[c.request].what).keys[c.first]));
  }
  const std::string& key = std::get<writing>(requests_[c.request].what).items[c.first].key;
  if (options_.cluster) return connections_.owner(slot_of(key));
  // What went over a connection that is lost has no order any more; what follows goes over its neighbour.
  const std::size_t first = std::hash<std::string>{}(key) % connections_.size();
  for (std::size_t n = 0; n < connections_.size(); ++n) {
    const auto place = static_cast<std::uint16_t>((first + n) % connections_.size());
    if (connections_.is_up(place)) return place;
  }
  return connection_table::nobody;
}

void link_core::route(std::uint32_t number, std::uint16_t place) {
  if (connections_.is_up(place)) return send(number, place, false);
  settle_unavailable(number);
}

std::string link_core::wire_of(const sent_command& c) {
  words_.clear();
  switch (c.whose) {
    case command_of::read: {
      const auto& keys = std::get<reading>(requests_[c.request].what).keys;
      words_.emplace_back(options_.cluster ? "GET" : "MGET");
      words_.insert(words_.end(), keys.begin() + c.first, keys.begin() + c.first + c.count);
      break;
    }
    case command_of::write: {
      const store_item& w = std::get<writing>(requests_[c.request].what).items[c.first];
      if (w.bytes.empty()) {
        words_ = {"UNLINK", w.key};
      } else {
        words_ = {"SET", w.key, w.bytes};
        life_ = std::to_string(w.life_ms);
        if (w.life_ms > 0) words_.insert(words_.end(), {"PX", life_});
      }
      break;
    }
    case command_of::task:
      for (const std::string& word : std::get<running>(requests_[c.request].what).tasks[c.first].words)
        words_.emplace_back(word);
      break;
    case command_of::asking: words_ = {"ASKING"}; break;
    case command_of::refresh: words_ = {"CLUSTER", "SLOTS"}; break;
    case command_of::nobody: break;
  }
  return format_(words_);
}

void link_core::send(std::uint32_t number, std::uint16_t place, bool ask) {
  // The server takes ASKING for the very next command of the connection.
  if (ask) send(new_command(command_of::asking, 0, 0, 0), place, false);
  sent_command& c = commands_[number];
  connection_table::connection& to = connections_[place];
  c.connection = to.id;
  c.submitted = true;
  ++to.in_flight;
  const bool is_write = c.whose == command_of::write || c.whose == command_of::task;
  const auto kind = is_write ? redis_core::command_kind::write : redis_core::command_kind::read;
  to.outbox.push_back({std::uint64_t{c.serial} << 32 | number, kind, wire_of(c)});
  // A cluster may have it sent again.
  if (c.whose == command_of::write && !options_.cluster)
    std::string{}.swap(std::get<writing>(requests_[c.request].what).items[c.first].bytes);
  if (!std::exchange(to.in_outboxes, true)) outboxes_.push_back(place);
}

// -- time, and the end of every event ----------------------------------------

void link_core::tick(instant now, effects& out) {
  for (std::uint16_t i = 0; i < connections_.size(); ++i) {
    auto waiting = std::exchange(connections_[i].waiting, {});
    for (const connection_table::parked& p : waiting) {
      if (p.until <= now) {
        settle_unavailable(p.command);
      } else {
        connections_[i].waiting.push_back(p);
      }
    }
  }
  finish_event(now, out);
}

void link_core::finish_event(instant now, effects& out) {
  while (!to_launch_.empty()) {
    const waiting_write next = to_launch_.front();
    to_launch_.pop_front();
    launch_write(next.request, next.item);
  }
  ask_for_slots(now);
  if (std::exchange(masters_changed_, false)) connections_.find_masters();
  for (std::uint32_t id : std::exchange(to_close_, {})) out.emplace_back(close_connection{id});
  for (std::uint32_t id : std::exchange(to_open_, {}))
    out.emplace_back(open_connection{id, connections_[connections_.find(id)].address});
  for (std::uint16_t place : outboxes_) {
    connection_table::connection& c = connections_[place];
    c.in_outboxes = false;
    out.emplace_back(submit{c.id, std::exchange(c.outbox, {})});
  }
  outboxes_.clear();
  if (const standing is = how(); is != told_) {
    if (told_.reachable && !is.reachable) {
      ++counted_.outages;
      something_was_missed();
    }
    told_ = how();
    out.emplace_back(told_);
  }
  for (std::uint32_t r : answered_) answer(requests_[r], out);
  for (std::uint32_t r : answered_) free_requests_.push_back(r);
  answered_.clear();
  due_ = slots_wanted_ && !slots_asked_ ? slots_not_before_ : never;
  if (!options_.cluster) return;
  for (std::uint16_t i = 0; i < connections_.size(); ++i)
    for (const connection_table::parked& p : connections_[i].waiting) due_ = std::min(due_, p.until);
}

void link_core::stop(effects& out) {
  for (std::uint16_t i = 0; i < connections_.size(); ++i)
    if (connections_[i].in_use) out.emplace_back(close_connection{connections_[i].id});
  for (request& r : requests_) {
    if (!r.in_use) continue;
    r.gate = UINT64_MAX;
    answer(r, out);
  }
  *this = link_core(std::move(options_), format_);
}

}  // namespace aicache
