#include <algorithm>
#include <random>
#include <set>

#include "engine/cluster/ranges.hpp"
#include "tests/support/client_harness.hpp"

namespace aicache::client_nodes_test {

using namespace aicache::test;

namespace {

// Every second range is the other node's.
std::vector<std::uint32_t> halves(std::uint32_t even, std::uint32_t odd) {
  std::vector<std::uint32_t> owners(range_count);
  for (std::uint32_t r = 0; r < range_count; ++r) owners[r] = r % 2 == 0 ? even : odd;
  return owners;
}

std::uint64_t number_of_parity(std::uint32_t parity, std::uint64_t from = 0) {
  while (range_of(id_of(from).key()) % 2 != parity) ++from;
  return from;
}

// Two nodes that serve together, with two shards and three.
driven two_nodes() {
  driven d;
  d.map(0, std::vector<owner>(2, owner::replaced));
  d.map(1, std::vector<owner>(3, owner::replaced));
  d.serve_together(halves(0, 1));
  return d;
}

}  // namespace

TEST_CASE("each item of a call is asked of the node that owns its range, and there of its shard", "[engine][client]") {
  driven d = two_nodes();
  const auto token = d.start(call_of(call_kind::get, numbers_to(200)));
  CHECK(d.sent.size() == 5);
  std::size_t keys = 0;
  for (const auto& p : d.sent) {
    keys += keys_of(p);
    for (const get_item& i : (*std::get_if<std::shared_ptr<get_body>>(&p.what))->items) {
      REQUIRE(range_of(i.id.key()) % 2 == p.node);
      REQUIRE(shard_of(i.id.key(), p.node == 0 ? 2 : 3) == p.shard);
    }
  }
  CHECK(keys == 200);
  while (!d.sent.empty()) d.answer();
  const call& done = *d.finished.at(token);
  for (std::size_t i = 0; i < 200; ++i) REQUIRE(done.got[i].created == answer_to(done.gets[i].id).created);
}

TEST_CASE("what belongs to a member that is away waits for it, or for its successor, and the rest does not",
          "[engine][client]") {
  driven d = two_nodes();
  d.lost(1);
  const auto here = number_of_parity(0);
  const auto there = number_of_parity(1);
  const auto token = d.start(call_of(call_kind::put, {here, there}));
  REQUIRE(d.sent.size() == 1);
  CHECK(d.answer().node == 0);
  CHECK(d.finished.empty());
  SECTION("the member is back, with a map of a lower number") {
    d.epoch = 0;
    d.map(1, {owner::replaced});
    REQUIRE(d.sent.size() == 1);
    CHECK(d.answer().node == 1);
    CHECK(d.error_of(token, 1) == errc::none);
  }
  SECTION("the range is another's") {
    d.serve_together(std::vector<std::uint32_t>(range_count, 0));
    REQUIRE(d.sent.size() == 1);
    CHECK(d.answer().node == 0);
    CHECK(d.error_of(token, 1) == errc::none);
  }
  SECTION("neither, until the deadline") {
    d.pass(duration{1'000});
    CHECK(d.error_of(token, 0) == errc::none);
    CHECK(d.error_of(token, 1) == errc::unavailable);
  }
}

TEST_CASE("what a node that is lost owed is asked once more of who serves next, but for releases", "[engine][client]") {
  driven d({}, 2);
  const auto kind = GENERATE(call_kind::get, call_kind::put, call_kind::erase, call_kind::release);
  const auto token = d.start(call_of(kind, {1}));
  d.sent.clear();
  d.map(1, {owner::replaced});
  d.lost(0);
  d.serve_alone(client_core::nobody);
  if (kind == call_kind::release) {
    CHECK(d.error_of(token) == errc::unavailable);
    return;
  }
  CHECK(d.finished.empty());
  CHECK(d.sent.empty());
  d.serve_alone(1);
  REQUIRE(d.sent.size() == 1);
  SECTION("which answers") {
    CHECK(d.answer().node == 1);
    CHECK(d.error_of(token) == errc::none);
  }
  SECTION("and is lost as well") {
    d.lost(1);
    CHECK(d.error_of(token) == errc::unavailable);
  }
}

TEST_CASE("an item that was moved is asked again when the owners are known anew", "[engine][client]") {
  const auto kind = GENERATE(call_kind::get, call_kind::put, call_kind::touch);
  driven d = two_nodes();
  const auto token = d.start(call_of(kind, {number_of_parity(0), number_of_parity(1)}));
  REQUIRE(d.sent.size() == 2);
  CHECK(d.move_on().node == 0);
  CHECK(d.asked_owners == std::vector<std::uint32_t>{0});
  d.answer();
  CHECK(d.sent.empty());
  CHECK(d.finished.empty());
  SECTION("at once by a new map") {
    d.serve_together(std::vector<std::uint32_t>(range_count, 1));
    REQUIRE(d.sent.size() == 1);
    CHECK(d.answer().node == 1);
  }
  SECTION("a moment later of the same, which may know by then") {
    d.pass(duration{9});
    CHECK(d.sent.empty());
    d.pass(duration{1});
    REQUIRE(d.sent.size() == 1);
    CHECK(d.answer().node == 0);
  }
  SECTION("as part of what a node refuses as a whole") {
    d.pass(duration{10});
    REQUIRE(d.sent.size() == 1);
    d.replied(d.sent.front().correlation, errc::moved, client_core::body{});
    d.sent.clear();
    d.pass(duration{20});
    REQUIRE(d.sent.size() == 1);
    d.answer();
  }
  CHECK(d.error_of(token, 0) == errc::none);
  CHECK(d.error_of(token, 1) == errc::none);
  CHECK(d.core.in_flight(0, 0) + d.core.in_flight(0, 1) == 0);
}

TEST_CASE("a result that was pending may turn out to be moved", "[engine][client]") {
  driven d = two_nodes();
  const auto token = d.start(call_of(call_kind::get, {number_of_parity(0)}));
  const auto p = d.answer(get_status::pending);
  get_result elsewhere = answer_to(id_of(0), get_status::error);
  elsewhere.error = errc::moved;
  d.late(p.correlation, 0, elsewhere);
  CHECK(d.finished.empty());
  d.serve_together(halves(1, 0));
  REQUIRE(d.sent.size() == 1);
  CHECK(d.answer().node == 1);
  CHECK(d.finished.at(token)->got[0].status == get_status::hit);
}

TEST_CASE("an item that every node sends on is unavailable in the end, and a lease is not sent on",
          "[engine][client]") {
  driven d = two_nodes();
  const auto token = d.start(call_of(call_kind::get, {number_of_parity(0)}, duration{60'000}));
  int asked = 0;
  duration waited{0};
  while (d.finished.empty()) {
    if (d.sent.empty()) {
      d.pass(duration{10});
      waited += duration{10};
    } else {
      d.move_on();
      ++asked;
    }
  }
  CHECK(d.error_of(token) == errc::unavailable);
  CHECK(asked == 11);
  CHECK(waited <= duration{2'000});
  const auto release = d.start(call_of(call_kind::release, {number_of_parity(0)}));
  d.move_on();
  CHECK(d.error_of(release) == errc::unavailable);
}

TEST_CASE("an item that was moved ends at its deadline", "[engine][client]") {
  driven d = two_nodes();
  const auto token = d.start(call_of(call_kind::get, {number_of_parity(0)}, duration{5}));
  d.move_on();
  d.pass(duration{5});
  CHECK(d.error_of(token) == errc::unavailable);
}

// Nodes come, go, are lost and found, and ranges move between them, by the throw of a die.
TEST_CASE("whatever nodes do, every call is finished once with its own answers", "[engine][client]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 dice(seed);
    const auto pick = [&](std::uint64_t n) { return static_cast<std::uint32_t>(dice() % n); };
    driven d({.batch_keys = 1 + dice() % 8, .in_flight_keys = 8 + dice() % 64});
    std::vector<bool> up(4, false);
    std::vector<client_core::send_part> under_way;
    std::size_t ended = 0;
    for (int step = 0; step < 500; ++step) {
      switch (pick(9)) {
        case 0:
        case 1:
        case 2: {
          std::vector<std::uint64_t> numbers(pick(12));
          for (auto& n : numbers) n = pick(1'000);
          d.start(call_of(static_cast<call_kind>(pick(7)), numbers, duration{pick(200)}));
          break;
        }
        case 3:
        case 4:
          if (!d.sent.empty()) pick(3) == 0 ? static_cast<void>(d.move_on()) : static_cast<void>(d.answer());
          break;
        case 5: {
          const std::uint32_t n = pick(4);
          if (up[n]) {
            d.lost(n);
            std::erase_if(d.sent, [n](const auto& p) { return p.node == n; });
          } else {
            d.map(n, std::vector<owner>(1 + pick(3), owner::replaced));
          }
          up[n] = !up[n];
          break;
        }
        case 6: {
          std::vector<std::uint32_t> owners(range_count);
          for (auto& o : owners) o = pick(5);
          d.serve_together(std::move(owners));
          break;
        }
        case 7:
          if (pick(4) == 0) d.serve_alone(pick(2) == 0 ? client_core::nobody : pick(4));
          break;
        default: d.pass(duration{pick(40)});
      }
      for (auto& [token, done] : d.finished) {
        ++ended;
        for (std::size_t i = 0; i < done->got.size(); ++i) {
          REQUIRE(done->got[i].error != errc::moved);
          REQUIRE(done->got[i].status != get_status::pending);
          if (done->got[i].status == get_status::hit)
            REQUIRE(done->got[i].created == answer_to(done->gets[i].id).created);
        }
      }
      d.finished.clear();
    }
    d.pass(longest_deadline);
    CHECK(ended + d.finished.size() == d.token);
    CHECK(d.core.open_calls() == 0);
  }
}

}  // namespace aicache::client_nodes_test
