#include <catch2/catch.hpp>

#include "engine/shared/redis_key.hpp"
#include "engine/shared/scope.hpp"

namespace aicache::scope_test {

TEST_CASE("scopes of different names and kinds differ, and tags belong to their tenant", "[shared]") {
  CHECK(scope_of_tenant("a") != scope_of_tenant("b"));
  CHECK(scope_of_tenant("a") != scope_of_operation("a"));
  CHECK(scope_of_tag("a", "x") != scope_of_tag("b", "x"));
  CHECK(scope_of_tag("a", "x") == scope_of_tag("a", "x"));
}

TEST_CASE("a scope is read back from its text, and nothing else is", "[shared]") {
  for (const scope& s : {scope{}, scope_of_tenant("t"), scope_of_operation("qa"), scope_of_tag("t", "x"),
                         scope_of_key({0x0123456789abcdefULL, 0xfedcba9876543210ULL})}) {
    scope back;
    REQUIRE(parse_scope(to_text(s), back));
    CHECK(back == s);
  }
  CHECK(to_text(scope_of_key({0x0123456789abcdefULL, 1})) == "k0123456789abcdef0000000000000001");
  scope none;
  for (const char* text : {"", "x", "e0", "t", "k0123456789abcdef000000000000000", "k0123456789abcdef00000000000000011",
                           "q0123456789abcdef0000000000000001", "k0123456789ABCDEF0000000000000001"})
    CHECK_FALSE(parse_scope(text, none));
}

TEST_CASE("a Redis key names tenant and operation so that no pattern of one matches another", "[shared]") {
  identity id;
  id.digest[0] = std::byte{0xab};
  const std::string hex = id.hex();
  CHECK(redis_key("aicache", "t", "qa", id) == "aicache:t:qa:" + hex);
  CHECK(redis_key("p", "a:b*{c}", "", id) == "p:a%3ab%2a%7bc%7d::" + hex);
  CHECK(redis_pattern("aicache", std::nullopt, "qa") == "aicache:*:qa:*");
  CHECK(redis_pattern("aicache", "", std::nullopt) == "aicache::*:*");
  identity back;
  REQUIRE(identity_of_key(redis_key("aicache", "t", "qa_long", id), back));
  CHECK(back == id);
  for (const std::string& key :
       {std::string("aicache"), hex, "aicache:t:qa:" + hex + "0", "aicache:t:qa:Z" + hex.substr(1)})
    CHECK_FALSE(identity_of_key(key, back));
}

}  // namespace aicache::scope_test
