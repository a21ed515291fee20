#include <catch2/catch.hpp>
#include <string>

#include "engine/search/glob.hpp"

namespace aicache::glob_test {

using aicache::glob_match;
using aicache::glob_quoted;

// That every pattern means what Redis takes it for is the matter of tests/system/redis_glob_test.
TEST_CASE("a pattern's characters mean what they do everywhere", "[engine][glob]") {
  struct {
    const char* pattern;
    const char* text;
    bool fits;
  } const cases[] = {
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
      {"*", "anything", true},
      {"user:*", "user:42", true},
      {"user:*", "user:", true},
      {"user:*", "users:42", false},
      {"*:42", "user:42", true},
      {"u*r:*2", "user:42", true},
      {"u?er", "user", true},
      {"u?er", "uer", false},
      {"[uv]ser", "vser", true},
      {"[^uv]ser", "vser", false},
      {"[a-c]1", "b1", true},
      {"[c-a]1", "b1", true},
      {"[a-c]1", "d1", false},
      {"a\\*b", "a*b", true},
      {"a\\*b", "axb", false},
      {"[\\]]", "]", true},
      {"[abc", "b", true},
      {"[]", "x", false},
      {"[^]", "x", true},
      {"a\\", "a\\", true},
      {"qa", "qa_long", false},
      {"qa*", "qa_long", true},
      {"**a**", "bab", true},
  };
  for (const auto& c : cases) {
    CAPTURE(c.pattern, c.text);
    CHECK(glob_match(c.pattern, c.text) == c.fits);
  }
}

TEST_CASE("a quoted text is fitted by itself alone", "[engine][glob]") {
  const std::string odd = "a*b?c[d]e^f-g\\h";
  CHECK(glob_match(glob_quoted(odd), odd));
  CHECK_FALSE(glob_match(glob_quoted(odd), "aXbYcde^f-g\\h"));
  for (int c = 1; c < 256; ++c) {
    const std::string one(1, static_cast<char>(c));
    for (int other = 1; other < 256; ++other)
      REQUIRE(glob_match(glob_quoted(one), std::string(1, static_cast<char>(other))) == (c == other));
  }
}

TEST_CASE("a wild pattern over a long text takes no longer than both are long", "[engine][glob]") {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  CHECK_FALSE(glob_match(pattern + "b", std::string(20'000, 'a')));
  CHECK(glob_match(pattern + "*", std::string(20'000, 'a')));
}

}  // namespace aicache::glob_test
