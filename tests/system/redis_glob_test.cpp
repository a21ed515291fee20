#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "engine/search/glob.hpp"
#include "tests/support/redis_server.hpp"

using namespace aicache;

namespace {

std::string random_text(std::mt19937_64& random, const std::string& alphabet, std::size_t longest) {
  std::string text;
  for (std::size_t n = random() % longest + 1; n > 0; --n) text.push_back(alphabet[random() % alphabet.size()]);
  return text;
}

}  // namespace

TEST_CASE("patterns fit the keys that Redis says they fit", "[system][redis][glob]") {
  const test::redis_server redis;
  std::mt19937_64 random{GENERATE(1, 2, 3, 4)};
  // Few letters, so that patterns often fit; everything that a pattern may misunderstand; bytes beyond ASCII.
  const std::string plain = "abc";
  const std::string odd = "abc:_-^]\\*?[\x80\xc3\xff";
  std::vector<std::string> words{"EVAL",
                                 "for i = 1, tonumber(ARGV[1]) do redis.call('SET', ARGV[1 + i], '') end "
                                 "local said = {} "
                                 "for p = 2 + tonumber(ARGV[1]), #ARGV do "
                                 "  local there = {} "
                                 "  for _, key in ipairs(redis.call('KEYS', ARGV[p])) do there[key] = true end "
                                 "  local line = {} "
                                 "  for i = 1, tonumber(ARGV[1]) do line[i] = there[ARGV[1 + i]] and '1' or '0' end "
                                 "  said[#said + 1] = table.concat(line) "
                                 "end return table.concat(said, ' ')",
                                 "0"};
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < 300; ++i) keys.push_back(random_text(random, i % 2 == 0 ? plain : odd, 7));
  std::vector<std::string> patterns;
  for (std::size_t i = 0; i < 1'500; ++i)
    patterns.push_back(random_text(random, i % 3 == 0 ? "abc*?" : i % 3 == 1 ? "ab[]^-*" : odd + "**??[[^]--\\\\", 9));
  words.push_back(std::to_string(keys.size()));
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), patterns.begin(), patterns.end());
  const std::string said = redis.ask(words);
  REQUIRE(said.size() == patterns.size() * (keys.size() + 1) - 1);
  std::size_t fitting = 0;
  for (std::size_t p = 0; p < patterns.size(); ++p) {
    for (std::size_t k = 0; k < keys.size(); ++k) {
      const bool fits = said[p * (keys.size() + 1) + k] == '1';
      fitting += fits ? 1 : 0;
      if (glob_match(patterns[p], keys[k]) == fits) continue;
      CAPTURE(patterns[p], keys[k], fits);
      FAIL_CHECK("Redis says otherwise");
    }
  }
  CHECK(fitting > 1'000);
}
