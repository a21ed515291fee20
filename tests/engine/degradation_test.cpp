#include "engine/degradation/level.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <random>
#include <string>
#include <vector>

namespace aicache::degradation_test {

namespace {

using level = service_level;

/// What happens at a time, and the level from then on.
struct event {
  enum class kind { lost, back, tick, report, drain } what;
  std::int64_t at_ms;
  level then;
  int lag_ms = 0;
  double waiting = 0;
};
using kind = event::kind;

std::optional<degradation::change> tell(degradation& d, const event& e) {
  const instant now{e.at_ms};
  switch (e.what) {
    case kind::lost: return d.shared_tier(false, now);
    case kind::back: return d.shared_tier(true, now);
    case kind::report: return d.pressure(duration{e.lag_ms}, e.waiting, now);
    case kind::drain: return d.drain();
    case kind::tick: break;
  }
  return d.tick(now);
}

void play(const std::vector<event>& events) {
  degradation d{{}};
  level before = level::normal;
  for (std::size_t i = 0; i < events.size(); ++i) {
    CAPTURE(i, events[i].at_ms);
    const auto made = tell(d, events[i]);
    REQUIRE(std::string(to_string(d.level())) == to_string(events[i].then));
    REQUIRE(made.has_value() == (before != d.level()));
    if (made) {
      CHECK(made->from == before);
      CHECK(made->to == d.level());
      CHECK_FALSE(made->why.empty());
    }
    before = d.level();
  }
}

}  // namespace

TEST_CASE("a node without trouble is normal, and one without a shared tier never memory-only",
          "[engine][degradation]") {
  play({{kind::tick, 0, level::normal},
        {kind::report, 100, level::normal},
        {kind::back, 200, level::normal},
        {kind::tick, 90'000, level::normal}});
}

TEST_CASE("a lost shared tier counts at once, and as back after a second without a break", "[engine][degradation]") {
  play({{kind::lost, 0, level::memory_only},
        {kind::lost, 5, level::memory_only},
        {kind::tick, 10'000, level::memory_only},
        {kind::back, 10'000, level::memory_only},
        {kind::back, 10'500, level::memory_only},  // said twice is not back later
        {kind::tick, 10'999, level::memory_only},
        {kind::tick, 11'000, level::normal},
        {kind::lost, 11'001, level::memory_only},
        {kind::back, 11'100, level::memory_only},
        {kind::lost, 12'099, level::memory_only},
        {kind::tick, 12'200, level::memory_only},
        {kind::back, 12'300, level::memory_only},
        {kind::report, 13'299, level::memory_only},
        {kind::report, 13'300, level::normal}});
}

TEST_CASE("pressure counts from the second report over a limit, whichever limit it is", "[engine][degradation]") {
  play({{kind::report, 0, level::normal, 1'000, 0.9},  // at the limits, not over
        {kind::report, 1, level::normal, 1'000, 0.9},
        {kind::report, 2, level::normal, 1'001, 0},
        {kind::report, 3, level::normal, 0, 0},
        {kind::report, 4, level::normal, 0, 0.91},
        {kind::tick, 5, level::normal},  // is no report
        {kind::report, 6, level::shedding, 1'001, 0}});
}

TEST_CASE("pressure ends after a second of reports below half of both limits", "[engine][degradation]") {
  play({{kind::report, 0, level::normal, 5'000, 1},
        {kind::report, 100, level::shedding, 5'000, 1},
        {kind::report, 200, level::shedding, 499, 0.44},
        {kind::report, 1'199, level::shedding, 499, 0.44},
        {kind::report, 1'199, level::shedding, 500, 0},  // just not below half: from the start
        {kind::report, 1'300, level::shedding, 0, 0.45},
        {kind::report, 1'400, level::shedding, 0, 0},
        {kind::tick, 5'000, level::shedding},  // silence is no evidence
        {kind::report, 5'000, level::normal, 0, 0},
        {kind::report, 5'001, level::normal, 5'000, 1},  // and two are needed again
        {kind::report, 5'002, level::shedding, 5'000, 1}});
}

TEST_CASE("a share that is no number neither begins nor ends pressure", "[engine][degradation]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  play({{kind::report, 0, level::normal, 0, nan},
        {kind::report, 1, level::normal, 0, nan},
        {kind::report, 2, level::normal, 0, 1},
        {kind::report, 3, level::shedding, 0, 1},
        {kind::report, 4, level::shedding, 0, nan},
        {kind::report, 9'000, level::shedding, 0, nan}});
}

TEST_CASE("shedding outranks memory-only, which goes on below it", "[engine][degradation]") {
  play({{kind::lost, 0, level::memory_only},
        {kind::report, 10, level::memory_only, 2'000, 0},
        {kind::report, 20, level::shedding, 2'000, 0},
        {kind::lost, 30, level::shedding},
        {kind::report, 40, level::shedding},
        {kind::report, 1'040, level::memory_only},
        {kind::report, 1'050, level::memory_only, 2'000, 0},
        {kind::report, 1'060, level::shedding, 2'000, 0},
        {kind::back, 1'070, level::shedding},
        {kind::report, 1'080, level::shedding},
        {kind::tick, 2'075, level::shedding},
        {kind::report, 2'080, level::normal},
        {kind::report, 3'000, level::normal, 0, 1},
        {kind::report, 3'001, level::shedding, 0, 1},
        {kind::lost, 3'002, level::shedding},
        {kind::back, 3'003, level::shedding},
        {kind::report, 3'004, level::shedding},
        {kind::report, 4'003, level::shedding},
        {kind::report, 4'004, level::normal}});
}

TEST_CASE("draining outranks everything and never ends", "[engine][degradation]") {
  for (const kind first : {kind::tick, kind::lost}) {
    degradation d{{}};
    tell(d, {first, 0, level::normal});
    const auto made = d.drain();
    REQUIRE(made);
    CHECK(made->to == level::draining);
    CHECK_FALSE(d.drain());
    for (std::int64_t at = 1; at < 10'000; at += 7)
      for (const event& e : {event{kind::lost, at, {}}, event{kind::back, at, {}}, event{kind::tick, at, {}},
                             event{kind::report, at, {}, at < 5'000 ? 2'000 : 0, 0}})
        REQUIRE_FALSE(tell(d, e));
    CHECK(d.level() == level::draining);
  }
}

TEST_CASE("whatever happens, service never comes back sooner than it has settled", "[engine][degradation]") {
  std::mt19937 random{3};
  auto below = [&](unsigned bound) { return static_cast<int>(random() % bound); };
  int changes = 0, recoveries = 0;
  for (int run = 0; run < 300; ++run) {
    degradation::options o;
    o.settle = duration{200 + below(2'000)};
    degradation d{o};
    std::int64_t now = 0, risen = 0, lost = INT64_MIN / 2;
    bool is_lost = false;
    int over_in_a_row = 0;
    for (int i = 0; i < 2'000; ++i) {
      now += below(10) == 0 ? below(3'000) : below(40);
      event e{static_cast<kind>(below(4)), now, {}};
      if (e.what == kind::lost && below(20) != 0) e.what = kind::tick;
      if (e.what == kind::report) {
        e.lag_ms = below(8) == 0 ? 1'500 : below(300);
        e.waiting = below(8) == 0 ? 0.95 : below(100) < 3 ? 0.6 : 0.1;
        over_in_a_row = e.lag_ms > 1'000 || e.waiting > 0.9 ? over_in_a_row + 1 : 0;
      }
      if (e.what == kind::lost) lost = now;
      if (e.what == kind::lost || e.what == kind::back) is_lost = e.what == kind::lost;
      const level before = d.level();
      const auto made = tell(d, e);
      REQUIRE(made.has_value() == (before != d.level()));
      if (is_lost) REQUIRE(d.level() >= level::memory_only);
      if (over_in_a_row >= 2) REQUIRE(d.level() == level::shedding);
      if (!made) continue;
      ++changes;
      if (made->to > made->from) {
        // Upwards only for a reason of this very moment.
        REQUIRE((made->to == level::memory_only ? e.what == kind::lost : over_in_a_row >= 2));
        risen = now;
      } else {
        ++recoveries;
        REQUIRE(now - risen >= o.settle.count());
        if (made->to == level::normal) REQUIRE(now - lost >= o.settle.count());
      }
    }
    REQUIRE(d.drain());
  }
  CHECK(changes > 1'000);
  CHECK(recoveries > 300);
}

}  // namespace aicache::degradation_test
