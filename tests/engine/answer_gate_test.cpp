#include "engine/answers/answer_gate.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "engine/answers/lifetime.hpp"
#include "engine/answers/negative_table.hpp"

namespace aicache::answer_gate_test {

TEST_CASE("the words of providers mean what they mean, whatever their case", "[engine][answers]") {
  const std::pair<const char*, finish_reason> rows[] = {
      {"", finish_reason::unstated},
      {"stop", finish_reason::stop},
      {"STOP", finish_reason::stop},
      {"end_turn", finish_reason::stop},
      {"length", finish_reason::length},
      {"MAX_TOKENS", finish_reason::length},
      {"max_tokens", finish_reason::length},
      {"content_filter", finish_reason::content_filter},
      {"SAFETY", finish_reason::content_filter},
      {"refusal", finish_reason::content_filter},
      {"tool_calls", finish_reason::tool_calls},
      {"tool_use", finish_reason::tool_calls},
      {"canceled", finish_reason::cancelled},
      {"error", finish_reason::failed},
      {"sto", finish_reason::other},
      {"stop ", finish_reason::other},
      {"eos", finish_reason::other},
  };
  for (const auto& [said, means] : rows) {
    INFO(said);
    CHECK(finish_reason_of(said) == means);
  }
  for (unsigned i = 0; i < static_cast<unsigned>(last_finish_reason); ++i) {
    const auto f = static_cast<finish_reason>(i);
    CHECK(finish_reason_of(to_string(f)) == f);
  }
}

TEST_CASE("by default only complete answers with a text are kept", "[engine][answers]") {
  const answer_gate gate;
  const answer_gate::verdict stored;
  CHECK(gate.judge(finish_reason::unstated, "text") == stored);
  CHECK(gate.judge(finish_reason::stop, "text") == stored);
  CHECK(gate.judge(finish_reason::tool_calls, "text") == stored);
  CHECK(gate.judge(finish_reason::stop, "") == answer_gate::verdict{errc::answer_empty, false});
  CHECK(gate.judge(finish_reason::stop, " \n\t ") == answer_gate::verdict{errc::answer_empty, false});
  CHECK(gate.judge(finish_reason::length, "text") == answer_gate::verdict{errc::answer_truncated, false});
  CHECK(gate.judge(finish_reason::content_filter, "text") == answer_gate::verdict{errc::answer_filtered, false});
  CHECK(gate.judge(finish_reason::other, "text") == answer_gate::verdict{errc::answer_not_kept, false});
  CHECK(gate.judge(finish_reason::cancelled, "text") == answer_gate::verdict{errc::answer_cancelled, false});
  CHECK(gate.judge(finish_reason::failed, "text") == answer_gate::verdict{errc::compute_failed, false});
}

TEST_CASE("each switch opens the gate for its own kind, and none for what failed or was cancelled",
          "[engine][answers]") {
  constexpr bool answer_gate::*switches[] = {&answer_gate::store_empty, &answer_gate::store_truncated,
                                             &answer_gate::store_filtered, &answer_gate::store_tool_calls,
                                             &answer_gate::store_unknown};
  const std::pair<finish_reason, const char*> kinds[] = {{finish_reason::stop, ""},
                                                         {finish_reason::length, "text"},
                                                         {finish_reason::content_filter, "text"},
                                                         {finish_reason::tool_calls, "text"},
                                                         {finish_reason::other, "text"}};
  for (std::size_t open = 0; open < std::size(switches); ++open) {
    answer_gate gate;
    gate.store_tool_calls = false;
    gate.*switches[open] = true;
    for (std::size_t kind = 0; kind < std::size(kinds); ++kind)
      CHECK((gate.judge(kinds[kind].first, kinds[kind].second).why == errc::none) == (kind == open));
    CHECK(gate.judge(finish_reason::failed, "text").why == errc::compute_failed);
    CHECK(gate.judge(finish_reason::cancelled, "text").why == errc::answer_cancelled);
  }
}

TEST_CASE("what is complete is shared, and what is not only by a switch", "[engine][answers]") {
  answer_gate gate;
  gate.store_tool_calls = false;
  CHECK(gate.judge(finish_reason::tool_calls, "text") == answer_gate::verdict{errc::answer_not_kept, true});
  gate.share_unstored = true;
  CHECK(gate.judge(finish_reason::length, "text") == answer_gate::verdict{errc::answer_truncated, true});
  CHECK(gate.judge(finish_reason::content_filter, "text").shared);
  CHECK(gate.judge(finish_reason::other, "text").shared);
  CHECK_FALSE(gate.judge(finish_reason::length, " ").shared);
  CHECK_FALSE(gate.judge(finish_reason::failed, "text").shared);
  CHECK_FALSE(gate.judge(finish_reason::cancelled, "text").shared);
}

TEST_CASE("lives are shortened by their keys, never lengthened, and spread over the whole share", "[engine][answers]") {
  const duration life{3'600'000};
  std::set<std::int64_t> ends;
  std::int64_t least = life.count();
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const key128 key{i << 50, i * 0x9e3779b97f4a7c15ULL};
    const duration d = shortened(life, key, 10);
    REQUIRE(d <= life);
    REQUIRE(d >= life * 9 / 10);
    REQUIRE(d == shortened(life, key, 10));
    REQUIRE(shortened(life, key, 0) == life);
    ends.insert(d.count());
    least = std::min(least, d.count());
  }
  CHECK(ends.size() > 1'000);
  CHECK(least < life.count() * 91 / 100);
  for (std::uint64_t i = 0; i < 100; ++i) {
    const key128 key{i, i * 0x9e3779b97f4a7c15ULL};
    CHECK(shortened(duration{1}, key, 50) == duration{1});
    const duration years{3650LL * 86'400'000};
    CHECK(shortened(years, key, 50) >= years / 2);
    CHECK(shortened(years, key, 50) <= years);
  }
}

TEST_CASE("an error is known until its time is over, or until it is forgotten", "[engine][answers]") {
  negative_table t(10);
  const key128 a{1, 1};
  const key128 b{2, 2};
  t.note(a, {errc::provider_failed, {100}, {200}});
  t.note(b, {errc::provider_rate_limited, {100}, {300}});
  REQUIRE(t.find(a, {199}) != nullptr);
  CHECK(t.find(a, {199})->why == errc::provider_failed);
  CHECK(t.find(a, {200}) == nullptr);
  CHECK(t.find({3, 3}, {100}) == nullptr);
  t.note(a, {errc::provider_refused, {150}, {250}});
  CHECK(t.find(a, {240})->why == errc::provider_refused);
  CHECK_FALSE(t.expire({249}, 100));
  CHECK(t.size() == 2);
  CHECK(t.sound());
  t.forget(b);
  CHECK(t.find(b, {101}) == nullptr);
  CHECK_FALSE(t.expire({250}, 100));
  CHECK(t.size() == 0);
  CHECK(t.sound());
}

TEST_CASE("under random use the errors remembered are the latest, and few", "[engine][answers][model]") {
  std::mt19937_64 dice(7);
  negative_table t(50);
  std::map<std::uint64_t, negative_table::error> model;
  instant now{1'000};
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t k = dice() % 100;
    const key128 key{k, sample_hash({k, 1})};
    switch (dice() % 6) {
      case 0:
      case 1: {
        const negative_table::error e{errc::provider_failed, now,
                                      now + duration{static_cast<std::int64_t>(1 + dice() % 50)}};
        t.note(key, e);
        model[k] = e;
        REQUIRE(t.find(key, now) != nullptr);
        break;
      }
      case 2:
        t.forget(key);
        model.erase(k);
        break;
      case 3: now = now + duration{static_cast<std::int64_t>(dice() % 5)}; break;
      case 4: t.expire(now, static_cast<unsigned>(dice() % 4)); break;
      default: {
        // It may have given way; but what is found is what was noted last, and not over.
        const auto* e = t.find(key, now);
        const auto known = model.find(k);
        if (e == nullptr) break;
        REQUIRE(known != model.end());
        REQUIRE(known->second.until == e->until);
        REQUIRE(e->until > now);
      }
    }
    REQUIRE(t.size() <= 50);
    if (i % 100 == 0) REQUIRE(t.sound());
  }
  while (t.expire(now + duration{1'000}, 1)) {
  }
  CHECK(t.size() == 0);
}

}  // namespace aicache::answer_gate_test
