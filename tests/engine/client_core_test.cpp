#include "engine/client/client_core.hpp"

#include "tests/support/shard_harness.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>

using namespace aicache;
using test::id_of;
using owner = client_core::owner;

namespace {

std::shared_ptr<call> call_of(call_kind kind, const std::vector<std::uint64_t>& numbers,
                              duration deadline = duration{1'000}) {
  auto c = std::make_shared<call>();
  c->kind = kind;
  c->deadline = deadline;
  for (std::uint64_t n : numbers) {
    if (kind == call_kind::get) {
      c->gets.push_back({id_of(n), 0, 0, text_tier::small, false});
    } else if (kind == call_kind::put) {
      c->puts.push_back({id_of(n), 0, 0, text_tier::small, 0, own_lifetime, {}});
    } else {
      c->keys.push_back({id_of(n)});
    }
  }
  return c;
}

std::vector<std::uint64_t> numbers_to(std::uint64_t n) {
  std::vector<std::uint64_t> all(n);
  for (std::uint64_t i = 0; i < n; ++i) all[i] = i;
  return all;
}

// A result that says which item it belongs to.
get_result answer_to(const identity& id, get_status status = get_status::hit) {
  get_result r;
  r.status = status;
  r.created = {static_cast<std::int64_t>(id.key().lo >> 1)};
  return r;
}

std::size_t keys_of(const client_core::send_part& p) {
  return std::visit([](const auto& b) { return b->items.size(); }, p.what);
}

// A client with its time and everything that it has sent and finished.
struct driven {
  explicit driven(client_core::limits l = {}, std::uint32_t shards = 0) : core(l), given(l) {
    if (shards > 0) map(std::vector<owner>(shards, owner::replaced));
  }

  std::uint64_t start(std::shared_ptr<call> c) {
    core.start(++token, std::move(c), now, out);
    sort();
    return token;
  }
  void map(const std::vector<owner>& owners) {
    core.map(++epoch, owners, given, now, out);
    sort();
  }
  void pass(duration d) {
    now = now + d;
    core.tick(now, out);
    sort();
  }
  void down(std::uint32_t shard) {
    core.shard_down(shard, out);
    sort();
  }
  // Answers the oldest message: every get with `status`, everything else with success.
  client_core::send_part answer(get_status status = get_status::hit) {
    client_core::send_part p = std::move(sent.front());
    sent.pop_front();
    answer(p, status);
    return p;
  }
  void answer(const client_core::send_part& p, get_status status = get_status::hit) {
    if (const auto* g = std::get_if<std::shared_ptr<get_body>>(&p.what)) {
      (*g)->results.clear();
      for (const get_item& i : (*g)->items) (*g)->results.push_back(answer_to(i.id, status));
    } else if (const auto* put = std::get_if<std::shared_ptr<put_body>>(&p.what)) {
      (*put)->results.assign((*put)->items.size(), {});
    } else {
      const auto& k = *std::get_if<std::shared_ptr<key_body>>(&p.what);
      k->results.assign(k->items.size(), {true, errc::none, 1});
    }
    replied(p.correlation, errc::none, p.what);
  }
  void replied(std::uint64_t correlation, errc whole, const client_core::body& what) {
    core.replied(correlation, whole, what, out);
    sort();
  }
  void late(std::uint64_t correlation, std::uint32_t position, get_result r) {
    core.late(correlation, position, std::move(r), out);
    sort();
  }
  void fail_all(errc why) {
    core.fail_all(why, out);
    sort();
  }
  void sort() {
    for (client_core::effect& e : out) {
      if (auto* p = std::get_if<client_core::send_part>(&e)) {
        sent.push_back(std::move(*p));
      } else {
        auto& f = *std::get_if<client_core::finish>(&e);
        REQUIRE(finished.emplace(f.token, std::move(f.done)).second);
      }
    }
    out.clear();
    REQUIRE(core.sound());
  }
  errc error_of(std::uint64_t of_token, std::size_t at = 0) const {
    const call& c = *finished.at(of_token);
    if (c.kind == call_kind::get) return c.got[at].error;
    return c.kind == call_kind::put ? c.stored[at].error : c.told[at].error;
  }

  client_core core;
  client_core::limits given;
  instant now{1'000'000};
  std::uint64_t epoch = 0;
  std::uint64_t token = 0;
  client_core::effects out;
  std::deque<client_core::send_part> sent;
  std::map<std::uint64_t, std::shared_ptr<call>> finished;
};

// A number whose key lies in the range of `shard` of `shards`.
std::uint64_t number_in(std::uint32_t shard, std::uint32_t shards, std::uint64_t from = 0) {
  while (shard_of(id_of(from).key(), shards) != shard) ++from;
  return from;
}

}  // namespace

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
  CHECK(d.core.in_flight(0) + d.core.in_flight(1) + d.core.in_flight(2) + d.core.in_flight(3) == 100);
  while (d.sent.size() > 1) d.answer();
  CHECK(d.finished.empty());
  d.answer();
  const call& done = *d.finished.at(token);
  CHECK(done.got.size() + done.stored.size() + done.told.size() == 100);
  for (std::size_t i = 0; i < done.got.size(); ++i) REQUIRE(done.got[i].created == answer_to(done.gets[i].id).created);
  for (const key_result& r : done.told) REQUIRE(r.found);
  CHECK(d.core.open_calls() == 0);
  CHECK(d.core.in_flight(0) == 0);
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
  CHECK(d.core.in_flight(0) == 8);
  d.answer();
  CHECK(d.core.in_flight(0) == 4);
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
  CHECK(d.core.in_flight(0) + d.core.in_flight(1) == 0);
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
  CHECK(d.core.in_flight(0) == 2);
  d.late(p.correlation, 1, answer_to(id_of(2)));
  CHECK(d.core.in_flight(0) == 1);
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
  d.core.map(d.epoch, owners, d.given, d.now, d.out);
  d.core.map(d.epoch + 1, {}, d.given, d.now, d.out);
  d.start(call_of(call_kind::get, {1}));
  CHECK(d.sent.empty());
  CHECK(d.core.epoch() == d.epoch);
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
  CHECK(d.core.in_flight(0) == 0);
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

namespace {

// Shards that answer, park, lie, die and come back by the throw of a die.
class toy_cluster {
 public:
  explicit toy_cluster(std::uint64_t seed)
      : dice_(seed), map_(1 + pick(4), owner::same), alive_(map_.size(), true), d_(first_limits(dice_), shards()) {}

  void step() {
    switch (pick(12)) {
      case 0:
      case 1:
      case 2: return start();
      case 3:
      case 4:
      case 5: return reply();
      case 6: return late();
      case 7: return lie();
      case 8: return die();
      case 9: return heal();
      case 10: return d_.pass(duration{static_cast<std::int64_t>(pick(40))});
      default:
        if (pick(50) == 0) {
          d_.fail_all(errc::shutting_down);
          parked_.clear();
        }
    }
  }

  void check() {
    REQUIRE(d_.core.sound());
    for (const auto& p : d_.sent) {
      REQUIRE(p.shard < shards());
      REQUIRE(keys_of(p) <= d_.given.batch_keys);
      REQUIRE(correlations_.insert(p.correlation).second);
      // What is on its way to a dead shard is lost.
      if (alive_[p.shard]) in_flight_.push_back(p);
    }
    d_.sent.clear();
    for (std::uint32_t s = 0; s < shards(); ++s) REQUIRE(d_.core.in_flight(s) <= d_.given.in_flight_keys);
    for (auto& [token, done] : d_.finished) {
      REQUIRE(open_.erase(token) == 1);
      check_answers(*done);
      ended_.insert(token);
    }
    d_.finished.clear();
    REQUIRE(open_.size() == d_.core.open_calls());
  }

  void end() {
    d_.pass(longest_deadline);
    check();
    REQUIRE(open_.empty());
    REQUIRE(ended_.size() == d_.token);
    for (std::uint32_t s = 0; s < shards(); ++s) REQUIRE(d_.core.in_flight(s) == 0);
  }

 private:
  static client_core::limits first_limits(std::mt19937_64& dice) {
    return {.batch_keys = 1 + dice() % 8, .in_flight_keys = 8 + dice() % 64, .attempts = 2};
  }
  std::uint32_t pick(std::uint32_t n) { return static_cast<std::uint32_t>(dice_() % n); }
  std::uint32_t shards() const { return static_cast<std::uint32_t>(map_.size()); }

  void start() {
    std::vector<std::uint64_t> numbers(pick(20));
    for (auto& n : numbers) n = pick(1'000);
    const auto kind = static_cast<call_kind>(pick(7));
    // Before it starts: it may be finished at once.
    open_.insert(d_.token + 1);
    d_.start(call_of(kind, numbers, duration{static_cast<std::int64_t>(pick(200))}));
  }
  void reply() {
    if (in_flight_.empty()) return;
    const auto at = in_flight_.begin() + pick(static_cast<std::uint32_t>(in_flight_.size()));
    const auto p = *at;
    in_flight_.erase(at);
    const auto* g = std::get_if<std::shared_ptr<get_body>>(&p.what);
    if (g == nullptr || pick(3) != 0) return d_.answer(p);
    (*g)->results.clear();
    for (std::uint32_t i = 0; i < (*g)->items.size(); ++i) {
      const bool parks = pick(2) == 0;
      (*g)->results.push_back(answer_to((*g)->items[i].id, parks ? get_status::pending : get_status::miss));
      if (parks) parked_.push_back({p.shard, p.correlation, i, (*g)->items[i].id});
    }
    d_.replied(p.correlation, errc::none, p.what);
  }
  void late() {
    if (parked_.empty()) return;
    const auto at = parked_.begin() + pick(static_cast<std::uint32_t>(parked_.size()));
    const parked one = *at;
    parked_.erase(at);
    d_.late(one.correlation, one.position, answer_to(one.id, pick(2) == 0 ? get_status::hit : get_status::lease));
  }
  void lie() {
    auto b = std::make_shared<get_body>();
    b->results.resize(pick(4), answer_to(id_of(5'000)));
    const auto any = pick(static_cast<std::uint32_t>(correlations_.size()) + 3);
    if (pick(2) == 0) return d_.late(1'000'000 + any, pick(4), answer_to(id_of(5'000)));
    d_.replied(1'000'000 + any, pick(2) == 0 ? errc::internal : errc::none, b);
    if (in_flight_.empty()) return;
    // A refusal of a batch that is really open.
    d_.replied(in_flight_.back().correlation, errc::overloaded, client_core::body{});
    in_flight_.pop_back();
  }
  void die() {
    const auto s = pick(shards());
    if (!alive_[s]) return;
    alive_[s] = false;
    std::erase_if(in_flight_, [&](const auto& p) { return p.shard == s; });
    std::erase_if(parked_, [&](const parked& p) { return p.shard == s; });
    // The death is heard of by itself, or by a map without the shard, or by a map with the next one only.
    const auto how = pick(3);
    if (how == 0) d_.down(s);
    if (how == 1) publish(s, owner::absent);
    if (how == 2) {
      alive_[s] = true;
      publish(s, owner::replaced);
    }
  }
  void heal() {
    const auto s = pick(shards());
    if (alive_[s]) return;
    alive_[s] = true;
    publish(s, owner::replaced);
  }
  void publish(std::uint32_t s, owner what) {
    auto owners = map_;
    owners[s] = what;
    // Those that are dead without the client having heard of it by a map stay as they are there.
    map_[s] = what == owner::absent ? owner::absent : owner::same;
    d_.map(owners);
  }

  void check_answers(const call& done) {
    for (std::size_t i = 0; i < done.got.size(); ++i) {
      const get_result& r = done.got[i];
      REQUIRE(r.status != get_status::pending);
      if (r.status == get_status::error) {
        REQUIRE(r.error != errc::none);
        REQUIRE(r.error != errc::corrupt);
      } else {
        REQUIRE(r.created == answer_to(done.gets[i].id).created);
      }
    }
    REQUIRE(done.got.size() + done.stored.size() + done.told.size() == done.size());
  }

  struct parked {
    std::uint32_t shard;
    std::uint64_t correlation;
    std::uint32_t position;
    identity id;
  };
  std::mt19937_64 dice_;
  std::vector<owner> map_;
  std::vector<bool> alive_;
  driven d_;
  std::vector<client_core::send_part> in_flight_;
  std::vector<parked> parked_;
  std::set<std::uint64_t> correlations_;
  std::set<std::uint64_t> open_;
  std::set<std::uint64_t> ended_;
};

}  // namespace

TEST_CASE("whatever a cluster does, every call is finished once with its own answers", "[engine][client]") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    toy_cluster c(seed);
    for (int i = 0; i < 600; ++i) {
      c.step();
      c.check();
    }
    c.end();
  }
}
