#include <catch2/catch.hpp>

#include "tests/support/link_bench.hpp"

namespace aicache::link_cluster_test {

using namespace aicache::test;

TEST_CASE("a cluster's keys go to the owners of their slots", "[link]") {
  two_masters b;
  CHECK(b.told.back() == link_core::standing{true, 2, 0});
  b.read(1, {low, high});
  const std::uint32_t one = b.reply("GET " + low, bulk("l"));
  const std::uint32_t two = b.reply("GET " + high, error("WRONGTYPE Operation"));
  CHECK(one == b.id_of("h:1"));
  CHECK(two == b.id_of("h:2"));
  CHECK(b.reads.at(1)[0].bytes == "l");
  CHECK(b.read_of(1, 1) == state::absent);
  b.run(2, {{{"SCAN", "0"}, "", 1}, {{"EVAL"}, low, -1}, {{"SCAN", "0"}, "", 2}});
  CHECK(b.reply("SCAN 0", list({})) == two);
  CHECK(b.reply("EVAL", number(3)) == one);
  CHECK(b.runs.at(2).at(0).answered);
  CHECK_FALSE(b.runs.at(2).at(2).answered);
}

TEST_CASE("MOVED is followed at once, also to a master that nobody knew, and the slots are read again", "[link]") {
  two_masters b;
  b.pass(100);
  b.read(1, {low});
  b.reply("GET " + low, error("MOVED " + std::to_string(slot_of(low)) + " h:2"));
  CHECK(b.reply("GET " + low, bulk("there")) == b.id_of("h:2"));
  CHECK(b.reads.at(1)[0].bytes == "there");
  REQUIRE(b.waiting() == std::vector<std::string>{"CLUSTER SLOTS"});
  b.slots();
  b.read(2, {high});
  b.reply("GET " + high, error("MOVED " + std::to_string(slot_of(high)) + " n:9"));
  CHECK(b.reads.count(2) == 0);
  REQUIRE(b.id_of("n:9") != UINT32_MAX);
  b.come_up("n:9");
  CHECK(b.core.gate_is_open());
  CHECK(b.reply("GET " + high, bulk("new")) == b.id_of("n:9"));
  CHECK(b.reads.at(2)[0].bytes == "new");
  // From now on at once.
  b.read(3, {high});
  CHECK(b.reply("GET " + high, bulk("new")) == b.id_of("n:9"));
  CHECK(b.core.counted().redirections == 2);
}

TEST_CASE("a redirected command waits only so long for its connection", "[link]") {
  two_masters b;
  b.read(1, {low});
  b.reply("GET " + low, error("MOVED " + std::to_string(slot_of(low)) + " n:9"));
  for (int i = 0; i < 40; ++i) b.pass(10);
  CHECK(b.read_of(1) == state::unavailable);
  b.read(2, {high});
  b.reply("GET " + high, error("ASK " + std::to_string(slot_of(high)) + " n:8"));
  b.go_down("n:8");
  CHECK(b.read_of(2) == state::unavailable);
}

TEST_CASE("ASK is followed this once, behind ASKING on the same connection", "[link]") {
  two_masters b;
  b.write(1, {{low, "v", 0}});
  b.reply("SET " + low + " v", error("ASK " + std::to_string(slot_of(low)) + " h:2"));
  REQUIRE(b.waiting() == std::vector<std::string>{"ASKING", "SET " + low + " v"});
  CHECK(b.flying[0].id == b.flying[1].id);
  CHECK(b.reply("ASKING", status()) == b.id_of("h:2"));
  b.reply("SET " + low + " v", status());
  CHECK(b.writes.at(1).at(0) == store_status::done);
  b.read(2, {low});
  CHECK(b.reply("GET " + low, bulk("v")) == b.id_of("h:1"));
}

TEST_CASE("three redirections, and no more", "[link]") {
  two_masters b;
  b.read(1, {low});
  for (int i = 0; i < 4; ++i) {
    CHECK(b.reads.empty());
    b.reply("GET " + low, error("MOVED " + std::to_string(slot_of(low)) + (i % 2 == 0 ? " h:2" : " h:1")));
  }
  CHECK(b.read_of(1) == state::unavailable);
  CHECK(b.core.counted().redirections == 3);
}

TEST_CASE("writes of a key keep their order through redirections", "[link]") {
  two_masters b;
  b.write(1, {{low, "1", 0}});
  b.write(2, {{low, "2", 0}, {high, "x", 0}});
  b.write(3, {{low, "", 0}});
  CHECK(b.waiting() == std::vector<std::string>{"SET " + low + " 1", "SET " + high + " x"});
  b.reply("SET " + low + " 1", error("MOVED " + std::to_string(slot_of(low)) + " h:2"));
  b.reply("SET " + low + " 1", status());
  b.reply("SET " + low + " 2", status());
  b.reply("UNLINK " + low, number(1));
  b.reply("SET " + high + " x", status());
  CHECK(b.writes.size() == 3);
  b.write(4, {{low, "1", 0}, {low, "2", 0}});
  b.go_down("h:2");
  b.complete(b.flying.back(), how::unavailable);
  CHECK(b.writes.at(4) == std::vector<store_status>(2, store_status::unavailable));
}

TEST_CASE("a dead master costs its own keys only; the replica that follows it closes the gate", "[link]") {
  two_masters b;
  b.pass(100);
  b.go_down("h:2");
  CHECK(b.core.gate_is_open());
  CHECK(b.told.back().reachable);
  b.read(1, {low, high});
  b.reply("GET " + low, bulk("l"));
  CHECK(b.read_of(1, 0) == state::present);
  CHECK(b.read_of(1, 1) == state::unavailable);
  // The slots are asked for until somebody else has them.
  b.slots();
  for (int i = 0; i < 30 && b.flying.empty(); ++i) b.pass(10);
  const std::uint64_t gate = b.told.back().gate;
  b.reply("CLUSTER SLOTS", list({range(0, 8'191, 1), range(8'192, 16'383, 3)}));
  CHECK_FALSE(b.core.gate_is_open());
  CHECK(b.told.back().gate > gate);
  CHECK(b.id_of("h:2") == UINT32_MAX);
  b.come_up("h:3");
  b.open_gate();
  b.read(2, {high});
  CHECK(b.reply("GET " + high, bulk("h")) == b.id_of("h:3"));
  CHECK(b.read_of(2) == state::present);
}

TEST_CASE("when a whole cluster is gone it is looked for at the seeds again", "[link]") {
  two_masters b(cluster({"seed:1", "h:1"}));
  CHECK(b.id_of("seed:1") == UINT32_MAX);
  b.go_down("h:1");
  b.go_down("h:2");
  CHECK_FALSE(b.told.back().reachable);
  CHECK(b.core.counted().outages == 1);
  for (int i = 0; i < 200 && b.id_of("seed:1") == UINT32_MAX; ++i) b.pass(10);
  b.come_up("seed:1");
  for (int i = 0; i < 200 && b.flying.empty(); ++i) b.pass(10);
  b.reply("CLUSTER SLOTS", list({range(0, 16'383, 7)}));
  b.come_up("h:7");
  CHECK(b.told.back().reachable);
  CHECK(b.told.back().masters == 1);
}

TEST_CASE("slots are believed only from a reply that is one", "[link]") {
  std::vector<slot_range> found;
  CHECK(parse_cluster_slots(list({range(0, 10, 1, ""), range(11, 16'383, 2, "::1")}), "a:5", found));
  REQUIRE(found.size() == 2);
  CHECK(found[0].address == "a:1");
  CHECK(found[1].address == "::1:2");
  for (const redis_reply& lie : {
           list({}),
           error("ERR This instance has cluster support disabled"),
           list({number(1)}),
           list({range(5, 4, 1)}),
           list({range(0, 16'384, 1)}),
           list({range(-1, 4, 1)}),
           list({range(0, 4, 0)}),
           list({range(0, 4, 70'000)}),
           list({range(0, 16'383, 1), range(5, 5, 1)}),
           list({list({number(0), number(1), list({bulk("h")})})}),
           list({list({number(0), number(1)})}),
       })
    CHECK_FALSE(parse_cluster_slots(lie, "a:5", found));
}

}  // namespace aicache::link_cluster_test
