#include "actors/http/router.hpp"

#include <algorithm>
#include <utility>

#include "actors/http/json_views.hpp"
#include "actors/http/page_files.hpp"
#include "actors/http/token.hpp"

namespace aicache::http {

namespace {

constexpr route table[] = {
#define AICACHE_ROUTE(member, verb, at, who, doc) {#member, #verb, at, access::who, doc},
#include "actors/http/routes.def"
#undef AICACHE_ROUTE
};

constexpr const char* not_told_yet = "the node has not told its state yet: ask again in a second";

const page_file* file_at(std::string_view path) noexcept {
  const auto files = page_files();
  const auto at = std::find_if(files.begin(), files.end(), [&](const page_file& f) { return f.path == path; });
  return at == files.end() ? nullptr : &*at;
}

bool reads(std::string_view method) noexcept { return method == "GET" || method == "HEAD"; }

std::string allowed(std::string_view method) {
  return method == "GET" ? "GET, HEAD, OPTIONS" : std::string(method) + ", OPTIONS";
}

// What may be done instead; the answer to OPTIONS as well.
reply with_allowed(reply r, std::string_view method) {
  r.headers.emplace_back("Allow", allowed(method));
  return r;
}

reply file_reply(const page_file& f, const query& q) {
  reply r;
  // Weak or one of many, it is the same file if its tag is named.
  const bool same = !q.if_none_match.empty() && q.if_none_match.find(f.tag) != std::string::npos;
  r.headers = {{"ETag", std::string(f.tag)}, {"Cache-Control", "no-cache"}};
  if (same) {
    r.status = 304;
    return r;
  }
  r.type = f.type;
  r.body = f.body;
  return r;
}

reply done(const outcome<void>& came) { return came ? json_reply(R"({"done":true})") : problem(came.why()); }

}  // namespace

std::span<const route> routes() noexcept { return table; }

router::router(router_setup setup) : setup_(std::move(setup)), limit_(setup_.requests_per_second) {}

reply router::answer(const query& q, snapshot::point now) {
  reply r = choose(q, now);
  count(r);
  return r;
}

reply router::choose(const query& q, snapshot::point now) {
  {
    const std::lock_guard lock(mutex_);
    if (!limit_.allows(q.address, now)) {
      reply r = problem(429, "this address asks too often; see http.requests_per_second");
      r.headers.emplace_back("Retry-After", "1");
      return r;
    }
  }
  if (!setup_.hosts.knows(q.host))
    return problem(421, "ask by address or as localhost, or name this host in http.allowed_hosts");
  const auto at = std::find_if(std::begin(table), std::end(table), [&](const route& r) { return r.path == q.path; });
  if (at == std::end(table)) return page(q);
  if (q.method == "OPTIONS") return with_allowed({204}, at->method);
  if (q.method != at->method && !(reads(q.method) && at->method == "GET"))
    return with_allowed(problem(405, "this is done by " + allowed(at->method)), at->method);
  if (at->who == access::token) {
    if (setup_.token.empty())
      return problem(403, "commands over HTTP are off: set http.token or http.token_file to allow them");
    if (!is_borne(q.authorization, setup_.token)) {
      reply r = problem(401, "send the node's token as Authorization: Bearer TOKEN");
      r.headers.emplace_back("WWW-Authenticate", "Bearer");
      return r;
    }
  }
  if (q.announced_bytes > setup_.body_bytes)
    return problem(413, "a body may have " + std::to_string(setup_.body_bytes) + " bytes; see http.body_bytes");
  return perform(*at, q, now);
}

reply router::perform(const route& r, const query& q, snapshot::point now) {
#define AICACHE_ROUTE(member, verb, at, who, doc) \
  if (r.name == #member) return member(q, now);
#include "actors/http/routes.def"
#undef AICACHE_ROUTE
  return problem(404, "there is nothing here");
}

void router::count(const reply& r) noexcept {
  std::atomic<std::uint64_t>& of = r.status == 429                      ? limited_
                                   : r.status == 401 || r.status == 403 ? unauthorized_
                                   : r.status >= 400                    ? failed_
                                                                        : served_;
  of.fetch_add(1, std::memory_order_relaxed);
}

// -- for people --------------------------------------------------------------

reply router::page(const query& q) const {
  // The specification has a route of its own, and no path.
  const page_file* f = q.path.starts_with('/') ? file_at(q.path == "/" ? "/index.html" : q.path) : nullptr;
  if (!f) return problem(404, "there is nothing here; /api/v1/ tells what is");
  if (q.method == "OPTIONS") return with_allowed({204}, "GET");
  if (!reads(q.method)) return with_allowed(problem(405, "a file can be read, and nothing else"), "GET");
  return file_reply(*f, q);
}

reply router::index(const query&, snapshot::point) {
  std::string rows;
  for (const route& r : table) {
    rows += rows.empty() ? "" : ",";
    rows += "{\"method\":\"" + std::string(r.method) + "\",\"path\":\"" + std::string(r.path) +
            "\",\"token\":" + (r.who == access::token ? "true" : "false") + ",\"what\":" + quoted_json(r.doc) + "}";
  }
  return json_reply("{\"version\":" + quoted_json(setup_.facts.build) + ",\"routes\":[" + rows + "]}");
}

reply router::openapi(const query& q, snapshot::point) { return file_reply(*file_at("openapi.yaml"), q); }

// -- for machines ------------------------------------------------------------

reply router::metrics(const query&, snapshot::point now) {
  node_figures n;
  n.http_served = served_;
  n.http_failed = failed_;
  n.http_limited = limited_;
  n.http_unauthorized = unauthorized_;
  n.ready = judge(*setup_.board, now, setup_.refresh).is_ready() ? 1 : 0;
  n.started = static_cast<double>(setup_.started.ms) / 1000;
  const auto s = setup_.board->newest();
  if (s) {
    n.shard_restarts = s->statistics.shard_restarts;
    n.level = s->statistics.level;
    n.saved_millionths = s->told.saved_millionths;
    if (s->told.advice) {
      n.advice_high = static_cast<double>(s->told.advice->high);
      n.advice_medium = static_cast<double>(s->told.advice->medium);
      n.advice_low = static_cast<double>(s->told.advice->low);
    }
    n.snapshot_age = std::chrono::duration<double>(now - s->taken).count();
    if (!s->cluster.name.empty()) {
      const cluster_state& c = s->cluster;
      n.cluster_epoch = static_cast<double>(c.epoch);
      n.cluster_members = static_cast<double>(c.members.size());
      n.cluster_linked = static_cast<double>(
          std::count_if(c.members.begin(), c.members.end(), [](const member_state& m) { return m.linked; }));
      n.ranges_serving = c.serving;
      n.cluster_registry = c.cut_off ? 0 : 1;
      n.ranges_gained = c.gained;
      n.ranges_lost = c.lost;
    }
    if (s->shared) n.shared_tier = *s->shared ? 1 : 0;
    if (!s->shards_up.empty()) {
      const auto up = std::count(s->shards_up.begin(), s->shards_up.end(), true);
      n.shards_up = static_cast<double>(up);
      n.shards_down = static_cast<double>(s->shards_up.size()) - static_cast<double>(up);
      n.map_epoch = static_cast<double>(s->epoch);
    }
  }
  build_facts facts = setup_.facts;
  if (s && !s->config_hash.empty()) facts.config = s->config_hash;
  return {200, "text/plain; version=0.0.4; charset=utf-8", exposition(s.get(), n, facts)};
}

reply router::healthz(const query&, snapshot::point) {
  if (setup_.board->has_ended()) return problem(503, "the node has ended");
  return json_reply(R"({"alive":true})");
}

reply router::readyz(const query&, snapshot::point now) {
  const readiness r = judge(*setup_.board, now, setup_.refresh);
  reply out = json_reply(readiness_json(r));
  if (!r.is_ready()) out.status = 503;
  return out;
}

reply router::statistics(const query&, snapshot::point) {
  const auto s = setup_.board->newest();
  return s ? json_reply(statistics_json(*s)) : problem(503, not_told_yet);
}

reply router::map(const query&, snapshot::point) {
  const auto s = setup_.board->newest();
  return s ? json_reply(map_json(*s)) : problem(503, not_told_yet);
}

reply router::cluster(const query&, snapshot::point) {
  const auto s = setup_.board->newest();
  return s ? json_reply(cluster_json(*s)) : problem(503, not_told_yet);
}

reply router::config(const query&, snapshot::point) {
  const auto s = setup_.board->newest();
  return json_reply(s && !s->config.empty() ? s->config : setup_.config);
}

reply router::told(view which) const {
  const auto s = setup_.board->newest();
  if (!s) return problem(503, not_told_yet);
  const std::string& text = s->views[static_cast<std::size_t>(which)];
  return text.empty() ? problem(503, not_told_yet) : json_reply(text);
}

reply router::summary(const query&, snapshot::point) { return told(view::summary); }
reply router::ledger(const query&, snapshot::point) { return told(view::ledger); }
reply router::recommendations(const query&, snapshot::point) { return told(view::recommendations); }
reply router::curve(const query&, snapshot::point) { return told(view::curve); }

reply router::events(const query&, snapshot::point) {
  const auto s = setup_.board->newest();
  return s ? json_reply(s->events) : problem(503, not_told_yet);
}

// -- commands ----------------------------------------------------------------

reply router::forget(const invalidate_request& what) const {
  const auto came = setup_.commands.invalidate(what);
  return came ? json_reply(to_json(*came)) : problem(came.why());
}

reply router::invalidate(const query& q, snapshot::point) {
  if (!q.body) return problem(400, "a body says what to invalidate");
  const auto text = q.body(setup_.body_bytes);
  if (!text) return text.why().code == errc::deadline ? problem(408, text.why().detail) : problem(text.why());
  const auto asked = parse_invalidation(*text);
  return asked ? forget(*asked) : problem(asked.why());
}

reply router::clear(const query&, snapshot::point) { return forget({}); }

reply router::reset(const query&, snapshot::point) { return done(setup_.commands.reset()); }

reply router::reload(const query&, snapshot::point) {
  const auto came = setup_.commands.reload();
  return came ? json_reply(to_json(*came)) : problem(came.why());
}

}  // namespace aicache::http
