#include "engine/identity/identify.hpp"
#include "messages/identity_rules.hpp"
#include "tests/support/sim.hpp"

using namespace aicache;
using namespace aicache::test;

namespace {

// A map of the cluster, as an actor of the client's node tells it.
void tell_map(sim& s, const client& c, const cluster_map& m) {
  const auto teller = [](caf::event_based_actor* self, const client_actor& to, const cluster_map& what) {
    self->send(to, what);
  };
  s.system.spawn(teller, c.actor(), m);
  s.run();
}

// The first question whose answer belongs to the member at this place.
std::uint64_t question_of(std::uint16_t place, const client& c) {
  const std::vector<std::string> names{"a", "b"};
  const auto owners = assign_ranges(names);
  identifier identities(identity_rules(c.limits()));
  std::uint64_t n = 0;
  while (owners[range_of(identities.identify(ask(n))->id.key())] != place) ++n;
  return n;
}

const cluster_member member_a{"a", "127.0.0.1", 1, 1};
const cluster_member member_b{"b", "127.0.0.1", 2, 1};

}  // namespace

TEST_CASE("keys of a member that cannot be reached wait until they are another's, and the rest does not",
          "[actors][client][cluster]") {
  sim s;
  const client c = s.connect();
  tell_map(s, c, {1, {member_a, member_b}, {}, "a"});
  const std::uint64_t ours = question_of(0, c);
  const std::uint64_t theirs = question_of(1, c);
  CHECK(s.result(c.put_async(ask(ours), reply_to(ours))) == put_result{});
  auto waiting = c.put_async(ask(theirs), reply_to(theirs));
  s.run();
  CHECK_FALSE(sim::is_ready(waiting));
  SECTION("by a newer map") {
    tell_map(s, c, {2, {member_a}, {}, "a"});
    CHECK(s.result(std::move(waiting)) == put_result{});
    CHECK(s.result(c.get_async(ask(theirs))).text() == reply_to(theirs).text);
  }
  SECTION("not by one that is no newer") {
    tell_map(s, c, {1, {member_a}, {}, "a"});
    CHECK_FALSE(sim::is_ready(waiting));
    s.pass(duration{5'000});
    REQUIRE(sim::is_ready(waiting));
    CHECK(waiting.get().error == errc::unavailable);
  }
  SECTION("when the node is on its own again") {
    tell_map(s, c, {});
    CHECK(s.result(std::move(waiting)) == put_result{});
  }
}
