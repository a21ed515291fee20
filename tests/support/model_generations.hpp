#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/redis/link_requests.hpp"
#include "engine/shared/generation_scripts.hpp"

namespace aicache::test {

/// What the three scripts do to a Redis, in memory: for tests that must run it a million times, or lose it. That it
/// does the same as a real server is a test of its own (tests/system/generation_scripts_test.cpp).
class model_generations {
 public:
  redis_reply run(const std::vector<std::string>& command) {
    const std::vector<std::string> argv(command.begin() + 8, command.end());
    if (command[1] == generation_scripts::invalidate) return invalidate(argv);
    if (command[1] == generation_scripts::learn) return learn(argv);
    return restore(argv);
  }

  std::uint64_t newest = 0;
  std::map<std::string, std::uint64_t> scopes;
  std::map<std::string, std::uint64_t> keys;
  std::uint64_t floor = 0;
  std::uint64_t key_floor = 0;
  std::uint64_t restored = 0;
  std::string run_id = "run1";
  std::vector<std::string> published;

 private:
  using numbers = std::map<std::string, std::uint64_t>;

  static std::uint64_t number(const std::string& text) { return std::stoull(text); }
  static redis_reply text(std::string t) { return {redis_reply::kind::bulk, 0, std::move(t), {}}; }
  static redis_reply text(std::uint64_t n) { return text(std::to_string(n)); }
  numbers& set_of(const std::string& member) { return member[0] == 'k' ? keys : scopes; }

  static void trim(numbers& set, std::uint64_t limit, std::uint64_t& floor) {
    while (set.size() > limit) {
      const auto lowest = std::min_element(set.begin(), set.end(), [](const auto& a, const auto& b) {
        return std::pair(a.second, a.first) < std::pair(b.second, b.first);
      });
      floor = std::max(floor, lowest->second);
      set.erase(lowest);
    }
  }
  void trim(const std::vector<std::string>& argv) {
    trim(scopes, number(argv[2]), floor);
    trim(keys, number(argv[3]), key_floor);
  }

  redis_reply invalidate(const std::vector<std::string>& argv) {
    std::string said = std::to_string(++newest) + ' ' + argv[1];
    for (std::size_t i = 4; i < argv.size(); ++i) {
      set_of(argv[i])[argv[i]] = newest;
      said += ' ' + argv[i];
    }
    trim(argv);
    published.push_back(std::move(said));
    return text(newest);
  }

  redis_reply learn(const std::vector<std::string>& argv) {
    const std::uint64_t since = number(argv[0]);
    const std::size_t page = number(argv[1]);
    std::uint64_t through = newest;
    for (const numbers* set : {&scopes, &keys}) {
      std::vector<std::uint64_t> after;
      for (const auto& [member, g] : *set)
        if (g > since) after.push_back(g);
      std::sort(after.begin(), after.end());
      if (after.size() >= page) through = std::min(through, after[page - 1]);
    }
    redis_reply r{redis_reply::kind::array, 0, "", {}};
    r.elements = {text(newest), text(through), text(floor), text(key_floor)};
    r.elements.push_back({redis_reply::kind::integer, static_cast<std::int64_t>(scopes.size()), "", {}});
    r.elements.push_back({redis_reply::kind::integer, static_cast<std::int64_t>(keys.size()), "", {}});
    r.elements.push_back(text(run_id));
    r.elements.push_back(text(restored));
    for (const numbers* set : {&scopes, &keys})
      for (const auto& [member, g] : *set)
        if (g > since && g <= through) {
          r.elements.push_back(text(member));
          r.elements.push_back(text(g));
        }
    return r;
  }

  redis_reply restore(const std::vector<std::string>& argv) {
    std::uint64_t at_least = number(argv[4]);
    for (std::size_t i = 8; i < argv.size(); i += 2) {
      std::uint64_t& there = set_of(argv[i])[argv[i]];
      there = std::max(there, number(argv[i + 1]));
    }
    for (const numbers* set : {&scopes, &keys})
      for (const auto& [member, g] : *set) at_least = std::max(at_least, g);
    newest = std::max(newest, at_least);
    floor = std::max(floor, number(argv[5]));
    key_floor = std::max(key_floor, number(argv[6]));
    trim(argv);
    if (argv[7] == "1") {
      ++restored;
      published.push_back("0 " + argv[1]);
    }
    return text(newest);
  }
};

}  // namespace aicache::test
