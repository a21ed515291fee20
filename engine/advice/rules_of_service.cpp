#include <algorithm>

#include "config/value_text.hpp"
#include "engine/advice/rules.hpp"
#include "engine/statistics/distribution.hpp"

namespace aicache::advice {

namespace {

// What the settings allow.
constexpr std::uint32_t most_connections = 64;
constexpr duration longest_park{3'600'000};
constexpr std::uint64_t most_parked = 16'777'216;

}  // namespace

void redis_slow(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  if (!now.redis || now.redis->timed < settings.enough_reads || now.redis->timed == 0) return;
  const redis_facts& redis = *now.redis;
  const auto p99 = static_cast<double>(redis.p99_nanoseconds);
  if (!(p99 > settings.slow_redis_nanoseconds)) return;
  recommendation r = about(advice_type::redis, advice_priority::medium, "Redis answers slowly");
  r.figures = {{"p99", p99 / 1e6, "ms"}, {"reads", static_cast<double>(redis.timed), "keys"}};
  r.action = {"redis.connections", std::to_string(std::min(redis.connections * 2, most_connections)),
              "look at the server's load and the way to it first; shorten redis.get_deadline (now " +
                  config::spell_time(redis.get_deadline) + ") if a miss is better than a late answer"};
  r.effect = "misses of memory are answered sooner; estimated";
  out.push_back(std::move(r));
}

void redis_unavailable(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  if (!now.redis) return;
  const std::uint64_t asked = now.redis->reads + now.redis->unavailable;
  const auto share = percent(now.redis->unavailable, asked);
  if (asked < settings.enough_reads || !share || !(*share > settings.unavailable_percent)) return;
  recommendation r = about(advice_type::redis, advice_priority::high, "Redis is often not to be had");
  r.figures = {{"unavailable", *share, "% of keys looked up"}, {"asked", static_cast<double>(asked), "keys"}};
  r.action.sentence =
      "see the outages and late commands of the link: a server that is down, a way that loses packets, or "
      "a redis.get_deadline (now " +
      config::spell_time(now.redis->get_deadline) + ") below what the server needs";
  r.effect = "each of these look-ups became a computation though the answer may have been there";
  out.push_back(std::move(r));
}

void waits_in_vain(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  if (!now.leases) return;
  const lease_facts& l = *now.leases;
  const std::uint64_t waited = l.served + l.waited;
  const auto share = percent(l.waited, waited);
  if (waited < settings.enough_waits || !share || !(*share > settings.waited_percent)) return;
  recommendation r = about(advice_type::lease, advice_priority::medium, "Many callers wait for an answer in vain");
  r.figures = {{"in_vain", *share, "% of those who waited"},
               {"waited", static_cast<double>(waited), "callers"},
               {"park_timeout", static_cast<double>(l.park_timeout.count()), "ms"}};
  r.action = {"lease.park_timeout", config::spell_time(std::min(l.park_timeout * 2, longest_park)),
              "let them wait longer than the model takes, within their own time-outs"};
  r.effect = "up to " + shown(static_cast<double>(l.waited), 0) + " computations were made twice";
  out.push_back(std::move(r));
}

void no_room_to_wait(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  if (!now.leases) return;
  const lease_facts& l = *now.leases;
  const std::uint64_t came = l.served + l.waited + l.unparked;
  const auto share = percent(l.unparked, came);
  if (came < settings.enough_waits || !share || !(*share > settings.unparked_percent)) return;
  recommendation r = about(advice_type::lease, advice_priority::medium, "Callers find no room to wait for an answer");
  r.figures = {{"turned_away", *share, "% of those who came to wait"}, {"came", static_cast<double>(came), "callers"}};
  r.action = {"lease.max_parked", std::to_string(std::min(l.most_parked * 2, most_parked)),
              "raise it, and lease.max_parked_per_key if one question draws them all"};
  r.effect = "up to " + shown(static_cast<double>(l.unparked), 0) + " computations less";
  out.push_back(std::move(r));
}

}  // namespace aicache::advice
