#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/aicachectl_run.hpp"
#include "tests/support/aicached_process.hpp"
#include "tests/support/redis_server.hpp"

// What the tests share that move a cache, or compare it with Redis, by aicachectl.
namespace aicache::test {

using words = std::vector<std::string>;

/// What a command tells: names and values.
inline std::map<std::string, std::string> facts_of(const command_result& r) {
  const auto page = r.json();
  CAPTURE(r.out, r.errors);
  REQUIRE(page.is_object());
  std::map<std::string, std::string> all;
  for (const auto& [name, value] : page.items())
    if (value.is_string()) all[name] = value;
  return all;
}

inline command_result ctl(const aicached_process& node, words command, const std::string& input = "") {
  command.insert(command.end(), {"--node", node.address(), "--json"});
  return aicachectl(std::move(command), input);
}

inline words with_redis(words command, const redis_server& redis) {
  command.insert(command.end(), {"--set", "redis.url=redis://127.0.0.1:" + std::to_string(redis.port())});
  return command;
}

/// A folder of the test's own, and the files in it.
struct files {
  std::string at(const std::string& name) const { return (folder.path() / name).string(); }
  std::string text_of(const std::string& name) const {
    std::ifstream in(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(at(name), std::ios::binary) << text;
  }
  scratch_folder folder;
};

inline std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// What became of each finding of verify: of memory and of Redis.
inline std::map<std::string, std::pair<std::string, std::string>> findings_of(const command_result& r) {
  const auto page = r.json();
  std::map<std::string, std::pair<std::string, std::string>> all;
  for (const auto& row : page.at("findings")) all[row.at("finding")] = {row.at("of_memory"), row.at("of_redis")};
  return all;
}

}  // namespace aicache::test
