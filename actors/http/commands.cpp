#include "actors/http/commands.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "actors/errors.hpp"

namespace aicache::http {

namespace {

constexpr std::chrono::seconds patience{5};
constexpr std::chrono::minutes sweep_patience{5};

fault wrong(std::string what) { return {errc::invalid_argument, std::move(what)}; }

struct scope_row {
  std::string_view name;
  scope_kind kind;
};
constexpr std::array<scope_row, 3> scopes = {
    {{"tag", scope_kind::tag}, {"operation", scope_kind::operation}, {"tenant", scope_kind::tenant}}};

}  // namespace

outcome<invalidated> invalidate_at(caf::actor_system& system, const front_actor& front,
                                   const invalidate_request& what) {
  outcome<invalidated> came = fault{errc::unavailable, "the node has ended"};
  caf::scoped_actor self{system};
  const caf::duration time{what.wait ? std::chrono::milliseconds(sweep_patience) : std::chrono::milliseconds(patience)};
  self->request(front, time, what)
      .receive(
          [&](const invalidated& i) { came = i; },
          [&](const caf::error& why) {
            const errc code = to_errc(why);
            came = fault{code, code == errc::deadline ? "it may have been done or not: ask again" : describe(code)};
          });
  if (came && came->why != errc::none) return fault{came->why, describe(came->why)};
  return came;
}

outcome<void> reset_at(caf::actor_system& system, const front_actor& front) {
  outcome<void> came;
  caf::scoped_actor self{system};
  self->request(front, caf::duration{patience}, reset_request{})
      .receive([](reset_done) {},
               [&](const caf::error& why) {
                 came = fault{to_errc(why), describe(to_errc(why))};
               });
  return came;
}

outcome<reload_reply> reload_at(caf::actor_system& system, const front_actor& front) {
  outcome<reload_reply> came = fault{errc::unavailable, "the node has ended"};
  caf::scoped_actor self{system};
  self->request(front, caf::duration{patience}, reload_request{})
      .receive([&](const reload_reply& r) { came = r; },
               [&](const caf::error& why) {
                 came = fault{to_errc(why), describe(to_errc(why))};
               });
  if (!came || came->problems.empty()) return came;
  std::string all = "nothing has changed:";
  for (const std::string& p : came->problems) all += '\n' + p;
  return fault{errc::invalid_argument, std::move(all)};
}

outcome<invalidate_request> parse_invalidation(std::string_view text) {
  const auto j = nlohmann::json::parse(text, nullptr, false);
  if (!j.is_object())
    return wrong("the body must be a JSON object such as {\"scope\": \"operation\", \"name\": \"qa\"}");
  const auto scope = j.find("scope");
  if (scope == j.end() || !scope->is_string()) return wrong("\"scope\" must be \"tag\", \"operation\" or \"tenant\"");
  const auto row = std::find_if(scopes.begin(), scopes.end(),
                                [&](const scope_row& r) { return r.name == scope->get_ref<const std::string&>(); });
  if (row == scopes.end()) return wrong("\"scope\" must be \"tag\", \"operation\" or \"tenant\"");
  invalidate_request r;
  r.kind = row->kind;
  for (const auto& [key, value] : j.items()) {
    if (key == "scope") continue;
    if (key == "wait" && value.is_boolean()) {
      r.wait = value.get<bool>();
    } else if ((key == "tenant" || key == "name") && value.is_string()) {
      (key == "tenant" ? r.tenant : r.name) = value.get<std::string>();
    } else {
      return wrong(
          "besides \"scope\" the body may have \"tenant\" and \"name\", which are texts, and \"wait\", which is true "
          "or "
          "false");
    }
  }
  // What is asked and what is meant must not differ: nothing that is said may be ignored.
  if (r.kind == scope_kind::tenant && (!j.contains("tenant") || !r.name.empty()))
    return wrong("the scope \"tenant\" needs \"tenant\", and has no \"name\"");
  if (r.kind == scope_kind::operation && (r.name.empty() || !r.tenant.empty()))
    return wrong("the scope \"operation\" needs \"name\", and is of all tenants");
  if (r.kind == scope_kind::tag && (r.name.empty() || !j.contains("tenant")))
    return wrong("the scope \"tag\" needs \"tenant\" and \"name\"");
  return r;
}

std::string to_json(const invalidated& what) {
  nlohmann::json j{{"known_to_redis", what.numbered}, {"in_memory", what.in_memory}, {"swept", what.swept}};
  if (what.swept) j["in_redis"] = what.in_redis;
  return j.dump();
}

std::string to_json(const reload_reply& what) {
  nlohmann::json j{{"applied", nlohmann::json::array()}, {"at_restart", nlohmann::json::array()}, {"keys", what.keys}};
  for (const setting_change& c : what.applied)
    j["applied"].push_back({{"key", c.key}, {"before", c.before}, {"after", c.after}});
  for (const setting_change& c : what.refused)
    j["at_restart"].push_back({{"key", c.key}, {"before", c.before}, {"after", c.after}, {"why", c.why}});
  return j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace aicache::http
