#include "engine/shared/sweep_core.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "engine/codec/envelope_head.hpp"
#include "engine/shared/redis_key.hpp"
#include "tests/support/shard_harness.hpp"

namespace aicache::sweep_core_test {

using namespace aicache::test;

namespace {

std::string envelope_of(const identity& id, std::vector<std::uint64_t> list) {
  envelope_view v;
  v.id = id;
  v.generations = generation_list{std::span<const std::uint64_t>(list)};
  v.payload = "answer";
  v.raw_bytes = 6;
  std::string bytes;
  REQUIRE(encode(v, {}, bytes));
  return bytes;
}

// Masters that hold keys; a SCAN gives two of them at a time.
struct masters {
  explicit masters(std::size_t n) : keys(n) {}

  std::vector<link_reply> run(const std::vector<link_command>& commands, bool answers = true) {
    std::vector<link_reply> replies;
    for (const auto& c : commands) replies.push_back({answers, answers ? run(c) : redis_reply{}});
    return replies;
  }
  redis_reply run(const link_command& c) {
    auto bulk = [](std::string t) { return redis_reply{redis_reply::kind::bulk, 0, std::move(t), {}}; };
    if (c.words[0] == "SCAN") {
      auto& mine = keys.at(static_cast<std::size_t>(c.master));
      // The cursor is the last key given.
      auto at = c.words[1] == "0" ? mine.begin() : mine.upper_bound(c.words[1]);
      redis_reply found{redis_reply::kind::array, 0, "", {}};
      std::string cursor = "0";
      for (int i = 0; i < 2 && at != mine.end(); ++i, ++at) found.elements.push_back(bulk(cursor = at->first));
      if (at == mine.end()) cursor = "0";
      return {redis_reply::kind::array, 0, "", {bulk(cursor), found}};
    }
    for (auto& mine : keys)
      if (const auto at = mine.find(c.words[1]); at != mine.end()) {
        if (c.words[0] == "GETRANGE") return bulk(at->second.substr(0, envelope_head_bytes));
        mine.erase(at);
        return {redis_reply::kind::integer, 1, "", {}};
      }
    return c.words[0] == "GETRANGE" ? bulk("") : redis_reply{redis_reply::kind::integer, 0, "", {}};
  }
  std::size_t size() const {
    std::size_t n = 0;
    for (const auto& mine : keys) n += mine.size();
    return n;
  }
  std::vector<std::map<std::string, std::string>> keys;
};

struct bench {
  explicit bench(std::size_t n) : redis(n), sweeps({.prefix = "p"}) {
    sweeps.link(true, static_cast<std::uint32_t>(n));
    for (std::uint64_t i = 0; i < 30; ++i) {
      const identity id = id_of(i);
      redis.keys[i % n][redis_key("p", i % 3 == 0 ? "a:b" : "c", "op", id)] = envelope_of(id, {i, 7 + i % 2});
    }
  }
  std::optional<sweep_core::finished> run(int steps = 1'000) {
    for (int i = 0; i < steps; ++i) {
      now = std::max(now, std::min(sweeps.due(), now + duration{1'000}));
      const auto commands = sweeps.next(now);
      if (commands.empty()) return {};
      if (auto ended = sweeps.replied(redis.run(commands), book, now)) return ended;
    }
    return {};
  }
  masters redis;
  sweep_core sweeps;
  generation_book book{{}};
  instant now{1'000};
};

}  // namespace

TEST_CASE("a sweep removes what is dead on every master, and counts it", "[shared]") {
  bench b(3);
  b.book.raise(scope_of_tenant("a:b"), 15);
  const auto number = b.sweeps.add({scope_of_tenant("a:b"), "a:b", {}});
  const auto ended = b.run();
  REQUIRE(ended);
  CHECK(ended->sweep == number);
  CHECK(ended->complete);
  // Of 0, 3 … 27 those that were born before 15.
  CHECK(ended->removed == 5);
  CHECK(b.redis.size() == 25);
  CHECK(b.sweeps.counted().masters == 3);
  b.book.raise(scope_of_tag(7), 100);
  b.book.raise(scope_of_key(id_of(29).key()), 100);
  b.sweeps.add({});
  // All with tag 7, the even ones, of which three are gone; and one key.
  CHECK(b.run()->removed == 13);
  CHECK(b.sweeps.is_idle());
}

TEST_CASE("what bears our name and is no envelope, or not of this form, is left alone and counted", "[shared]") {
  bench b(1);
  b.redis.keys[0].clear();
  b.redis.keys[0]["p:t:op:short"] = envelope_of(id_of(1), {1});
  b.redis.keys[0][redis_key("p", "t", "op", id_of(2))] = "AICE but no more";
  b.redis.keys[0]["p:t:o*p:" + id_of(3).hex()] = envelope_of(id_of(3), {1});
  std::string later = envelope_of(id_of(4), {1});
  later[4] = 9;
  b.redis.keys[0][redis_key("p", "t", "op", id_of(4))] = later;
  b.book.raise(scope{}, 100);
  b.sweeps.add({});
  CHECK(b.run()->removed == 0);
  CHECK(b.redis.size() == 4);
  CHECK(b.sweeps.counted().foreign == 4);
}

TEST_CASE("sweeps that mean the same are one, unless it has begun; too many become one over everything", "[shared]") {
  bench b(1);
  const auto first = b.sweeps.add({scope_of_tenant("c"), "c", {}});
  CHECK(b.sweeps.add({scope_of_tenant("c"), "c", {}}) == first);
  b.run(1);
  const auto second = b.sweeps.add({scope_of_tenant("c"), "c", {}});
  CHECK(second != first);
  std::uint64_t last = 0;
  for (int i = 0; i < 1'000; ++i) last = b.sweeps.add({scope_of_tenant(std::to_string(i)), std::to_string(i), {}});
  CHECK(last <= second + 256);
  b.book.raise(scope_of_operation("op"), 100);
  b.sweeps.pause(true);
  CHECK(b.sweeps.due() == never);
  b.sweeps.pause(false);
  std::uint64_t ended = 0;
  while (!b.sweeps.is_idle()) ended = b.run()->sweep;
  CHECK(ended == last);
  CHECK(b.redis.size() == 0);
  CHECK(b.sweeps.counted().removed == 30);
}

TEST_CASE("an outage sends a sweep back to the start of the master at hand, and nothing is counted twice", "[shared]") {
  for (int cut = 1; cut < 40; ++cut) {
    bench b(2);
    b.book.raise(scope{}, 100);
    b.sweeps.add({});
    REQUIRE_FALSE(b.run(cut));
    b.now = b.sweeps.due();
    const auto out = b.sweeps.next(b.now);
    b.sweeps.link(false, 2);
    CHECK(b.sweeps.due() == never);
    // Half of it was answered before the connection was lost.
    auto replies = b.redis.run(out);
    if (replies.size() > 1) replies.back().answered = false;
    const bool lost = replies.size() > 1 && out.back().words[0] == "UNLINK";
    CHECK_FALSE(b.sweeps.replied(replies, b.book, b.now));
    CHECK(b.sweeps.next(b.now).empty());
    b.sweeps.link(true, 2);
    b.now = b.sweeps.due();
    const auto anew = b.sweeps.next(b.now);
    REQUIRE(anew.size() == 1);
    CHECK(anew[0].words[0] == "SCAN");
    CHECK(anew[0].words[1] == "0");
    auto ended = b.sweeps.replied(b.redis.run(anew), b.book, b.now);
    if (!ended) ended = b.run();
    REQUIRE(ended);
    CHECK(ended->complete);
    CHECK(ended->removed == (lost ? 29 : 30));
    CHECK(b.redis.size() == 0);
  }
}

TEST_CASE("a sweep that Redis refuses again and again is given up", "[shared]") {
  bench b(1);
  const auto number = b.sweeps.add({});
  std::optional<sweep_core::finished> ended;
  int tries = 0;
  for (; !ended && tries < 100; ++tries) {
    b.now = b.sweeps.due();
    const auto commands = b.sweeps.next(b.now);
    const std::vector<link_reply> refused(commands.size(), {true, {redis_reply::kind::error, 0, "NOPERM", {}}});
    ended = b.sweeps.replied(refused, b.book, b.now);
  }
  REQUIRE(ended);
  CHECK(ended->sweep == number);
  CHECK_FALSE(ended->complete);
  CHECK(tries == 8);
  CHECK(b.sweeps.is_idle());
}

TEST_CASE("the head of an envelope says what the envelope says, and a cut one says nothing", "[codec]") {
  std::vector<std::uint64_t> list{11, 22, 33};
  envelope_view v;
  v.id = id_of(3);
  v.expires = {77};
  v.codec = payload_codec::zstd;
  v.dictionary_id = 5;
  v.generations = generation_list{std::span<const std::uint64_t>(list)};
  v.payload = "packed";
  v.raw_bytes = 60;
  std::string bytes;
  REQUIRE(encode(v, {}, bytes));
  envelope_head head;
  REQUIRE(read_envelope_head(std::string_view(bytes).substr(0, 96), head));
  CHECK(head.id == v.id);
  CHECK(head.expires == v.expires);
  CHECK(head.generations == v.generations);
  for (std::size_t n = 0; n < 96; ++n) CHECK_FALSE(read_envelope_head(std::string_view(bytes).substr(0, n), head));
  v.dictionary_id = {};
  REQUIRE(encode(v, {}, bytes));
  REQUIRE(read_envelope_head(bytes, head));
  CHECK(head.generations == v.generations);
}

TEST_CASE("a Redis key is taken apart into what it was made of", "[shared]") {
  redis_key_parts parts;
  for (const char* tenant : {"", "t", "a:b", "*?[x]{y}%", "\xc3\xa9"})
    for (const char* operation : {"", "qa", "100%:"}) {
      REQUIRE(parse_redis_key("p:q", redis_key("p:q", tenant, operation, id_of(9)), parts));
      CHECK(parts.tenant == tenant);
      CHECK(parts.operation == operation);
      CHECK(parts.id == id_of(9));
    }
  const std::string hex = id_of(9).hex();
  for (const std::string& wrong : {"p:t:" + hex, "p:t:o:" + hex + "0", "q:t:o:" + hex, "p:t%:o:" + hex,
                                   "p:t:x:o:" + hex, std::string("p"), std::string(), "p:t:o%2:" + hex})
    CHECK_FALSE(parse_redis_key("p", wrong, parts));
}

}  // namespace aicache::sweep_core_test
