#include <catch2/catch.hpp>

#include "tests/system/shared_tier.hpp"

using namespace aicache;
using namespace aicache::test;

namespace {

const std::string sealing_key = "1=" + std::string(64, '1');
const std::string foreign_key = "1=" + std::string(64, '2');

std::vector<std::string> sealing(const redis_server& redis, const std::string& keys) {
  return patient(redis.port(), {"encryption.enabled=true", "encryption.keys=" + keys});
}

/// Runs a script on what lies there of the questions [from, to) of a tenant, and then of those of another.
std::string alter(const redis_server& redis, const std::string& script, std::uint64_t from, std::uint64_t to,
                  const std::string& tenant = "acme", std::uint64_t source = 0) {
  std::vector<std::string> words{"EVAL", script, std::to_string(2 * (to - from))};
  for (std::uint64_t n = from; n < to; ++n) words.push_back(place_of(question(n, "qa", tenant)));
  for (std::uint64_t n = from; n < to; ++n) words.push_back(place_of(question(n - from + source)));
  return redis.ask(words);
}

const std::string altering = "local n = #KEYS / 2; for i = 1, n do local v = redis.call('GET', KEYS[i]); ";
const std::string cut_short =
    altering + "redis.call('SET', KEYS[i], v:sub(1, #v * (i - 1) / n), 'KEEPTTL') end return n";
const std::string of_version_two =
    altering + "redis.call('SET', KEYS[i], v:sub(1, 4) .. string.char(2) .. v:sub(6), 'KEEPTTL') end return n";
const std::string of_the_source = altering + "redis.call('SET', KEYS[i], redis.call('GET', KEYS[n + i])) end return n";

}  // namespace

TEST_CASE("a bit that flipped in Redis makes a counted miss, never an answer", "[system][shared]") {
  const bool encrypted = GENERATE(false, true);
  CAPTURE(encrypted);
  const redis_server redis;
  const std::vector<std::string> settings = encrypted ? sealing(redis, sealing_key) : patient(redis.port());
  cache_caller caller;
  {
    aicached_process one(settings);
    REQUIRE(put_all(caller.connect(one), 0, 200) == 200);
    CHECK(one.drain() == 0);
  }
  REQUIRE(keys_in(redis) == 200);
  // In each another byte, and among them every byte that an envelope has.
  REQUIRE(redis.ask({"EVAL",
                     "local n = 0; for i, k in ipairs(redis.call('KEYS', 'aicache:*:*:*')) do "
                     "local v = redis.call('GET', k); if #v > 200 then return #v end local at = (i - 1) % #v + 1; "
                     "redis.call('SET', k, v:sub(1, at - 1) .. string.char(bit.bxor(v:byte(at), 2 ^ (i % 8))) .. "
                     "v:sub(at + 1), 'KEEPTTL'); n = n + 1 end return n",
                     "0"}) == "200");
  aicached_process two(settings);
  const client c = caller.connect(two);
  REQUIRE(writes_to(c, redis));
  const std::uint64_t others = keys_in(redis) - 200;
  const found f = get_all(c, 0, 200);
  CHECK(f.hits == 0);
  CHECK(f.errors == 0);
  CHECK(eventually([&] { return caller.statistics(two).total.misses_corrupt == 200; }));
  CHECK(eventually([&] { return keys_in(redis) == others; }));
}

TEST_CASE(
    "what was cut short, is of a future version, another request, another tenant or another key is a counted miss",
    "[system][shared]") {
  const bool encrypted = GENERATE(false, true);
  CAPTURE(encrypted);
  const redis_server redis;
  const std::vector<std::string> settings = encrypted ? sealing(redis, sealing_key) : patient(redis.port());
  cache_caller caller;
  {
    aicached_process one(settings);
    REQUIRE(put_all(caller.connect(one), 0, 80) == 80);
    CHECK(one.drain() == 0);
    // The same number, and not the same key; without keys, one too many.
    aicached_process stranger(sealing(redis, foreign_key));
    REQUIRE(put_all(caller.connect(stranger), 80, 100) == 100 - 80);
    CHECK(stranger.drain() == 0);
  }
  REQUIRE(keys_in(redis) == 100);
  REQUIRE(alter(redis, cut_short, 0, 20) == "20");
  REQUIRE(alter(redis, of_version_two, 20, 40) == "20");
  REQUIRE(alter(redis, of_the_source, 40, 60, "acme", 60) == "20");
  REQUIRE(alter(redis, of_the_source, 60, 80, "other", 60) == "20");
  aicached_process two(settings);
  const client c = caller.connect(two);
  REQUIRE(writes_to(c, redis));
  const std::uint64_t others = keys_in(redis) - 120;
  std::uint64_t replayed = 0;
  for (std::uint64_t n = 60; n < 80; ++n) replayed += c.get(question(n, "qa", "other")).hit() ? 1 : 0;
  CHECK(replayed == 0);
  const found f = get_all(c, 0, 100);
  CHECK(f.errors == 0);
  CHECK(f.wrong == 0);
  // The twenty that nobody touched.
  CHECK(f.hits == 20);
  CHECK(f.shared == 20);
  CHECK(get_all(c, 60, 80).hits == 20);
  CHECK(eventually([&] { return caller.statistics(two).total.misses_corrupt == 100; }));
  CHECK(eventually([&] { return keys_in(redis) == others + 20; }));
}
