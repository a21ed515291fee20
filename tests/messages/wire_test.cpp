#include "messages/registry.hpp"

#include <catch2/catch.hpp>

#include <type_traits>

namespace aicache::wire_test {

namespace {

struct fixture {
  fixture() { add_messages(config); }
  caf::actor_system_config config;
};

struct city : fixture {
  caf::actor_system system{config};
  caf::scoped_execution_unit unit{&system};

  // As a message: with the type's name, through the registry, as over a network.
  template <class T>
  T through(const T& x) {
    std::vector<char> buffer;
    caf::binary_serializer sink{&unit, buffer};
    const caf::message sent = caf::make_message(x);
    REQUIRE(sink(sent) == caf::none);
    caf::message got;
    caf::binary_deserializer source{&unit, buffer};
    REQUIRE(source(got) == caf::none);
    REQUIRE(got.match_elements<T>());
    return got.get_as<T>(0);
  }
  template <class T>
  bool refuses(const T& x) {
    std::vector<char> buffer;
    caf::binary_serializer sink{&unit, buffer};
    REQUIRE(sink(x) == caf::none);
    T got;
    caf::binary_deserializer source{&unit, buffer};
    return source(got) != caf::none;
  }
};

const std::string secret = "what a user asked";

blob_ref answer_blob() { return blob::make(secret, {1, 2, 3, 0}); }

template <class Body>
void fill(std::shared_ptr<Body>& body) {
  body = std::make_shared<Body>();
  body->items.resize(2);
  body->results.resize(2);
  if constexpr (requires { body->names; }) body->names = std::make_shared<name_lists>(name_lists{{secret}, {secret}});
  if constexpr (std::is_same_v<Body, get_body>) {
    body->results[1].status = get_status::hit;
    body->results[1].value = answer_blob();
  } else if constexpr (std::is_same_v<Body, put_body>) {
    body->items[1].value = answer_blob();
    body->results[1] = {put_status::refused, errc::too_large};
  } else {
    body->items[1].argument = 77;
    body->results[1] = {true, errc::none, 88};
  }
}

template <class Batch>
void batch_goes_through(city& c) {
  Batch m;
  m.correlation = 5;
  m.wait_ms = 60;
  m.partial = true;
  m.sent_ns = 999;
  fill(m.body);
  const Batch got = c.through(m);
  CHECK(got.correlation == 5);
  CHECK(got.wait_ms == 60);
  CHECK(got.partial);
  // Another process has another clock.
  CHECK(got.sent_ns == 0);
  REQUIRE(got.body);
  CHECK(got.body->items.size() == 2);
  CHECK(got.body->results.empty());
  CHECK(packed::pack_items(*got.body) == packed::pack_items(*m.body));
  CHECK_FALSE(c.through(Batch{}).body);
  const std::string shown = caf::to_string(caf::make_message(m));
  CHECK(shown.find(secret) == std::string::npos);
  CHECK(shown.find('5') != std::string::npos);
}

template <class Reply>
void reply_goes_through(city& c) {
  Reply m;
  m.correlation = 6;
  m.why = errc::shutting_down;
  fill(m.body);
  const Reply got = c.through(m);
  CHECK(got.correlation == 6);
  CHECK(got.why == errc::shutting_down);
  REQUIRE(got.body);
  CHECK(got.body->items.empty());
  CHECK(packed::pack_results(*got.body) == packed::pack_results(*m.body));
  CHECK(caf::to_string(caf::make_message(m)).find(secret) == std::string::npos);
  m.why = static_cast<errc>(static_cast<int>(packed::last_errc) + 1);
  CHECK(c.refuses(m));
}

}  // namespace

TEST_CASE("every operation's messages cross a network whole, and are never printed whole", "[messages]") {
  city c;
#define AICACHE_OPERATION(name, batch, reply, idempotent, doc) \
  SECTION(#name) {                                             \
    batch_goes_through<batch>(c);                              \
    reply_goes_through<reply>(c);                              \
  }
#include "messages/ops.def"
#undef AICACHE_OPERATION
}

TEST_CASE("a refusal without a body crosses a network", "[messages]") {
  city c;
  const auto got = c.through(get_reply{7, errc::too_large, nullptr});
  CHECK(got.why == errc::too_large);
  CHECK_FALSE(got.body);
}

TEST_CASE("late replies, limits and figures cross a network", "[messages]") {
  city c;
  late_reply late{7, {{3, {}}, {9, {}}}, {123}};
  late.results[0].result.status = get_status::hit;
  late.results[0].result.value = answer_blob();
  const late_reply got = c.through(late);
  CHECK(got.correlation == 7);
  CHECK(got.now == instant{123});
  REQUIRE(got.results.size() == 2);
  CHECK(got.results[0].position == 3);
  CHECK(got.results[0].result.value->text() == secret);
  CHECK(got.results[1].position == 9);
  CHECK(caf::to_string(caf::make_message(late)).find(secret) == std::string::npos);

  client_limits limits;
  limits.batch_keys = 1;
  limits.large_text = 2;
  limits.trailing_blanks = true;
  CHECK(c.through(shard_map{9, {shard_actor{}, shard_actor{}}, limits}).limits == limits);
  CHECK(c.through(shard_map{9, {shard_actor{}, shard_actor{}}, limits}).shards.size() == 2);
  CHECK(c.through(client_limits{limits}) == limits);

  node_statistics s;
  s.epoch = 4;
  s.shard_restarts = 5;
  s.operations.push_back({"qa", {}, {1, 2, 3, 4, 5, 6, 7}});
  std::uint64_t n = 100;
  for_each_figure(s.operations[0].counted, [&](const metric_row&, std::uint64_t& figure) { figure = n++; });
  s.tenants.push_back({"t", {}});
  for_each_figure(s.tenants[0].counted, [&](const metric_row&, std::uint64_t& figure) { figure = n++; });
  for_each_figure(s.tenants[0].present, [&](const metric_row&, std::uint64_t& figure) { figure = n++; });
  for_each_figure(s.link_present, [&](const metric_row&, std::uint64_t& figure) { figure = n++; });
  for_each_figure(s.shards, [&](const metric_row&, std::uint64_t& figure) { figure = n++; });
  for_each_figure(s.present, [&](const metric_row&, std::uint64_t& figure) { figure = n++; });
  for_each_figure(s.link, [&](const metric_row&, std::uint64_t& figure) { figure = n++; });
  for_each_figure(s.invalidations, [&](const metric_row&, std::uint64_t& figure) { figure = n++; });
  s.level = 3;
  s.tiers.push_back({"hot", {7, 6, 5, 4, 3, 2, 1}});
  s.total = s.operations[0].counted;
  const node_statistics back = c.through(s);
  CHECK(back.epoch == 4);
  CHECK(back.shard_restarts == 5);
  REQUIRE(back.operations.size() == 1);
  CHECK(back.operations[0].name == "qa");
  CHECK(back.operations[0].counted == s.operations[0].counted);
  CHECK(back.operations[0].latency == s.operations[0].latency);
  REQUIRE(back.tenants.size() == 1);
  CHECK(back.tenants[0].counted == s.tenants[0].counted);
  CHECK(back.tenants[0].present == s.tenants[0].present);
  CHECK(back.link_present == s.link_present);
  REQUIRE(back.tiers.size() == 1);
  CHECK(back.tiers[0].latency == s.tiers[0].latency);
  CHECK(back.total == s.total);
  CHECK(back.shards == s.shards);
  CHECK(back.present == s.present);
  CHECK(back.link == s.link);
  CHECK(back.invalidations == s.invalidations);
  CHECK(back.level == 3);

  keys_made keys;
  keys.what.nanoseconds = {{{3, 4}, {2000, 1}}, 77, 1'000'000};
  keys.what.by_text = {1, 2, 3, 4};
  CHECK(c.through(keys).what == keys.what);

  CHECK(c.through(drained{12}).abandoned == 12);
  c.through(map_request{});
  c.through(statistics_request{});
  c.through(drain_request{});
  CHECK_FALSE(c.through(watch_map{}).watcher);
}

TEST_CASE("invalidations cross a network whole, with whatever kind the other side says", "[messages]") {
  city c;
  const auto asked = c.through(invalidate_request{scope_kind::tag, "acme", "doc-17", true});
  CHECK(asked.kind == scope_kind::tag);
  CHECK(asked.tenant == "acme");
  CHECK(asked.name == "doc-17");
  CHECK(asked.wait);
  CHECK_FALSE(asked.dry_run);
  CHECK(c.through(invalidate_request{scope_kind::pattern, "acme", "user:*", false, true}).dry_run);
  // Who decides what a kind means refuses this one.
  CHECK(c.through(invalidate_request{static_cast<scope_kind>(7)}).kind == static_cast<scope_kind>(7));

  const auto done = c.through(invalidated{errc::overloaded, true, 3, 4, true});
  CHECK(done.why == errc::overloaded);
  CHECK(done.numbered);
  CHECK(done.in_memory == 3);
  CHECK(done.in_redis == 4);
  CHECK(done.swept);
  c.through(shared_tier_request{});
}

TEST_CASE("questions for keys, and keys of any bytes, cross a network whole", "[messages]") {
  city c;
  const auto asked = c.through(keys_request{"acme", "user:*", "user:1", 17});
  CHECK(asked.tenant == "acme");
  CHECK(asked.pattern == "user:*");
  CHECK(asked.after == "user:1");
  CHECK(asked.limit == 17);
  const keys_found told{errc::unavailable, {std::string("\0\xff", 2), "user:2"}, true, true};
  const auto found = c.through(told);
  CHECK(found.why == told.why);
  CHECK(found.keys == told.keys);
  CHECK(found.more);
  CHECK(found.all_of_redis);
}

TEST_CASE("events cross a network whole, and what is none is refused", "[messages]") {
  city c;
  cache_event e{event_kind::put, tier::hot, {-5}, {}, "acme", std::string("q\0a", 3), 7};
  e.id.digest[0] = std::byte{1};
  const event_batch sent{3, 4, 5, {e, {}}};
  const auto got = c.through(sent);
  CHECK(got.subscription == 3);
  CHECK(got.number == 4);
  CHECK(got.dropped == 5);
  CHECK(got.events == sent.events);
  event_filter wanted;
  wanted.kinds = bit_of(event_kind::hit);
  wanted.one_tenant = true;
  wanted.operation = "qa";
  CHECK(c.through(subscribe_request{{}, wanted}).what == wanted);
  CHECK(c.through(subscribed{errc::overloaded, 9}).subscription == 9);
  CHECK(c.through(unsubscribed{true}).found);
  CHECK(c.through(events_taken{9}).subscription == 9);
  c.through(unsubscribe_request{9});
  // A kind, a tier and an identity that there are not.
  const auto is_refused = [&](std::uint8_t kind, std::uint8_t from, const std::string& id) {
    std::vector<char> buffer;
    caf::binary_serializer sink{&c.unit, buffer};
    std::int64_t at = 0;
    std::string name;
    std::uint64_t entries = 1;
    std::uint8_t k = kind;
    std::uint8_t f = from;
    std::string digest = id;
    REQUIRE(sink(k, f, at, digest, name, name, entries) == caf::none);
    cache_event read;
    caf::binary_deserializer source{&c.unit, buffer};
    return source(read) != caf::none;
  };
  CHECK_FALSE(is_refused(4, 4, std::string(32, 'x')));
  CHECK(is_refused(5, 0, ""));
  CHECK(is_refused(0, 5, ""));
  CHECK(is_refused(0, 0, "short"));
}

TEST_CASE("what must not come from another process cannot be sent there", "[messages]") {
  city c;
  // CAF complains on standard error and writes nothing that could be read again.
  const auto stays = [&](const caf::message& m) {
    std::vector<char> buffer;
    caf::binary_serializer sink{&c.unit, buffer};
    if (sink(m) != caf::none) return true;
    caf::message got;
    caf::binary_deserializer source{&c.unit, buffer};
    return source(got) != caf::none || got.empty();
  };
  CHECK(stays(caf::make_message(shard_tick{})));
  CHECK(stays(caf::make_message(drain_shard{})));
  CHECK(stays(caf::make_message(restart_shard{1})));
  CHECK(stays(caf::make_message(pack_done{})));
  CHECK(stays(caf::make_message(unpack_done{})));
  CHECK(stays(caf::make_message(train_done{})));
  CHECK(stays(caf::make_message(pack_job{})));
  CHECK(stays(caf::make_message(unpack_job{})));
  CHECK(stays(caf::make_message(steer{})));
  CHECK(stays(caf::make_message(report_message{})));
  CHECK(stays(caf::make_message(shards_changed{})));
  CHECK(stays(caf::make_message(colleagues{})));
  CHECK(stays(caf::make_message(submit_call{})));
  CHECK(stays(caf::make_message(make_call{})));
  CHECK(stays(caf::make_message(call_finished{})));
  CHECK(stays(caf::make_message(client_tick{})));
  CHECK(stays(caf::make_message(memory_search{})));
  CHECK(stays(caf::make_message(watch_events{})));
  CHECK(stays(caf::make_message(events_noted{})));
}

}  // namespace aicache::wire_test
