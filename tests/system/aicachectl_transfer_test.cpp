#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <map>

#include "engine/legacy/export_line.hpp"
#include "tests/support/cache_caller.hpp"
#include "tests/system/aicachectl_files.hpp"
#include "tests/system/shared_tier.hpp"

// A whole cache out of a node and into another, and what Redis and memory have in common.
namespace aicache::aicachectl_transfer_test {
namespace {

using namespace test;
}  // namespace

TEST_CASE("a whole cache moves to another node, for what is left of its answers' lives", "[system][aicachectl]") {
  cache_caller caller;
  aicached_process from({"node.shards=3", "ttl.jitter=0"});
  aicached_process to({"node.shards=2", "ttl.jitter=0"});
  const client source = caller.connect(from);
  REQUIRE(put_all(source, 0, 3'000) == 3'000);
  put_options tagged;
  tagged.tags = {"doc-17"};
  tagged.ttl = duration{600'000};
  REQUIRE(source.put(question(5'000), {"tagged", "model-9", 4, 5, 6}, tagged).status == put_status::stored);
  const files f;
  const auto out = facts_of(ctl(from, {"export", f.at("all.jsonl.zst")}));
  CHECK(out.at("written") == "3001");
  CHECK_FALSE(std::filesystem::exists(f.at("all.jsonl.zst.part")));
  // Nothing of what users asked is in the file, nor does asking for all count as asking.
  CHECK(caller.statistics(from).total.gets() == 0);
  const auto in = facts_of(ctl(to, {"import", f.at("all.jsonl.zst")}));
  CHECK(in.at("lines") == "3001");
  CHECK(in.at("stored") == "3001");
  const client target = caller.connect(to);
  const found got = get_all(target, 0, 3'000);
  CHECK(got.hits == 3'000);
  CHECK(got.wrong == 0);
  const answer whole = target.get(question(5'000));
  REQUIRE(whole.hit());
  CHECK(whole.text() == "tagged");
  CHECK(whole.model() == "model-9");
  CHECK(whole.facts().input_tokens == 4);
  const answer original = source.get(question(5'000));
  CHECK(whole.created == original.created);
  CHECK(whole.expires == original.expires);
  CHECK(*whole.time_left() <= duration{600'000});
  // Twice is as good as once, and what is newer stays.
  REQUIRE(put_all(target, 0, 1) == 1);
  const auto again = facts_of(ctl(to, {"import", f.at("all.jsonl.zst")}));
  CHECK(again.at("present") == "3000");
  CHECK(again.at("newer_here") == "1");
  // The tag came along.
  CHECK(target.invalidate({scope_kind::tag, question(5'000).tenant, "doc-17"})->in_memory == 1);
}

TEST_CASE("compressed answers leave a node as readable as any", "[system][aicachectl]") {
  cache_caller caller;
  aicached_process from({"memory.budget=16MiB", "memory.warm_share=0.9", "node.shards=1"});
  const client source = caller.connect(from);
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "word" + std::to_string(i % 100) + ' ';
  for (std::uint64_t n = 0; n < 60; ++n) source.put(question(n), {std::to_string(n) + text, "m", 1, 2, 3});
  REQUIRE(eventually([&] { return caller.statistics(from).present.entries_warm > 20; }));
  const files f;
  const auto out = facts_of(ctl(from, {"export", f.at("all.jsonl")}));
  const std::uint64_t written = std::stoull(out.at("written"));
  CHECK(written > 20);
  std::istringstream lines(f.text_of("all.jsonl"));
  std::uint64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto e = read_export_line(line, ++number);
    REQUIRE(e);
    CHECK(e->payload.ends_with(text));
  }
  CHECK(number == written);
}

TEST_CASE("lines that are none are counted, the first is shown, and the rest goes on", "[system][aicachectl]") {
  cache_caller caller;
  aicached_process from({});
  const client source = caller.connect(from);
  REQUIRE(put_all(source, 0, 3) == 3);
  const files f;
  REQUIRE(ctl(from, {"export", f.at("some.jsonl")}).code == 0);
  std::string text = f.text_of("some.jsonl");
  const auto second = text.find('\n') + 1;
  text.insert(second, "{\"version\":1,\"secret\":\"what a user asked\"}\n\n");
  text += "not a line\n";
  aicached_process to({});
  const command_result dry = ctl(to, {"import", "-", "--dry-run"}, text);
  CHECK(facts_of(dry).at("stored") == "3");
  CHECK(get_all(caller.connect(to), 0, 3).hits == 0);
  const command_result r = ctl(to, {"import", "-"}, text);
  CHECK(r.code == 1);
  const auto in = facts_of(r);
  CHECK(in.at("lines") == "5");
  CHECK(in.at("stored") == "3");
  CHECK(in.at("malformed") == "2");
  CHECK(in.at("first_malformed").starts_with("line 2: "));
  CHECK(r.out.find("what a user asked") == std::string::npos);
  CHECK(get_all(caller.connect(to), 0, 3).hits == 3);
}

TEST_CASE("what expired is refused, and a shorter ttl.max is kept to", "[system][aicachectl]") {
  cache_caller caller;
  aicached_process from({});
  const client source = caller.connect(from);
  put_options lasting;
  lasting.ttl = duration{86'400'000};
  source.put(question(1), {"lasting", "m", 1, 1, 1}, lasting);
  const files f;
  REQUIRE(ctl(from, {"export", f.at("some.jsonl")}).code == 0);
  std::string text = f.text_of("some.jsonl");
  std::string gone = text;
  const auto at = gone.find("\"expires\":") + 10;
  gone.replace(at, gone.find(',', at) - at, "1700000000000");
  aicached_process to({"ttl.max=1h", "ttl.operations=none"});
  const command_result r = ctl(to, {"import", "-"}, text + gone);
  CHECK(r.code == 1);
  CHECK(facts_of(r).at("expired") == "1");
  CHECK(facts_of(r).at("refused") == "1");
  CHECK(get_all(caller.connect(to), 1, 2).hits == 0);
}

TEST_CASE("an export and an import go on where they were cut off", "[system][aicachectl]") {
  cache_caller caller;
  aicached_process from({"node.shards=4"});
  const client source = caller.connect(from);
  REQUIRE(put_all(source, 0, 2'000) == 2'000);
  const files f;
  // A run that is over is known to be over.
  REQUIRE(ctl(from, {"export", f.at("a.jsonl"), "--state", f.at("a.state")}).code == 0);
  const std::string first = f.text_of("a.jsonl");
  CHECK(lines_in(first) == 2'000);
  REQUIRE(ctl(from, {"export", f.at("a.jsonl"), "--state", f.at("a.state")}).code == 0);
  CHECK(f.text_of("a.jsonl") == first);
  // One that was cut off after the second shard, in the middle of a write.
  auto state = nlohmann::json::parse(f.text_of("a.state"));
  const std::string head = first.substr(0, first.find('\n') + 1);
  state["task"] = "export to " + f.at("b.jsonl");
  state["is_done"] = false;
  state["shard"] = 2;
  state["bytes"] = head.size();
  state["counts"] = {{"written", 1}, {"from_memory", 1}};
  f.write("b.state", state.dump());
  f.write("b.jsonl.part", head + "{\"version\":1,\"tena");
  const command_result went_on = ctl(from, {"export", f.at("b.jsonl"), "--state", f.at("b.state")});
  CHECK(went_on.code == 0);
  CHECK(facts_of(went_on).at("written_before") == "1");
  const std::string second = f.text_of("b.jsonl");
  CHECK(second.starts_with(head));
  const std::size_t in_two_shards = lines_in(second) - 1;
  CHECK(in_two_shards > 800);
  CHECK(in_two_shards < 1'200);
  std::istringstream lines(second);
  std::uint64_t number = 0;
  for (std::string line; std::getline(lines, line);) CHECK(read_export_line(line, ++number));
  // A state of something else is not gone on with.
  CHECK(ctl(from, {"export", f.at("c.jsonl"), "--state", f.at("b.state")}).code == 2);

  aicached_process to({});
  nlohmann::json imported{{"version", 1},
                          {"task", "import of " + f.at("a.jsonl")},
                          {"bytes", 0},
                          {"line", 1'500},
                          {"cursor", ""},
                          {"redis_done", false},
                          {"shard", 0},
                          {"walk", 0},
                          {"bucket", 0},
                          {"is_done", false},
                          {"counts", {{"lines", 1'500}, {"stored", 1'500}}},
                          {"first_malformed", ""}};
  f.write("in.state", imported.dump());
  const auto in = facts_of(ctl(to, {"import", f.at("a.jsonl"), "--state", f.at("in.state")}));
  CHECK(in.at("stored") == "2000");
  CHECK(in.at("settled_before") == "1500");
  CHECK(get_all(caller.connect(to), 0, 2'000).hits == 500);
  const auto again = facts_of(ctl(to, {"import", f.at("a.jsonl"), "--state", f.at("in.state")}));
  CHECK(again.at("stored") == "2000");
}

TEST_CASE("an export with Redis enters another Redis, and what was invalidated does not come back",
          "[system][aicachectl][shared]") {
  cache_caller caller;
  redis_server redis;
  redis_server elsewhere;
  const files f;
  {
    aicached_process from(patient(redis.port()));
    const client source = caller.connect(from);
    REQUIRE(put_all(source, 0, 200) == 200);
    REQUIRE(put_all(source, 0, 100, "dead") == 100);
    REQUIRE(eventually([&] { return keys_in(redis) == 300; }));
    const auto out = facts_of(ctl(from, with_redis({"export", f.at("all.jsonl.zst"), "--redis"}, redis)));
    CHECK(out.at("from_redis") == "300");
    CHECK(out.at("from_memory") == "300");
    // Within the running node, and on another one of that Redis.
    REQUIRE(source.invalidate({scope_kind::operation, "", "dead"}));
    REQUIRE(source.erase(question(7)).found);
    const auto here = facts_of(ctl(from, {"import", f.at("all.jsonl.zst")}));
    CHECK(here.at("invalidated") == "202");
    CHECK(here.at("present") == "398");
    CHECK(get_all(source, 0, 100, "dead").hits == 0);
    aicached_process other(patient(redis.port()));
    const client second = caller.connect(other);
    const auto there = facts_of(ctl(other, {"import", f.at("all.jsonl.zst")}));
    CHECK(there.at("invalidated") == "202");
    CHECK(get_all(second, 0, 100, "dead").hits == 0);
    CHECK(get_all(second, 7, 8).hits == 0);
  }
  aicached_process to(patient(elsewhere.port()));
  const auto in = facts_of(ctl(to, {"import", f.at("all.jsonl.zst")}));
  CHECK(in.at("stored") == "300");
  CHECK(in.at("present") == "300");
  REQUIRE(eventually([&] { return keys_in(elsewhere) == 300; }));
  aicached_process fresh(patient(elsewhere.port()));
  CHECK(served_from_redis(caller.connect(fresh), 0, 200));
  // What would be written to Redis waits until it is known what lies there.
  elsewhere.kill();
  aicached_process alone(usual(elsewhere.port()));
  const command_result away = ctl(alone, {"import", f.at("all.jsonl.zst"), "--state", f.at("away.state")});
  CHECK(away.code == 3);
  CHECK(get_all(caller.connect(alone), 0, 200).hits == 0);
  REQUIRE(elsewhere.start());
  REQUIRE(eventually([&] {
    return ctl(alone, {"import", f.at("all.jsonl.zst"), "--state", f.at("away.state")}).code == 0;
  }));
  CHECK(get_all(caller.connect(alone), 0, 200).hits == 200);
}

TEST_CASE("whoever moves a cache without a node is told so", "[system][aicachectl]") {
  const files f;
  f.write("empty.jsonl", "");
  for (const words& command : {words{"export", f.at("x.jsonl")}, words{"import", f.at("empty.jsonl")}}) {
    words all = command;
    all.insert(all.end(), {"--node", "127.0.0.1:1"});
    const command_result r = aicachectl(all);
    CHECK(r.code == 3);
    CHECK(r.complains_of("127.0.0.1:1"));
  }
  CHECK(aicachectl({"import", f.at("nowhere.jsonl"), "--node", "127.0.0.1:1"}).code == 2);
}

}  // namespace aicache::aicachectl_transfer_test
