#include "actors/generic_store.hpp"
#include "tests/support/sim.hpp"

#include <optional>

using namespace aicache;
using namespace aicache::test;

namespace {

using key_list = std::vector<std::string>;

keys_found keys_of(sim& s, const std::string& tenant, const std::string& pattern, const std::string& after = {},
                   std::uint32_t limit = 1'000) {
  return s.told<keys_found>(s.node, keys_request{tenant, pattern, after, limit});
}

invalidated forget(sim& s, invalidate_request what) { return s.told<invalidated>(s.node, std::move(what)); }

void set_all(sim& s, const generic_store& to, const key_list& keys) {
  key_list values;
  for (const std::string& key : keys) values.push_back("value of " + key);
  for (const put_result& r : s.result(to.set_async(keys, values))) CHECK(r == put_result{});
}

}  // namespace

TEST_CASE("what is set under a key is got again, byte for byte, for as long as it lives", "[actors][generic]") {
  sim s(small_node(3));
  const generic_store store = s.connect().generic("acme");
  const std::string bytes("\0\xff plain", 8);
  put_options o;
  o.ttl = duration{5'000};
  CHECK(s.result(store.set_async("user:42", bytes, o)) == put_result{});
  CHECK(s.result(store.set_async("empty", "")) == put_result{});
  const answer got = s.result(store.get_async("user:42"));
  CHECK(got.hit());
  CHECK(got.text() == bytes);
  CHECK(got.time_left() == duration{5'000});
  const answer empty = s.result(store.get_async("empty"));
  CHECK(empty.hit());
  CHECK(empty.text().empty());
  CHECK(empty.time_left().value_or(duration{0}) > duration{3'000'000});
  const key_list both{"user:42", "empty", "nobody"};
  CHECK(s.result(store.by_key_async(call_kind::exists, both)) ==
        std::vector<key_result>{{true, errc::none, 0}, {true, errc::none, 0}, {false, errc::none, 0}});
  CHECK(s.result(store.by_key_async(call_kind::time_left, {both.data(), 1})).front().left_ms == 5'000);
  CHECK(s.result(store.by_key_async(call_kind::touch, {both.data(), 1}, 9'000)).front().left_ms == 9'000);
  s.pass(duration{9'000}, duration{500});
  CHECK_FALSE(s.result(store.get_async("user:42")).hit());
  CHECK(s.result(store.by_key_async(call_kind::erase, {both.data() + 1, 1})).front().found);
  CHECK_FALSE(s.result(store.get_async("empty")).hit());
}

TEST_CASE("what is no key, or too large, is refused", "[actors][generic]") {
  node_options small = small_node();
  small.limits.value_bytes = 1'000;
  sim s(small);
  const generic_store store = s.connect().generic("acme");
  CHECK(s.result(store.set_async("", "x")).error == errc::invalid_argument);
  CHECK(s.result(store.get_async("")).error == errc::invalid_argument);
  CHECK(s.result(store.set_async(std::string(5'000, 'k'), "x")).error == errc::too_large);
  CHECK(s.result(store.set_async("k", std::string(1'000, 'v'))).error == errc::too_large);
  const key_list two{"a", "b"};
  CHECK(s.result(store.set_async(two, {two.data(), 1})).at(1).error == errc::invalid_argument);
  CHECK(keys_of(s, "acme", "").why == errc::invalid_argument);
  CHECK(keys_of(s, "acme", std::string(2'000, '*')).why == errc::too_large);
  CHECK(keys_of(s, std::string(5'000, 't'), "*").why == errc::too_large);
  CHECK(forget(s, {scope_kind::pattern, "acme", ""}).why == errc::invalid_argument);
}

TEST_CASE("keys and answers, and the keys of different tenants, know nothing of each other", "[actors][generic]") {
  sim s(small_node(3));
  const client c = s.connect();
  set_all(s, c.generic("a"), {"qa", "qa_long", "shared"});
  set_all(s, c.generic(), {"shared"});
  CHECK(s.result(c.put_async(ask(1, "qa", "a"), reply_to(1))) == put_result{});
  CHECK(keys_of(s, "a", "*").keys == key_list{"qa", "qa_long", "shared"});
  CHECK(keys_of(s, "", "*").keys == key_list{"shared"});
  CHECK(keys_of(s, "b", "*").keys.empty());
  CHECK_FALSE(s.result(c.generic("b").get_async("shared")).hit());
  // Exact delimiters: a key is no prefix.
  CHECK(forget(s, {scope_kind::pattern, "a", "qa"}).in_memory == 1);
  CHECK(keys_of(s, "a", "*").keys == key_list{"qa_long", "shared"});
  CHECK(forget(s, {scope_kind::operation, "", "qa"}).in_memory == 1);
  CHECK(keys_of(s, "a", "*").keys == key_list{"qa_long", "shared"});
  CHECK(s.result(c.put_async(ask(1, "qa", "a"), reply_to(1))) == put_result{});
  CHECK(forget(s, {scope_kind::pattern, "a", "*"}).in_memory == 2);
  CHECK(keys_of(s, "a", "*").keys.empty());
  CHECK(keys_of(s, "", "*").keys == key_list{"shared"});
  CHECK(s.result(c.get_async(ask(1, "qa", "a"))).hit());
  // All of a tenant is all of it.
  set_all(s, c.generic("a"), {"x"});
  CHECK(forget(s, {scope_kind::tenant, "a"}).in_memory == 2);
  CHECK(keys_of(s, "a", "*").keys.empty());
}

TEST_CASE("keys are told page by page", "[actors][generic]") {
  sim s(small_node(3));
  key_list keys;
  for (int i = 100; i < 200; ++i) keys.push_back("k" + std::to_string(i));
  set_all(s, s.connect().generic("a"), keys);
  key_list told;
  keys_found page;
  do {
    page = keys_of(s, "a", "k1?[0-4]", told.empty() ? "" : told.back(), 7);
    CHECK(page.all_of_redis);
    told.insert(told.end(), page.keys.begin(), page.keys.end());
  } while (page.more);
  std::erase_if(keys, [](const std::string& k) { return k.back() > '4'; });
  CHECK(told == keys);
}

TEST_CASE("a dry run says what would go, and nothing goes", "[actors][generic][invalidation]") {
  sim s(small_node(4));
  const client c = s.connect();
  put_options tagged;
  tagged.tags = {"doc"};
  CHECK(s.result(c.put_async(ask(1, "qa", "a"), reply_to(1), tagged)) == put_result{});
  CHECK(s.result(c.put_async(ask(2, "qa_long", "a"), reply_to(2))) == put_result{});
  CHECK(s.result(c.put_async(ask(3, "qa", "b"), reply_to(3), tagged)) == put_result{});
  const key_list keys{"user:1", "user:2", "other"};
  set_all(s, c.generic("a"), keys);
  CHECK(s.result(c.generic("a").set_async("tagged", "x", tagged)) == put_result{});
  struct row {
    invalidate_request what;
    std::uint64_t goes;
  };
  const std::vector<row> rows = {{{scope_kind::pattern, "a", "user:*"}, 2},
                                 {{scope_kind::pattern, "a", "*"}, 4},
                                 {{scope_kind::pattern, "b", "*"}, 0},
                                 {{scope_kind::operation, "", "qa"}, 2},
                                 {{scope_kind::tag, "a", "doc"}, 2},
                                 {{scope_kind::tenant, "a"}, 6},
                                 {{scope_kind::everything}, 7}};
  for (row r : rows) {
    r.what.dry_run = true;
    const invalidated said = forget(s, r.what);
    CHECK(said.why == errc::none);
    CHECK(said.in_memory == r.goes);
    CHECK_FALSE(said.numbered);
  }
  CHECK(s.statistics().invalidations.requested == 0);
  for (row r : rows) {
    sim other(small_node(4));
    const client o = other.connect();
    CHECK(other.result(o.put_async(ask(1, "qa", "a"), reply_to(1), tagged)) == put_result{});
    CHECK(other.result(o.put_async(ask(2, "qa_long", "a"), reply_to(2))) == put_result{});
    CHECK(other.result(o.put_async(ask(3, "qa", "b"), reply_to(3), tagged)) == put_result{});
    set_all(other, o.generic("a"), keys);
    CHECK(other.result(o.generic("a").set_async("tagged", "x", tagged)) == put_result{});
    CHECK(forget(other, r.what).in_memory == r.goes);
  }
  for (const errc why :
       {forget(s, {scope_kind::tag, "a", "", false, true}).why, forget(s, {scope_kind::key, "a", "x", false, true}).why,
        forget(s, {static_cast<scope_kind>(7), "a", "x", false, true}).why})
    CHECK(why == errc::invalid_argument);
}

TEST_CASE("actors use generic entries by request and response", "[actors][generic]") {
  sim s;
  const generic_store store = s.connect().generic("a");
  struct seen {
    key_list values;
    keys_found listed;
    std::optional<invalidated> gone;
    errc refused = errc::none;
  };
  auto what = std::make_shared<seen>();
  const auto user = [what, store](caf::event_based_actor* self, int) {
    const auto never_mind = [](const caf::error&) {};
    const key_list keys{"one", "two"};
    store.set_list(
        self, keys, keys, {},
        [=](const std::vector<put_result>&) {
          store.get_list(
              self, keys,
              [=](const std::vector<answer>& all) {
                for (const answer& a : all) what->values.emplace_back(a.text());
                store.keys(
                    self, {"t*"},
                    [=](keys_found found) {
                      what->listed = std::move(found);
                      store.invalidate(
                          self, "t*", false, [=](const invalidated& i) { what->gone = i; }, never_mind);
                    },
                    never_mind);
              },
              never_mind);
        },
        never_mind);
    store.keys(
        self, {""}, [](const keys_found&) {}, [=](const caf::error& why) { what->refused = to_errc(why); });
  };
  s.system.spawn(user, 0);
  s.run();
  CHECK(what->values == key_list{"one", "two"});
  CHECK(what->listed.keys == key_list{"two"});
  REQUIRE(what->gone);
  CHECK(what->gone->in_memory == 1);
  CHECK(what->refused == errc::invalid_argument);
  CHECK(keys_of(s, "a", "*").keys == key_list{"one"});
}

TEST_CASE("a search of a node that loses a shard is answered, and says so", "[actors][generic]") {
  sim s(small_node(2));
  set_all(s, s.connect().generic("a"), {"1", "2", "3", "4", "5", "6", "7", "8"});
  s.kill(s.map().shards[0]);
  const keys_found found = keys_of(s, "a", "*");
  CHECK(found.why == errc::unavailable);
  s.pass(duration{200});
  const keys_found again = keys_of(s, "a", "*");
  CHECK(again.why == errc::none);
  CHECK(again.keys.size() < 8);
}
