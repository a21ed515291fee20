#include "engine/client/call_builder.hpp"

#include <catch2/catch.hpp>

namespace aicache::call_builder_test {

namespace {

request asking(std::string text, std::string operation = "qa", std::string tenant = "t") {
  return {std::move(tenant), "m", std::move(operation), std::move(text), "", ""};
}

identity identity_of(const request& r) {
  identifier names{identity_options{}};
  return names.identify(r)->id;
}

}  // namespace

TEST_CASE("a request becomes an item with its identity, names and text tier", "[engine][client]") {
  identifier names{identity_options{}};
  call_builder b(call_kind::get, names, {3, 5, 7}, duration{250});
  b.get(asking("ab", "qa", "one"), false);
  b.get(asking("abcd", "sum", "one"), true);
  b.get(asking("abcdef", "qa", "two"), false);
  request with_model = asking("abcdefgh", "sum", "two");
  with_model.model = "m-1";
  b.get(with_model, false);
  const auto c = b.take();
  CHECK(c->kind == call_kind::get);
  CHECK(c->deadline == duration{250});
  CHECK(*c->names == name_lists{{"qa", "sum"}, {"one", "two"}, {"m", "m-1"}});
  CHECK(c->gets == std::vector<get_item>{
                       {identity_of(asking("ab", "qa", "one")), 0, 0, text_tier::small, false},
                       {identity_of(asking("abcd", "sum", "one")), 1, 0, text_tier::medium, true},
                       {identity_of(asking("abcdef", "qa", "two")), 0, 1, text_tier::large, false},
                       {identity_of(with_model), 1, 1, text_tier::xlarge, false, 1},
                   });
}

TEST_CASE("texts are classed by code points, from the bound on", "[engine][client]") {
  const text_bounds bounds{3, 5, 7};
  CHECK(bounds.tier_of(0) == text_tier::small);
  CHECK(bounds.tier_of(2) == text_tier::small);
  CHECK(bounds.tier_of(3) == text_tier::medium);
  CHECK(bounds.tier_of(5) == text_tier::large);
  CHECK(bounds.tier_of(6) == text_tier::large);
  CHECK(bounds.tier_of(7) == text_tier::xlarge);
  identifier names{identity_options{}};
  call_builder b(call_kind::get, names, bounds, duration{1});
  b.get(asking("\u00e4\u00f6"), false);
  CHECK(b.take()->gets[0].text == text_tier::small);
}

TEST_CASE("a request that breaks a rule stays out of the call and is known by its place", "[engine][client]") {
  identity_options o;
  o.text_bytes = 8;
  identifier names{o};
  call_builder b(call_kind::put, names, {}, duration{1});
  const blob_ref value = blob::make("v", {});
  b.put(asking("first"), value, {60, 7, false, {}});
  b.put(asking(""), value, {60, 0, false, {}});
  b.put(asking("much too long"), value, {60, 0, false, {}});
  b.refuse(errc::too_large);
  b.put(asking("last"), value, {});
  const auto places = b.places();
  const auto c = b.take();
  REQUIRE(places.size() == 5);
  CHECK(places[0].item == 0);
  CHECK(places[0].error == errc::none);
  CHECK(places[1].error == errc::invalid_argument);
  CHECK(places[2].error == errc::too_large);
  CHECK(places[3].error == errc::too_large);
  CHECK(places[4].item == 1);
  REQUIRE(c->puts.size() == 2);
  CHECK(c->puts[0].lease == 7);
  CHECK(c->puts[0].ttl_ms == 60);
  CHECK(c->puts[0].value.get() == value.get());
  CHECK(c->puts[1].ttl_ms == own_lifetime);
  CHECK(c->puts[1].id == identity_of(asking("last")));
}

TEST_CASE("simple operations carry an identity and an argument", "[engine][client]") {
  identifier names{identity_options{}};
  call_builder b(call_kind::touch, names, {}, duration{1});
  b.key(asking("a"), 5'000);
  b.key(asking("b"));
  CHECK(b.take()->keys == std::vector<key_item>{{identity_of(asking("a")), 5'000}, {identity_of(asking("b"))}});
}

TEST_CASE("a deadline is kept within what a call may take", "[engine][client]") {
  identifier names{identity_options{}};
  CHECK(call_builder(call_kind::get, names, {}, duration::max()).take()->deadline == longest_deadline);
  CHECK(call_builder(call_kind::get, names, {}, duration{-1}).take()->deadline == duration{0});
}

TEST_CASE("very many names stay right and quick to find", "[engine][client]") {
  identifier names{identity_options{}};
  call_builder b(call_kind::get, names, {}, duration{1});
  constexpr std::size_t many = 70'000;
  for (std::size_t i = 0; i < many; ++i) b.get(asking("x", "qa", std::to_string(i)), false);
  b.get(asking("x", "qa", std::to_string(many - 2)), false);
  const auto c = b.take();
  REQUIRE(c->gets.size() == many + 1);
  CHECK(c->names->operations.size() == 1);
  CHECK(c->names->tenants.size() == UINT16_MAX);
  for (std::size_t i = 0; i < many; ++i) {
    const std::uint16_t at = c->gets[i].tenant;
    // Who finds no place in the list has a number that is beyond it.
    if (at < c->names->tenants.size()) {
      REQUIRE(c->names->tenants[at] == std::to_string(i));
    } else {
      REQUIRE(i >= UINT16_MAX);
    }
  }
}

}  // namespace aicache::call_builder_test
