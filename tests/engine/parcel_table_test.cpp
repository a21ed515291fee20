#include "engine/client/parcel_table.hpp"

#include <algorithm>

#include "tests/support/client_harness.hpp"

namespace aicache::parcel_table_test {

using namespace aicache::test;

namespace {

std::shared_ptr<const name_lists> named(std::vector<std::string> operations, std::vector<std::string> tenants) {
  return std::make_shared<const name_lists>(name_lists{std::move(operations), std::move(tenants), {"m"}});
}

client_core::send_part part(std::uint64_t correlation, const std::vector<std::uint64_t>& numbers,
                            std::shared_ptr<const name_lists> names = named({"qa"}, {"t"}),
                            duration wait = duration{1'000}, std::uint32_t shard = 0) {
  client_core::send_part p{0, shard, correlation, call_kind::get, wait, {}};
  auto b = std::make_shared<get_body>();
  b->names = std::move(names);
  for (const auto n : numbers) b->items.push_back({id_of(n), 0, 0, text_tier::small, false});
  p.what = std::move(b);
  return p;
}

const get_body& gets(const client_core::body& b) { return **std::get_if<std::shared_ptr<get_body>>(&b); }

// A table with its time, and what has left it.
struct posted {
  void add(client_core::send_part p) { t.add(std::move(p), batch_keys, now); }
  std::vector<client_core::send_part> take() {
    std::vector<client_core::send_part> out;
    t.take(now, out);
    return out;
  }
  // The shard's reply to a parcel: of each item the answer to it.
  std::vector<parcel_table::part_reply> reply(const client_core::send_part& p, get_status status = get_status::hit) {
    auto b = std::make_shared<get_body>();
    for (const get_item& i : gets(p.what).items) b->results.push_back(answer_to(i.id, status));
    b->now = {77};
    std::vector<parcel_table::part_reply> out;
    t.replied(p.correlation, errc::none, b, out);
    return out;
  }

  parcel_table t;
  std::size_t batch_keys = 100;
  instant now{1'000};
};

}  // namespace

TEST_CASE("a part that comes alone leaves at once and as it is", "[engine][client]") {
  posted p;
  const auto one = part(7, {1, 2});
  p.add(one);
  const auto out = p.take();
  REQUIRE(out.size() == 1);
  CHECK(out[0].what == one.what);
  CHECK(parcel_table::is_parcel(out[0].correlation));
  CHECK(out[0].wait == duration{1'000});
  const auto told = p.reply(out[0]);
  REQUIRE(told.size() == 1);
  CHECK(told[0].correlation == 7);
  CHECK(gets(told[0].what).results.size() == 2);
  CHECK(p.t.under_way() == 0);
}

TEST_CASE("what waits for one shard leaves as one message with all names, and each part gets its own answers",
          "[engine][client]") {
  posted p;
  p.add(part(1, {1, 2}, named({"qa", "summary"}, {"t"})));
  p.add(part(2, {3}, named({"summary"}, {"u"})));
  p.add(part(3, {4}, named({"summary"}, {"u"})));
  p.add(part(4, {5}, named({"qa"}, {"t"}), duration{1'000}, 1));
  const auto out = p.take();
  REQUIRE(out.size() == 2);
  const get_body& all = gets(out[0].what);
  CHECK(*all.names == name_lists{{"qa", "summary"}, {"t", "u"}, {"m"}});
  REQUIRE(all.items.size() == 4);
  CHECK(all.items[0] == get_item{id_of(1), 0, 0, text_tier::small, false});
  CHECK(all.items[2] == get_item{id_of(3), 1, 1, text_tier::small, false});
  CHECK(all.items[3] == get_item{id_of(4), 1, 1, text_tier::small, false});
  CHECK(all.calls == std::vector<std::uint32_t>{2, 3, 4});
  CHECK(out[1].shard == 1);
  CHECK(gets(out[1].what).calls.empty());
  const auto told = p.reply(out[0]);
  REQUIRE(told.size() == 3);
  CHECK(gets(told[0].what).results.size() == 2);
  CHECK(gets(told[0].what).results[1].created == answer_to(id_of(2)).created);
  CHECK(told[2].correlation == 3);
  CHECK(gets(told[2].what).results.at(0).created == answer_to(id_of(4)).created);
  CHECK(gets(told[2].what).now == instant{77});
}

TEST_CASE("while two messages are under way more is gathered, and leaves with the next answer", "[engine][client]") {
  posted p;
  p.add(part(1, {1}));
  const auto first = p.take();
  p.add(part(2, {2}));
  const auto second = p.take();
  for (std::uint64_t i = 3; i < 10; ++i) p.add(part(i, {i}));
  CHECK(p.take().empty());
  CHECK(p.t.has_gathered());
  CHECK_FALSE(p.t.is_ready());
  p.reply(first.at(0));
  CHECK(p.t.is_ready());
  const auto third = p.take();
  REQUIRE(third.size() == 1);
  CHECK(keys_of(third[0]) == 7);
  CHECK_FALSE(p.t.has_gathered());
  CHECK(p.reply(third[0]).size() == 7);
}

TEST_CASE("a parcel holds no more keys than the node takes, nor more bytes than is good", "[engine][client]") {
  posted p;
  p.batch_keys = 5;
  for (std::uint64_t i = 1; i <= 4; ++i) p.add(part(i, {10 * i, 10 * i + 1}));
  const auto out = p.take();
  REQUIRE(out.size() == 2);
  CHECK(keys_of(out[0]) == 4);
  CHECK(keys_of(out[1]) == 4);
  for (std::uint64_t i = 1; i <= 6; ++i) {
    client_core::send_part put{0, 5, i, call_kind::put, duration{1'000}, {}};
    auto b = std::make_shared<put_body>();
    b->names = named({"qa"}, {"t"});
    b->items.push_back({id_of(i), 0, 0, text_tier::small, 0, own_lifetime, blob::make(std::string(200'000, 'x'), {})});
    put.what = std::move(b);
    p.add(std::move(put));
  }
  p.batch_keys = 100;
  const auto puts = p.take();
  REQUIRE(puts.size() == 2);
  CHECK(keys_of(puts[0]) == 5);
}

TEST_CASE("what a shard may answer late does not keep others waiting", "[engine][client]") {
  posted p;
  for (std::uint64_t i = 1; i <= 5; ++i) {
    client_core::send_part erase{0, 0, i, call_kind::erase, duration{1'000}, {}};
    auto b = std::make_shared<key_body>();
    b->names = named({"qa"}, {"t"});
    b->items.push_back({id_of(i)});
    erase.what = std::move(b);
    p.add(std::move(erase));
    CHECK(p.take().size() == 1);
  }
  p.add(part(9, {1}));
  CHECK(p.take().size() == 1);
}

TEST_CASE("calls with other deadlines are not joined, for a shard lets nobody wait longer than one of them",
          "[engine][client]") {
  posted p;
  p.add(part(1, {1}, named({"qa"}, {"t"}), duration{1'000}));
  p.add(part(2, {2}, named({"qa"}, {"t"}), duration{1'050}));
  p.add(part(3, {3}, named({"qa"}, {"t"}), duration{5'000}));
  const auto out = p.take();
  REQUIRE(out.size() == 2);
  CHECK(keys_of(out[0]) == 2);
  CHECK(out[0].wait == duration{1'000});
  CHECK(out[1].wait == duration{5'000});
}

TEST_CASE("what follows a reply finds its part", "[engine][client]") {
  posted p;
  p.add(part(1, {1, 2}));
  p.add(part(2, {3, 4, 5}));
  const auto out = p.take();
  REQUIRE(out.size() == 1);
  p.reply(out[0], get_status::pending);
  CHECK(p.t.place_of(out[0].correlation, 1) == std::pair<std::uint64_t, std::uint32_t>{1, 1});
  CHECK(p.t.place_of(out[0].correlation, 2) == std::pair<std::uint64_t, std::uint32_t>{2, 0});
  CHECK(p.t.place_of(out[0].correlation, 4) == std::pair<std::uint64_t, std::uint32_t>{2, 2});
  CHECK(p.t.place_of(out[0].correlation, 5) == std::nullopt);
  CHECK(p.t.place_of(out[0].correlation + 1, 0) == std::nullopt);
  CHECK(p.t.under_way() == 1);
  p.t.place_of(out[0].correlation, 0);
  p.t.place_of(out[0].correlation, 3);
  CHECK(p.t.under_way() == 0);
}

TEST_CASE("a refusal and a reply that does not fit reach every part", "[engine][client]") {
  posted p;
  p.add(part(1, {1}));
  p.add(part(2, {2}));
  auto sent = p.take();
  std::vector<parcel_table::part_reply> out;
  SECTION("refused") { p.t.replied(sent[0].correlation, errc::shutting_down, client_core::body{}, out); }
  SECTION("too short") {
    auto b = std::make_shared<get_body>();
    b->results.resize(1);
    p.t.replied(sent[0].correlation, errc::none, b, out);
  }
  REQUIRE(out.size() == 2);
  CHECK(out[0].correlation == 1);
  CHECK(out[1].correlation == 2);
  for (const auto& o : out) CHECK(*std::get_if<std::shared_ptr<get_body>>(&o.what) == nullptr);
  p.t.replied(sent[0].correlation, errc::none, client_core::body{}, out);
  CHECK(out.size() == 2);
}

TEST_CASE("a shard that is gone gets nothing more, and its successor starts with none under way", "[engine][client]") {
  posted p;
  p.add(part(1, {1}));
  p.take();
  p.add(part(2, {2}));
  p.take();
  p.add(part(3, {3}));
  p.add(part(4, {4}, named({"qa"}, {"t"}), duration{1'000}, 1));
  p.t.lost(0, 0);
  CHECK(p.take().size() == 1);
  p.add(part(5, {5}));
  CHECK(p.take().size() == 1);
  p.t.lost(0);
  CHECK(p.t.under_way() == 0);
  CHECK_FALSE(p.t.has_gathered());
}

TEST_CASE("parts and parcels whose calls have ended are forgotten", "[engine][client]") {
  posted p;
  p.add(part(1, {1}));
  p.add(part(2, {2}));
  p.take();
  p.now = p.now + duration{999};
  p.t.tick(p.now);
  CHECK(p.t.under_way() == 1);
  p.add(part(3, {3}, named({"qa"}, {"t"}), duration{1}));
  p.now = p.now + duration{1};
  CHECK(p.take().empty());
  p.t.tick(p.now);
  CHECK(p.t.under_way() == 0);
  CHECK_FALSE(p.t.has_gathered());
}

}  // namespace aicache::parcel_table_test
