#include "messages/registry.hpp"

#include <catch2/catch.hpp>

#include <random>

// Pages of entries, and settings, as they cross a network.
namespace aicache::transfer_test {
namespace {

using dice = std::mt19937_64;

std::string bytes(dice& d, std::size_t most) {
  std::string s(d() % (most + 1), '\0');
  for (char& c : s) c = static_cast<char>(d());
  return s;
}

transfer_page page_of(dice& d) {
  transfer_page p;
  auto names = std::make_shared<name_lists>();
  names->operations.resize(d() % 3, bytes(d, 8));
  names->tenants.resize(d() % 3, bytes(d, 8));
  p.names = std::move(names);
  for (auto n = d() % 6; n > 0; --n) {
    transfer_item i;
    i.whole = d() % 2 == 0;
    for (std::size_t b = 0; b < (i.whole ? 32U : 16U); ++b) i.id.digest[b] = static_cast<std::byte>(d());
    i.operation = static_cast<std::uint16_t>(d());
    i.tenant = static_cast<std::uint16_t>(d());
    i.text = static_cast<text_tier>(d() % 4);
    i.created = {static_cast<std::int64_t>(d())};
    i.expires = {static_cast<std::int64_t>(d())};
    i.born = d();
    i.numbered_by = d();
    i.behind = d() % 2 == 0;
    if (d() % 4 != 0) i.value = blob::make(bytes(d, 60), {static_cast<std::uint32_t>(d()), 2, 3, 0}, bytes(d, 9));
    i.tags.assign(d() % 3, d());
    p.items.push_back(std::move(i));
  }
  return p;
}

bool same(const transfer_item& a, const transfer_item& b) {
  const bool values = !a.value || !b.value
                          ? !a.value && !b.value
                          : a.value->facts() == b.value->facts() && a.value->text() == b.value->text() &&
                                a.value->attributes() == b.value->attributes();
  return values && a.id == b.id && a.whole == b.whole && a.operation == b.operation && a.tenant == b.tenant &&
         a.text == b.text && a.created == b.created && a.expires == b.expires && a.born == b.born &&
         a.numbered_by == b.numbered_by && a.behind == b.behind && a.tags == b.tags;
}
bool same(const transfer_page& a, const transfer_page& b) {
  return *a.names == *b.names && std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(),
                                            [](const auto& x, const auto& y) { return same(x, y); });
}

// Whatever the bytes are, unpacking them takes no more memory than a small multiple of them, and they are corrupt or a
// page that is packed as they are.
bool bounded(std::string_view in, bool& parsed) {
  transfer_page p;
  const auto done = packed::unpack(in, p);
  parsed = static_cast<bool>(done);
  if (!done && done.why().code != errc::corrupt) return false;
  std::size_t weight = p.items.capacity() * sizeof(transfer_item);
  if (p.names) weight += (p.names->operations.capacity() + p.names->tenants.capacity()) * sizeof(std::string);
  for (const transfer_item& i : p.items) weight += (i.value ? i.value->size() : 0) + i.tags.capacity() * 8;
  return weight <= 10 * in.size() + 64 && (!parsed || packed::pack(p) == in);
}

struct city {
  city() { add_messages(config); }
  caf::actor_system_config config;
  caf::actor_system system{config};
  caf::scoped_execution_unit unit{&system};

  template <class T>
  T through(const T& x) {
    std::vector<char> buffer;
    caf::binary_serializer sink{&unit, buffer};
    REQUIRE(sink(caf::make_message(x)) == caf::none);
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

transfer_page secret_page() {
  transfer_page p;
  p.names = std::make_shared<name_lists>(name_lists{{secret}, {secret}});
  transfer_item i;
  i.value = blob::make(secret, {1, 2, 3, 0});
  p.items.push_back(i);
  return p;
}

}  // namespace

TEST_CASE("a page of entries comes back as it was", "[messages][packed]") {
  dice d(7);
  for (int i = 0; i < 2'000; ++i) {
    const transfer_page p = page_of(d);
    transfer_page back;
    REQUIRE(packed::unpack(packed::pack(p), back));
    REQUIRE(same(p, back));
    std::vector<import_result> results(d() % 5);
    for (import_result& r : results)
      r = {static_cast<import_status>(d() % 7), static_cast<errc>(d() % 19), d() % 2 == 0};
    std::vector<import_result> again;
    REQUIRE(packed::unpack(packed::pack(results), again));
    REQUIRE(results == again);
  }
}

TEST_CASE("a page that is cut off, too long or bent is corrupt or bounded", "[messages][packed]") {
  dice d(9);
  bool parsed = false;
  for (int round = 0; round < 12; ++round) {
    const std::string in = packed::pack(page_of(d));
    for (std::size_t n = 0; n < in.size(); ++n) {
      REQUIRE(bounded(std::string_view(in).substr(0, n), parsed));
      REQUIRE_FALSE(parsed);
    }
    REQUIRE(bounded(in + '\0', parsed));
    REQUIRE_FALSE(parsed);
    for (std::size_t at = 0; at < in.size(); ++at)
      for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
        std::string bent = in;
        bent[at] = static_cast<char>(static_cast<unsigned char>(bent[at]) ^ flip);
        REQUIRE(bounded(bent, parsed));
      }
  }
  for (int i = 0; i < 20'000; ++i) {
    REQUIRE(bounded(bytes(d, 90), parsed));
    std::vector<import_result> results;
    if (packed::unpack(bytes(d, 12), results)) REQUIRE(results.size() <= 2);
  }
}

TEST_CASE("half an identity that says more, and results that there are not, are corrupt", "[messages][packed]") {
  transfer_page p = secret_page();
  p.items[0].id.digest[16] = std::byte{1};
  transfer_page back;
  CHECK_FALSE(packed::unpack(packed::pack(p), back));
  p.items[0].whole = true;
  CHECK(packed::unpack(packed::pack(p), back));
  std::vector<import_result> results(1);
  std::string in = packed::pack(results);
  in[4] = 7;
  CHECK_FALSE(packed::unpack(in, results));
  in[4] = 0;
  in[5] = static_cast<char>(static_cast<int>(packed::last_errc) + 1);
  CHECK_FALSE(packed::unpack(in, results));
  in[5] = 0;
  in[6] = 2;
  CHECK_FALSE(packed::unpack(in, results));
}

TEST_CASE("exports and imports cross a network whole, and are never printed whole", "[messages]") {
  city c;
  const auto asked = c.through(export_request{3, {5, 6}, 7});
  CHECK(asked.shard == 3);
  CHECK(asked.from == walk_place{5, 6});
  CHECK(asked.bytes == 7);
  export_reply told{errc::unavailable, 4, {}};
  told.step = {{1, 2}, true, true, 8, 9, 10, 11, secret_page()};
  const auto got = c.through(told);
  CHECK(got.why == errc::unavailable);
  CHECK(got.shards == 4);
  CHECK(got.step.next == walk_place{1, 2});
  CHECK((got.step.done && got.step.over));
  CHECK((got.step.buckets == 8 && got.step.entries == 9 && got.step.unnamed == 10 && got.step.unreadable == 11));
  CHECK(same(got.step.page, told.step.page));
  CHECK(caf::to_string(caf::make_message(told)).find(secret) == std::string::npos);
  told.why = static_cast<errc>(static_cast<int>(packed::last_errc) + 1);
  CHECK(c.refuses(told));

  const import_request in{{true, true}, secret_page()};
  const auto taken = c.through(in);
  CHECK((taken.rules.dry_run && taken.rules.foreign));
  CHECK(same(taken.page, in.page));
  CHECK(caf::to_string(caf::make_message(in)).find(secret) == std::string::npos);
  const auto done = c.through(import_reply{errc::overloaded, {{import_status::refused, errc::too_large, true}}});
  CHECK(done.why == errc::overloaded);
  CHECK(done.results == std::vector<import_result>{{import_status::refused, errc::too_large, true}});
}

TEST_CASE("what came of a reload crosses a network; settings do not", "[messages]") {
  city c;
  c.through(reload_request{});
  const auto told = c.through(reload_reply{{"wrong"}, {{"a.b", "1", "2", ""}}, {{"c.d", "3", "4", "why"}}, 5});
  CHECK(told.problems == std::vector<std::string>{"wrong"});
  CHECK(told.applied == std::vector<setting_change>{{"a.b", "1", "2", ""}});
  CHECK(told.refused == std::vector<setting_change>{{"c.d", "3", "4", "why"}});
  CHECK(told.keys == 5);
  const auto stays = [&](const caf::message& m) {
    std::vector<char> buffer;
    caf::binary_serializer sink{&c.unit, buffer};
    if (sink(m) != caf::none) return true;
    caf::message got;
    caf::binary_deserializer source{&c.unit, buffer};
    return source(got) != caf::none || got.empty();
  };
  CHECK(stays(caf::make_message(use_settings{})));
  CHECK(stays(caf::make_message(settings_request{})));
  CHECK(stays(caf::make_message(running_settings{})));
  CHECK(stays(caf::make_message(retune_shard{})));
  CHECK(stays(caf::make_message(retune_monitor{})));
  CHECK(stays(caf::make_message(walk_request{})));
  CHECK(stays(caf::make_message(walked{})));
  CHECK(stays(caf::make_message(import_entries{})));
  CHECK(stays(caf::make_message(imported{})));
}

}  // namespace aicache::transfer_test
