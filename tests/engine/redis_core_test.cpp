#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "engine/redis/redis_core.hpp"
#include "engine/redis/slots.hpp"

namespace aicache::redis_core_test {

namespace {

using kind = redis_core::command_kind;
using how = redis_core::outcome_kind;

redis_reply ok() { return {redis_reply::kind::status, 0, "OK", {}}; }
redis_reply pong() { return {redis_reply::kind::status, 0, "PONG", {}}; }
redis_reply error(std::string text) { return {redis_reply::kind::error, 0, std::move(text), {}}; }

// A core with a clock, and what it asked for since it was last looked at.
struct bench {
  redis_core core;
  redis_core::effects out;
  instant now{1'000};

  explicit bench(redis_core::options o = {}) : core(o, {"auth;"}, "ping;") {}

  template <class Effect>
  std::vector<Effect> take() {
    std::vector<Effect> found;
    std::erase_if(out, [&](redis_core::effect& e) {
      if (auto* one = std::get_if<Effect>(&e)) return found.push_back(std::move(*one)), true;
      return false;
    });
    return found;
  }
  std::string sent() {
    std::string all;
    for (auto& s : take<redis_core::send>()) all += s.wire;
    return all;
  }
  std::map<std::uint64_t, how> completed() {
    std::map<std::uint64_t, how> all;
    for (auto& c : take<redis_core::completed>()) {
      CHECK_FALSE(all.contains(c.ticket));
      all[c.ticket] = c.how;
    }
    return all;
  }
  void submit(std::uint64_t ticket, kind k = kind::read) {
    core.submit({ticket, k, std::to_string(ticket) + ";"}, now, out);
  }
  void reply(redis_reply r = ok()) { core.replied(std::move(r), now, out); }
  void pass(int ms) {
    now = now + duration{ms};
    core.tick(now, out);
  }
  void greet() {
    core.start(now, out);
    REQUIRE(take<redis_core::connect>().size() == 1);
    core.connected(now, out);
    REQUIRE(sent() == "auth;ping;");
    reply();
    reply();
    out.clear();
  }
};

}  // namespace

TEST_CASE("nothing is sent before the handshake has succeeded, and reads are refused until then", "[redis]") {
  bench b;
  b.submit(1);
  CHECK(b.completed() == std::map<std::uint64_t, how>{{1, how::unavailable}});
  b.core.start(b.now, b.out);
  b.core.connected(b.now, b.out);
  CHECK(b.sent() == "auth;ping;");
  b.submit(2);
  CHECK(b.completed()[2] == how::unavailable);
  b.reply();
  b.reply();
  b.submit(3);
  CHECK(b.sent() == "3;");
  CHECK(b.core.sound());
}

TEST_CASE("that a connection is of use is told the first time, too, and once each time", "[redis]") {
  bench b;
  const auto closed = [&] {
    const auto all = b.take<redis_core::breaker_changed>();
    return all.size() == 1 && all[0].to == breaker_state::closed;
  };
  b.core.start(b.now, b.out);
  b.core.connected(b.now, b.out);
  b.reply();
  CHECK(b.take<redis_core::breaker_changed>().empty());
  b.reply();
  CHECK(closed());
  b.out.clear();
  b.core.lost(b.now, b.out);
  REQUIRE(b.take<redis_core::breaker_changed>().at(0).to == breaker_state::open);
  while (b.take<redis_core::connect>().empty()) b.pass(10);
  b.core.connected(b.now, b.out);
  b.reply();
  b.reply();
  CHECK(closed());
}

TEST_CASE("a wrong password closes the connection and opens the breaker", "[redis]") {
  bench b;
  b.core.start(b.now, b.out);
  b.core.connected(b.now, b.out);
  b.out.clear();
  b.reply(error("WRONGPASS invalid username-password pair"));
  CHECK(b.take<redis_core::close>().size() == 1);
  CHECK(b.core.state() == breaker_state::open);
  CHECK(b.core.sound());
}

TEST_CASE("replies belong to commands by position", "[redis]") {
  bench b;
  b.greet();
  for (std::uint64_t t = 1; t <= 3; ++t) b.submit(t);
  CHECK(b.sent() == "1;2;3;");
  for (int i = 1; i <= 3; ++i) b.reply({redis_reply::kind::integer, i, "", {}});
  const auto all = b.take<redis_core::completed>();
  REQUIRE(all.size() == 3);
  for (int i = 0; i < 3; ++i) {
    CHECK(all[static_cast<std::size_t>(i)].ticket == static_cast<std::uint64_t>(i) + 1);
    CHECK(all[static_cast<std::size_t>(i)].reply.integer == i + 1);
  }
  CHECK(b.core.sound());
}

TEST_CASE("a late command is told so, its reply is discarded, and the connection serves the others", "[redis]") {
  redis_core::options o;
  bench b(o);
  b.greet();
  b.submit(1);
  b.pass(1);
  b.submit(2, kind::write);
  b.reply();  // the server lives
  CHECK(b.completed() == std::map<std::uint64_t, how>{{1, how::answered}});
  b.submit(3);
  b.pass(60);
  CHECK(b.completed() == std::map<std::uint64_t, how>{{3, how::late}});
  CHECK(b.take<redis_core::close>().empty());
  b.reply({redis_reply::kind::integer, 22, "", {}});
  b.reply({redis_reply::kind::integer, 33, "", {}});
  const auto all = b.take<redis_core::completed>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].ticket == 2);
  CHECK(all[0].reply.integer == 22);
  CHECK(b.core.in_flight() == 0);
  CHECK(b.core.sound());
}

TEST_CASE("a server that falls silent opens the breaker at its first missed deadline, and a late reply closes it",
          "[redis]") {
  bench b;
  b.greet();
  b.pass(5);
  b.submit(1);
  b.pass(50);
  CHECK(b.completed()[1] == how::late);
  CHECK(b.core.state() == breaker_state::open);
  b.submit(2);
  CHECK(b.completed()[2] == how::unavailable);
  b.reply();
  CHECK(b.core.state() == breaker_state::closed);
  b.submit(3);
  b.reply();
  CHECK(b.completed()[3] == how::answered);
  CHECK(b.core.sound());
}

TEST_CASE("a connection that owes replies and stays silent is given up and made anew", "[redis]") {
  bench b;
  b.greet();
  b.submit(1);
  b.sent();
  for (int i = 0; i < 25; ++i) b.pass(50);
  CHECK(b.take<redis_core::close>().size() == 1);
  CHECK(b.take<redis_core::connect>().size() == 1);
  b.sent();
  b.core.connected(b.now, b.out);
  CHECK(b.sent() == "auth;ping;");
  b.reply();
  b.reply();
  CHECK(b.sent().empty());  // nothing is sent twice
  CHECK(b.core.state() == breaker_state::closed);
  CHECK(b.core.sound());
}

TEST_CASE("a lost connection refuses everything at once and comes back with growing pauses", "[redis]") {
  bench b;
  b.greet();
  b.submit(1, kind::write);
  b.submit(2);
  b.core.lost(b.now, b.out);
  CHECK(b.completed() == std::map<std::uint64_t, how>{{1, how::unavailable}, {2, how::unavailable}});
  b.submit(3);
  CHECK(b.completed()[3] == how::unavailable);
  b.submit(4, kind::write);
  CHECK(b.completed()[4] == how::unavailable);
  b.sent();
  int attempts = 0;
  for (int ms = 0; ms < 10'000; ms += 10) {
    b.pass(10);
    for ([[maybe_unused]] auto& c : b.take<redis_core::connect>()) {
      ++attempts;
      b.core.lost(b.now, b.out);
    }
  }
  CHECK(attempts >= 10);  // at least once a second
  CHECK(attempts <= 40);  // not a hammer
  while (b.take<redis_core::connect>().empty()) b.pass(10);
  b.core.connected(b.now, b.out);
  b.reply();
  b.reply();
  CHECK(b.sent() == "auth;ping;");
  b.submit(5, kind::write);
  CHECK(b.sent() == "5;");
  CHECK(b.core.sound());
}

TEST_CASE("after an outage the window opens step by step", "[redis]") {
  redis_core::options o;
  o.trips.first_in_flight = 4;
  bench b(o);
  b.greet();
  b.core.lost(b.now, b.out);
  while (b.take<redis_core::connect>().empty()) b.pass(10);
  b.core.connected(b.now, b.out);
  b.reply();
  b.reply();
  for (std::uint64_t t = 1; t <= 100; ++t) b.submit(t);
  CHECK(b.core.in_flight() == 4);
  for (int i = 0; i < 4; ++i) b.reply();
  CHECK(b.core.in_flight() == 8);
  while (b.core.in_flight() > 0) b.reply();
  CHECK(b.completed().size() == 100);
  CHECK(b.core.sound());
}

TEST_CASE("a server that only reports trouble opens the breaker, and a probe closes it", "[redis]") {
  bench b;
  b.greet();
  for (std::uint64_t t = 1; t <= 3; ++t) {
    b.submit(t);
    b.reply(error("LOADING Redis is loading the dataset in memory"));
  }
  CHECK(b.core.state() == breaker_state::open);
  b.out.clear();
  b.pass(100);
  CHECK(b.sent() == "ping;");
  CHECK(b.core.state() == breaker_state::half_open);
  b.reply(error("LOADING Redis is loading the dataset in memory"));
  CHECK(b.core.state() == breaker_state::open);
  b.pass(100);
  CHECK(b.sent().empty());  // the pause has doubled
  b.pass(100);
  CHECK(b.sent() == "ping;");
  b.reply(pong());
  CHECK(b.core.state() == breaker_state::closed);
  CHECK(b.core.sound());
}

TEST_CASE("errors of the command itself do not open the breaker", "[redis]") {
  bench b;
  b.greet();
  for (std::uint64_t t = 1; t <= 100; ++t) {
    b.submit(t);
    b.reply(error(t % 2 == 0 ? "WRONGTYPE Operation against a key" : "OOM command not allowed"));
  }
  CHECK(b.core.state() == breaker_state::closed);
  CHECK(b.completed().size() == 100);
  CHECK(b.core.sound());
}

TEST_CASE("the queue is bounded: what does not fit is refused", "[redis]") {
  redis_core::options o;
  o.in_flight = 1;
  o.waiting = 2;
  bench b(o);
  b.greet();
  for (std::uint64_t t = 1; t <= 4; ++t) b.submit(t);
  CHECK(b.completed() == std::map<std::uint64_t, how>{{4, how::overloaded}});
  b.reply();
  b.submit(5, kind::write);
  CHECK(b.completed() == std::map<std::uint64_t, how>{{1, how::answered}});
  b.submit(6, kind::write);
  CHECK(b.completed() == std::map<std::uint64_t, how>{{6, how::overloaded}});
  CHECK(b.core.sound());
}

TEST_CASE("a reply that nobody asked for ends the connection", "[redis]") {
  bench b;
  b.greet();
  b.reply();
  CHECK(b.take<redis_core::close>().size() == 1);
  CHECK(b.core.state() == breaker_state::open);
  CHECK(b.core.sound());
}

TEST_CASE("when a reply is lost on the way, the next PING shows it, and the connection is made anew", "[redis]") {
  bench b;
  b.greet();
  b.submit(1);
  b.submit(2);
  b.reply({redis_reply::kind::integer, 2, "", {}});  // to the second; the first was lost
  b.out.clear();
  for (std::uint64_t t = 3; b.take<redis_core::close>().empty(); ++t) {
    REQUIRE(t < 300);
    b.submit(t);
    const std::string wire = b.sent();
    for (std::size_t i = 0; i < wire.size(); ++i)
      if (wire[i] == ';') b.reply(i >= 4 && wire.substr(i - 4, 4) == "ping" ? pong() : ok());
    b.pass(10);
  }
  CHECK(b.core.state() == breaker_state::open);
  CHECK(b.now < instant{3'000});
  CHECK(b.core.sound());
}

TEST_CASE("a connection that nothing is asked of is asked whether it lives", "[redis]") {
  bench b;
  b.greet();
  b.pass(500);
  CHECK(b.sent().empty());
  b.pass(500);
  CHECK(b.sent() == "ping;");
  b.reply(pong());
  CHECK(b.core.state() == breaker_state::closed);
  b.pass(1'000);
  CHECK(b.sent() == "ping;");
  b.pass(200);
  CHECK(b.core.state() == breaker_state::open);
  CHECK(b.core.sound());
}

TEST_CASE("whatever the server does, every command is completed exactly once", "[redis]") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    std::mt19937_64 random(seed);
    redis_core::options o;
    o.in_flight = 8;
    o.waiting = 16;
    o.seed = seed;
    bench b(o);
    std::uint64_t next = 0;
    std::set<std::uint64_t> open;
    std::deque<bool> owed;  // replies that the server still has to give: whether to a PING
    bool up = false;
    bool trying = false;
    auto look = [&] {
      for (auto& c : b.take<redis_core::completed>()) REQUIRE(open.erase(c.ticket) == 1);
      for (auto& e : b.out) {
        if (auto* s = std::get_if<redis_core::send>(&e)) {
          REQUIRE(up);
          std::istringstream words(s->wire);
          for (std::string word; std::getline(words, word, ';');) owed.push_back(word == "ping");
        } else if (std::holds_alternative<redis_core::close>(e)) {
          up = trying = false;
          owed.clear();
        } else if (std::holds_alternative<redis_core::connect>(e)) {
          trying = true;
        }
      }
      b.out.clear();
      REQUIRE(b.core.sound());
    };
    b.core.start(b.now, b.out);
    look();
    for (int step = 0; step < 3'000; ++step) {
      switch (random() % 8) {
        case 0:
        case 1:
        case 2: {
          open.insert(++next);
          b.submit(next, static_cast<kind>(random() % 2));
          break;
        }
        case 3:
        case 4:
          if (!owed.empty()) {
            const bool ping = owed.front();
            owed.pop_front();
            // Now and then a reply is lost on the way.
            if (random() % 100 != 0) b.reply(random() % 5 == 0 ? error("BUSY script") : ping ? pong() : ok());
          }
          break;
        case 5: b.pass(static_cast<int>(random() % 60)); break;
        case 6:
          if (trying) {
            trying = false;
            up = true;
            b.core.connected(b.now, b.out);
          }
          break;
        case 7:
          if (random() % 10 == 0 && (up || trying)) {
            up = trying = false;
            owed.clear();
            b.core.lost(b.now, b.out);
          }
          break;
      }
      look();
    }
    b.core.stop(b.out);
    look();
    CHECK(open.empty());
  }
}

TEST_CASE("slots are those of the cluster specification", "[redis]") {
  CHECK(crc16("123456789") == 0x31C3);
  CHECK(slot_of("foo") == 12'182);
  CHECK(slot_of("{user1000}.following") == slot_of("{user1000}.followers"));
  CHECK(slot_of("{user1000}.following") == slot_of("user1000"));
  CHECK(slot_of("foo{}{bar}") == crc16("foo{}{bar}") % slot_count);
  CHECK(slot_of("foo{{bar}}zap") == slot_of("{bar"));
  CHECK(slot_of("") == 0);
  slot_map m;
  CHECK_FALSE(m.complete());
  m.assign(0, 8'191, m.master("a:1"));
  m.assign(8'192, 16'383, m.master("b:2"));
  CHECK(m.complete());
  CHECK(m.owner(slot_of("foo")) == 1);
  CHECK(m.master("a:1") == 0);
  m.clear();
  CHECK(m.owner(0) == slot_map::nobody);
}

TEST_CASE("redirections are read, and nothing that only looks like one", "[redis]") {
  redirection r;
  CHECK(parse_redirection("MOVED 3999 127.0.0.1:6381", r));
  CHECK(r == redirection{false, 3'999, "127.0.0.1:6381"});
  CHECK(parse_redirection("ASK 1 [::1]:7000", r));
  CHECK(r == redirection{true, 1, "[::1]:7000"});
  CHECK(parse_redirection("MOVED 0 :7000", r));
  for (const char* bad : {"MOVED", "MOVED ", "MOVED 1", "MOVED 16384 a:1", "MOVED -1 a:1", "MOVED 1 a", "MOVED 1 a:",
                          "MOVED 1 a:0", "MOVED 1 a:99999", "MOVED 1x a:1", "MOVED 1 a:1x", "ERR MOVED 1 a:1", ""}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_redirection(bad, r));
  }
  CHECK(r == redirection{false, 0, ":7000"});
}

TEST_CASE("pauses double, are jittered, and start over after success", "[redis]") {
  backoff b(duration{50}, duration{1'000}, 7);
  std::int64_t bound = 50;
  for (int i = 0; i < 12; ++i) {
    const auto wait = b.next().count();
    CHECK(wait >= bound / 2);
    CHECK(wait <= bound);
    bound = std::min<std::int64_t>(1'000, bound * 2);
  }
  b.reset();
  CHECK(b.next().count() <= 50);
}

}  // namespace aicache::redis_core_test
