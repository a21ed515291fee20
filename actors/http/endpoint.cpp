#include "actors/http/endpoint.hpp"

#include <utility>

#include "actors/http/json_views.hpp"
#include "actors/http/router.hpp"
#include "actors/http/token.hpp"

namespace aicache::http {

outcome<std::unique_ptr<endpoint>> endpoint::start(caf::actor_system& system, endpoint_setup setup) {
  const config::settings& s = setup.settings;
  router_setup r;
  if (const auto problems = read_token(s, r.token); !problems.empty())
    return fault{errc::invalid_argument, config::render(problems)};
  std::unique_ptr<endpoint> e(new endpoint);
  e->board_ = std::make_shared<snapshot_board>();
  r.board = e->board_;
  r.commands.invalidate = [&system, front = setup.front](const invalidate_request& what) {
    return invalidate_at(system, front, what);
  };
  r.commands.reset = [&system, front = setup.front] { return reset_at(system, front); };
  r.commands.reload = [&system, front = setup.front] { return reload_at(system, front); };
  r.config = config_json(s);
  r.hosts = {s.http.allowed_hosts, s.http.host};
  r.facts = {setup.version, config_hash(s), s.ledger.currency};
  r.started = setup.started;
  r.refresh = s.http.refresh;
  r.requests_per_second = static_cast<double>(s.http.requests_per_second);
  r.body_bytes = s.http.body_bytes;
  e->router_ = std::make_unique<router>(std::move(r));
  const server_options o{s.http.host, static_cast<std::uint16_t>(s.http.port),
                         static_cast<unsigned>(s.http.connections), s.http.timeout};
  auto started = server::start(
      o, [router = e->router_.get()](const query& q) { return router->answer(q, std::chrono::steady_clock::now()); });
  if (!started) return started.why();
  e->server_ = std::move(*started);
  e->exporter_ = system.spawn(
      exporter, exporter_setup{setup.front, e->board_, s.http.refresh, static_cast<std::size_t>(s.http.label_values),
                               !s.redis.url.empty(), !s.cluster.name.empty()});
  return e;
}

endpoint::~endpoint() {
  // Nobody asks any more when the router goes.
  server_.reset();
  if (exporter_) caf::anon_send_exit(exporter_, caf::exit_reason::user_shutdown);
}

}  // namespace aicache::http
