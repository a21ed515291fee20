#include "tests/support/sim.hpp"

using namespace aicache;
using namespace aicache::test;

TEST_CASE("an answer that was put is got, with all that was said of it", "[actors][client]") {
  sim s;
  const client c = s.connect();
  CHECK(s.result(c.get_async(ask(1))).status == get_status::miss);
  CHECK(s.result(c.put_async(ask(1), reply_to(1))) == put_result{});
  s.pass(duration{50});
  const answer a = s.result(c.get_async(ask(1)));
  CHECK(a.hit());
  CHECK(a.text() == "answer 1");
  CHECK(a.model() == "model-1");
  CHECK(a.facts() == answer_facts{10, 20, 30, 8});
  CHECK(a.from == tier::hot);
  CHECK(a.retrievals == 1);
  CHECK(a.created == instant{1'000'000});
  CHECK(a.expires == instant{1'000'000} + node_options{}.shard.lifetimes.otherwise);
  CHECK(s.result(c.get_async(ask(1, "qa", "another tenant"))).status == get_status::miss);
}
