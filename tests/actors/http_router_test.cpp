#include "actors/http/router.hpp"

#include <yaml-cpp/yaml.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <set>

#include "actors/http/json_views.hpp"
#include "actors/http/page_files.hpp"
#include "actors/http/token.hpp"
#include "tests/support/http_caller.hpp"

using namespace aicache;
using namespace std::chrono_literals;
using http::query;
using http::reply;
using nlohmann::json;

namespace {

const std::string right_token = "a token that nobody guesses";

/// A router without a node: what it would ask is written down.
struct routed {
  explicit routed(std::string token = right_token) {
    http::router_setup s;
    s.board = board;
    s.token = std::move(token);
    s.config = "{}";
    s.facts = {"1.2.3", "cafe", "USD"};
    s.hosts = {"cache.example, Node-1", "0.0.0.0"};
    s.body_bytes = 100;
    s.requests_per_second = 1000;
    s.commands.invalidate = [this](const invalidate_request& what) -> outcome<invalidated> {
      asked.push_back(what);
      if (trouble != errc::none) return fault{trouble, "a trouble"};
      invalidated i;
      i.in_memory = 7;
      return i;
    };
    s.commands.reset = [this] { return ++resets, outcome<void>{}; };
    s.commands.reload = [this] { return ++reloads, outcome<reload_reply>{reload_reply{}}; };
    router = std::make_unique<http::router>(std::move(s));
  }

  reply ask(const std::string& method, const std::string& path, const std::string& authorization = {},
            const std::string& body = {}) {
    query q{method, path, "10.0.0.1", authorization};
    if (!body.empty()) {
      q.announced_bytes = body.size();
      q.body = [body](std::size_t) { return outcome<std::string>(body); };
    }
    return router->answer(q, now);
  }
  reply invalidate(const std::string& body) { return ask("POST", "/api/v1/invalidate", "Bearer " + right_token, body); }
  void tell(http::snapshot s = {}) {
    s.taken = now;
    if (s.shards_up.empty()) s.shards_up = {true, true};
    board->publish(std::make_shared<http::snapshot>(std::move(s)));
  }

  std::shared_ptr<http::snapshot_board> board = std::make_shared<http::snapshot_board>();
  std::vector<invalidate_request> asked;
  int resets = 0;
  int reloads = 0;
  errc trouble = errc::none;
  http::snapshot::point now{1h};
  std::unique_ptr<http::router> router;
};

std::string header_of(const reply& r, const std::string& name) {
  for (const auto& [key, value] : r.headers)
    if (key == name) return value;
  return "";
}

void check_problem(const reply& r, int status) {
  CHECK(r.status == status);
  CHECK(r.type == "application/problem+json");
  const json j = json::parse(r.body);
  CHECK(j.at("status") == status);
  CHECK(!j.at("title").get<std::string>().empty());
  CHECK(j.at("detail").get<std::string>().size() > 5);
}

}  // namespace

TEST_CASE("the specification has exactly the routes that there are", "[http]") {
  routed r;
  const YAML::Node file = YAML::Load(r.ask("GET", "/api/v1/openapi.yaml").body);
  std::set<std::string> specified;
  for (const auto& path : file["paths"])
    for (const auto& operation : path.second) {
      const std::string method = operation.first.as<std::string>() == "post" ? "POST" : "GET";
      const std::string token = operation.second["security"] ? " with a token: " : ": ";
      specified.insert(method + " " + path.first.as<std::string>() + token +
                       operation.second["summary"].as<std::string>());
      CHECK(operation.second["responses"]["200"]);
      CHECK(static_cast<bool>(operation.second["responses"]["401"]) == (method == "POST"));
    }
  std::set<std::string> there;
  for (const http::route& row : http::routes())
    there.insert(std::string(row.method) + " " + std::string(row.path) +
                 (row.who == http::access::token ? " with a token: " : ": ") + std::string(row.doc));
  CHECK(specified == there);
  CHECK(there.size() == http::routes().size());
}

TEST_CASE("the index has every route", "[http]") {
  routed r;
  const json j = json::parse(r.ask("GET", "/api/v1/").body);
  CHECK(j.at("version") == "1.2.3");
  CHECK(j.at("routes").size() == http::routes().size());
}

TEST_CASE("every route answers its own method, HEAD for GET, and OPTIONS; all others are refused with what is allowed",
          "[http]") {
  routed r;
  r.tell();
  for (const http::route& row : http::routes()) {
    CAPTURE(row.path);
    const std::string path(row.path);
    const bool is_get = row.method == "GET";
    const std::string allowed = is_get ? "GET, HEAD, OPTIONS" : "POST, OPTIONS";
    const reply own = r.ask(std::string(row.method), path, "Bearer " + right_token);
    CHECK(own.status != 404);
    CHECK(own.status != 405);
    // The server leaves out the body of what HEAD gets; all else is the same.
    if (is_get) CHECK(r.ask("HEAD", path).type == own.type);
    if (is_get) CHECK(r.ask("HEAD", path).status == own.status);
    const reply options = r.ask("OPTIONS", path);
    CHECK(options.status == 204);
    CHECK(header_of(options, "Allow") == allowed);
    for (const char* method : {"PUT", "DELETE", "PATCH", "TRACE", is_get ? "POST" : "GET"}) {
      const reply refused = r.ask(method, path, "Bearer " + right_token);
      check_problem(refused, 405);
      CHECK(header_of(refused, "Allow") == allowed);
    }
  }
  CHECK(r.asked.size() == 1);  // clear; invalidate had no body
}

TEST_CASE("whoever asks by a name that is not the node's is refused, whatever is asked", "[http]") {
  routed r;
  r.tell();
  const auto asked_as = [&](const std::string& host, const std::string& method = "GET",
                            const std::string& path = "/metrics") {
    return r.router->answer({method, path, "10.0.0.1", "Bearer " + right_token, "", host}, r.now);
  };
  for (const char* host : {"", "localhost", "LOCALHOST:9464", "127.0.0.1", "127.0.0.1:9464", "10.1.2.3:80", "[::1]",
                           "[::1]:9464", "cache.example", "Cache.Example.:443", "node-1:9464", "0.0.0.0:9464"}) {
    CAPTURE(host);
    CHECK(asked_as(host).status == 200);
  }
  for (const char* host :
       {"evil.example", "evil.example:9464", "localhost.evil.example", "127.0.0.1.evil.example", "cache.example.evil",
        "[::1", "[::1]evil", "[evil]", "127.0.0.1:evil", "localhost:9464:1", "."}) {
    CAPTURE(host);
    for (const http::route& row : http::routes())
      check_problem(asked_as(host, std::string(row.method), std::string(row.path)), 421);
    check_problem(asked_as(host, "GET", "/"), 421);
  }
  CHECK(r.asked.empty());
  CHECK(r.resets + r.reloads == 0);
  CHECK(http::host_names("*", "").knows("any.name.at.all"));
  CHECK_FALSE(http::host_names("", "").knows("any.name.at.all"));
}

TEST_CASE("there is nothing beside the routes and the page", "[http]") {
  routed r;
  for (const char* path : {"/etc/passwd", "/../../etc/passwd", "/api/v1", "/api/v1/statistics/", "/metrics/",
                           "openapi.yaml", "", "/page_files.hpp", "//index.html"}) {
    CAPTURE(path);
    check_problem(r.ask("GET", path), 404);
  }
}

TEST_CASE("the page comes with its type, and not again to who has it", "[http]") {
  routed r;
  const reply page = r.ask("GET", "/");
  CHECK(page.status == 200);
  CHECK(page.type == "text/html; charset=utf-8");
  CHECK(page.body.find("<title>") != std::string::npos);
  CHECK(page.body == r.ask("GET", "/index.html").body);
  const std::string tag = header_of(page, "ETag");
  REQUIRE(tag.size() > 10);
  for (const std::string& held : {tag, "W/" + tag, "\"other\", " + tag}) {
    query q{"GET", "/", "10.0.0.1", "", held};
    const reply again = r.router->answer(q, r.now);
    CHECK(again.status == 304);
    CHECK(again.body.empty());
    CHECK(header_of(again, "ETag") == tag);
  }
  CHECK(r.router->answer({"GET", "/", "10.0.0.1", "", "\"other\""}, r.now).status == 200);
  check_problem(r.ask("POST", "/"), 405);
  for (const http::page_file& f : http::page_files())
    if (f.path.ends_with(".js")) CHECK(f.type == "text/javascript; charset=utf-8");
}

TEST_CASE("a command needs the node's token, whole and alone", "[http]") {
  const std::string command = GENERATE("invalidate", "clear", "reset", "reload");
  routed r;
  const auto status_of = [&](const std::string& authorization) {
    return r.ask("POST", "/api/v1/" + command, authorization, R"({"scope":"operation","name":"qa"})").status;
  };
  const reply without = r.ask("POST", "/api/v1/" + command);
  check_problem(without, 401);
  CHECK(header_of(without, "WWW-Authenticate") == "Bearer");
  for (const std::string& wrong :
       {std::string("Bearer"), std::string("Bearer "), right_token, "Basic " + right_token,
        "Bearer " + right_token + " ", "Bearer " + right_token.substr(1), "Bearer  " + right_token,
        "Bearer " + right_token + right_token, "Bearer A" + right_token.substr(1),
        "Bearer " + right_token.substr(0, right_token.size() - 1) + "!"}) {
    CAPTURE(wrong);
    CHECK(status_of(wrong) == 401);
  }
  CHECK(r.asked.empty());
  CHECK((r.resets == 0 && r.reloads == 0));
  CHECK(status_of("Bearer " + right_token) == 200);
  CHECK(status_of("bearer " + right_token) == 200);
  CHECK(r.asked.size() == (command == "invalidate" || command == "clear" ? 2 : 0));
  CHECK(r.resets == (command == "reset" ? 2 : 0));
  CHECK(r.reloads == (command == "reload" ? 2 : 0));
  routed off("");
  check_problem(off.ask("POST", "/api/v1/" + command, "Bearer "), 403);
  check_problem(off.ask("POST", "/api/v1/" + command, "Bearer " + right_token), 403);
  CHECK(off.asked.empty());
}

TEST_CASE("what is to be invalidated is said in full, or it is refused and nothing is done", "[http]") {
  routed r;
  const reply tag = r.invalidate(R"({"scope":"tag","tenant":"acme","name":"doc-17","wait":true})");
  CHECK(tag.status == 200);
  CHECK(json::parse(tag.body).at("in_memory") == 7);
  CHECK(r.invalidate(R"({"scope":"tenant","tenant":""})").status == 200);
  CHECK(r.invalidate(R"({"scope":"operation","name":"qa"})").status == 200);
  REQUIRE(r.asked.size() == 3);
  CHECK(r.asked[0].kind == scope_kind::tag);
  CHECK(r.asked[0].tenant == "acme");
  CHECK(r.asked[0].name == "doc-17");
  CHECK(r.asked[0].wait);
  CHECK(r.asked[1].kind == scope_kind::tenant);
  CHECK(r.asked[2].kind == scope_kind::operation);
  CHECK(r.asked[2].name == "qa");
  CHECK_FALSE(r.asked[2].wait);
  for (const char* wrong :
       {"{", "[]", "null", "7", "{}", R"({"scope":"everything"})", R"({"scope":7})", R"({"scope":"tag","name":"x"})",
        R"({"scope":"tag","tenant":"a"})", R"({"scope":"tenant"})", R"({"scope":"tenant","tenant":"a","name":"b"})",
        R"({"scope":"operation"})", R"({"scope":"operation","name":"qa","tenant":"a"})",
        R"({"scope":"operation","name":7})", R"({"scope":"operation","name":"qa","wait":"yes"})",
        R"({"scope":"operation","name":"qa","dry_run":true})", "\xff\xfe", R"({"scope":"operation","name":"\xff"})"}) {
    CAPTURE(wrong);
    check_problem(r.invalidate(wrong), 400);
  }
  check_problem(r.invalidate(std::string(101, ' ')), 413);
  CHECK(r.asked.size() == 3);
  r.trouble = GENERATE(errc::unavailable, errc::deadline, errc::invalid_argument, errc::internal);
  const int expected = r.trouble == errc::unavailable        ? 503
                       : r.trouble == errc::deadline         ? 504
                       : r.trouble == errc::invalid_argument ? 400
                                                             : 500;
  check_problem(r.invalidate(R"({"scope":"operation","name":"qa"})"), expected);
}

TEST_CASE("an address that asks too often is refused until a second has passed; others are not", "[http]") {
  http::router_setup s;
  s.board = std::make_shared<http::snapshot_board>();
  s.requests_per_second = 5;
  http::router r(std::move(s));
  http::snapshot::point now{1h};
  const auto ask = [&](const std::string& address) { return r.answer({"GET", "/healthz", address}, now); };
  for (int i = 0; i < 5; ++i) CHECK(ask("10.0.0.1").status == 200);
  const reply refused = ask("10.0.0.1");
  check_problem(refused, 429);
  CHECK(header_of(refused, "Retry-After") == "1");
  CHECK(ask("10.0.0.2").status == 200);
  now += 200ms;
  CHECK(ask("10.0.0.1").status == 200);
  CHECK(ask("10.0.0.1").status == 429);
  now += 1s;
  for (int i = 0; i < 5; ++i) CHECK(ask("10.0.0.1").status == 200);
  // However many addresses there are, what is remembered of them is bounded, and those that are not share.
  std::size_t served = 0;
  for (std::size_t i = 0; i < 2 * http::rate_limit::most_addresses; ++i)
    served += ask("host " + std::to_string(i)).status == 200 ? 1 : 0;
  CHECK(served >= http::rate_limit::most_addresses - 2);
  CHECK(served <= http::rate_limit::most_addresses + 5);
}

TEST_CASE("a node is ready while it tells its state, has a shard, and does not drain", "[http]") {
  routed r;
  const auto ready = [&] { return json::parse(r.ask("GET", "/readyz").body); };
  const auto why = [&] { return ready().at("reasons").dump(); };
  CHECK(r.ask("GET", "/readyz").status == 503);
  CHECK(why().find("not told its state yet") != std::string::npos);
  check_problem(r.ask("GET", "/api/v1/statistics"), 503);
  check_problem(r.ask("GET", "/api/v1/summary"), 503);
  CHECK(r.ask("GET", "/metrics").body.find("aicache_ready 0") != std::string::npos);
  r.tell();
  CHECK(r.ask("GET", "/readyz").status == 200);
  CHECK(ready().at("ready") == true);
  CHECK(r.ask("GET", "/metrics").body.find("aicache_ready 1") != std::string::npos);
  SECTION("a part of the shards is a doubt, all of them are a reason") {
    http::snapshot s;
    s.shards_up = {true, false};
    s.statistics.level = static_cast<std::uint8_t>(service_level::memory_only);
    r.tell(s);
    CHECK(r.ask("GET", "/readyz").status == 200);
    CHECK(ready().at("doubts").size() == 2);
    s.shards_up = {false, false};
    r.tell(s);
    CHECK(r.ask("GET", "/readyz").status == 503);
    CHECK(why().find("no shard") != std::string::npos);
  }
  SECTION("silence") {
    r.now += 7s;
    CHECK(r.ask("GET", "/readyz").status == 200);
    r.now += 2s;
    CHECK(r.ask("GET", "/readyz").status == 503);
    CHECK(why().find("9000 ms") != std::string::npos);
    CHECK(r.ask("GET", "/healthz").status == 200);
  }
  SECTION("the drain, said or seen") {
    if (GENERATE(true, false)) {
      r.board->drain();
    } else {
      http::snapshot s;
      s.statistics.level = static_cast<std::uint8_t>(service_level::draining);
      r.tell(s);
    }
    CHECK(r.ask("GET", "/readyz").status == 503);
    CHECK(why().find("drains") != std::string::npos);
    CHECK(r.ask("GET", "/healthz").status == 200);
  }
  SECTION("the end") {
    r.board->end();
    CHECK(r.ask("GET", "/readyz").status == 503);
    check_problem(r.ask("GET", "/healthz"), 503);
  }
}

TEST_CASE("views come from whoever knows them, and are missed clearly where nobody does", "[http]") {
  routed r;
  http::snapshot s;
  s.views[static_cast<std::size_t>(http::view::ledger)] = R"({"worth":1})";
  r.tell(s);
  CHECK(r.ask("GET", "/api/v1/ledger").body == R"({"worth":1})");
  check_problem(r.ask("GET", "/api/v1/curve"), 503);
  check_problem(r.ask("GET", "/api/v1/recommendations"), 503);
}

TEST_CASE("the map has the ranges by which keys are given to shards", "[http]") {
  http::snapshot s;
  s.epoch = 3;
  s.shards_up = std::vector<bool>(GENERATE(1, 2, 3, 7, 1024), true);
  s.shards_up.back() = false;
  const auto all = static_cast<std::uint32_t>(s.shards_up.size());
  const json j = json::parse(http::map_json(s));
  CHECK(j.at("epoch") == 3);
  REQUIRE(j.at("shards").size() == all);
  std::uint64_t next = 0;
  for (std::uint32_t i = 0; i < all; ++i) {
    const json& row = j.at("shards")[i];
    const std::uint64_t first = std::stoull(row.at("first").get<std::string>(), nullptr, 16);
    const std::uint64_t last = std::stoull(row.at("last").get<std::string>(), nullptr, 16);
    CHECK(first == next);
    CHECK(shard_of(key128{first, 0}, all) == i);
    CHECK(shard_of(key128{last, 0}, all) == i);
    CHECK(row.at("up") == (i + 1 < all));
    next = last + 1;
  }
  CHECK(next == 0);
}

TEST_CASE("settings are told without their secrets, and hash the same whatever those are", "[http]") {
  config::settings s;
  const std::string before = http::config_hash(s);
  s.redis.password = "swordfish";
  s.http.token = "another secret";
  s.redis.url = "redis://:letmein@host";
  CHECK(http::config_hash(s) == before);
  const std::string text = http::config_json(s);
  for (const char* secret : {"swordfish", "another secret", "letmein"}) CHECK(text.find(secret) == std::string::npos);
  const json j = json::parse(text);
  CHECK(j.at("hash") == before);
  CHECK(j.at("settings").at("redis.password") == "***");
  CHECK(j.at("settings").at("encryption.keys") == "");
  CHECK(j.at("settings").at("memory.budget") == "256MiB");
  s.memory.budget += 1;
  CHECK(http::config_hash(s) != before);
}
