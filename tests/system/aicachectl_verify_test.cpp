#include <catch2/catch.hpp>

#include <sstream>

#include "engine/legacy/export_line.hpp"
#include "tests/support/cache_caller.hpp"
#include "tests/system/aicachectl_files.hpp"
#include "tests/system/shared_tier.hpp"

// What memory and Redis have in common, as `aicachectl verify` tells it.
namespace aicache::aicachectl_verify_test {

using namespace test;

TEST_CASE("memory and Redis are compared by a sample, both ways", "[system][aicachectl][shared]") {
  cache_caller caller;
  redis_server redis;
  aicached_process node(patient(redis.port()));
  const client c = caller.connect(node);
  REQUIRE(put_all(c, 0, 500) == 500);
  REQUIRE(eventually([&] { return keys_in(redis) == 500; }));
  const words verify = with_redis({"verify", "--sample", "400"}, redis);
  REQUIRE(eventually([&] { return ctl(node, verify).code == 0; }));
  const command_result sound = ctl(node, verify);
  CAPTURE(sound.out, sound.errors);
  CHECK(facts_of(sound).at("consistent") == "yes");
  CHECK(facts_of(sound).at("redis_keys") == "500");
  CHECK(facts_of(sound).at("redis_sampled") == "400");
  CHECK(std::stoull(facts_of(sound).at("memory_sampled")) >= 300);
  CHECK(sound.out.find(question(1).tenant) == std::string::npos);
  // What another node has, and this one not yet, is served from there.
  {
    aicached_process other(patient(redis.port()));
    REQUIRE(put_all(caller.connect(other), 1'000, 1'050) == 50);
    REQUIRE(eventually([&] { return keys_in(redis) == 550; }));
  }
  const command_result more = ctl(node, with_redis({"verify", "--sample", "1000"}, redis));
  CHECK(more.code == 0);
  CHECK(findings_of(more).at("only_redis").second == "50");
  // Somebody removes one, damages one, and shortens the life of one.
  CHECK(redis.ask({"DEL", place_of(question(1))}) == "1");
  redis.ask({"SETRANGE", place_of(question(2)), "70", "damaged"});
  const command_result bad = ctl(node, with_redis({"verify", "--sample", "1000"}, redis));
  CAPTURE(bad.out, bad.errors);
  CHECK(bad.code == 1);
  CHECK(facts_of(bad).at("consistent") == "no");
  CHECK(findings_of(bad).at("missing").first == "1");
  CHECK(findings_of(bad).at("unreadable") == std::pair<std::string, std::string>{"1", "1"});
  // Without Redis there is nothing to compare with.
  CHECK(ctl(node, {"verify"}).code == 2);
}

TEST_CASE("an older answer in Redis, another text or another end of one answer are told apart",
          "[system][aicachectl][shared]") {
  cache_caller caller;
  redis_server redis;
  const files f;
  aicached_process node(patient(redis.port()));
  const client c = caller.connect(node);
  REQUIRE(put_all(c, 0, 5) == 5);
  REQUIRE(eventually([&] { return keys_in(redis) == 5; }));
  const words verify = with_redis({"verify", "--sample", "100"}, redis);
  REQUIRE(eventually([&] {
    return findings_of(ctl(node, verify)).at("same") == std::pair<std::string, std::string>{"5", "5"};
  }));
  // The same answers with another text and another end, in the same Redis, elsewhere.
  REQUIRE(ctl(node, {"export", f.at("all.jsonl")}).code == 0);
  aicached_process other(patient(redis.port(), {"redis.prefix=elsewhere"}));
  std::istringstream lines(f.text_of("all.jsonl"));
  std::string changed;
  identifier names{identity_options{}};
  for (std::string line; std::getline(lines, line);) {
    auto e = read_export_line(line, 1);
    REQUIRE(e);
    e->born = 0;
    for (std::uint64_t n : {1, 2})
      if (const identity whole = names.identify(question(n))->id; whole.key() == e->id.key()) {
        e->id = whole;
        e->whole_identity = true;
        if (n == 1) e->payload += ", or so";
        if (n == 2) e->expires = e->expires - duration{60'000};
        REQUIRE(write_export_line(*e, changed));
      }
  }
  f.write("changed.jsonl", changed);
  const auto in = facts_of(ctl(other, {"import", f.at("changed.jsonl"), "--foreign"}));
  CHECK(in.at("stored") == "2");
  const auto there = [](std::uint64_t n) {
    return "elsewhere" + place_of(question(n)).substr(std::string("aicache").size());
  };
  REQUIRE(eventually([&] { return redis.ask({"EXISTS", there(1), there(2)}) == "2"; }));
  for (std::uint64_t n : {1, 2}) CHECK(redis.ask({"COPY", there(n), place_of(question(n)), "REPLACE"}) == "1");
  // What was overwritten, brought back behind the node's back.
  CHECK(redis.ask({"COPY", place_of(question(3)), "saved"}) == "1");
  REQUIRE(put_all(c, 3, 4) == 1);
  REQUIRE(eventually([&] { return !findings_of(ctl(node, verify)).contains("pending"); }));
  CHECK(redis.ask({"COPY", "saved", place_of(question(3)), "REPLACE"}) == "1");
  const command_result bad = ctl(node, verify);
  CAPTURE(bad.out, bad.errors);
  CHECK(bad.code == 1);
  const auto found = findings_of(bad);
  CHECK(found.at("unequal").first == "1");
  CHECK(found.at("life").first == "1");
  CHECK(found.at("older") == std::pair<std::string, std::string>{"1", "1"});
  CHECK(found.at("same").first == "2");
}

TEST_CASE("an answer of Redis that a node would not serve is told", "[system][aicachectl][shared]") {
  cache_caller caller;
  redis_server redis;
  aicached_process writer(patient(redis.port()));
  aicached_process reader(patient(redis.port(), {"limits.value_bytes=1KiB"}));
  const client c = caller.connect(writer);
  REQUIRE(put_all(c, 0, 3) == 3);
  REQUIRE(c.put(question(3), {std::string(8'000, 'x'), "m", 1, 2, 3}).status == put_status::stored);
  REQUIRE(eventually([&] { return keys_in(redis) == 4; }));
  const command_result bad = ctl(reader, with_redis({"verify", "--sample", "100"}, redis));
  CAPTURE(bad.out, bad.errors);
  CHECK(bad.code == 1);
  const auto found = findings_of(bad);
  CHECK(found.at("unserved").second == "1");
  CHECK(found.at("only_redis").second == "3");
  // To ask for it is a miss, and no reason to remove what others serve.
  CHECK(caller.connect(reader).get(question(3)).status == get_status::miss);
  CHECK(keys_in(redis) == 4);
  CHECK(c.get(question(3)).hit());
}

}  // namespace aicache::aicachectl_verify_test
