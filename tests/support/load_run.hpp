#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/redis_server.hpp"

namespace aicache::test {

/// What one run of aicache-load gave: its exit code, what it said, and its report.
struct loaded {
  int code = -1;
  std::string text;
  std::string errors;
  nlohmann::json report;

  std::uint64_t number(const char* name) const {
    return report.is_object() ? report.value(name, std::uint64_t{0}) : UINT64_MAX;
  }
};

inline loaded load(std::vector<std::string> arguments, std::chrono::seconds patience = std::chrono::seconds{60}) {
  const scratch_folder here;
  const std::string report = (here.path() / "report.json").string();
  arguments.insert(arguments.begin(), AICACHE_BINARY_DIR "/aicache-load");
  arguments.insert(arguments.end(), {"--json", report});
  program p(std::move(arguments));
  loaded l;
  l.code = p.end(patience).value_or(-1);
  l.text = p.rest();
  l.errors = p.errors();
  std::ifstream file(report);
  l.report = nlohmann::json::parse(file, nullptr, false);
  return l;
}

}  // namespace aicache::test
