#include "engine/advice/advise.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <utility>

#include "engine/advice/rules.hpp"

namespace aicache {

namespace {

constexpr std::array<advice_rule, 20> rules{{
    {"never_hit", advice::never_hit},
    {"rarely_hit", advice::rarely_hit},
    {"memory_full", advice::memory_full},
    {"redis_unavailable", advice::redis_unavailable},
    {"longer_life_pays", advice::longer_life_pays},
    {"more_memory_pays", advice::more_memory_pays},
    {"many_xlarge_texts", advice::many_xlarge_texts},
    {"mostly_small_texts", advice::mostly_small_texts},
    {"hardly_small_texts", advice::hardly_small_texts},
    {"fast_but_short", advice::fast_but_short},
    {"poor_compression", advice::poor_compression},
    {"compression_in_vain", advice::compression_in_vain},
    {"eviction_pressure", advice::eviction_pressure},
    {"redis_slow", advice::redis_slow},
    {"waits_in_vain", advice::waits_in_vain},
    {"no_room_to_wait", advice::no_room_to_wait},
    {"often_hit", advice::often_hit},
    {"few_small_texts", advice::few_small_texts},
    {"memory_idle", advice::memory_idle},
    {"less_memory_would_do", advice::less_memory_would_do},
}};

}  // namespace

std::vector<recommendation> advise(const advice_snapshot& now, const advice_settings& settings) {
  std::vector<recommendation> all;
  for (const advice_rule& rule : rules) {
    const std::size_t before = all.size();
    rule.speak(now, settings, all);
    for (std::size_t i = before; i < all.size(); ++i) all[i].rule = rule.name;
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const recommendation& a, const recommendation& b) { return a.priority < b.priority; });
  return all;
}

std::vector<std::string> advice_rules() {
  std::vector<std::string> names;
  for (const advice_rule& rule : rules) names.emplace_back(rule.name);
  return names;
}

namespace advice {

recommendation about(advice_type type, advice_priority priority, std::string title) {
  recommendation r;
  r.type = type;
  r.priority = priority;
  r.title = std::move(title);
  return r;
}

std::string shown(double value, int digits) {
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return {text.data(), static_cast<std::size_t>(std::clamp(length, 0, static_cast<int>(text.size()) - 1))};
}

std::string measured(const predicted_effect& e) {
  return (e.points < 0 ? "" : "+") + shown(e.points, 1) + " points of hit ratio (error " + shown(e.error, 1) +
         "), measured";
}

}  // namespace advice
}  // namespace aicache
