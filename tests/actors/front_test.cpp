#include "tests/support/refused_memory.hpp"
#include "tests/support/sim.hpp"

using namespace aicache;
using namespace aicache::test;

namespace {

identity id_of_request(const request& r) {
  identifier names{identity_options{}};
  return names.identify(r)->id;
}

std::shared_ptr<const name_lists> names() { return std::make_shared<name_lists>(name_lists{{"qa"}, {"t"}}); }

std::shared_ptr<put_body> put_of(std::uint64_t number) {
  auto b = std::make_shared<put_body>();
  b->names = names();
  b->items.push_back({id_of_request(ask(number)), 0, 0, text_tier::small, 0, own_lifetime, to_blob(reply_to(number))});
  return b;
}

std::shared_ptr<get_body> get_of(std::uint64_t number, bool lease = false) {
  auto b = std::make_shared<get_body>();
  b->names = names();
  b->items.push_back({id_of_request(ask(number)), 0, 0, text_tier::small, lease});
  return b;
}

std::shared_ptr<key_body> key_of(std::uint64_t number, std::int64_t argument = own_lifetime) {
  auto b = std::make_shared<key_body>();
  b->items.push_back({id_of_request(ask(number)), argument});
  return b;
}

}  // namespace

TEST_CASE("front and shards take every operation themselves", "[actors][front][shard]") {
  sim s(small_node(1));
  const bool through_front = GENERATE(true, false);
  const caf::actor who =
      through_front ? caf::actor_cast<caf::actor>(s.node) : caf::actor_cast<caf::actor>(s.map().shards[0]);
  const auto put = s.told<put_reply>(who, put_batch{7, 0, false, 0, put_of(1)});
  CHECK(put.correlation == 7);
  CHECK(put.why == errc::none);
  CHECK(put.body->results == std::vector<put_result>(1));
  const auto got = s.told<get_reply>(who, get_batch{8, 0, false, 0, get_of(1)});
  REQUIRE(got.body);
  REQUIRE(got.body->results.size() == 1);
  CHECK(got.body->results[0].value->text() == "answer 1");
  CHECK(s.told<exists_reply>(who, exists_batch{9, 0, false, 0, key_of(1)}).body->results[0].found);
  CHECK_FALSE(s.told<exists_reply>(who, exists_batch{9, 0, false, 0, key_of(2)}).body->results[0].found);
  CHECK(s.told<touch_reply>(who, touch_batch{9, 0, false, 0, key_of(1, 5'000)}).body->results[0] ==
        key_result{true, errc::none, 5'000});
  s.pass(duration{1'000});
  CHECK(s.told<time_left_reply>(who, time_left_batch{9, 0, false, 0, key_of(1)}).body->results[0] ==
        key_result{true, errc::none, 4'000});
  CHECK(s.told<touch_reply>(who, touch_batch{9, 0, false, 0, key_of(1, -1)}).body->results[0].error ==
        errc::invalid_argument);
  CHECK(s.told<erase_reply>(who, erase_batch{9, 0, false, 0, key_of(1)}).body->results[0].found);
  const auto leased = s.told<get_reply>(who, get_batch{8, 1'000, false, 0, get_of(1, true)});
  REQUIRE(leased.body->results[0].status == get_status::lease);
  const auto lease = static_cast<std::int64_t>(leased.body->results[0].lease);
  // A lease of one who is gone passes on; the front's own client is never gone.
  CHECK(s.told<release_reply>(who, release_batch{9, 0, false, 0, key_of(1, lease)}).body->results[0].found ==
        through_front);
  CHECK_FALSE(s.told<release_reply>(who, release_batch{9, 0, false, 0, key_of(1, lease)}).body->results[0].found);
  CHECK(s.told<get_reply>(who, get_batch{8, 0, false, 0, std::make_shared<get_body>()}).body->results.empty());
}

TEST_CASE("a batch that breaks a rule is refused as a whole, clearly", "[actors][front][shard]") {
  node_options o = small_node(1);
  o.limits.batch_keys = 2;
  sim s(o);
  const bool through_front = GENERATE(true, false);
  const caf::actor who =
      through_front ? caf::actor_cast<caf::actor>(s.node) : caf::actor_cast<caf::actor>(s.map().shards[0]);
  CHECK(s.told<get_reply>(who, get_batch{1, 0, false, 0, nullptr}).why == errc::invalid_argument);
  CHECK(s.told<put_reply>(who, put_batch{1, 0, false, 0, nullptr}).why == errc::invalid_argument);
  CHECK(s.told<erase_reply>(who, erase_batch{1, 0, false, 0, nullptr}).why == errc::invalid_argument);
  auto many = get_of(1);
  many->items.resize(3, many->items[0]);
  CHECK(s.told<get_reply>(who, get_batch{1, 0, false, 0, many}).why == errc::too_large);
  auto keys = key_of(1);
  keys->items.resize(3);
  CHECK(s.told<release_reply>(who, release_batch{1, 0, false, 0, keys}).why == errc::too_large);
}

TEST_CASE("items that name what is not in their batch are counted as other and harm nothing", "[actors][shard]") {
  sim s(small_node(1));
  auto put = put_of(1);
  put->items[0].operation = 9;
  put->items[0].tenant = UINT16_MAX;
  auto get = get_of(1);
  get->names = nullptr;
  get->items[0].operation = 77;
  // Results that the sender brings along are not taken for answers.
  get->results.resize(40);
  CHECK(s.told<put_reply>(s.node, put_batch{1, 0, false, 0, put}).body->results[0] == put_result{});
  CHECK(s.told<get_reply>(s.node, get_batch{1, 0, false, 0, get}).body->results[0].status == get_status::hit);
  auto empty = put_of(2);
  empty->items[0].value = {};
  CHECK(s.told<put_reply>(s.node, put_batch{1, 0, false, 0, empty}).body->results[0] ==
        put_result{put_status::refused, errc::invalid_argument});
  s.pass(duration{300});
  const auto now = s.statistics();
  REQUIRE(now.operations.size() == 1);
  CHECK(now.operations[0].name == "other");
  CHECK(now.operations[0].counted.hits() == 1);
}

TEST_CASE("a batch for which there is no memory fails alone", "[actors][shard]") {
  sim s(small_node(1));
  REQUIRE(s.told<put_reply>(s.node, put_batch{1, 0, false, 0, put_of(1)}).why == errc::none);
  const shard_actor shard = s.map().shards[0];
  auto large = get_of(1);
  large->items.resize(4'000, large->items[0]);
  auto keys = key_of(1);
  keys->items.resize(4'000, keys->items[0]);
  auto puts = put_of(1);
  puts->items.resize(4'000, puts->items[0]);
  refuse_from = 7'000;
  const auto got = s.told<get_reply>(shard, get_batch{3, 0, false, 0, large});
  const auto told = s.told<exists_reply>(shard, exists_batch{4, 0, false, 0, keys});
  const auto stored = s.told<put_reply>(shard, put_batch{5, 0, false, 0, puts});
  refuse_from = 0;
  CHECK(got.why == errc::internal);
  CHECK(told.why == errc::internal);
  CHECK(stored.why == errc::internal);
  CHECK(s.map().shards[0] == shard);
  CHECK(s.told<get_reply>(s.node, get_batch{1, 0, false, 0, get_of(1)}).body->results[0].status == get_status::hit);
}

TEST_CASE("a lease passes on when the actor that has it dies", "[actors][shard][lease]") {
  sim s(small_node(1));
  const auto shard = caf::actor_cast<caf::actor>(s.map().shards[0]);
  std::vector<std::pair<int, get_result>> got;
  const auto one = [&got, shard](caf::event_based_actor* self, int number) -> caf::behavior {
    self->send(shard, get_batch{5, 60'000, true, 0, get_of(1, true)});
    return {[&got, number](const get_reply& r) { got.emplace_back(number, r.body->results[0]); },
            [&got, number](const late_reply& r) { got.emplace_back(number, r.results.at(0).result); }};
  };
  const auto asker = [&](int number) { return s.system.spawn(one, number); };
  const caf::actor first = asker(1);
  s.run();
  const caf::actor second = asker(2);
  s.run();
  const caf::actor third = asker(3);
  s.run();
  REQUIRE(got.size() == 3);
  CHECK(got[0].second.status == get_status::lease);
  CHECK(got[1].second.status == get_status::pending);
  CHECK(got[2].second.status == get_status::pending);
  // One who waits leaves the line when it dies; then the holder dies.
  caf::anon_send_exit(second, caf::exit_reason::kill);
  s.run();
  caf::anon_send_exit(first, caf::exit_reason::kill);
  s.run();
  REQUIRE(got.size() == 4);
  CHECK(got[3].first == 3);
  CHECK(got[3].second.status == get_status::lease);
  s.pass(duration{300});
  CHECK(s.statistics().present.parked == 0);
  caf::anon_send_exit(third, caf::exit_reason::kill);
  s.run();
}

TEST_CASE("a node that drains sends those who wait away, gives no leases, and still answers hits", "[actors][front]") {
  sim s(small_node(2));
  const client c = s.connect();
  REQUIRE(s.result(c.put_async(ask(1), reply_to(1))) == put_result{});
  get_options o;
  o.lease = true;
  for (std::uint64_t i = 2; i < 6; ++i) REQUIRE(s.result(c.get_async(ask(i), o)).must_compute());
  std::vector<std::future<answer>> waiting;
  for (std::uint64_t i = 2; i < 6; ++i) waiting.push_back(c.get_async(ask(i), o));
  s.run();
  CHECK(s.told<drained>(s.node, drain_request{}).abandoned == 4);
  for (auto& w : waiting) CHECK(s.result(std::move(w)).error == errc::shutting_down);
  CHECK(s.result(c.get_async(ask(9), o)).status == get_status::miss);
  CHECK(s.result(c.put_async(ask(9), reply_to(9))) == put_result{put_status::refused, errc::shutting_down});
  CHECK(s.result(c.get_async(ask(1))).text() == "answer 1");
  CHECK(s.told<drained>(s.node, drain_request{}).abandoned == 0);
}

TEST_CASE("a watcher is told each map once, however often it asks to be", "[actors][front]") {
  sim s(small_node(1));
  std::vector<std::uint64_t> epochs;
  const auto listen = [](map_watcher::pointer, std::vector<std::uint64_t>* to) -> map_watcher::behavior_type {
    return {[to](const shard_map& m) { to->push_back(m.epoch); }};
  };
  const map_watcher watcher = s.system.spawn(listen, &epochs);
  for (int i = 0; i < 3; ++i) caf::anon_send(s.node, watch_map{watcher});
  s.run();
  CHECK(epochs == std::vector<std::uint64_t>{1, 1, 1});
  s.kill(s.map().shards[0]);
  s.pass(duration{100});
  CHECK(epochs == std::vector<std::uint64_t>{1, 1, 1, 2, 3});
  caf::anon_send_exit(watcher, caf::exit_reason::kill);
  s.run();
}
