#include "tests/support/aicached_process.hpp"
#include "tests/support/cache_caller.hpp"
#include "tests/support/http_caller.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <atomic>
#include <fstream>
#include <random>

using namespace aicache;
using namespace aicache::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

const std::string node_token = "0123456789abcdef of this test";
const std::string bearer = "Authorization: Bearer " + node_token;

std::vector<std::string> node_settings(std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"http.refresh=100ms", "http.requests_per_second=100000", "http.token=" + node_token});
  return more;
}

json get_json(std::uint16_t port, const std::string& path) {
  const http_answer a = ask_http(port, "GET", path);
  REQUIRE(a.status == 200);
  CHECK(a.header("Content-Type") == "application/json");
  return json::parse(a.body);
}

double sum_of(const std::map<std::string, double>& series, const std::string& family) {
  double sum = 0;
  for (const auto& [name, value] : series)
    if (name == family || name.starts_with(family + "{")) sum += value;
  return sum;
}

bool is_problem(const http_answer& a, int status) {
  return a.status == status && a.header("Content-Type") == "application/problem+json" &&
         json::parse(a.body).at("status") == status;
}

bool is_guarded(const http_answer& a) {
  return a.header("X-Content-Type-Options") == "nosniff" && a.header("X-Frame-Options") == "DENY" &&
         a.header("Content-Security-Policy").starts_with("default-src 'self'");
}

}  // namespace

TEST_CASE("a node under load tells what the load did, and every scrape meanwhile holds together", "[system][http]") {
  aicached_process node(node_settings());
  const std::uint16_t port = node.http_port();
  REQUIRE(port != 0);
  std::atomic<bool> loaded{false};
  std::atomic<int> scrapes{0};
  std::atomic<int> bad{0};
  std::thread scraper([&] {
    double before = 0;
    while (!loaded || scrapes == 0) {
      const http_answer a = ask_http(port, "GET", "/metrics");
      const auto series = series_of(a.body);
      const double gets = sum_of(series, "aicache_hits_total") + sum_of(series, "aicache_misses_total");
      if (a.status != 200 || gets < before) ++bad;
      before = gets;
      ++scrapes;
    }
  });
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  {
    cache_caller caller;
    const client c = caller.connect(node);
    std::mt19937_64 random(7);
    for (int i = 0; i < 200; ++i) {
      std::vector<request> asked;
      for (int k = 0; k < 32; ++k) asked.push_back(question(random() % 500, k % 2 == 0 ? "qa" : "sum"));
      const auto got = c.get(asked);
      for (std::size_t k = 0; k < asked.size(); ++k) {
        got[k].hit() ? ++hits : ++misses;
        if (!got[k].hit()) c.put(asked[k], right_answer(k));
      }
    }
  }
  loaded = true;
  scraper.join();
  CHECK(bad == 0);
  std::map<std::string, double> series;
  CHECK(eventually([&] {
    series = series_of(ask_http(port, "GET", "/metrics").body);
    return sum_of(series, "aicache_hits_total") + sum_of(series, "aicache_misses_total") ==
           static_cast<double>(hits + misses);
  }));
  CHECK(sum_of(series, "aicache_hits_total") == static_cast<double>(hits));
  CHECK(sum_of(series, "aicache_puts_total") == static_cast<double>(misses));
  CHECK(sum_of(series, "aicache_tenant_hits_total") == static_cast<double>(hits));
  CHECK(series.at("aicache_level") == 0);
  CHECK(series.at("aicache_ready") == 1);
  CHECK(series.at(R"(aicache_http_requests_total{outcome="served"})") >= scrapes);
  const json all = get_json(port, "/api/v1/statistics");
  CHECK(all.at("total").at("puts") == misses);
  CHECK(all.at("operations").size() == 2);
  CHECK(get_json(port, "/api/v1/summary").at("total").at("hits") == hits);
  CHECK(get_json(port, "/api/v1/map").at("shards").size() > 0);
  const json config = get_json(port, "/api/v1/config");
  CHECK(config.at("settings").at("http.token") == "***");
  CHECK(config.dump().find(node_token) == std::string::npos);
  CHECK(node.drain() == 0);
  CHECK(node.log().find(node_token) == std::string::npos);
}

TEST_CASE("a command over HTTP does what it says, and nothing without the token", "[system][http]") {
  aicached_process node(node_settings());
  const std::uint16_t port = node.http_port();
  cache_caller caller;
  const client c = caller.connect(node);
  const auto fill = [&] {
    for (std::uint64_t i = 0; i < 10; ++i)
      CHECK(c.put(question(i, i < 4 ? "qa" : "sum"), right_answer(i)).error == errc::none);
  };
  const auto stored = [&] {
    int n = 0;
    for (std::uint64_t i = 0; i < 10; ++i) n += c.exists(question(i, i < 4 ? "qa" : "sum")).found ? 1 : 0;
    return n;
  };
  fill();
  const std::string body = R"({"scope":"operation","name":"qa"})";
  const http_answer without = ask_http(port, "POST", "/api/v1/invalidate", {}, body);
  CHECK(is_problem(without, 401));
  CHECK(without.header("WWW-Authenticate") == "Bearer");
  CHECK(is_problem(ask_http(port, "POST", "/api/v1/clear", {"Authorization: Bearer wrong"}), 401));
  CHECK(stored() == 10);
  const http_answer done = ask_http(port, "POST", "/api/v1/invalidate", {bearer}, body);
  CHECK(done.status == 200);
  CHECK(json::parse(done.body).at("in_memory") == 4);
  CHECK(stored() == 6);
  CHECK(ask_http(port, "POST", "/api/v1/clear", {bearer}).status == 200);
  CHECK(stored() == 0);
  const http_answer reloaded = ask_http(port, "POST", "/api/v1/reload", {bearer});
  CHECK(reloaded.status == 200);
  CHECK(json::parse(reloaded.body) == json{{"applied", json::array()}, {"at_restart", json::array()}, {"keys", 0}});
  CHECK(ask_http(port, "POST", "/api/v1/reset", {bearer}).status == 200);
  // In pieces, as some clients send them.
  fill();
  http_connection pieces(port);
  pieces.send("POST /api/v1/invalidate HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n" + bearer +
              "\r\n\r\n");
  pieces.send("10\r\n" + body.substr(0, 16) + "\r\n");
  pieces.send("11\r\n" + body.substr(16) + "\r\n0\r\n\r\n");
  REQUIRE(body.size() == 0x21);
  CHECK(pieces.answer().status == 200);
  CHECK(stored() == 6);
}

TEST_CASE("every answer is guarded, whatever was asked", "[system][http]") {
  aicached_process node(node_settings());
  const std::uint16_t port = node.http_port();
  const http_answer page = ask_http(port, "GET", "/");
  CHECK(page.status == 200);
  CHECK(is_guarded(page));
  CHECK(page.header("Cache-Control") == "no-cache");
  CHECK(ask_http(port, "GET", "/", {"If-None-Match: " + page.header("ETag")}).status == 304);
  const http_answer whole = ask_http(port, "GET", "/api/v1/openapi.yaml");
  CHECK(whole.header("Content-Length") == std::to_string(whole.body.size()));
  const http_answer head = ask_http(port, "HEAD", "/api/v1/openapi.yaml");
  CHECK(head.status == 200);
  CHECK(head.body.empty());
  CHECK(head.header("Content-Length") == whole.header("Content-Length"));
  const http_answer options = ask_http(port, "OPTIONS", "/api/v1/clear");
  CHECK(options.status == 204);
  CHECK(options.header("Allow") == "POST, OPTIONS");
  CHECK(is_guarded(options));
  // No other site's script may ask in its reader's name.
  CHECK(options.header("Access-Control-Allow-Origin").empty());
  const http_answer api = ask_http(port, "GET", "/api/v1/");
  CHECK(api.header("Cache-Control") == "no-store");
  CHECK(is_guarded(api));
  for (const char* path :
       {"/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/page/../../x",
        "/....//etc/passwd", "/\\..\\..\\x", "/.git/config", "/aicached", "/..%00/x", "/%00"}) {
    CAPTURE(path);
    const http_answer a = ask_http(port, "GET", path);
    CHECK((is_problem(a, 404) || is_problem(a, 400)));
    CHECK(is_guarded(a));
  }
  // A name of another site, led here, is not the node's.
  http_connection rebound(port);
  rebound.send("GET /api/v1/config HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  const http_answer refused = rebound.answer();
  CHECK(is_problem(refused, 421));
  CHECK(is_guarded(refused));
  for (const char* method : {"DELETE", "PUT", "PATCH"}) CHECK(is_problem(ask_http(port, method, "/metrics"), 405));
}

TEST_CASE("what is no HTTP, never ends or is too long is refused, and the node serves on", "[system][http]") {
  aicached_process node(node_settings({"http.timeout=500ms", "http.connections=4", "http.body_bytes=1KiB"}));
  const std::uint16_t port = node.http_port();
  const auto lives = [&] { return ask_http(port, "GET", "/healthz").status == 200; };
  SECTION("random bytes") {
    std::mt19937_64 random(3);
    for (int i = 0; i < 200; ++i) {
      std::string noise(random() % 2'000, '\0');
      for (char& b : noise) b = static_cast<char>(random());
      if (i % 3 == 0) noise = "GET /metrics HTTP/1.1\r\n" + noise;
      http_connection c(port);
      c.send(noise + "\r\n\r\n");
      const http_answer a = c.answer();
      // Whatever it is, it is no success by accident, and no defect.
      CHECK(a.status < 500);
    }
    CHECK(lives());
  }
  SECTION("headers that trickle in") {
    // More of them than there are threads: each is cut off, and those who wait behind them are served.
    std::vector<std::unique_ptr<http_connection>> slow;
    for (int i = 0; i < 8; ++i) {
      slow.push_back(std::make_unique<http_connection>(port));
      slow.back()->send("GET /healthz HTTP/1.1\r\nX-Slow: ");
    }
    const auto begun = std::chrono::steady_clock::now();
    std::atomic<bool> served{false};
    std::thread trickle([&] {
      while (!served) {
        for (auto& c : slow) c->send("a");
        std::this_thread::sleep_for(50ms);
      }
    });
    CHECK(lives());
    served = true;
    trickle.join();
    CHECK(std::chrono::steady_clock::now() - begun < 10s);
    for (auto& c : slow) CHECK(c->answer().status != 200);
  }
  SECTION("headers that never end") {
    http_connection c(port);
    std::string text = "GET /healthz HTTP/1.1\r\n";
    while (text.size() < 64 << 10) text += "X-Long: " + std::string(1'000, 'a') + "\r\n";
    c.send(text);
    CHECK(c.answer().status != 200);
    CHECK(lives());
  }
  SECTION("a body that is announced too long") {
    for (const char* length : {"1025", "99999999999999", "9223372036854775807"})
      CHECK(is_problem(ask_http(port, "POST", "/api/v1/invalidate", {bearer, std::string("Content-Length: ") + length}),
                       413));
    for (const char* length : {"-1", "many"})
      CHECK(ask_http(port, "POST", "/api/v1/invalidate", {bearer, std::string("Content-Length: ") + length}).status >=
            400);
    CHECK(lives());
  }
  SECTION("a body that turns out too long") {
    http_connection c(port);
    c.send("POST /api/v1/invalidate HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n" + bearer +
           "\r\n\r\n");
    c.send("404\r\n" + std::string(0x404, ' ') + "\r\n0\r\n\r\n");
    CHECK(is_problem(c.answer(), 413));
    CHECK(lives());
  }
  SECTION("a body that never comes, or byte by byte") {
    http_connection never(port);
    never.send("POST /api/v1/invalidate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n" + bearer + "\r\n\r\n");
    http_connection slow(port);
    slow.send("POST /api/v1/invalidate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n" + bearer + "\r\n\r\n");
    const auto begun = std::chrono::steady_clock::now();
    while (slow.send(" ") && std::chrono::steady_clock::now() - begun < 3s) std::this_thread::sleep_for(20ms);
    CHECK(std::chrono::steady_clock::now() - begun < 3s);
    CHECK(is_problem(never.answer(), 408));
    CHECK(lives());
  }
  SECTION("a body that breaks off") {
    http_connection c(port);
    c.send("POST /api/v1/clear HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
    CHECK(is_problem(c.answer(), 401));
    CHECK(lives());
  }
  CHECK(node.drain() == 0);
}

TEST_CASE("an address that asks too often is told to wait", "[system][http]") {
  aicached_process node({"http.requests_per_second=5"});
  std::array<int, 600> seen{};
  for (int i = 0; i < 20; ++i) ++seen[static_cast<std::size_t>(ask_http(node.http_port(), "GET", "/healthz").status)];
  CHECK(seen[200] >= 5);
  CHECK(seen[429] >= 5);
  CHECK(seen[200] + seen[429] == 20);
}

TEST_CASE("a node that is ready says so, and when it has ended nobody listens", "[system][http]") {
  aicached_process node(node_settings());
  const std::uint16_t port = node.http_port();
  CHECK(eventually([&] { return ask_http(port, "GET", "/readyz").status == 200; }));
  CHECK(get_json(port, "/readyz").at("ready") == true);
  CHECK(node.drain() == 0);
  CHECK_THROWS(http_connection(port));
}

TEST_CASE("a token comes from a file, and one that could be guessed keeps the node from starting", "[system][http]") {
  const std::string file =
      (std::filesystem::temp_directory_path() / ("aicache-token-" + std::to_string(getpid()))).string();
  std::ofstream(file) << node_token << "\nsecond line\n";
  {
    aicached_process node({"http.token_file=" + file});
    CHECK(ask_http(node.http_port(), "POST", "/api/v1/clear", {bearer}).status == 200);
    CHECK(ask_http(node.http_port(), "POST", "/api/v1/clear").status == 401);
  }
  {
    aicached_process node({"http.refresh=100ms"});
    CHECK(is_problem(ask_http(node.http_port(), "POST", "/api/v1/clear", {bearer}), 403));
  }
  std::ofstream(file) << "short\n";
  for (const std::string& setting : {"http.token_file=" + file, std::string("http.token_file=/no/such/file"),
                                     std::string("http.token_file=/"), std::string("http.token=short")}) {
    CAPTURE(setting);
    program node(aicached_process::words({setting}));
    CHECK(node.end(20s) == 2);
    CHECK(node.rest().empty());
    CHECK(node.errors().find(setting.substr(0, setting.find('='))) != std::string::npos);
    CHECK(node.errors().find("short") == std::string::npos);
  }
  std::filesystem::remove(file);
}

TEST_CASE("a node that cannot have its HTTP port says how to mend that", "[system][http]") {
  aicached_process first({"http.refresh=1s"});
  program second(aicached_process::words({"http.refresh=1s", "http.port=" + std::to_string(first.http_port())}));
  CHECK(second.end(20s) == 1);
  CHECK(second.rest().empty());
  CHECK(second.errors().find("cannot serve HTTP on 127.0.0.1:" + std::to_string(first.http_port())) !=
        std::string::npos);
  CHECK(second.errors().find("fix: choose another http.port") != std::string::npos);
}
