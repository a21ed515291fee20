#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/redis/link_core.hpp"

namespace aicache::test {

using how = redis_core::outcome_kind;
using state = fetch_status;

inline std::string spaced(const std::vector<std::string_view>& words) {
  std::string all;
  for (std::string_view w : words) all.append(all.empty() ? "" : " ").append(w);
  return all;
}

inline redis_reply status(std::string text = "OK") { return {redis_reply::kind::status, 0, std::move(text), {}}; }
inline redis_reply bulk(std::string text) { return {redis_reply::kind::bulk, 0, std::move(text), {}}; }
inline redis_reply error(std::string text) { return {redis_reply::kind::error, 0, std::move(text), {}}; }
inline redis_reply number(std::int64_t n) { return {redis_reply::kind::integer, n, {}, {}}; }
inline redis_reply list(std::vector<redis_reply> all) { return {redis_reply::kind::array, 0, {}, std::move(all)}; }

inline redis_reply range(std::int64_t first, std::int64_t last, std::int64_t port, std::string host = "h") {
  return list({number(first), number(last), list({bulk(std::move(host)), number(port), bulk("id")})});
}

inline link_core::options pool(std::uint32_t connections) {
  link_core::options o;
  o.connections = connections;
  return o;
}
inline link_core::options cluster(std::vector<std::string> seeds = {"h:1"}) {
  link_core::options o;
  o.cluster = true;
  o.seeds = std::move(seeds);
  return o;
}

/// A core, its time, and what it has asked for; answers are sorted by token.
struct link_bench {
  explicit link_bench(link_core::options o) : core(std::move(o), spaced) {
    event([&] { core.start(now, out); });
  }

  struct sent {
    std::uint32_t id = 0;
    std::uint64_t ticket = 0;
    std::string wire;
    redis_core::command_kind kind = redis_core::command_kind::read;
  };

  template <class Event>
  void event(Event e) {
    e();
    for (link_core::effect& x : out) {
      if (auto* o = std::get_if<link_core::open_connection>(&x)) {
        REQUIRE(open.emplace(o->id, o->address).second);
      } else if (auto* c = std::get_if<link_core::close_connection>(&x)) {
        REQUIRE(open.erase(c->id) == 1);
        up.erase(c->id);
      } else if (auto* s = std::get_if<link_core::submit>(&x)) {
        REQUIRE(up.contains(s->id));
        for (auto& k : s->commands) flying.push_back({s->id, k.ticket, k.wire, k.kind});
      } else if (auto* r = std::get_if<link_core::was_read>(&x)) {
        REQUIRE(reads.emplace(r->token, r->values).second);
      } else if (auto* w = std::get_if<link_core::was_written>(&x)) {
        REQUIRE(writes.emplace(w->token, w->items).second);
      } else if (auto* a = std::get_if<link_core::was_run>(&x)) {
        REQUIRE(runs.emplace(a->token, a->replies).second);
      } else if (auto* t = std::get_if<link_core::standing>(&x)) {
        told.push_back(*t);
      } else {
        troubles.push_back(std::get<link_core::trouble_changed>(x));
      }
    }
    out.clear();
    REQUIRE(core.sound());
  }
  void come_up(std::uint32_t id) {
    up.insert(id);
    event([&] { core.breaker_changed(id, breaker_state::closed, now, out); });
  }
  void go_down(std::uint32_t id) {
    up.erase(id);
    event([&] { core.breaker_changed(id, breaker_state::open, now, out); });
  }
  void come_up(const std::string& address) { come_up(id_of(address)); }
  void go_down(const std::string& address) { go_down(id_of(address)); }
  std::uint32_t id_of(const std::string& address) const {
    for (const auto& [id, a] : open)
      if (a == address) return id;
    return UINT32_MAX;
  }
  void open_gate() {
    event([&] { core.open_gate(told.back().gate); });
  }
  void read(std::uint64_t token, std::vector<std::string> keys) {
    event([&] { core.read(token, std::move(keys), now, out); });
  }
  void write(std::uint64_t token, std::vector<store_item> items) {
    event([&] { core.write(token, std::move(items), now, out); });
  }
  void run(std::uint64_t token, std::vector<link_command> tasks) {
    event([&] { core.run(token, std::move(tasks), now, out); });
  }
  void complete(const sent& s, how h, redis_reply reply = {}) {
    std::vector<redis_core::completed> all;
    all.push_back({s.ticket, h, std::move(reply)});
    event([&] { core.completed(s.id, std::move(all), now, out); });
  }
  // The oldest command with this wire is answered; its connection's id.
  std::uint32_t reply(const std::string& wire, redis_reply r) {
    const auto at = std::find_if(flying.begin(), flying.end(), [&](const sent& s) { return s.wire == wire; });
    CAPTURE(wire, waiting());
    REQUIRE(at != flying.end());
    const sent s = *at;
    flying.erase(at);
    complete(s, how::answered, std::move(r));
    return s.id;
  }
  void pass(int ms) {
    now = now + duration{ms};
    if (core.due() <= now) event([&] { core.tick(now, out); });
  }
  std::vector<std::string> waiting() const {
    std::vector<std::string> all;
    for (const sent& s : flying) all.push_back(s.wire);
    return all;
  }
  fetch_status read_of(std::uint64_t token, std::size_t i = 0) { return reads.at(token).at(i).how; }

  link_core core;
  link_core::effects out;
  instant now{1'000};
  std::map<std::uint32_t, std::string> open;
  std::set<std::uint32_t> up;
  std::vector<sent> flying;
  std::map<std::uint64_t, std::vector<fetched_value>> reads;
  std::map<std::uint64_t, std::vector<store_status>> writes;
  std::map<std::uint64_t, std::vector<link_reply>> runs;
  std::vector<link_core::standing> told;
  std::vector<link_core::trouble_changed> troubles;
};

/// A cluster of two masters, h:1 with the lower half of the slots and h:2 with the upper, reachable and open.
struct two_masters : link_bench {
  explicit two_masters(link_core::options o = cluster()) : link_bench(std::move(o)) {
    come_up("h:1");
    slots();
    come_up("h:2");
    open_gate();
    if (!flying.empty()) slots();
    REQUIRE(flying.empty());
  }
  void slots() { reply("CLUSTER SLOTS", list({range(0, 8'191, 1), range(8'192, 16'383, 2)})); }
};

/// Keys of known slots.
inline std::string key_in(std::uint16_t first, std::uint16_t last, int which = 0) {
  for (int i = 0;; ++i) {
    std::string key = "k" + std::to_string(i);
    if (slot_of(key) >= first && slot_of(key) <= last && which-- == 0) return key;
  }
}
inline const std::string low = key_in(0, 8'191);
inline const std::string high = key_in(8'192, 16'383);

}  // namespace aicache::test
