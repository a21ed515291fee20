#include "actors/http/event_log.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "engine/degradation/level.hpp"

namespace aicache::http {

namespace {

const char* name_of(std::uint8_t level) { return to_string(static_cast<service_level>(level)); }

std::string times(std::uint64_t n, const char* one, const char* many) {
  return n == 1 ? std::string("one ") + one : std::to_string(n) + ' ' + many;
}

}  // namespace

void event_log::note(const snapshot& now, const char* what, std::string detail) {
  events_.push_back({now.at, what, std::move(detail)});
  if (events_.size() > kept) events_.pop_front();
}

void event_log::compare(const snapshot* before, const snapshot& now) {
  const node_statistics& n = now.statistics;
  if (!before) {
    note(now, "start", "the node was seen for the first time, on level " + std::string(name_of(n.level)));
    return;
  }
  const node_statistics& b = before->statistics;
  // What counts differences begins anew with a reset, and with a successor of who counts.
  const auto more = [](std::uint64_t earlier, std::uint64_t later) { return later > earlier ? later - earlier : 0; };
  if (b.total.gets() > n.total.gets() || b.total.puts > n.total.puts)
    note(now, "reset", "figures are counted from zero");
  if (n.level != b.level)
    note(now, "level", std::string("the level of service is ") + name_of(n.level) + " after " + name_of(b.level));
  if (const auto died = more(b.shard_restarts, n.shard_restarts))
    note(now, "shards", times(died, "shard", "shards") + " died and what it held is gone");
  if (const auto lost = more(b.link.outages, n.link.outages))
    note(now, "redis", "Redis became unreachable " + times(lost, "time", "times"));
  if (before->shared && now.shared && *before->shared != *now.shared)
    note(now, "redis", *now.shared ? "Redis is of use" : "Redis is of no use: memory alone answers");
  if (const auto own = more(b.invalidations.requested, n.invalidations.requested))
    note(now, "invalidation", times(own, "scope was", "scopes were") + " invalidated by callers of this node");
  if (const auto heard = more(b.invalidations.heard, n.invalidations.heard))
    note(now, "invalidation", times(heard, "scope or key was", "scopes and keys were") + " invalidated by other nodes");
  if (more(b.invalidations.collapsed, n.invalidations.collapsed))
    note(now, "invalidation", "too many waited for Redis: everything was invalidated instead");
  if (more(b.invalidations.restored, n.invalidations.restored))
    note(now, "redis", "Redis had lost generations and was told them again");
  if (n.present.eviction_mode != b.present.eviction_mode && n.shards.mode_switches > b.shards.mode_switches)
    note(now, "eviction", "another eviction mode was chosen");
}

std::string event_log::json() const {
  nlohmann::json all = nlohmann::json::array();
  for (const event& e : events_) all.push_back({{"at", e.at.ms}, {"what", e.what}, {"detail", e.detail}});
  return nlohmann::json{{"events", std::move(all)}}.dump();
}

}  // namespace aicache::http
