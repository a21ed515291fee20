#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "actors/http/commands.hpp"
#include "actors/http/exposition.hpp"
#include "actors/http/host_names.hpp"
#include "actors/http/message.hpp"
#include "actors/http/rate_limit.hpp"
#include "actors/http/snapshot.hpp"

namespace aicache::http {

enum class access : bool { open, token };

/// A row of routes.def.
struct route {
  std::string_view name, method, path;
  access who;
  std::string_view doc;
};
std::span<const route> routes() noexcept;

/// What the router is told when it is made.
struct router_setup {
  std::shared_ptr<snapshot_board> board;
  node_commands commands;
  std::string token;  ///< empty: nobody may command
  host_names hosts;
  std::string config;  ///< JSON of the settings, secrets masked
  build_facts facts;
  instant started;
  duration refresh{1'000};
  double requests_per_second = 100;
  std::size_t body_bytes = 64 << 10;
};

/// Answers what is asked over HTTP: from the newest snapshot, from what is compiled in, or by a command.
///
/// Owner      every thread that serves HTTP, at once; is told the time
/// Fails      an error is a problem of RFC 7807: 404 for what is not there, 405 with what may be done, 401 and 403 for
///            want of the token, 413 for too long a body, 421 for a name that is not this node's, 429 for who asks too often, 503 for what is
///            not known yet
/// Cost       a metrics page is made for whoever asks for it; all else is copied. No request reaches a shard, but for
///            commands
class router {
 public:
  explicit router(router_setup setup);

  reply answer(const query& q, snapshot::point now);

 private:
  reply choose(const query& q, snapshot::point now);
  reply perform(const route& r, const query& q, snapshot::point now);
  reply page(const query& q) const;
  reply told(view which) const;
  reply forget(const invalidate_request& what) const;
  void count(const reply& r) noexcept;
#define AICACHE_ROUTE(member, verb, at, who, doc) reply member(const query& q, snapshot::point now);
#include "actors/http/routes.def"
#undef AICACHE_ROUTE

  router_setup setup_;
  std::mutex mutex_;  // of limit_
  rate_limit limit_;
  std::atomic<std::uint64_t> served_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> limited_{0};
  std::atomic<std::uint64_t> unauthorized_{0};
};

}  // namespace aicache::http
