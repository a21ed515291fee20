#include "messages/packed.hpp"

#include <catch2/catch.hpp>

#include <random>

namespace aicache::packed_test {

namespace {

using dice = std::mt19937_64;

std::string bytes(dice& d, std::size_t most) {
  std::string s(d() % (most + 1), '\0');
  for (char& c : s) c = static_cast<char>(d());
  return s;
}
identity id(dice& d) {
  identity i;
  for (std::byte& b : i.digest) b = static_cast<std::byte>(d());
  return i;
}
blob_ref value(dice& d) {
  if (d() % 4 == 0) return {};
  return blob::make(
      bytes(d, 100),
      {static_cast<std::uint32_t>(d()), static_cast<std::uint32_t>(d()), static_cast<std::uint32_t>(d()), 0},
      bytes(d, 10));
}
std::shared_ptr<const name_lists> names(dice& d) {
  auto n = std::make_shared<name_lists>();
  n->operations.resize(d() % 4);
  for (auto& s : n->operations) s = bytes(d, 8);
  n->tenants.resize(d() % 4);
  for (auto& s : n->tenants) s = bytes(d, 8);
  n->models.resize(d() % 4);
  for (auto& s : n->models) s = bytes(d, 8);
  return n;
}
get_result got(dice& d) {
  get_result r;
  r.value = value(d);
  r.status = r.value ? get_status::hit : static_cast<get_status>(2 + d() % 4);
  r.stale = static_cast<staleness>(d() % 3);
  r.from = static_cast<tier>(d() % 5);
  r.error = static_cast<errc>(d() % (static_cast<unsigned>(packed::last_errc) + 1));
  r.retrievals = static_cast<std::uint16_t>(d());
  r.lease = d();
  r.created = {static_cast<std::int64_t>(d())};
  r.expires = {static_cast<std::int64_t>(d())};
  return r;
}
get_body get_of(dice& d) {
  get_body b;
  b.names = names(d);
  b.now = {static_cast<std::int64_t>(d())};
  for (auto n = d() % 6; n > 0; --n) {
    b.items.push_back({id(d), static_cast<std::uint16_t>(d()), static_cast<std::uint16_t>(d()),
                       static_cast<text_tier>(d() % 4), d() % 2 == 0});
    b.results.push_back(got(d));
  }
  for (std::uint32_t end = 0; end < b.items.size() && d() % 2 == 0;)
    b.calls.push_back(end += static_cast<std::uint32_t>(1 + d() % (b.items.size() - end)));
  return b;
}
put_body put_of(dice& d) {
  put_body b;
  b.names = names(d);
  for (auto n = d() % 6; n > 0; --n) {
    b.items.push_back({id(d), static_cast<std::uint16_t>(d()), static_cast<std::uint16_t>(d()),
                       static_cast<text_tier>(d() % 4), d(), static_cast<std::int64_t>(d()), value(d), d() % 2 == 0,
                       std::vector<std::uint64_t>(d() % 3, d())});
    b.results.push_back(
        {static_cast<put_status>(d() % 4), static_cast<errc>(d() % 19), static_cast<shared_copy>(d() % 3)});
  }
  return b;
}
key_body key_of(dice& d) {
  key_body b;
  b.names = names(d);
  for (auto n = d() % 6; n > 0; --n) {
    b.items.push_back(
        {id(d), static_cast<std::int64_t>(d()), static_cast<std::uint16_t>(d()), static_cast<std::uint16_t>(d())});
    b.results.push_back({d() % 2 == 0, static_cast<errc>(d() % 10), static_cast<std::int64_t>(d())});
  }
  return b;
}

bool same(const blob_ref& a, const blob_ref& b) {
  if (!a || !b) return !a && !b;
  return a->facts() == b->facts() && a->text() == b->text() && a->attributes() == b->attributes() &&
         b->codec() == blob_codec::raw;
}
bool same(const get_result& a, const get_result& b) {
  return a.status == b.status && a.from == b.from && a.error == b.error && a.stale == b.stale &&
         a.retrievals == b.retrievals && a.lease == b.lease && a.created == b.created && a.expires == b.expires &&
         same(a.value, b.value);
}
bool same(const put_item& a, const put_item& b) {
  return a.id == b.id && a.operation == b.operation && a.tenant == b.tenant && a.text == b.text && a.lease == b.lease &&
         a.ttl_ms == b.ttl_ms && same(a.value, b.value) && a.write_through == b.write_through && a.tags == b.tags;
}
template <class Things>
bool all_same(const Things& a, const Things& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) { return same(x, y); });
}

// What unpacking took into memory, roughly, so that a lie about a size is seen.
std::size_t weight(const get_body& b) {
  std::size_t n = b.items.capacity() * sizeof(get_item) + b.results.capacity() * sizeof(get_result);
  if (b.names)
    n += (b.names->operations.capacity() + b.names->tenants.capacity() + b.names->models.capacity()) *
         sizeof(std::string);
  for (const auto& r : b.results) n += r.value ? r.value->size() : 0;
  return n;
}
std::size_t weight(const put_body& b) {
  std::size_t n = b.items.capacity() * sizeof(put_item) + b.results.capacity() * sizeof(put_result);
  if (b.names)
    n += (b.names->operations.capacity() + b.names->tenants.capacity() + b.names->models.capacity()) *
         sizeof(std::string);
  for (const auto& i : b.items) n += i.value ? i.value->size() : 0;
  return n;
}
std::size_t weight(const key_body& b) {
  return b.items.capacity() * sizeof(key_item) + b.results.capacity() * sizeof(key_result);
}

// Whatever the bytes are, unpacking them takes no more memory than a small multiple of them.
template <class Body>
bool bounded(std::string_view in, bool& parsed, bool results) {
  Body b;
  const auto done = results ? packed::unpack_results(in, b) : packed::unpack_items(in, b);
  parsed = static_cast<bool>(done);
  if (!done && done.why().code != errc::corrupt) return false;
  return weight(b) <= 10 * in.size() + 64;
}

template <class Body>
void torture(const std::string& whole, bool results) {
  bool parsed = false;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    REQUIRE(bounded<Body>(std::string_view(whole).substr(0, n), parsed, results));
    REQUIRE_FALSE(parsed);
  }
  REQUIRE(bounded<Body>(whole + '\0', parsed, results));
  REQUIRE_FALSE(parsed);
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
      std::string bent = whole;
      bent[at] = static_cast<char>(static_cast<unsigned char>(bent[at]) ^ flip);
      REQUIRE(bounded<Body>(bent, parsed, results));
    }
}

}  // namespace

TEST_CASE("a packed body comes back as it was", "[messages][packed]") {
  dice d(7);
  for (int i = 0; i < 2'000; ++i) {
    const get_body g = get_of(d);
    get_body g2;
    REQUIRE(packed::unpack_items(packed::pack_items(g), g2));
    REQUIRE(packed::unpack_results(packed::pack_results(g), g2));
    REQUIRE(g.items == g2.items);
    REQUIRE(g.calls == g2.calls);
    REQUIRE(*g.names == *g2.names);
    REQUIRE(g.items == g2.items);
    REQUIRE(all_same(g.results, g2.results));
    const put_body p = put_of(d);
    put_body p2;
    REQUIRE(packed::unpack_items(packed::pack_items(p), p2));
    REQUIRE(packed::unpack_results(packed::pack_results(p), p2));
    REQUIRE(*p.names == *p2.names);
    REQUIRE(all_same(p.items, p2.items));
    REQUIRE(p.results == p2.results);
    const key_body k = key_of(d);
    key_body k2;
    REQUIRE(packed::unpack_items(packed::pack_items(k), k2));
    REQUIRE(packed::unpack_results(packed::pack_results(k), k2));
    REQUIRE(*k.names == *k2.names);
    REQUIRE(k.items == k2.items);
    REQUIRE(k.results == k2.results);
    std::vector<late_result> late;
    for (auto n = d() % 4; n > 0; --n) late.push_back({static_cast<std::uint32_t>(d()), got(d)});
    std::vector<late_result> late2;
    REQUIRE(packed::unpack(packed::pack(late), late2));
    REQUIRE(late.size() == late2.size());
    for (std::size_t n = 0; n < late.size(); ++n) {
      REQUIRE(late[n].position == late2[n].position);
      REQUIRE(same(late[n].result, late2[n].result));
    }
  }
}

TEST_CASE("a body without names is packed with none", "[messages][packed]") {
  get_body g;
  get_body g2;
  REQUIRE(packed::unpack_items(packed::pack_items(g), g2));
  CHECK(*g2.names == name_lists{});
}

TEST_CASE("what is cut off, too long or bent is corrupt or bounded", "[messages][packed]") {
  dice d(9);
  for (int i = 0; i < 12; ++i) {
    torture<get_body>(packed::pack_items(get_of(d)), false);
    torture<get_body>(packed::pack_results(get_of(d)), true);
    torture<put_body>(packed::pack_items(put_of(d)), false);
    torture<put_body>(packed::pack_results(put_of(d)), true);
    torture<key_body>(packed::pack_items(key_of(d)), false);
    torture<key_body>(packed::pack_results(key_of(d)), true);
  }
}

TEST_CASE("a count or length that lies takes no memory", "[messages][packed]") {
  const std::string most(4, '\xff');
  const std::string none(4, '\0');
  for (const std::string& in : {most, most + most, none + most, none + none + most, most + std::string(100, '\0')}) {
    bool parsed = false;
    CHECK(bounded<get_body>(in, parsed, false));
    CHECK_FALSE(parsed);
    CHECK(bounded<get_body>(in, parsed, true));
    CHECK(bounded<put_body>(in, parsed, false));
    CHECK_FALSE(parsed);
    CHECK(bounded<key_body>(in, parsed, false));
  }
}

TEST_CASE("noise is corrupt or bounded", "[messages][packed]") {
  dice d(13);
  for (int i = 0; i < 20'000; ++i) {
    const std::string in = bytes(d, 80);
    bool parsed = false;
    REQUIRE(bounded<get_body>(in, parsed, false));
    REQUIRE(bounded<get_body>(in, parsed, true));
    REQUIRE(bounded<put_body>(in, parsed, false));
    REQUIRE(bounded<key_body>(in, parsed, true));
    std::vector<late_result> late;
    if (!packed::unpack(in, late)) continue;
    for (const late_result& l : late) REQUIRE((l.result.status != get_status::hit || l.result.value));
  }
}

TEST_CASE("a hit without its answer, and a text longer than its bytes, are corrupt", "[messages][packed]") {
  std::vector<late_result> late(1);
  late[0].result.status = get_status::hit;
  std::vector<late_result> back;
  CHECK_FALSE(packed::unpack(packed::pack(late), back));
  late[0].result.value = blob::make("text", {});
  std::string in = packed::pack(late);
  CHECK(packed::unpack(in, back));
  // The last of the four facts stands before the string's size and its four bytes.
  in[in.size() - 12] = 5;
  CHECK_FALSE(packed::unpack(in, back));
}

}  // namespace aicache::packed_test
