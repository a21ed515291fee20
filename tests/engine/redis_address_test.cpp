#include <catch2/catch.hpp>

#include "engine/redis/address.hpp"

namespace aicache::redis_address_test {

TEST_CASE("a Redis URL says where, how and as whom", "[redis]") {
  const auto plain = parse_redis_url("redis://cache.example:6380/3");
  REQUIRE(plain);
  CHECK(*plain == redis_address{redis_transport::tcp, "cache.example", 6'380, "", "", "", 3});
  const auto all = parse_redis_url("rediss://me:p%40ss%3A@[::1]");
  REQUIRE(all);
  CHECK(*all == redis_address{redis_transport::tls, "::1", 6'379, "", "me", "p@ss:", 0});
  const auto socket = parse_redis_url("unix://:pw@/run/redis.sock?db=2");
  REQUIRE(socket);
  CHECK(*socket == redis_address{redis_transport::unix_socket, "127.0.0.1", 6'379, "/run/redis.sock", "", "pw", 2});
}

TEST_CASE("a printed Redis address reads back, but for its secret", "[redis]") {
  for (const char* url : {"redis://a:1/0", "rediss://u:***@h:2/9", "unix:///s?db=1", "redis://[::1]:6379/0"}) {
    const auto a = parse_redis_url(url);
    REQUIRE(a);
    CHECK(a->printable() == url);
  }
  const auto secret = parse_redis_url("redis://:hunter2@h");
  REQUIRE(secret);
  CHECK(secret->printable().find("hunter2") == std::string::npos);
}

TEST_CASE("a wrong Redis URL is refused without being quoted", "[redis]") {
  for (const char* url : {"", "http://a", "redis://", "redis://:pw@", "redis://a:0", "redis://a:99999", "redis://a:b",
                          "redis://a/x", "redis://%zz:pw@a", "redis://u:%4@a", "redis://[::1", "redis://[::1]6379",
                          "unix://relative", "unix://", "unix:///s?db=x"}) {
    CAPTURE(url);
    const auto a = parse_redis_url(url);
    CHECK_FALSE(a);
    if (!a) {
      CHECK(a.why().code == errc::invalid_argument);
      CHECK(a.why().detail.find("pw") == std::string::npos);
    }
  }
}

}  // namespace aicache::redis_address_test
