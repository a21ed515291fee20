#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "engine/identity/identify.hpp"
#include "engine/shared/redis_key.hpp"
#include "messages/shared_interfaces.hpp"
#include "tests/support/cache_caller.hpp"
#include "tests/support/redis_server.hpp"

// What the tests of nodes on a real Redis share.
namespace aicache::test {

using namespace std::chrono_literals;

#if defined(__SANITIZE_ADDRESS__)
/// Instrumented programs take their time; the promise is about the others.
inline constexpr std::chrono::milliseconds recovery{6'000};
inline constexpr std::chrono::milliseconds miss_is_quick{20};
#else
/// From the return of Redis until it is used again.
inline constexpr std::chrono::milliseconds recovery{2'000};
/// A typical miss while the breaker is open, a network away; the tail is measured by perf/shared_tier.py.
inline constexpr std::chrono::milliseconds miss_is_quick{10};
#endif

/// Settings of a node on the Redis at `port` whose deadlines a busy machine does not miss, and `more`.
inline std::vector<std::string> patient(std::uint16_t port, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"redis.url=redis://127.0.0.1:" + std::to_string(port), "redis.get_deadline=5s",
                             "redis.put_deadline=5s", "redis.connect_deadline=5s"});
  return more;
}

/// Settings of a node on the Redis at `port` as they are usual, and `more`.
inline std::vector<std::string> usual(std::uint16_t port, std::vector<std::string> more = {}) {
  more.insert(more.begin(), "redis.url=redis://127.0.0.1:" + std::to_string(port));
  return more;
}

/// How many answers lie there. Costs Redis a look at every key.
inline std::uint64_t keys_in(const redis_server& r, std::vector<std::string> how = {}) {
  const std::string said = r.ask({"EVAL", "return #redis.call('KEYS', 'aicache:*:*:*')", "0"}, std::move(how));
  return said.empty() || said.find_first_not_of("0123456789") != std::string::npos ? 0 : std::stoull(said);
}

/// Where the answer to a request lies in Redis.
inline std::string place_of(const request& r) {
  identifier names{identity_options{}};
  return redis_key("aicache", r.tenant, r.operation, names.identify(r)->id);
}

/// Whether the node writes to its Redis: one of its answers that are put from now on comes to lie there. Asks for these
/// alone: to count what lies there would keep a full Redis from its work.
inline bool writes_to(const client& c, const redis_server& r, std::chrono::milliseconds patience = 10s,
                      std::vector<std::string> how = {}) {
  static std::uint64_t fresh = 1'000'000;
  std::vector<std::string> asked{"EXISTS"};
  return eventually(
      [&] {
        put_all(c, fresh, fresh + 1, "probe");
        asked.push_back(place_of(question(fresh++, "probe")));
        const std::string said = r.ask(asked, how);
        return !said.empty() && said != "0" && said.find_first_not_of("0123456789") == std::string::npos;
      },
      patience);
}

/// Whether the questions [from, to) are answered by nodes that got them from Redis, sooner or later; true once all
/// have been hits, at least one of them shared.
inline bool served_from_redis(const client& c, std::uint64_t from, std::uint64_t to,
                              const std::string& operation = "qa", std::chrono::milliseconds patience = 10s) {
  std::uint64_t shared = 0;
  return eventually(
      [&] {
        const found f = get_all(c, from, to, operation);
        shared += f.shared;
        return f.wrong == 0 && f.hits == to - from && shared > 0;
      },
      patience);
}

}  // namespace aicache::test
