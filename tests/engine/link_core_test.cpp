#include <catch2/catch.hpp>
#include <random>

#include "tests/support/link_bench.hpp"

namespace aicache::link_core_test {

using namespace aicache::test;

TEST_CASE("a read goes as MGET, split and spread over the pool, and is put together again", "[link]") {
  link_core::options o = pool(2);
  o.keys_per_read = 2;
  link_bench b(o);
  REQUIRE(b.open.size() == 2);
  b.come_up(0);
  b.come_up(1);
  b.open_gate();
  b.read(7, {"a", "b", "c", "d", "e"});
  const std::uint32_t third = b.reply("MGET e", list({bulk("5")}));
  const std::uint32_t first = b.reply("MGET a b", list({bulk("1"), {}}));
  CHECK(b.reads.empty());
  const std::uint32_t second = b.reply("MGET c d", error("LOADING"));
  CHECK(first == third);
  CHECK(first != second);
  REQUIRE(b.reads.at(7).size() == 5);
  CHECK(b.reads.at(7)[0].bytes == "1");
  CHECK(b.read_of(7, 1) == state::absent);
  CHECK(b.read_of(7, 2) == state::unavailable);
  CHECK(b.read_of(7, 4) == state::present);
  CHECK(b.core.counted().reads_present == 2);
  CHECK(b.core.counted().reads_absent == 1);
  CHECK(b.core.counted().reads_unavailable == 2);
  CHECK(b.core.counted().errors == 1);
}

TEST_CASE("a reply that does not fit the read makes it unavailable", "[link]") {
  for (const redis_reply& r : {list({bulk("1")}), bulk("x"), list({bulk("1"), bulk("2"), bulk("3")}), redis_reply{}}) {
    link_bench b(pool(1));
    b.come_up(0);
    b.open_gate();
    b.read(1, {"a", "b"});
    b.reply("MGET a b", r);
    CHECK(b.read_of(1, 0) == state::unavailable);
    CHECK(b.read_of(1, 1) == state::unavailable);
  }
}

TEST_CASE("what a server says to a write decides what is told", "[link]") {
  const std::pair<redis_reply, store_status> rows[] = {
      {status(), store_status::done},
      {number(1), store_status::done},
      {number(0), store_status::absent},
      {error("OOM command not allowed"), store_status::refused},
      {error("MISCONF"), store_status::refused},
      {error("ERR string exceeds maximum allowed size"), store_status::refused},
      {error("READONLY You can't write"), store_status::unavailable},
      {error("NOAUTH Authentication required."), store_status::unavailable},
      {error("LOADING"), store_status::unavailable},
      {redis_reply{}, store_status::unavailable},
  };
  for (const auto& [said, told] : rows) {
    link_bench b(pool(1));
    b.come_up(0);
    b.open_gate();
    b.write(1, {{"k", "v", 50}});
    b.reply("SET k v PX 50", said);
    CAPTURE(said.text);
    CHECK(b.writes.at(1).at(0) == told);
  }
  link_bench b(pool(1));
  b.come_up(0);
  b.open_gate();
  b.write(1, {{"k", "v", 0}, {"l", "", 9}});
  CHECK(b.waiting() == std::vector<std::string>{"SET k v", "UNLINK l"});
  CHECK(b.flying[0].kind == redis_core::command_kind::write);
}

TEST_CASE("all writes of a key go over one connection of the pool", "[link]") {
  link_bench b(pool(4));
  for (std::uint32_t i = 0; i < 4; ++i) b.come_up(i);
  b.open_gate();
  std::map<std::string, std::set<std::uint32_t>> used;
  for (std::uint64_t n = 0; n < 200; ++n) b.write(n, {{"k" + std::to_string(n % 20), "v", 0}});
  std::set<std::uint32_t> all;
  for (const link_bench::sent& s : b.flying) {
    used[s.wire].insert(s.id);
    all.insert(s.id);
  }
  for (const auto& [wire, ids] : used) CHECK(ids.size() == 1);
  CHECK(all.size() > 1);
}

TEST_CASE("while the gate is closed only tasks pass, and what was read before it closed is not believed", "[link]") {
  link_bench b(pool(1));
  CHECK(b.told.empty());
  b.read(1, {"a"});
  CHECK(b.read_of(1) == state::unavailable);
  b.come_up(0);
  CHECK(b.told == std::vector<link_core::standing>{{true, 1, 0}});
  b.write(2, {{"k", "v", 0}});
  CHECK(b.writes.at(2).at(0) == store_status::unavailable);
  b.run(3, {{{"PING"}, "", -1}});
  b.reply("PING", status("PONG"));
  CHECK(b.runs.at(3).at(0).answered);
  b.core.open_gate(1);
  CHECK_FALSE(b.core.gate_is_open());
  b.open_gate();
  CHECK(b.core.gate_is_open());
  b.read(4, {"a"});
  b.core.close_gate();
  b.reply("MGET a", list({bulk("old")}));
  CHECK(b.read_of(4) == state::unavailable);
  CHECK(b.reads.at(4)[0].bytes.empty());
  b.open_gate();
  // Closed and opened again meanwhile, under another number.
  b.read(5, {"a"});
  b.go_down(0);
  CHECK(b.told.back() == link_core::standing{false, 1, 1});
  b.come_up(0);
  b.open_gate();
  b.reply("MGET a", list({bulk("old")}));
  CHECK(b.read_of(5) == state::unavailable);
  CHECK(b.core.counted().outages == 1);
}

TEST_CASE("a connection of a pool that is lost closes the gate when it is back, not when it goes", "[link]") {
  link_bench b(pool(2));
  b.come_up(0);
  b.come_up(1);
  CHECK(b.told.size() == 1);
  b.open_gate();
  b.go_down(1);
  CHECK(b.core.gate_is_open());
  b.come_up(1);
  CHECK_FALSE(b.core.gate_is_open());
  CHECK(b.told.back() == link_core::standing{true, 1, 1});
  b.open_gate();
  CHECK(b.core.gate_is_open());
  // All lost: one closing is enough for all who come back.
  b.go_down(0);
  b.go_down(1);
  b.come_up(1);
  b.open_gate();
  b.come_up(0);
  CHECK(b.core.gate_is_open());
  CHECK(b.core.counted().outages == 1);
  // Two at first, one made anew before, two now; what is under way is told.
  CHECK(b.core.counted().connects == 5);
  CHECK(b.core.present().waiting == 0);
  b.read(1, {"a"});
  CHECK(b.core.present().waiting == 1);
  b.reply("MGET a", list({bulk("x")}));
  CHECK(b.core.present().waiting == 0);
}

TEST_CASE("trouble is told when it changes, not per command", "[link]") {
  link_bench b(pool(1));
  b.come_up(0);
  b.open_gate();
  for (std::uint64_t n = 0; n < 5; ++n) {
    b.write(n, {{"k", "v", 0}});
    b.reply("SET k v", error("NOAUTH no"));
    b.read(100 + n, {"a"});
    b.reply("MGET a", list({bulk("x")}));
  }
  REQUIRE(b.troubles.size() == 1);
  CHECK(b.troubles[0].to == redis_trouble::denied);
  b.write(9, {{"k", "v", 0}});
  b.reply("SET k v", status());
  CHECK(b.troubles.size() == 2);
}

TEST_CASE("the end answers everybody", "[link]") {
  two_masters b;
  b.read(1, {low, high});
  b.write(2, {{low, "a", 0}, {low, "b", 0}});
  b.run(3, {{{"PING"}, low, -1}});
  b.event([&] { b.core.stop(b.out); });
  CHECK(b.read_of(1, 1) == state::unavailable);
  CHECK(b.writes.at(2) == std::vector<store_status>(2, store_status::unavailable));
  CHECK_FALSE(b.runs.at(3).at(0).answered);
  CHECK(b.open.empty());
}

TEST_CASE("every request is answered once, whatever comes, in whatever order", "[link]") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const auto up_to = [&](std::uint64_t n) { return random() % n; };
    link_core::options o = seed % 3 == 0 ? pool(static_cast<std::uint32_t>(1 + up_to(4))) : cluster({"h:1", "h:2"});
    o.keys_per_read = 3;
    o.redirected_waiting = 4;
    link_bench b(o);
    const auto address = [&] { return "h:" + std::to_string(1 + up_to(6)); };
    const auto key = [&] { return "k" + std::to_string(up_to(30)); };
    const auto any_slots = [&] {
      std::vector<redis_reply> ranges;
      std::int64_t from = 0;
      while (from < slot_count) {
        const std::int64_t to =
            std::min<std::int64_t>(slot_count - 1, from + 1 + static_cast<std::int64_t>(up_to(9'000)));
        if (up_to(10) > 0) ranges.push_back(range(from, to, 1 + static_cast<std::int64_t>(up_to(6))));
        from = to + 1;
      }
      return list(std::move(ranges));
    };
    std::set<std::uint64_t> asked;
    std::uint64_t token = 0;
    std::uint64_t present = 0;
    for (int step = 0; step < 1'500; ++step) {
      const std::uint64_t dice = up_to(100);
      if (dice < 15) {
        std::vector<std::string> keys(up_to(9));
        for (auto& k : keys) k = key();
        asked.insert(++token);
        b.read(token, std::move(keys));
      } else if (dice < 30) {
        std::vector<store_item> items(up_to(5));
        for (auto& i : items) i = {key(), up_to(3) == 0 ? "" : "v", static_cast<std::int64_t>(up_to(2))};
        asked.insert(++token);
        b.write(token, std::move(items));
      } else if (dice < 35) {
        asked.insert(++token);
        b.run(token, {{{"EVAL"}, key(), static_cast<std::int32_t>(up_to(4)) - 2}});
      } else if (dice < 80 && !b.flying.empty()) {
        // Connections answer in order, but which one is next is anybody's guess.
        const std::size_t at = up_to(4) == 0 ? up_to(b.flying.size()) : 0;
        const link_bench::sent s = b.flying[at];
        b.flying.erase(b.flying.begin() + static_cast<std::ptrdiff_t>(at));
        const std::string slot = std::to_string(up_to(slot_count));
        switch (up_to(12)) {
          case 0: b.complete(s, how::late); break;
          case 1: b.complete(s, how::unavailable); break;
          case 2: b.complete(s, how::overloaded); break;
          case 3: b.complete(s, how::answered, error("MOVED " + slot + " " + address())); break;
          case 4: b.complete(s, how::answered, error("ASK " + slot + " " + address())); break;
          case 5: b.complete(s, how::answered, error(up_to(2) == 0 ? "CLUSTERDOWN" : "READONLY")); break;
          case 6: b.complete(s, how::answered, error("MOVED nonsense")); break;
          default:
            if (s.wire == "CLUSTER SLOTS") {
              b.complete(s, how::answered, any_slots());
            } else if (s.wire.starts_with("MGET")) {
              b.complete(s, how::answered,
                         list(std::vector<redis_reply>(
                             static_cast<std::size_t>(std::count(s.wire.begin(), s.wire.end(), ' ')), bulk("x"))));
            } else if (s.wire.starts_with("GET")) {
              b.complete(s, how::answered, bulk("x"));
            } else {
              b.complete(s, how::answered, status());
            }
        }
        // A reply that was counted already, or belongs to another connection, moves nothing.
        if (up_to(5) == 0) b.complete(s, how::answered, bulk("twice"));
        if (up_to(5) == 0) b.complete({s.id + 1, s.ticket + up_to(3), {}}, how::late);
      } else if (dice < 88 && !b.open.empty()) {
        b.come_up(std::next(b.open.begin(), static_cast<std::ptrdiff_t>(up_to(b.open.size())))->first);
      } else if (dice < 91 && !b.open.empty()) {
        b.go_down(std::next(b.open.begin(), static_cast<std::ptrdiff_t>(up_to(b.open.size())))->first);
      } else if (dice < 95 && !b.told.empty()) {
        b.open_gate();
      } else if (dice == 95) {
        b.event([&] { b.core.close_gate(); });
      } else {
        b.pass(static_cast<int>(up_to(60)));
      }
    }
    // What waits for a connection is given up with time, and what waits for that goes out then.
    for (int round = 0; round < 100; ++round) {
      b.pass(10);
      while (!b.flying.empty()) {
        const link_bench::sent s = b.flying.back();
        b.flying.pop_back();
        b.complete(s, how::unavailable);
      }
    }
    CHECK(b.core.open_requests() == 0);
    CHECK(b.reads.size() + b.writes.size() + b.runs.size() == asked.size());
    for (const auto& [t, values] : b.reads)
      for (const fetched_value& v : values) present += v.how == state::present ? 1 : 0;
    CHECK(b.core.counted().reads_present == present);
  }
}

}  // namespace aicache::link_core_test
