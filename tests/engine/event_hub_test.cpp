#include <catch2/catch.hpp>

#include "engine/events/event_hub.hpp"
#include "engine/events/event_log.hpp"

namespace aicache::event_hub_test {

namespace {

cache_event event_of(event_kind kind, std::int64_t at, std::string tenant = "t", std::string operation = "qa") {
  cache_event e;
  e.kind = kind;
  e.at = {at};
  e.tenant = std::move(tenant);
  e.operation = std::move(operation);
  return e;
}

event_filter only(event_kind kind) {
  event_filter f;
  f.kinds = bit_of(kind);
  return f;
}

event_hub::options small() { return {3, 2'000, 4, 2}; }

}  // namespace

TEST_CASE("a subscriber is told of the events that it wants, in order", "[engine][events]") {
  event_hub hub(small());
  CHECK(hub.wanted() == 0);
  const auto hits = hub.subscribe(only(event_kind::hit));
  event_filter f;
  f.one_tenant = true;
  const auto nobodys = hub.subscribe(f);
  f = {};
  f.one_operation = true;
  f.operation = "qa";
  f.kinds = bit_of(event_kind::put) | bit_of(event_kind::miss);
  const auto qa = hub.subscribe(f);
  REQUIRE((hits && nobodys && qa));
  CHECK(hub.wanted() == all_event_kinds);
  const std::vector<cache_event> all{event_of(event_kind::hit, 1), event_of(event_kind::put, 2),
                                     event_of(event_kind::miss, 3, "", "qa_long"), event_of(event_kind::hit, 4, "u")};
  event_hub::deliveries out;
  hub.happened(all, 0, out);
  REQUIRE(out.size() == 3);
  CHECK(out[0].subscription == *hits);
  CHECK(out[0].number == 1);
  CHECK(out[0].dropped == 0);
  CHECK(out[0].events == std::vector<cache_event>{all[0], all[3]});
  CHECK(out[1].events == std::vector<cache_event>{all[2]});
  CHECK(out[2].events == std::vector<cache_event>{all[1]});
  CHECK(hub.unsubscribe(*nobodys));
  CHECK_FALSE(hub.unsubscribe(*nobodys));
  CHECK(hub.unsubscribe(*qa));
  CHECK(hub.wanted() == bit_of(event_kind::hit));
}

TEST_CASE("a slow subscriber loses events, is told how many, and costs the others none", "[engine][events]") {
  event_hub hub(small());
  const auto slow = hub.subscribe({});
  const auto quick = hub.subscribe({});
  REQUIRE((slow && quick));
  std::uint64_t of_quick = 0;
  std::uint64_t of_slow = 0;
  std::uint64_t batches_of_slow = 0;
  for (std::int64_t t = 0; t < 1'000; ++t) {
    const std::vector<cache_event> one{event_of(event_kind::hit, t)};
    event_hub::deliveries out;
    hub.happened(one, 0, out);
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (out[i].subscription == *slow) {
        ++batches_of_slow;
        of_slow += out[i].events.size();
        continue;
      }
      CHECK(out[i].dropped == 0);
      of_quick += out[i].events.size();
      hub.taken(*quick, out);
    }
  }
  CHECK(of_quick == 1'000);
  // Its credit, and no more.
  CHECK(batches_of_slow == 2);
  std::uint64_t dropped = 0;
  for (bool more = true; more;) {
    event_hub::deliveries out;
    hub.taken(*slow, out);
    for (const auto& d : out) {
      CHECK(d.events.size() <= 4);
      dropped += d.dropped;
      of_slow += d.events.size();
    }
    more = !out.empty();
  }
  CHECK(dropped > 0);
  CHECK(dropped + of_slow == 1'000);
}

TEST_CASE("there is a limit to subscribers, and whoever wants nothing is none", "[engine][events]") {
  event_hub hub(small());
  event_filter none;
  none.kinds = 0;
  CHECK(hub.subscribe(none).why().code == errc::invalid_argument);
  for (int i = 0; i < 3; ++i) CHECK(hub.subscribe({}));
  CHECK(hub.subscribe({}).why().code == errc::overloaded);
  event_hub::deliveries out;
  hub.taken(99, out);
  hub.taken(1, out);
  CHECK(out.empty());
}

TEST_CASE("what a shard has no room for is counted, and told to all who listen", "[engine][events]") {
  event_log log(1'000);
  CHECK_FALSE(log.is_watched());
  log.watch(bit_of(event_kind::hit));
  CHECK(log.wants(event_kind::hit));
  CHECK_FALSE(log.wants(event_kind::put));
  CHECK_FALSE(log.has_news());
  for (std::int64_t t = 0; t < 100; ++t) log.add(event_of(event_kind::hit, t));
  REQUIRE(log.has_news());
  const auto events = log.take();
  const std::uint64_t dropped = log.take_dropped();
  CHECK(events.size() + dropped == 100);
  CHECK(dropped > 0);
  CHECK_FALSE(log.has_news());
  event_hub hub(small());
  REQUIRE(hub.subscribe(only(event_kind::put)));
  event_hub::deliveries out;
  hub.happened(events, dropped, out);
  REQUIRE(out.size() == 1);
  CHECK(out[0].dropped == dropped);
  CHECK(out[0].events.empty());
  log.add(event_of(event_kind::hit, 1));
  log.watch(0);
  CHECK_FALSE(log.has_news());
}

}  // namespace aicache::event_hub_test
