#include <algorithm>
#include <utility>

#include "engine/redis/link_core.hpp"

// What becomes of a link's commands: redirections, results, and the answers that are made of them.
namespace aicache {

void link_core::completed(std::uint32_t id, std::vector<redis_core::completed> what, instant now, effects& out) {
  for (redis_core::completed& c : what) complete(id, c, now, out);
  finish_event(now, out);
}

void link_core::complete(std::uint32_t id, redis_core::completed& done, instant now, effects& out) {
  const auto number = static_cast<std::uint32_t>(done.ticket);
  if (number >= commands_.size()) return;
  const sent_command c = commands_[number];
  if (c.whose == command_of::nobody || !c.submitted || c.serial != done.ticket >> 32 || c.connection != id) return;
  commands_[number].submitted = false;
  if (const std::uint16_t place = connections_.find(id); place != connection_table::nobody)
    --connections_[place].in_flight;
  const bool answered = done.how == redis_core::outcome_kind::answered;
  if (done.how == redis_core::outcome_kind::late) ++counted_.late;
  if (done.how == redis_core::outcome_kind::overloaded) ++counted_.overloaded;
  if (!answered) return settle_unavailable(number);
  const redis_trouble trouble = trouble_of(done.reply);
  if (trouble == redis_trouble::moved || trouble == redis_trouble::ask) {
    if (!redirect(number, done.reply, id, now)) settle_unavailable(number);
    return;
  }
  if (trouble != redis_trouble::none) ++counted_.errors;
  note_trouble(id, c.whose, trouble, out);
  if (options_.cluster && (trouble == redis_trouble::busy || trouble == redis_trouble::read_only)) slots_wanted_ = true;
  if (c.whose == command_of::refresh) {
    settle_slots(true, done.reply, id);
    return free_command(number);
  }
  settle(number, true, done.reply);
}

// Only a change is told, and only of what an operator could mend.
void link_core::note_trouble(std::uint32_t id, command_of whose, redis_trouble t, effects& out) {
  const std::uint16_t place = connections_.find(id);
  if (place == connection_table::nobody || whose == command_of::asking || t == redis_trouble::refused) return;
  const std::size_t kind = whose == command_of::read ? 0 : whose == command_of::write ? 1 : 2;
  redis_trouble& last = connections_[place].troubles[kind];
  if (std::exchange(last, t) == t) return;
  constexpr const char* names[] = {"reads", "writes", "commands"};
  out.emplace_back(trouble_changed{connections_[place].address, names[kind], t});
}

// False: it goes no further.
bool link_core::redirect(std::uint32_t number, const redis_reply& reply, std::uint32_t from, instant now) {
  redirection r;
  const std::uint16_t said_by = connections_.find(from);
  const command_of whose = commands_[number].whose;
  if (!options_.cluster || whose == command_of::asking || whose == command_of::refresh ||
      said_by == connection_table::nobody || !parse_redirection(reply.text, r))
    return false;
  const std::string address = named_by(r.address, connections_[said_by].address);
  std::uint16_t place = connections_.find(address);
  if (place == connection_table::nobody) place = open_place(address);
  if (place == connection_table::nobody) return false;
  if (!r.ask) {
    slots_wanted_ = true;
    const std::uint16_t before = connections_.owner(r.slot);
    if (before != place) {
      if (before != connection_table::nobody && connections_[before].is == connection_table::standing::down)
        something_was_missed();
      connections_.assign(r.slot, place);
      masters_changed_ = true;
    }
  }
  if (commands_[number].redirections++ >= options_.redirections) return false;
  ++counted_.redirections;
  connection_table::connection& to = connections_[place];
  if (to.is == connection_table::standing::up) return send(number, place, r.ask), true;
  if (to.is == connection_table::standing::down || to.waiting.size() >= options_.redirected_waiting) return false;
  to.waiting.push_back({number, r.ask, now + options_.redirected_patience});
  return true;
}

// -- results -----------------------------------------------------------------

void link_core::settle_unavailable(std::uint32_t number) {
  redis_reply nothing;
  if (commands_[number].whose == command_of::refresh) {
    settle_slots(false, nothing, 0);
    return free_command(number);
  }
  settle(number, false, nothing);
}

void link_core::settle(std::uint32_t number, bool answered, redis_reply& reply) {
  const sent_command c = commands_[number];
  free_command(number);
  if (c.whose == command_of::asking) return;
  if (c.whose == command_of::read) settle_read(c, answered, reply);
  if (c.whose == command_of::write) settle_write(c, answered, reply);
  if (c.whose == command_of::task && answered)
    std::get<running>(requests_[c.request].what).replies[c.first] = {true, std::move(reply)};
  request& r = requests_[c.request];
  if ((r.open -= c.count) == 0) answered_.push_back(c.request);
}

void link_core::settle_read(const sent_command& c, bool answered, redis_reply& reply) {
  if (!answered) return;
  auto& values = std::get<reading>(requests_[c.request].what).values;
  const auto take = [](redis_reply& from, fetched_value& to) {
    if (from.what == redis_reply::kind::nil) to.how = fetch_status::absent;
    if (from.what != redis_reply::kind::bulk) return;
    to.how = fetch_status::present;
    to.bytes = std::move(from.text);
  };
  if (!options_.cluster) {
    if (reply.what != redis_reply::kind::array || reply.elements.size() != c.count) return;
    for (std::uint32_t i = 0; i < c.count; ++i) take(reply.elements[i], values[c.first + i]);
    return;
  }
  take(reply, values[c.first]);
  // MGET says nil to a key of another type, too.
  if (reply.is_error() && reply.text.starts_with("WRONGTYPE")) values[c.first].how = fetch_status::absent;
}

void link_core::settle_write(const sent_command& c, bool answered, const redis_reply& reply) {
  auto& [items, results] = std::get<writing>(requests_[c.request].what);
  store_status& result = results[c.first];
  const redis_trouble trouble = trouble_of(reply);
  if (answered && reply.what == redis_reply::kind::status) {
    result = store_status::done;
  } else if (answered && reply.what == redis_reply::kind::integer) {
    result = reply.integer > 0 ? store_status::done : store_status::absent;
  } else if (answered && (trouble == redis_trouble::full || trouble == redis_trouble::refused)) {
    result = store_status::refused;
  }
  if (!options_.cluster) return;
  const auto at = under_way_.find(items[c.first].key);
  if (at == under_way_.end()) return;
  if (at->second.empty()) {
    under_way_.erase(at);
  } else {
    to_launch_.push_back(at->second.front());
    at->second.pop_front();
  }
}

void link_core::settle_slots(bool answered, const redis_reply& reply, std::uint32_t from) {
  slots_asked_ = false;
  const std::uint16_t place = connections_.find(from);
  std::vector<slot_range> ranges;
  if (answered && place != connection_table::nobody && parse_cluster_slots(reply, connections_[place].address, ranges))
    adopt(ranges);
}

// -- answers -----------------------------------------------------------------

void link_core::answer(request& r, effects& out) {
  if (auto* read = std::get_if<reading>(&r.what)) {
    const bool believed = gate_open_ && r.gate == gate_;
    for (fetched_value& v : read->values) {
      if (!believed) v = {};
      if (v.how == fetch_status::present) ++counted_.reads_present;
      if (v.how == fetch_status::absent) ++counted_.reads_absent;
      if (v.how == fetch_status::unavailable) ++counted_.reads_unavailable;
    }
    out.emplace_back(was_read{r.token, std::move(read->values)});
  } else if (auto* written = std::get_if<writing>(&r.what)) {
    for (store_status w : written->results) {
      if (w == store_status::done || w == store_status::absent) ++counted_.writes_done;
      if (w == store_status::refused) ++counted_.writes_refused;
      if (w == store_status::unavailable) ++counted_.writes_unavailable;
    }
    out.emplace_back(was_written{r.token, std::move(written->results)});
  } else {
    out.emplace_back(was_run{r.token, std::move(std::get<running>(r.what).replies)});
  }
  r.what = reading{};
  r.in_use = false;
}

bool link_core::sound() const {
  std::vector<std::uint32_t> open(requests_.size(), 0);
  std::vector<std::uint32_t> in_flight(connections_.size(), 0);
  std::size_t used = 0;
  for (const sent_command& c : commands_) {
    if (c.whose == command_of::nobody) continue;
    ++used;
    if (c.whose != command_of::asking && c.whose != command_of::refresh) open[c.request] += c.count;
    const std::uint16_t place = connections_.find(c.connection);
    if (c.submitted && place != connection_table::nobody) ++in_flight[place];
  }
  if (used + free_commands_.size() != commands_.size()) return false;
  for (const auto& [key, line] : under_way_)
    for (const waiting_write& w : line) ++open[w.request];
  for (std::size_t i = 0; i < requests_.size(); ++i)
    if (requests_[i].in_use ? open[i] != requests_[i].open || open[i] == 0 : open[i] != 0) return false;
  for (std::uint16_t i = 0; i < connections_.size(); ++i)
    if (connections_[i].in_flight != in_flight[i]) return false;
  return (!gate_open_ || how().reachable) && answered_.empty() && to_launch_.empty();
}

}  // namespace aicache
