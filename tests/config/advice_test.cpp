#include "config/advice.hpp"

#include <catch2/catch.hpp>

#include "config/key_table.hpp"
#include "config/validation.hpp"

namespace aicache::advice_test {

using namespace aicache::config;

namespace {

/// "weight key" of every piece of advice, in order.
std::vector<std::string> advice_on(const settings& s, const machine& m = {}) {
  constexpr std::string_view names[] = {"error", "conflict", "warning", "recommendation"};
  std::vector<std::string> out;
  for (const auto& row : all_advice())
    for (const auto& found : row.check(s, m)) {
      CHECK_FALSE(found.rule.empty());
      CHECK_FALSE(found.fix.empty());
      CHECK(find_key(found.key) != nullptr);
      out.push_back(std::string(names[static_cast<std::size_t>(row.kind)]) + ' ' + found.key);
    }
  return out;
}

using these = std::vector<std::string>;

/// Settings with a Redis elsewhere that there is nothing to say about.
settings guarded() {
  settings s;
  s.redis.url = "rediss://cache.example.org:6380";
  s.redis.password = "a password of many letters";
  s.encryption.enabled = true;
  s.encryption.keys_file = "/etc/aicache/keys";
  s.invalidation.journal_file = "/var/lib/aicache/journal";
  return s;
}

}  // namespace

TEST_CASE("there is nothing to say about the defaults, nor about a guarded Redis", "[config][advice]") {
  CHECK(advice_on({}, {64_GiB}) == these{});
  CHECK(advice_on(guarded(), {64_GiB}) == these{});
}

TEST_CASE("the budget is held against the machine's memory", "[config][advice]") {
  settings s;
  s.memory.budget = 4_GiB;
  CHECK(advice_on(s, {}) == these{});
  CHECK(advice_on(s, {4_GiB}) == these{"error memory.budget"});
  CHECK(advice_on(s, {5_GiB}) == these{"warning memory.budget"});
  CHECK(advice_on(s, {6_GiB}) == these{});
}

TEST_CASE("who and which password are said once", "[config][advice]") {
  settings s = guarded();
  s.redis.url = "rediss://me:a-password-of-letters@cache.example.org";
  CHECK(advice_on(s) == these{"conflict redis.password"});
  s.redis.password.clear();
  s.redis.password_file = "/run/password";
  CHECK(advice_on(s) == these{"conflict redis.password_file"});
  s.redis.password_file.clear();
  s.redis.user = "you";
  CHECK(advice_on(s) == these{"conflict redis.user"});
  s.redis.user = "me";
  CHECK(advice_on(s) == these{});
}

TEST_CASE("a Redis on another machine is warned about when it is not guarded", "[config][advice]") {
  settings s = guarded();
  s.redis.url = "redis://cache.example.org";
  CHECK(advice_on(s) == these{"warning redis.url"});
  s.redis.password.clear();
  CHECK(advice_on(s) == these{"warning redis.url", "warning redis.password"});
  s.encryption.enabled = false;
  CHECK(advice_on(s) == these{"warning redis.url", "warning redis.password", "recommendation encryption.enabled"});
  s = guarded();
  s.redis.verify_name = false;
  CHECK(advice_on(s) == these{"warning redis.verify_name"});
  for (const char* near :
       {"redis://127.0.0.1:6379", "redis://localhost", "redis://[::1]:6379/2", "unix:///run/redis"}) {
    CAPTURE(near);
    s = {};
    s.redis.url = near;
    s.invalidation.journal_file = "j";
    CHECK(advice_on(s) == these{});
  }
  for (const char* far : {"redis://10.0.0.1", "redis://[fe80::1]:6379", "redis://127.0.0.1.example.org", "redis://"}) {
    CAPTURE(far);
    s = guarded();
    s.redis.url = far;
    CHECK(advice_on(s) == these{"warning redis.url"});
  }
}

TEST_CASE("a short password is seen wherever it stands, and not repeated", "[config][advice]") {
  settings s = guarded();
  s.redis.password = "hunter2";
  CHECK(advice_on(s) == these{"recommendation redis.password"});
  s.redis.password.clear();
  s.redis.url = "rediss://:hunter2@cache.example.org";
  CHECK(advice_on(s) == these{"recommendation redis.url"});
  for (const auto& row : all_advice())
    for (const auto& found : row.check(s, {})) CHECK((found.rule + found.fix).find("hunter2") == std::string::npos);
}

TEST_CASE("a certificate is judged by what its file holds and by the time that it has left", "[config][advice]") {
  using content = found_certificate::content;
  settings s = guarded();
  s.redis.ca_file = "ca.pem";
  s.redis.certificate_file = "c.pem";
  s.redis.key_file = "k.pem";
  const auto of_own = [&](content holds, std::int64_t days, bool fits = true) {
    machine m;
    m.certificate = found_certificate{holds, fits, days};
    return advice_on(s, m);
  };
  CHECK(of_own(content::certificate, 90) == these{});
  CHECK(of_own(content::certificate, 89) == these{"recommendation redis.certificate_file"});
  CHECK(of_own(content::certificate, 30) == these{"recommendation redis.certificate_file"});
  CHECK(of_own(content::certificate, 29) == these{"warning redis.certificate_file"});
  CHECK(of_own(content::certificate, -1) == these{"warning redis.certificate_file"});
  CHECK(of_own(content::certificate, 400, false) == these{"error redis.key_file"});
  CHECK(of_own(content::no_certificate, 0) == these{"error redis.certificate_file"});
  CHECK(of_own(content::unreadable, 0) == these{"warning redis.certificate_file"});
  machine m;
  m.authorities = found_certificate{content::certificate, true, 5};
  m.certificate = found_certificate{content::certificate, true, 50};
  CHECK(advice_on(s, m) == these{"warning redis.ca_file", "recommendation redis.certificate_file"});
}

TEST_CASE("the certificates of nodes are judged alike, and a node must say whom it lets in", "[config][advice]") {
  using content = found_certificate::content;
  settings s = guarded();
  s.tls.certificate_file = "node.pem";
  s.tls.key_file = "node.key";
  s.tls.ca_file = "ca.pem";
  CHECK(advice_on(s) == these{"error tls.peers"});
  s.tls.peers = "cache.example.org";
  CHECK(advice_on(s) == these{});
  machine m;
  m.peers_authorities = found_certificate{content::no_certificate, true, 0};
  m.own_certificate = found_certificate{content::certificate, false, 400};
  CHECK(advice_on(s, m) == these{"error tls.ca_file", "error tls.key_file"});
  m.peers_authorities = found_certificate{content::certificate, true, 50};
  m.own_certificate = found_certificate{content::certificate, true, -1};
  CHECK(advice_on(s, m) == these{"warning tls.certificate_file", "recommendation tls.ca_file"});
}

TEST_CASE("settings without effect are pointed at", "[config][advice]") {
  settings s = guarded();
  s.redis.user = "me";
  s.redis.ca_file = "ca.pem";
  s.redis.url.clear();
  CHECK(advice_on(s) == these{"warning redis.user", "warning redis.password", "warning redis.ca_file",
                              "warning encryption.enabled", "warning invalidation.journal_file"});
  s = guarded();
  s.redis.url = "redis://127.0.0.1";
  s.redis.ca_file = "ca.pem";
  s.redis.certificate_file = "c.pem";
  s.redis.key_file = "k.pem";
  CHECK(advice_on(s) == these{"warning redis.ca_file", "warning redis.certificate_file"});
}

TEST_CASE("answers that can never be kept are warned about", "[config][advice]") {
  settings s;
  s.memory.budget = 32_MiB;
  s.node.shards = 4;
  CHECK(advice_on(s) == these{"warning limits.value_bytes"});
  s.limits.value_bytes = 8_MiB;
  CHECK(advice_on(s) == these{});
}

TEST_CASE("lives that are too long for models or memory are told", "[config][advice]") {
  settings s;
  s.ttl.max = 3650_d;
  s.ttl.operations["qa"] = 366_d;
  CHECK(advice_on(s) == these{"warning ttl.operations"});
  s.ttl.operations["qa"] = 365_d;
  s.ttl.default_ = 365_d;
  CHECK(advice_on(s) == these{"recommendation ttl.default"});
  s.ttl.default_ = 366_d;
  CHECK(advice_on(s) == these{"warning ttl.default"});
  s.ttl.default_ = 1_d;
  CHECK(advice_on(s) == these{});
  s.limits.value_bytes = 1_MiB;
  s.memory.budget = 31_MiB;
  CHECK(advice_on(s) == these{"recommendation memory.budget"});
  s.ttl.default_ = 2_h;
  CHECK(advice_on(s) == these{});
}

TEST_CASE("compression that does not pay is told", "[config][advice]") {
  settings s;
  s.compression.level = 13;
  CHECK(advice_on(s) == these{"recommendation compression.level"});
  s.compression.level = 12;
  s.compression.min_bytes = 10001;
  CHECK(advice_on(s) == these{"recommendation compression.min_bytes"});
  s.compression.min_bytes = 63;
  CHECK(advice_on(s) == these{"recommendation compression.min_bytes"});
  s.compression.level = 1;
  CHECK(advice_on(s) == these{});
}

TEST_CASE("waiting for less than the call, or long for Redis, is told", "[config][advice]") {
  settings s;
  s.lease.park_timeout = s.lease.duration - 1_ms;
  CHECK(advice_on(s) == these{"recommendation lease.park_timeout"});
  s = guarded();
  s.redis.get_deadline = 1001_ms;
  CHECK(advice_on(s) == these{"recommendation redis.get_deadline"});
  s.redis.get_deadline = 1_s;
  s.invalidation.journal_file.clear();
  CHECK(advice_on(s) == these{"recommendation invalidation.journal_file"});
}

TEST_CASE("mandatory advice reads only the section that it is about", "[config][advice]") {
  for (const auto& row : all_advice())
    if (row.strict == demand::mandatory)
      for (const auto& found : row.check(
               [] {
                 settings s;
                 s.redis.url = "rediss://far";
                 s.redis.verify_name = false;
                 return s;
               }(),
               {}))
        CHECK(found.key.starts_with(std::string(row.about) + '.'));
}

TEST_CASE("a verdict sorts what there is to say, with the source of each value", "[config][advice]") {
  sources from;
  from.values = {{"redis.url", "redis://u:a-password-of-letters@far"}, {"redis.password", "other"}};
  const auto verdict = validate(load(from), {64_MiB});
  REQUIRE(verdict.errors.size() == 1);
  CHECK_FALSE(verdict.is_valid());
  CHECK(verdict.errors[0].source == "default");
  REQUIRE(verdict.conflicts.size() == 1);
  CHECK(verdict.conflicts[0].source == "value redis.password");
  REQUIRE(verdict.warnings.size() == 1);
  CHECK(verdict.warnings[0].source == "value redis.url");
  CHECK(verdict.recommendations.size() == 2);
  from.values["node.port"] = "x";
  const auto broken = validate(load(from), {64_MiB});
  CHECK(broken.errors.size() == 1);
  CHECK(broken.warnings.empty());
}

TEST_CASE("the way to Redis has a level of security", "[config][advice]") {
  settings s;
  CHECK(security_level(s) == "none");
  s.redis.url = "redis://far";
  CHECK(security_level(s) == "low");
  s.redis.password = "x";
  CHECK(security_level(s) == "medium");
  s.redis.url = "rediss://far";
  CHECK(security_level(s) == "high");
  s.redis.verify_name = false;
  CHECK(security_level(s) == "medium");
  s = {};
  s.redis.url = "unix:///run/redis";
  CHECK(security_level(s) == "medium");
}

}  // namespace aicache::advice_test
