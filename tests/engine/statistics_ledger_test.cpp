#include "engine/statistics/ledger.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>

namespace aicache::statistics_ledger_test {

namespace {

ledger_line line_of(const char* tenant, const char* model, std::uint64_t in, std::uint64_t out) {
  ledger_line l{tenant, "qa", model, {}};
  l.gained[saving::hot] = {1, in, out, 7};
  return l;
}

}  // namespace

TEST_CASE("the node's ledger is bounded too, and old rows go on", "[engine][ledger]") {
  ledger node{2};
  node.add({{line_of("a", "m", 1, 1), line_of("b", "m", 1, 1)}, 0});
  node.add({{line_of("c", "m", 1, 1), line_of("d", "m", 1, 1)}, 0});
  node.add({{line_of("a", "m", 1, 1)}, 0});
  CHECK(node.rows().size() == 3);
  CHECK(node.crowded_out() == 2);
  CHECK(node.by_tenant().at("a").saved.total().calls == 2);
  CHECK(node.by_tenant().at("other").saved.total().calls == 2);
  CHECK(node.total().saved.total().calls == 5);
}

TEST_CASE("money is exact however small the parts are", "[engine][ledger]") {
  price_table prices{"EUR"};
  REQUIRE(prices.set("m", {150'000, 600'000}));  // 0.15 and 0.60 for a million tokens
  ledger node{10, prices};
  for (int i = 0; i < 1'000'000; ++i) node.add({{line_of("a", "m", 1, 0)}, 0});
  CHECK(node.total().worth.millionths() == 150'000);
  node.add({{line_of("a", "m", 1, 1)}, 0});
  CHECK(node.total().worth == money{static_cast<unsigned __int128>(150'000) * 1'000'001 + 600'000});
  CHECK(node.total().worth.millionths() == 150'001);
  CHECK(node.prices().currency() == "EUR");
}

TEST_CASE("sums beyond 64 bits stay exact", "[engine][ledger]") {
  price_table prices;
  REQUIRE(prices.set("m", {price_table::most, price_table::most}));
  ledger node{10, prices};
  for (int i = 0; i < 3; ++i) node.add({{line_of("a", "m", 1ULL << 60, 0)}, 0});
  CHECK(node.total().worth.trillionths == (static_cast<unsigned __int128>(3) << 60) * price_table::most);
  CHECK(node.total().worth.millionths() == UINT64_MAX);
}

TEST_CASE("the exact name has a price, else the longest beginning", "[engine][ledger]") {
  price_table prices;
  REQUIRE(prices.set("gpt-4*", {1, 1}));
  REQUIRE(prices.set("gpt-4o*", {2, 2}));
  REQUIRE(prices.set("gpt-4o", {3, 3}));
  REQUIRE(prices.find("gpt-4o"));
  CHECK(prices.find("gpt-4o")->input == 3);
  CHECK(prices.find("gpt-4o-mini")->input == 2);
  CHECK(prices.find("gpt-4")->input == 1);
  CHECK_FALSE(prices.find("gpt-3"));
  CHECK_FALSE(prices.set("", {1, 1}));
  CHECK_FALSE(prices.set("m", {price_table::most + 1, 0}));
  REQUIRE(prices.set("*", {9, 9}));
  CHECK(prices.find("anything")->input == 9);
  CHECK(prices.find("")->input == 9);
}

TEST_CASE("tokens of models without a price are told apart", "[engine][ledger]") {
  price_table prices;
  REQUIRE(prices.set("known", {1'000'000, 2'000'000}));
  ledger node{10, prices};
  node.add({{line_of("a", "known", 10, 5), line_of("a", "unknown", 100, 50)}, 0});
  const ledger_entry total = node.total();
  CHECK(total.worth.millionths() == 20);
  CHECK(total.unpriced_tokens == 150);
  CHECK(total.saved.total().input_tokens == 110);
}

TEST_CASE("a new price holds from now on", "[engine][ledger]") {
  price_table cheap;
  price_table dear;
  REQUIRE(cheap.set("m", {1'000'000, 0}));
  REQUIRE(dear.set("m", {5'000'000, 0}));
  ledger node{10, cheap};
  node.add({{line_of("a", "m", 10, 0)}, 0});
  node.prices(dear);
  node.add({{line_of("a", "m", 10, 0)}, 0});
  CHECK(node.total().worth.millionths() == 60);
  node.clear();
  CHECK(node.total() == ledger_entry{});
  CHECK(node.prices().find("m")->input == 5'000'000);
}

TEST_CASE("ledgers of nodes add up", "[engine][ledger]") {
  price_table prices;
  REQUIRE(prices.set("m", {1'000'000, 1'000'000}));
  ledger a{10, prices};
  ledger b{10, prices};
  ledger both{10, prices};
  const ledger_report one{{line_of("a", "m", 3, 4), line_of("b", "m", 5, 6)}, 1};
  const ledger_report other{{line_of("a", "m", 30, 40)}, 0};
  a.add(one);
  b.add(other);
  both.add(one);
  both.add(other);
  a.merge(b);
  CHECK(a.rows() == both.rows());
  CHECK(a.crowded_out() == both.crowded_out());
}

}  // namespace aicache::statistics_ledger_test
