#include "engine/redis/vigil.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <vector>

namespace aicache::vigil_test {

using namespace std::chrono_literals;
constexpr auto reply = vigil::event::reply;
constexpr auto request = vigil::event::request;

TEST_CASE("a thread looks for what it expects until the time is over") {
  vigil v{50us};
  CHECK_FALSE(v.lasts(0us));
  v.expect(reply, 100us);
  CHECK(v.lasts(100us));
  CHECK(v.lasts(149us));
  CHECK_FALSE(v.lasts(150us));
  CHECK_FALSE(v.lasts(120us));
}

TEST_CASE("a thread that is told to never look sleeps at once") {
  vigil v{0us};
  v.expect(reply, 1us);
  CHECK_FALSE(v.lasts(1us));
}

TEST_CASE("each time in vain doubles how often it is not tried, up to once in 64 times") {
  vigil v{50us};
  auto now = 0us;
  std::vector<int> skipped;
  for (int tried = 0; tried < 9; ++tried) {
    int n = 0;
    for (v.expect(reply, now); !v.lasts(now); v.expect(reply, now)) ++n;
    skipped.push_back(n);
    now += 50us;
    CHECK_FALSE(v.lasts(now));
  }
  CHECK(skipped == std::vector<int>{0, 1, 3, 7, 15, 31, 63, 63, 63});
}

TEST_CASE("what comes while it is looked for makes it looked for each time again") {
  vigil v{50us};
  auto now = 0us;
  for (int in_vain = 0; in_vain < 4; ++in_vain) {
    while (!v.lasts(now)) v.expect(reply, now);
    now += 50us;
    CHECK_FALSE(v.lasts(now));
  }
  while (!v.lasts(now)) v.expect(reply, now);
  v.expect(reply, now + 10us);
  CHECK(v.lasts(now + 10us));
  CHECK_FALSE(v.lasts(now + 60us));
  v.expect(reply, now + 60us);
  CHECK_FALSE(v.lasts(now + 60us));
  v.expect(reply, now + 60us);
  CHECK(v.lasts(now + 60us));
}

TEST_CASE("callers who ask seldom do not keep a thread from looking for replies that come soon") {
  vigil v{50us};
  auto now = 0us;
  int looked_for_reply = 0;
  int looked_for_request = 0;
  for (int i = 0; i < 640; ++i) {
    v.expect(reply, now);
    looked_for_reply += v.lasts(now) ? 1 : 0;
    now += 20us;
    v.expect(request, now);
    looked_for_request += v.lasts(now) ? 1 : 0;
    now += 1ms;
    v.lasts(now);
  }
  CHECK(looked_for_reply == 640);
  CHECK(looked_for_request <= 16);
}

TEST_CASE("a thread that others wait for sleeps, and tries less often") {
  vigil v{50us};
  v.expect(request, 0us);
  CHECK(v.lasts(1us));
  v.disturbed();
  CHECK_FALSE(v.lasts(1us));
  v.expect(request, 2us);
  CHECK_FALSE(v.lasts(2us));
  v.expect(request, 3us);
  CHECK(v.lasts(3us));
}

}  // namespace aicache::vigil_test
