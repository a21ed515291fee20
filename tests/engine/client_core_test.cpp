#include <algorithm>

#include "tests/support/client_harness.hpp"

namespace aicache::client_core_test {

using namespace aicache::test;

TEST_CASE("a call is cut by shard and its answers stand in the order of its items", "[engine][client]") {
  const auto kind = GENERATE(call_kind::get, call_kind::put, call_kind::erase, call_kind::exists, call_kind::time_left,
                             call_kind::touch, call_kind::release);
  driven d({}, 4);
  const auto c = call_of(kind, numbers_to(100));
  c->names = std::make_shared<name_lists>(name_lists{{"qa"}, {"t"}});
  const auto token = d.start(c);
  REQUIRE(d.sent.size() == 4);
  std::size_t keys = 0;
  for (const auto& p : d.sent) {
    CHECK(p.kind == kind);
    CHECK(p.wait == duration{1'000});
    keys += keys_of(p);
    std::visit(
        [&](const auto& b) {
          for (const auto& i : b->items) REQUIRE(shard_of(i.id.key(), 4) == p.shard);
        },
        p.what);
  }
  CHECK(keys == 100);
  CHECK(d.core.in_flight(0, 0) + d.core.in_flight(0, 1) + d.core.in_flight(0, 2) + d.core.in_flight(0, 3) == 100);
  while (d.sent.size() > 1) d.answer();
  CHECK(d.finished.empty());
  d.answer();
  const call& done = *d.finished.at(token);
  CHECK(done.got.size() + done.stored.size() + done.told.size() == 100);
  for (std::size_t i = 0; i < done.got.size(); ++i) REQUIRE(done.got[i].created == answer_to(done.gets[i].id).created);
  for (const key_result& r : done.told) REQUIRE(r.found);
  CHECK(d.core.open_calls() == 0);
  CHECK(d.core.in_flight(0, 0) == 0);
}

TEST_CASE("a message holds no more keys than the node takes", "[engine][client]") {
  driven d({.batch_keys = 16, .in_flight_keys = 1'000, .attempts = 2}, 1);
  d.start(call_of(call_kind::get, numbers_to(40)));
  REQUIRE(d.sent.size() == 3);
  CHECK(keys_of(d.sent[0]) == 16);
  CHECK(keys_of(d.sent[1]) == 16);
  CHECK(keys_of(d.sent[2]) == 8);
  for (int i = 0; i < 3; ++i) d.answer();
  CHECK(d.finished.at(1)->got[39].created == answer_to(id_of(39)).created);
}

TEST_CASE("a node that says that no batch may hold a key does not stop its clients", "[engine][client]") {
  driven d({.batch_keys = 0, .in_flight_keys = 1'000, .attempts = 2}, 1);
  d.start(call_of(call_kind::get, numbers_to(3)));
  CHECK(d.sent.size() == 3);
}

TEST_CASE("a call of nothing is finished at once, also before there is a map", "[engine][client]") {
  driven d({}, GENERATE(0U, 2U));
  const auto token = d.start(call_of(call_kind::get, {}));
  CHECK(d.finished.at(token)->got.empty());
  CHECK(d.core.sound());
}

TEST_CASE("what is over the credit is refused at once, and what is answered gives credit back", "[engine][client]") {
  driven d({.batch_keys = 4, .in_flight_keys = 8, .attempts = 2}, 1);
  const auto first = d.start(call_of(call_kind::get, numbers_to(8)));
  const auto second = d.start(call_of(call_kind::get, {100}));
  CHECK(d.error_of(second) == errc::overloaded);
  CHECK(d.core.in_flight(0, 0) == 8);
  d.answer();
  CHECK(d.core.in_flight(0, 0) == 4);
  const auto third = d.start(call_of(call_kind::get, {100, 101, 102, 103}));
  CHECK(d.finished.count(third) == 0);
  d.answer();
  CHECK(d.finished.count(first) == 1);
}

TEST_CASE("a call that is too large for the credit gets what the credit allows", "[engine][client]") {
  driven d({.batch_keys = 4, .in_flight_keys = 8, .attempts = 2}, 1);
  const auto token = d.start(call_of(call_kind::get, numbers_to(12)));
  CHECK(d.sent.size() == 2);
  d.answer();
  d.answer();
  const call& done = *d.finished.at(token);
  CHECK(std::count_if(done.got.begin(), done.got.end(),
                      [](const get_result& r) { return r.error == errc::overloaded; }) == 4);
}

TEST_CASE("calls that wait for a map or a shard are bounded by the credit", "[engine][client]") {
  driven d({.batch_keys = 4, .in_flight_keys = 8, .attempts = 2});
  d.core = client_core(d.given);
  const auto first = d.start(call_of(call_kind::get, numbers_to(8)));
  const auto second = d.start(call_of(call_kind::get, {9}));
  CHECK(d.error_of(second) == errc::overloaded);
  CHECK(d.finished.count(first) == 0);
  d.map({owner::replaced});
  CHECK(d.sent.size() == 2);
}

TEST_CASE("a call ends at its deadline with what it has", "[engine][client]") {
  driven d({}, 2);
  const auto a = number_in(0, 2);
  const auto b = number_in(1, 2);
  const auto token = d.start(call_of(call_kind::get, {a, b}, duration{100}));
  const auto answered = d.answer();
  d.pass(duration{99});
  CHECK(d.finished.empty());
  d.pass(duration{1});
  const call& done = *d.finished.at(token);
  const std::size_t open = answered.shard == 0 ? 1 : 0;
  CHECK(done.got[1 - open].status == get_status::hit);
  CHECK(done.got[open].status == get_status::error);
  CHECK(done.got[open].error == errc::deadline);
  CHECK(d.core.in_flight(0, 0) + d.core.in_flight(0, 1) == 0);
  d.answer();
  CHECK(d.finished.size() == 1);
}

TEST_CASE("an endless deadline is a long one, and one below zero is over", "[engine][client]") {
  driven d({}, 1);
  d.start(call_of(call_kind::get, {1}, duration::max()));
  CHECK(d.sent.back().wait == longest_deadline);
  const auto token = d.start(call_of(call_kind::get, {1}, duration::min()));
  d.pass(duration{0});
  CHECK(d.error_of(token) == errc::deadline);
  d.pass(longest_deadline);
  CHECK(d.finished.size() == 2);
}

TEST_CASE("pending results are filled in by late ones", "[engine][client]") {
  driven d({}, 1);
  const auto token = d.start(call_of(call_kind::get, {1, 2}));
  const auto p = d.answer(get_status::pending);
  CHECK(d.finished.empty());
  CHECK(d.core.in_flight(0, 0) == 2);
  d.late(p.correlation, 1, answer_to(id_of(2)));
  CHECK(d.core.in_flight(0, 0) == 1);
  // None of these is an answer to anything.
  d.late(p.correlation, 1, answer_to(id_of(9)));
  d.late(p.correlation, 2, answer_to(id_of(9)));
  d.late(p.correlation + 1, 0, answer_to(id_of(9)));
  d.late(p.correlation, 0, answer_to(id_of(9), get_status::pending));
  CHECK(d.finished.empty());
  d.late(p.correlation, 0, answer_to(id_of(1)));
  const call& done = *d.finished.at(token);
  CHECK(done.got[0].created == answer_to(id_of(1)).created);
  CHECK(done.got[1].created == answer_to(id_of(2)).created);
}

TEST_CASE("a late result that comes before its reply is kept", "[engine][client]") {
  driven d({}, 1);
  const auto token = d.start(call_of(call_kind::get, {1, 2}));
  const auto p = d.sent.front();
  d.late(p.correlation, 0, answer_to(id_of(1)));
  d.answer(get_status::pending);
  CHECK(d.finished.empty());
  d.late(p.correlation, 1, answer_to(id_of(2)));
  CHECK(d.finished.at(token)->got[0].status == get_status::hit);
}

TEST_CASE("what a dead shard owed is asked of its successor, once", "[engine][client]") {
  driven d({}, 2);
  const auto token = d.start(call_of(call_kind::get, {number_in(0, 2), number_in(1, 2)}));
  d.sent.pop_front();
  d.down(0);
  SECTION("and the successor's answer counts") {
    d.map({owner::absent, owner::same});
    CHECK(d.sent.size() == 1);
    d.map({owner::replaced, owner::same});
    REQUIRE(d.sent.size() == 2);
    CHECK(d.sent.back().shard == 0);
    d.answer();
    d.answer();
    CHECK(d.error_of(token, 0) == errc::none);
  }
  SECTION("and when that dies as well, the item is unavailable") {
    d.map({owner::replaced, owner::same});
    d.answer();
    d.sent.pop_front();
    d.down(0);
    CHECK(d.error_of(token, 0) == errc::unavailable);
    CHECK(d.error_of(token, 1) == errc::none);
  }
  SECTION("and without a successor until the deadline, the item is unavailable") {
    d.answer();
    d.pass(duration{1'000});
    CHECK(d.error_of(token, 0) == errc::unavailable);
    CHECK(d.error_of(token, 1) == errc::none);
  }
}

TEST_CASE("only what was still open is asked again", "[engine][client]") {
  driven d({}, 1);
  const auto token = d.start(call_of(call_kind::get, {1, 2, 3}));
  const auto p = d.answer(get_status::pending);
  d.late(p.correlation, 1, answer_to(id_of(2)));
  d.map({owner::replaced});
  REQUIRE(d.sent.size() == 1);
  CHECK(keys_of(d.sent.front()) == 2);
  d.answer();
  const call& done = *d.finished.at(token);
  for (std::size_t i = 0; i < 3; ++i) CHECK(done.got[i].created == answer_to(id_of(i + 1)).created);
}

TEST_CASE("nothing is sent to a shard that is known to be dead, whatever older maps say", "[engine][client]") {
  driven d({}, 2);
  const auto key = number_in(0, 2);
  d.down(0);
  d.map({owner::same, owner::replaced});
  d.start(call_of(call_kind::get, {key}));
  CHECK(d.sent.empty());
  d.map({owner::replaced, owner::same});
  CHECK(d.sent.size() == 1);
}

TEST_CASE("a range without an owner costs a call no attempt", "[engine][client]") {
  driven d({}, 1);
  d.start(call_of(call_kind::put, {1}));
  for (int i = 0; i < 10; ++i) d.map({owner::absent});
  CHECK(d.finished.empty());
  d.sent.clear();
  d.map({owner::replaced});
  d.answer();
  CHECK(d.error_of(1) == errc::none);
}

TEST_CASE("a node with other ranges is asked anew", "[engine][client]") {
  driven d({}, 4);
  const auto token = d.start(call_of(call_kind::get, numbers_to(40)));
  const auto old = d.sent;
  d.sent.clear();
  d.map({owner::same, owner::same});
  // What one message held may be repeated in several; none is joined.
  CHECK(d.sent.size() == old.size());
  for (const auto& p : d.sent) CHECK(p.shard < 2);
  for (const auto& p : old) d.answer(p);
  CHECK(d.finished.empty());
  while (!d.sent.empty()) d.answer();
  CHECK(d.error_of(token, 39) == errc::none);
}

TEST_CASE("a map that is not newer changes nothing", "[engine][client]") {
  driven d({}, 1);
  d.down(0);
  const std::vector<owner> owners{owner::replaced};
  d.core.map(0, d.epoch, owners, d.given, d.now, d.out);
  d.core.map(0, d.epoch + 1, {}, d.given, d.now, d.out);
  d.start(call_of(call_kind::get, {1}));
  CHECK(d.sent.empty());
  CHECK(d.core.epoch(0) == d.epoch);
}

TEST_CASE("a release is not repeated, for the lease died with its shard", "[engine][client]") {
  driven d({}, 1);
  const auto token = d.start(call_of(call_kind::release, {1}));
  d.down(0);
  CHECK(d.error_of(token) == errc::unavailable);
}

TEST_CASE("a batch that a shard refuses gives its reason to every item", "[engine][client]") {
  driven d({}, 1);
  const auto token = d.start(call_of(call_kind::put, {1, 2}));
  d.replied(d.sent.front().correlation, errc::shutting_down, std::shared_ptr<put_body>{});
  CHECK(d.error_of(token, 0) == errc::shutting_down);
  CHECK(d.finished.at(token)->stored[1] == put_result{put_status::refused, errc::shutting_down});
}

TEST_CASE("a reply of the wrong length or kind is corrupt", "[engine][client]") {
  driven d({}, 1);
  const auto token = d.start(call_of(call_kind::get, {1, 2}));
  client_core::body wrong;
  SECTION("too short") {
    auto b = std::make_shared<get_body>();
    b->results.resize(1);
    wrong = b;
  }
  SECTION("too long") {
    auto b = std::make_shared<get_body>();
    b->results.resize(3);
    wrong = b;
  }
  SECTION("of another kind") {
    auto b = std::make_shared<key_body>();
    b->results.resize(2);
    wrong = b;
  }
  SECTION("empty") { wrong = std::shared_ptr<get_body>{}; }
  d.replied(d.sent.front().correlation, errc::none, wrong);
  CHECK(d.error_of(token, 0) == errc::corrupt);
  CHECK(d.error_of(token, 1) == errc::corrupt);
  CHECK(d.core.in_flight(0, 0) == 0);
}

TEST_CASE("a reply to nothing that is open changes nothing", "[engine][client]") {
  driven d({}, 1);
  d.start(call_of(call_kind::get, {1}));
  const auto p = d.answer();
  d.answer(p);
  d.replied(77, errc::internal, std::shared_ptr<get_body>{});
  d.down(9);
  CHECK(d.finished.size() == 1);
}

TEST_CASE("every call ends when the client does", "[engine][client]") {
  driven d({}, 2);
  const auto sent = d.start(call_of(call_kind::get, numbers_to(10)));
  d.answer(get_status::pending);
  d.down(0);
  d.down(1);
  const auto held = d.start(call_of(call_kind::erase, {1}));
  d.fail_all(errc::shutting_down);
  CHECK(d.error_of(sent, 3) == errc::shutting_down);
  CHECK(d.error_of(held) == errc::shutting_down);
  CHECK(d.core.open_calls() == 0);
}

TEST_CASE("a call that fails as a whole has an error in every place", "[engine][client]") {
  for (const auto kind : {call_kind::get, call_kind::put, call_kind::touch}) {
    const auto c = call_of(kind, {1, 2});
    c->fail(errc::unavailable);
    driven d;
    d.finished.emplace(1, c);
    CHECK(d.error_of(1, 0) == errc::unavailable);
    CHECK(d.error_of(1, 1) == errc::unavailable);
  }
}

}  // namespace aicache::client_core_test
