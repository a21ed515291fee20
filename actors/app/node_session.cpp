#include "actors/app/node_session.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <utility>

#include "actors/app/page.hpp"
#include "actors/app/tls_arguments.hpp"
#include "messages/identity_rules.hpp"

namespace aicache::app {

namespace {

// Not by CLI11: it gives a variable's value to the options of all commands, also of those that were not asked for.
std::string usual_address() {
  const char* named = std::getenv("AICACHE_NODE");
  return named == nullptr ? "" : named;
}

outcome<std::vector<node_address>> places(const std::string& text) {
  const config::settings usual;
  const auto port = static_cast<std::uint16_t>(usual.node.port);
  if (text.empty()) return std::vector<node_address>{{usual.node.host, port}};
  return parse_node_addresses(text, port);
}

// One thread is enough for who asks one thing after the other.
config::settings settings_of_a_caller() {
  config::settings s;
  s.node.threads = 1;
  return s;
}

}  // namespace

node_session::node_session(const config::settings& s) : config_(s, system_config::network::on), system_(config_) {}

outcome<std::unique_ptr<node_session>> node_session::open(const std::string& address) {
  auto where = places(address.empty() ? usual_address() : address);
  if (!where) return where.why();
  const auto settings = with_tls_of_environment(settings_of_a_caller());
  if (!settings) return settings.why();
  std::unique_ptr<node_session> s(new node_session(*settings));
  auto cache = client::connect_to(s->system_, std::move(*where));
  if (!cache) return cache.why();
  s->cache_ = std::move(*cache);
  return s;
}

void node_session::pause(duration d) {
  caf::scoped_actor self{system_};
  self->receive(caf::after(d) >> [] {});
}

std::vector<put_result> node_session::put(std::span<const wanted_put> all) {
  const client_limits& limits = cache_->limits();
  identifier names(identity_rules(limits));
  call_builder b(call_kind::put, names, {limits.small_text, limits.medium_text, limits.large_text},
                 put_options{}.deadline);
  for (const wanted_put& p : all) {
    if (p.what.text.size() + p.what.model.size() > limits.value_bytes) {
      b.refuse(errc::too_large);
    } else {
      b.put(p.asked, to_blob(p.what), {p.ttl ? p.ttl->count() : own_lifetime, 0, p.write_through, p.tags});
    }
  }
  const std::shared_ptr<call> what = b.take();
  caf::scoped_actor self{system_};
  // Without a time-out of CAF's: the client actor ends the call by its own deadline.
  self->request(cache_->actor(), caf::infinite, make_call{what})
      .receive([](const call_finished&) {}, [&](const caf::error&) { what->fail(errc::unavailable); });
  std::vector<put_result> results;
  results.reserve(all.size());
  for (const auto& at : b.places())
    results.push_back(at.error == errc::none ? what->stored[at.item] : put_result{put_status::refused, at.error});
  return results;
}

int exit_of(errc why) noexcept {
  switch (why) {
    case errc::none: return exits::done;
    case errc::invalid_argument:
    case errc::too_large: return exits::asked_wrongly;
    case errc::overloaded:
    case errc::deadline:
    case errc::unavailable:
    case errc::shutting_down: return exits::unreachable;
    default: return exits::not_found;
  }
}

page complaint_of(const fault& why) { return complaint_of(exit_of(why.code), why.detail); }

page complaint_of(errc why) { return complaint_of(fault{why, describe(why)}); }

void take_node(CLI::App& command, std::string& address) {
  command
      .add_option(
          "--node", address,
          "where the node is; else the variable AICACHE_NODE, else where one with default settings is on this machine")
      ->type_name("HOST:PORT");
  take_tls(command);
}

}  // namespace aicache::app
