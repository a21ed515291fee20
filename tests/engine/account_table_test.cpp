#include "engine/shard/account_table.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "engine/statistics/ledger.hpp"

namespace aicache::account_table_test {

namespace {

std::string tenant_name(std::uint16_t n) { return "t" + std::to_string(n); }
std::string operation_name(std::uint16_t n) { return "o" + std::to_string(n); }
std::string model_name(std::uint16_t n) { return "m" + std::to_string(n); }

/// A table and the sums by operation that its owner keeps of what is settled.
struct owner {
  explicit owner(std::size_t rows) : accounts(rows) {}

  account_row& of(std::uint16_t operation, std::uint16_t tenant, std::uint16_t model) {
    return accounts.of({operation, tenant, model}, [this](account_row& gone) { settle(gone); });
  }
  void settle(account_row& a) { settled[a.name.operation] += account_table::settle(a); }
  ledger_report report() {
    for (account_row& a : accounts.rows()) settle(a);
    return accounts.report(tenant_name, operation_name, model_name);
  }

  account_table accounts;
  std::map<std::uint16_t, account_figures> settled;
};

}  // namespace

TEST_CASE("three shards' accounts agree with an independent count, to the token", "[engine][accounts][ledger]") {
  const std::size_t rows = GENERATE(1000, 20);  // enough, and too few for 105 combinations
  CAPTURE(rows);
  std::mt19937_64 random{42};
  std::vector<owner> shards(3, owner{rows});
  ledger node{10'000};
  using name = std::tuple<std::string, std::string, std::string, std::size_t>;
  std::map<name, std::array<std::uint64_t, 4>> counted;
  std::map<std::uint16_t, std::array<std::uint64_t, text_tier_count>> gets;
  for (int i = 0; i < 30'000; ++i) {
    const auto t = static_cast<std::uint16_t>(random() % 5);
    const auto o = static_cast<std::uint16_t>(random() % 7);
    const auto m = static_cast<std::uint16_t>(random() % 3);
    const auto from = static_cast<saving>(random() % saving_count);
    const auto text = static_cast<text_tier>(random() % text_tier_count);
    const answer_facts facts{static_cast<std::uint32_t>(random()), static_cast<std::uint32_t>(random()),
                             static_cast<std::uint32_t>(random() % 10'000), 0};
    account_row& a = shards[random() % shards.size()].of(o, t, m);
    CHECK(a.name == account_name{o, t, m});
    a.count_get(text);
    if (from == saving::hot) {
      const blob_ref entry = blob::make("x", facts);
      entry->epoch = static_cast<std::uint32_t>(i);
      a.count_hot_hit(*entry);
    } else {
      a.count_saving(from, facts);
    }
    ++gets[o][static_cast<std::size_t>(text)];
    auto& sums = counted[{tenant_name(t), operation_name(o), model_name(m), static_cast<std::size_t>(from)}];
    ++sums[0];
    sums[1] += facts.input_tokens;
    sums[2] += facts.output_tokens;
    sums[3] += facts.model_ms;
    // Often enough that what was pushed out is told before there is too much of it.
    if (random() % 15 == 0)
      for (owner& shard : shards) node.add(shard.report());
  }
  for (owner& shard : shards) node.add(shard.report());
  std::size_t compared = 0;
  for (const auto& [row, entry] : node.rows())
    for (std::size_t s = 0; s < saving_count; ++s) {
      const auto expected = counted[{row.tenant, row.operation, row.model, s}];
      CHECK(entry.saved.by[s] == saved_amount{expected[0], expected[1], expected[2], expected[3]});
      ++compared;
    }
  CHECK(compared == 5 * 7 * 3 * saving_count);
  CHECK(node.total().saved.total().calls == 30'000);
  CHECK(node.crowded_out() == 0);
  for (const auto& [operation, expected] : gets) {
    account_figures all;
    for (owner& shard : shards) all += shard.settled[operation];
    CHECK(all.gets == expected);
  }
  for (owner& shard : shards) {
    CHECK(shard.report() == ledger_report{});
    CHECK(shard.accounts.rows().size() <= rows);
  }
}

TEST_CASE("beyond the lines that a report holds, savings are told as other, and no call is lost",
          "[engine][accounts][ledger]") {
  owner shard{2};
  const answer_facts facts{10, 20, 30, 0};
  for (std::uint16_t t = 1; t <= 6; ++t) shard.of(1, t, 1).count_saving(saving::warm, facts);
  CHECK(shard.settled[1].saved.total().calls == 4);
  const ledger_report r = shard.report();
  CHECK(shard.settled[1].saved.total() == saved_amount{6, 60, 120, 180});
  REQUIRE(r.lines.size() == 5);
  CHECK(r.crowded_out == 2);
  CHECK(r.lines[4].tenant == "t0");
  CHECK(r.lines[4].gained[saving::warm].calls == 2);
  CHECK(shard.report() == ledger_report{});
}

TEST_CASE("names that differ in any part have accounts of their own", "[engine][accounts]") {
  owner shard{100'000};
  for (std::uint16_t t = 0; t < 20; ++t)
    for (std::uint16_t o = 0; o < 20; ++o)
      for (std::uint16_t m = 0; m < 20; ++m) shard.of(o, t, m).count_get(text_tier::small);
  CHECK(shard.accounts.rows().size() == 8000);
  for (const account_row& a : shard.accounts.rows()) CHECK(a.total.gets[0] == 1);
  CHECK(shard.of(19, 19, 19).total.gets[0] == 1);
  CHECK(shard.accounts.bytes() <= 8000 * account_table::row_bytes);
}

}  // namespace aicache::account_table_test
