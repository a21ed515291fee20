#include "engine/shard/lease_table.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>
#include <tuple>

namespace aicache::lease_table_test {

namespace {

using asked = lease_table::asked;
using landing = lease_table::landing;

constexpr key128 some_key{7, 9};
constexpr lease_table::limits short_limits{duration{100}, 1000, 500};

waiter number(std::uint64_t batch) { return {batch, 0, 0, 0, {}}; }

/// A table with a clock, and the last call's handovers.
struct table_at {
  explicit table_at(lease_table::limits l = short_limits) : table(l, 1) {}

  lease_table::grant ask(std::uint64_t owner, std::uint64_t batch, std::int64_t wait_ms = 1000, key128 key = some_key) {
    return table.ask(key, owner, number(batch), now, now + duration{wait_ms});
  }
  landing land(std::uint64_t token, key128 key = some_key) {
    line.clear();
    return table.land(key, token, line);
  }
  bool release(std::uint64_t token, key128 key = some_key) {
    out.clear();
    return table.release(key, token, now, out);
  }
  void pass(std::int64_t ms) {
    now = now + duration{ms};
    out.clear();
    table.expire(now, UINT_MAX, out);
  }
  void owner_gone(std::uint64_t owner) {
    out.clear();
    left.clear();
    table.owner_gone(owner, now, out, left);
  }

  lease_table table;
  instant now{1000};
  std::vector<waiter> line;
  std::vector<waiter> left;
  std::vector<lease_table::handover> out;
};

}  // namespace

TEST_CASE("the first who asks gets the lease, the next wait in line, and a put answers them in order",
          "[engine][lease]") {
  table_at t;
  const auto first = t.ask(1, 10);
  CHECK(first.what == asked::granted);
  CHECK(first.token != 0);
  for (std::uint64_t i = 11; i < 15; ++i) CHECK(t.ask(i, i).what == asked::parked);
  CHECK(t.table.in_flight(some_key));
  CHECK(t.table.parked() == 4);
  CHECK(t.table.sound());
  CHECK(t.land(first.token) == landing::current);
  CHECK(t.line == std::vector{number(11), number(12), number(13), number(14)});
  CHECK(t.table.flights() == 0);
  CHECK(t.table.parked() == 0);
  CHECK(t.table.sound());
}

TEST_CASE("a put of somebody without a lease ends the flight, and the holder's own comes too late", "[engine][lease]") {
  table_at t;
  const auto held = t.ask(1, 1);
  t.ask(2, 2);
  CHECK(t.land(0) == landing::current);
  CHECK(t.line == std::vector{number(2)});
  CHECK(t.land(held.token) == landing::unknown);
  CHECK(t.line.empty());
  CHECK(t.land(0) == landing::current);
  CHECK(t.table.sound());
}

TEST_CASE("a token opens only the flight of its own key", "[engine][lease]") {
  table_at t;
  const auto one = t.ask(1, 1);
  const auto other = t.ask(1, 2, 1000, {8, 8});
  CHECK(one.token != other.token);
  CHECK(t.land(other.token) == landing::unknown);
  CHECK_FALSE(t.release(other.token));
  CHECK_FALSE(t.release(one.token + 1));
  CHECK(t.table.flights() == 2);
  CHECK(t.land(one.token) == landing::current);
  CHECK(t.table.sound());
}

TEST_CASE("tables with different seeds give different tokens", "[engine][lease]") {
  lease_table one{short_limits, 1 * 0x9e3779b97f4a7c15ULL};
  lease_table two{short_limits, 2 * 0x9e3779b97f4a7c15ULL};
  CHECK(one.ask(some_key, 1, number(1), {}, {}).token != two.ask(some_key, 1, number(1), {}, {}).token);
}

TEST_CASE("the line is bounded by key, in all, and by the caller's own patience", "[engine][lease]") {
  table_at t{{duration{100}, 5, 3}};
  t.ask(1, 1);
  t.ask(1, 2, 1000, {8, 8});
  CHECK(t.ask(2, 3, 0).what == asked::full);
  for (std::uint64_t i = 0; i < 3; ++i) CHECK(t.ask(2, 4 + i).what == asked::parked);
  CHECK(t.ask(2, 7).what == asked::full);
  CHECK(t.ask(2, 8, 1000, {8, 8}).what == asked::parked);
  CHECK(t.ask(2, 9, 1000, {8, 8}).what == asked::parked);
  CHECK(t.ask(2, 10, 1000, {8, 8}).what == asked::full);
  CHECK(t.table.parked() == 5);
  CHECK(t.table.sound());
}

TEST_CASE("who releases the lease hands it to the next in line", "[engine][lease]") {
  table_at t;
  const auto first = t.ask(1, 1);
  t.ask(2, 2);
  t.ask(3, 3);
  CHECK(t.release(first.token));
  REQUIRE(t.out.size() == 1);
  CHECK(t.out[0].next == number(2));
  CHECK(t.out[0].token != first.token);
  CHECK_FALSE(t.release(first.token));
  const auto second = t.out[0].token;
  CHECK(t.land(second) == landing::current);
  CHECK(t.line == std::vector{number(3)});
  CHECK(t.table.sound());
}

TEST_CASE("a late holder's lease passes on, and its put still answers and ends the flight", "[engine][lease]") {
  table_at t;
  const auto first = t.ask(1, 1);
  t.ask(2, 2, 10'000);
  t.ask(3, 3, 10'000);
  t.pass(99);
  CHECK(t.out.empty());
  t.pass(1);
  REQUIRE(t.out.size() == 1);
  CHECK(t.out[0].next == number(2));
  const auto second = t.out[0].token;
  CHECK(t.land(first.token) == landing::current);
  CHECK(t.line == std::vector{number(3)});
  CHECK(t.land(second) == landing::unknown);
  CHECK(t.table.flights() == 0);
  CHECK(t.table.sound());
}

TEST_CASE("a flight without holder lingers for one lease, and then its token is worth nothing", "[engine][lease]") {
  table_at t;
  const auto first = t.ask(1, 1);
  t.pass(100);
  CHECK(t.out.empty());
  CHECK(t.table.flights() == 1);
  SECTION("a late put lands meanwhile") {
    t.pass(99);
    CHECK(t.land(first.token) == landing::current);
  }
  SECTION("who asks meanwhile gets the lease, and both tokens land") {
    const auto second = t.ask(2, 2);
    CHECK(second.what == asked::granted);
    CHECK(second.token != first.token);
    t.pass(99);
    CHECK(t.ask(3, 3).what == asked::parked);
    CHECK(t.table.sound());
    CHECK(t.land(first.token) == landing::current);
    CHECK(t.line == std::vector{number(3)});
    CHECK(t.land(second.token) == landing::unknown);
  }
  SECTION("after it nobody knows the token") {
    t.pass(100);
    CHECK(t.table.flights() == 0);
    CHECK(t.land(first.token) == landing::unknown);
  }
  CHECK(t.table.flights() == 0);
  CHECK(t.table.sound());
}

TEST_CASE("a flight may lose its holder many times and forgets only the oldest of them", "[engine][lease]") {
  table_at t;
  std::vector<std::uint64_t> tokens;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const auto g = t.ask(i, i);
    REQUIRE(g.what == asked::granted);
    tokens.push_back(g.token);
    t.pass(100);
    REQUIRE(t.table.sound());
  }
  CHECK(t.land(tokens.front()) == landing::unknown);
  CHECK(t.land(tokens[30]) == landing::current);
  CHECK(t.table.bytes() < 4096);
}

TEST_CASE("waits end at their own deadline, in the order of deadlines", "[engine][lease]") {
  table_at t{{duration{1000}, 100, 100}};
  t.ask(1, 1);
  t.ask(2, 2, 30);
  t.ask(3, 3, 10);
  t.ask(4, 4, 20);
  t.pass(20);
  REQUIRE(t.out.size() == 2);
  CHECK(t.out[0].next == number(3));
  CHECK(t.out[1].next == number(4));
  CHECK(t.out[0].token == 0);
  t.pass(10);
  REQUIRE(t.out.size() == 1);
  CHECK(t.out[0].next == number(2));
  CHECK(t.table.parked() == 0);
  CHECK(t.table.sound());
}

TEST_CASE("a wait that ends together with the lease is a miss, not a lease", "[engine][lease]") {
  table_at t;
  t.ask(1, 1);
  t.ask(2, 2, 100);
  t.pass(100);
  REQUIRE(t.out.size() == 1);
  CHECK(t.out[0].token == 0);
  CHECK(t.table.sound());
}

TEST_CASE("steps are bounded, and what is left over follows", "[engine][lease]") {
  table_at t;
  t.ask(1, 1);
  for (std::uint64_t i = 0; i < 10; ++i) t.ask(2, i, 10);
  t.now = t.now + duration{10};
  CHECK(t.table.expire(t.now, 4, t.out));
  CHECK(t.out.size() == 4);
  CHECK(t.table.expire(t.now, 4, t.out));
  CHECK_FALSE(t.table.expire(t.now, 4, t.out));
  CHECK(t.out.size() == 10);
  CHECK(t.table.sound());
}

TEST_CASE("an invalidation cuts the flight off: its put is delivered and not stored", "[engine][lease]") {
  table_at t;
  const auto old = t.ask(1, 1);
  t.ask(2, 2);
  t.table.cut_off(some_key);
  CHECK_FALSE(t.table.in_flight(some_key));
  const auto fresh = t.ask(3, 3);
  CHECK(fresh.what == asked::granted);
  CHECK(t.ask(4, 4).what == asked::parked);
  CHECK(t.table.sound());
  CHECK(t.land(old.token) == landing::cut_off);
  CHECK(t.line == std::vector{number(2)});
  CHECK(t.land(fresh.token) == landing::current);
  CHECK(t.line == std::vector{number(4)});
  CHECK(t.table.sound());
}

TEST_CASE("a cut off flight still passes its lease on, but does not linger", "[engine][lease]") {
  table_at t;
  const auto first = t.ask(1, 1);
  t.ask(2, 2);
  t.table.cut_off_all();
  CHECK(t.release(first.token));
  REQUIRE(t.out.size() == 1);
  const auto second = t.out[0].token;
  CHECK(t.release(second));
  CHECK(t.out.empty());
  CHECK(t.table.flights() == 0);
  CHECK(t.land(first.token) == landing::unknown);
  CHECK(t.table.sound());
}

TEST_CASE("when a client goes, its waiters leave and its leases pass on", "[engine][lease]") {
  table_at t;
  t.ask(1, 1);
  for (std::uint64_t i = 10; i < 16; ++i) t.ask(i % 2 == 0 ? 1 : 2, i);
  t.owner_gone(1);
  CHECK(t.left == std::vector{number(10), number(12), number(14)});
  REQUIRE(t.out.size() == 1);
  CHECK(t.out[0].next == number(11));
  CHECK(t.table.parked() == 2);
  CHECK(t.table.sound());
  t.owner_gone(1);
  CHECK(t.out.empty());
  t.owner_gone(2);
  CHECK(t.left == std::vector{number(13), number(15)});
  CHECK(t.out.empty());
  t.pass(100);
  CHECK(t.table.flights() == 0);
  CHECK(t.table.sound());
}

TEST_CASE("nothing is remembered of a client whose flights are over", "[engine][lease]") {
  table_at t{{duration{100}, 100'000, 100'000}};
  const std::size_t before = t.table.bytes();
  for (std::uint64_t round = 0; round < 200; ++round) {
    t.ask(1000 + round, 1);
    t.ask(5000 + round, 2, 50);
    t.ask(9000 + round, 3, 5000);
    t.pass(100);
    REQUIRE(t.out.size() == 2);
    t.land(t.out[1].token);
    REQUIRE(t.table.sound());
  }
  CHECK(t.table.bytes() < before + 8192);
}

TEST_CASE("the deadlines of what has landed do not pile up", "[engine][lease]") {
  table_at t{{duration{30'000}, 100, 100}};
  for (std::uint64_t i = 0; i < 100'000; ++i) t.land(t.ask(1, i, 1000, {i, i}).token, {i, i});
  CHECK(t.table.flights() == 0);
  CHECK(t.table.bytes() < 8192);
}

TEST_CASE("ten thousand callers of one key share one lease and are all answered", "[engine][lease]") {
  table_at t{{duration{100}, 65'536, 20'000}};
  const auto first = t.ask(0, 0);
  for (std::uint64_t i = 1; i <= 10'000; ++i) REQUIRE(t.ask(i % 7, i, 500).what == asked::parked);
  CHECK(t.table.sound());
  SECTION("by the put") {
    CHECK(t.land(first.token) == landing::current);
    CHECK(t.line.size() == 10'000);
  }
  SECTION("by their deadline") {
    std::size_t answered = 0;
    for (int i = 0; i < 6; ++i) {
      t.pass(100);
      answered += t.out.size();
    }
    CHECK(answered == 10'000);
  }
  SECTION("by the end of the shard") { CHECK(t.table.abandon().size() == 10'000); }
  SECTION("or leave with their clients") {
    std::size_t gone = 0;
    for (std::uint64_t owner = 0; owner < 7; ++owner) {
      t.owner_gone(owner);
      gone += t.left.size() + t.out.size();
    }
    CHECK(gone == 10'000);
  }
  CHECK(t.table.parked() == 0);
  CHECK(t.table.sound());
}

namespace {

/// The same rules over plain lists, without any economy.
struct naive_table {
  struct seat {
    std::uint64_t batch, owner;
    std::uint32_t number;
    instant until;
  };
  struct flight {
    key128 key;
    std::uint64_t token, owner;
    instant until;
    bool held = true, lost = false;
    std::uint32_t seats = 0;
    std::vector<seat> line;
    std::vector<std::uint64_t> tokens;
  };
  struct event {
    std::uint64_t batch = 0;
    bool lease = false;
    friend auto operator<=>(const event&, const event&) = default;
  };

  lease_table::limits limits;
  std::map<std::uint64_t, flight> flights;  // by first token

  std::uint64_t of_key(const key128& key) const {
    for (const auto& [n, f] : flights)
      if (f.key == key && !f.lost) return n;
    return 0;
  }
  std::uint64_t of_token(std::uint64_t token) const {
    for (const auto& [n, f] : flights)
      if (std::find(f.tokens.begin(), f.tokens.end(), token) != f.tokens.end()) return n;
    return 0;
  }
  std::size_t parked() const {
    std::size_t n = 0;
    for (const auto& [number, f] : flights) n += f.line.size();
    return n;
  }
  asked what_for(const key128& key, instant now, instant until) const {
    const auto n = of_key(key);
    if (n == 0 || !flights.at(n).held) return asked::granted;
    const bool room = parked() < limits.parked && flights.at(n).line.size() < limits.parked_per_key && until > now;
    return room ? asked::parked : asked::full;
  }
  void ask(const key128& key, std::uint64_t owner, std::uint64_t batch, instant now, instant until,
           lease_table::grant given) {
    if (given.what == asked::full) return;
    auto n = of_key(key);
    if (given.what == asked::parked) {
      flight& f = flights.at(n);
      f.line.push_back({batch, owner, f.seats++, until});
      return;
    }
    if (n == 0) flights[n = given.token].key = key;
    hold(flights.at(n), given.token, owner, now);
  }
  void hold(flight& f, std::uint64_t token, std::uint64_t owner, instant now) const {
    f.token = token;
    f.owner = owner;
    f.held = true;
    f.until = now + limits.lease;
    f.tokens.push_back(token);
  }
  // The real table's new tokens are read from what it said.
  void pass_on(std::uint64_t n, instant now, std::vector<event>& out,
               const std::map<std::uint64_t, std::uint64_t>& token_of) {
    flight& f = flights.at(n);
    if (f.tokens.size() > 16) f.tokens.erase(f.tokens.begin());
    if (f.line.empty()) {
      f.held = false;
      f.until = now + limits.lease;
      if (f.lost) flights.erase(n);
      return;
    }
    const seat next = f.line.front();
    f.line.erase(f.line.begin());
    out.push_back({next.batch, true});
    const auto known = token_of.find(next.batch);
    hold(f, known == token_of.end() ? 0 : known->second, next.owner, now);
  }
  std::vector<event> expire(instant now, const std::map<std::uint64_t, std::uint64_t>& token_of) {
    std::vector<event> out;
    for (;;) {
      auto best = std::tuple{never, UINT64_MAX, UINT32_MAX};
      for (const auto& [n, f] : flights) {
        best = std::min(best, std::tuple{f.until, n, UINT32_MAX});
        for (const seat& s : f.line) best = std::min(best, std::tuple{s.until, n, s.number});
      }
      const auto [at, n, number] = best;
      if (at > now) return out;
      flight& f = flights.at(n);
      if (number == UINT32_MAX) {
        if (f.held) {
          pass_on(n, now, out, token_of);
        } else {
          flights.erase(n);
        }
        continue;
      }
      const auto who =
          std::find_if(f.line.begin(), f.line.end(), [&, k = number](const seat& s) { return s.number == k; });
      out.push_back({who->batch, false});
      f.line.erase(who);
    }
  }
};

std::vector<naive_table::event> events_of(const std::vector<lease_table::handover>& out,
                                          std::map<std::uint64_t, std::uint64_t>& token_of) {
  std::vector<naive_table::event> events;
  for (const auto& h : out) {
    events.push_back({h.next.batch, h.token != 0});
    token_of[h.next.batch] = h.token;
  }
  return events;
}

}  // namespace

TEST_CASE("whatever happens in whatever order, the table and a naive one say the same", "[engine][lease]") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const lease_table::limits limits{duration{50}, 40, 12};
    table_at t{limits};
    naive_table naive{limits, {}};
    std::mt19937_64 random(seed);
    std::vector<std::uint64_t> tokens{0};
    std::uint64_t batch = 0;
    for (int i = 0; i < 4000; ++i) {
      const key128 key{1, random() % 6};
      const std::uint64_t owner = random() % 5;
      std::map<std::uint64_t, std::uint64_t> token_of;
      const auto what = random() % 20;
      if (what < 11) {
        const instant until = t.now + duration{static_cast<std::int64_t>(random() % 120)};
        const asked expected = naive.what_for(key, t.now, until);
        const auto given = t.table.ask(key, owner, number(++batch), t.now, until);
        REQUIRE(given.what == expected);
        naive.ask(key, owner, batch, t.now, until, given);
        if (given.token != 0) tokens.push_back(given.token);
      } else if (what < 13) {
        const std::uint64_t token =
            random() % 3 == 0 ? 0 : tokens[tokens.size() - 1 - random() % std::min<std::size_t>(tokens.size(), 12)];
        const auto n = token == 0 ? naive.of_key(key) : naive.of_token(token);
        const key128 used = token != 0 && n != 0 && random() % 4 != 0 ? naive.flights.at(n).key : key;
        const bool known = n != 0 && naive.flights.at(n).key == used;
        const landing expected = !known ? (token == 0 ? landing::current : landing::unknown)
                                        : (naive.flights.at(n).lost ? landing::cut_off : landing::current);
        REQUIRE(t.land(token, used) == expected);
        std::vector<waiter> line;
        if (known)
          for (const auto& s : naive.flights.at(n).line) line.push_back(number(s.batch));
        REQUIRE(t.line == line);
        if (known) naive.flights.erase(n);
      } else if (what < 15) {
        const std::uint64_t token = tokens[tokens.size() - 1 - random() % std::min<std::size_t>(tokens.size(), 12)];
        const auto n = naive.of_token(token);
        const key128 used = n != 0 ? naive.flights.at(n).key : key;
        const bool held = token != 0 && n != 0 && naive.flights.at(n).token == token && naive.flights.at(n).held;
        REQUIRE(t.release(token, used) == held);
        const auto said = events_of(t.out, token_of);
        std::vector<naive_table::event> expected;
        if (held) naive.pass_on(n, t.now, expected, token_of);
        REQUIRE(said == expected);
      } else if (what < 16) {
        t.owner_gone(owner);
        auto said = events_of(t.out, token_of);
        std::vector<naive_table::event> expected;
        std::multiset<std::uint64_t> left;
        for (auto at = naive.flights.begin(); at != naive.flights.end();) {
          auto& f = (at++)->second;
          const auto n = std::prev(at)->first;
          for (const auto& s : f.line)
            if (s.owner == owner) left.insert(s.batch);
          std::erase_if(f.line, [&](const auto& s) { return s.owner == owner; });
          if (f.held && f.owner == owner) naive.pass_on(n, t.now, expected, token_of);
        }
        std::sort(said.begin(), said.end());
        std::sort(expected.begin(), expected.end());
        REQUIRE(said == expected);
        std::multiset<std::uint64_t> said_left;
        for (const waiter& w : t.left) said_left.insert(w.batch);
        REQUIRE(said_left == left);
      } else if (what < 17) {
        t.table.cut_off(key);
        if (const auto n = naive.of_key(key); n != 0) naive.flights.at(n).lost = true;
      } else {
        t.pass(static_cast<std::int64_t>(random() % 30));
        const auto said = events_of(t.out, token_of);
        REQUIRE(said == naive.expire(t.now, token_of));
      }
      for (const auto& [who, token] : token_of)
        if (token != 0) tokens.push_back(token);
      REQUIRE(t.table.flights() == naive.flights.size());
      REQUIRE(t.table.parked() == naive.parked());
      if (i % 50 == 0) REQUIRE(t.table.sound());
    }
    CHECK(t.table.abandon().size() == naive.parked());
    CHECK(t.table.sound());
  }
}

TEST_CASE("a call that asks twice for one key does not wait for itself, but calls joined in a batch for each other",
          "[engine][lease]") {
  lease_table t({}, 1);
  const key128 key{1, 2};
  const instant now{1'000};
  const instant until = now + duration{10'000};
  const waiter first{7, 0, 0, 0, now};
  const waiter second{7, 1, 0, 0, now};
  const waiter other{8, 0, 0, 0, now};
  waiter joined{7, 2, 0, 0, now};
  joined.call = 1;
  REQUIRE(t.ask(key, 1, first, now, until).what == lease_table::asked::granted);
  CHECK(t.ask(key, 1, second, now, until).what == lease_table::asked::full);
  CHECK(t.ask(key, 1, other, now, until).what == lease_table::asked::parked);
  CHECK(t.ask(key, 1, joined, now, until).what == lease_table::asked::parked);
  CHECK(t.parked() == 2);
  CHECK(t.sound());
}

TEST_CASE("a lease is held from its grant until it is put, released, passed on or cut off", "[engine][lease]") {
  table_at t;
  CHECK_FALSE(t.table.is_held(some_key));
  const auto first = t.ask(1, 1);
  CHECK(t.table.is_held(some_key));
  CHECK(t.table.holds(some_key, first.token));
  CHECK_FALSE(t.table.holds({1, 1}, first.token));
  CHECK_FALSE(t.table.holds(some_key, first.token + 2));
  // Late, and nobody waits: an answer may still come, but whoever asks now computes.
  t.pass(150);
  CHECK_FALSE(t.table.is_held(some_key));
  CHECK_FALSE(t.table.holds(some_key, first.token));
  CHECK(t.table.in_flight(some_key));
  const auto second = t.ask(2, 2);
  CHECK(t.table.holds(some_key, second.token));
  CHECK_FALSE(t.table.holds(some_key, first.token));
  t.table.cut_off(some_key);
  CHECK_FALSE(t.table.holds(some_key, second.token));
  CHECK_FALSE(t.table.is_held(some_key));
  CHECK(t.table.sound());
}

}  // namespace aicache::lease_table_test
