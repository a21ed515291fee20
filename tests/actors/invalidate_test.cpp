#include "tests/support/sim.hpp"

#include <functional>
#include <optional>

using namespace aicache;
using namespace aicache::test;

namespace {

// What became of one invalidation by an actor.
struct told {
  std::optional<invalidated> done;
  errc why = errc::none;
};

told forget(sim& s, const client& c, const invalidate_request& what, duration patience = duration{5'000}) {
  auto t = std::make_shared<told>();
  const auto asker = [t, c, patience](caf::event_based_actor* self, const invalidate_request& asked) {
    c.invalidate(
        self, asked, [t](const invalidated& i) { t->done = i; }, [t](const caf::error& why) { t->why = to_errc(why); },
        patience);
  };
  s.system.spawn(asker, what);
  s.run();
  return *t;
}

// Six answers: of two tenants, of two operations, some with a tag.
void put_six(sim& s, const client& c) {
  put_options tagged;
  tagged.tags = {"doc-17", "draft"};
  CHECK(s.result(c.put_async(ask(1, "qa", "a"), reply_to(1), tagged)) == put_result{});
  CHECK(s.result(c.put_async(ask(2, "qa", "a"), reply_to(2))) == put_result{});
  CHECK(s.result(c.put_async(ask(3, "summarize", "a"), reply_to(3), tagged)) == put_result{});
  CHECK(s.result(c.put_async(ask(4, "summarize", "a"), reply_to(4))) == put_result{});
  CHECK(s.result(c.put_async(ask(5, "qa", "b"), reply_to(5), tagged)) == put_result{});
  CHECK(s.result(c.put_async(ask(6, "summarize", "b"), reply_to(6))) == put_result{});
}

// The numbers of those of the six that are still there.
std::vector<std::uint64_t> left(sim& s, const client& c) {
  const std::vector<request> six = {ask(1, "qa", "a"),        ask(2, "qa", "a"), ask(3, "summarize", "a"),
                                    ask(4, "summarize", "a"), ask(5, "qa", "b"), ask(6, "summarize", "b")};
  const auto got = s.result(c.get_async(six));
  std::vector<std::uint64_t> there;
  for (std::uint64_t i = 0; i < six.size(); ++i)
    if (got[i].hit()) {
      CHECK(got[i].text() == reply_to(i + 1).text);
      there.push_back(i + 1);
    }
  return there;
}

using numbers = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("an invalidation takes the answers that it names out of memory, counts them, and leaves the others",
          "[actors][client][invalidation]") {
  struct row {
    invalidate_request what;
    numbers stay;
  };
  const row r = GENERATE(row{{scope_kind::tag, "a", "doc-17"}, {2, 4, 5, 6}}, row{{scope_kind::tenant, "a"}, {5, 6}},
                         row{{scope_kind::operation, "", "qa"}, {3, 4, 6}}, row{{scope_kind::everything}, {}},
                         row{{scope_kind::tag, "b", "nobody's"}, {1, 2, 3, 4, 5, 6}});
  const bool wait = GENERATE(false, true);
  sim s(small_node(4));
  const client c = s.connect();
  put_six(s, c);
  REQUIRE(left(s, c) == numbers{1, 2, 3, 4, 5, 6});
  invalidate_request what = r.what;
  what.wait = wait;
  const told t = forget(s, c, what);
  REQUIRE(t.done);
  CHECK(t.why == errc::none);
  CHECK(t.done->in_memory == 6 - r.stay.size());
  CHECK(t.done->in_redis == 0);
  CHECK(left(s, c) == r.stay);
  CHECK(forget(s, c, what).done->in_memory == 0);
  // What is put from then on lives.
  put_six(s, c);
  CHECK(left(s, c) == numbers{1, 2, 3, 4, 5, 6});
  CHECK(s.statistics().invalidations.requested == 2);
}

TEST_CASE("an operation is invalidated by its whole name, and none that begins like it",
          "[actors][client][invalidation]") {
  sim s(small_node(4));
  const client c = s.connect();
  const std::vector<request> all = {ask(1, "qa"), ask(2, "qa_long"), ask(3, "q"), ask(4, "x_op:qa"), ask(5, "qa*")};
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(s.result(c.put_async(all[i], reply_to(i))) == put_result{});
  const told t = forget(s, c, {scope_kind::operation, "", "qa"});
  REQUIRE(t.done);
  CHECK(t.done->in_memory == 1);
  const auto got = s.result(c.get_async(all));
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(got[i].hit() == (i != 0));
}

TEST_CASE("an invalidation that names nothing is refused, and harms nothing", "[actors][client][invalidation]") {
  sim s;
  const client c = s.connect();
  put_six(s, c);
  for (const invalidate_request& what :
       {invalidate_request{scope_kind::tag, "a", ""}, invalidate_request{scope_kind::operation, "a", ""},
        invalidate_request{scope_kind::key, "a", "x"}, invalidate_request{static_cast<scope_kind>(7), "a", "x"},
        invalidate_request{static_cast<scope_kind>(0), "a", "x"}}) {
    const told t = forget(s, c, what);
    CHECK_FALSE(t.done);
    CHECK(t.why == errc::invalid_argument);
    CHECK(s.told<invalidated>(s.node, what).why == errc::invalid_argument);
  }
  CHECK(forget(s, c, {scope_kind::tenant, std::string(5'000, 'x')}).why == errc::too_large);
  CHECK(left(s, c) == numbers{1, 2, 3, 4, 5, 6});
  CHECK(s.statistics().invalidations.requested == 0);
}

TEST_CASE("an invalidation of a node that is gone ends with an error", "[actors][client][invalidation]") {
  sim s;
  const client c = s.connect();
  caf::anon_send_exit(s.node, caf::exit_reason::user_shutdown);
  s.run();
  CHECK(forget(s, c, {scope_kind::everything}).why == errc::unavailable);
}
