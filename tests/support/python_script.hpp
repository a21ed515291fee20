#pragma once

#include <unistd.h>

#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/program.hpp"

namespace aicache::test {

/// The lines that a script of ours prints, run with these arguments; nothing where there is no Python 3 to run it. A script that fails prints
/// no line, and its errors go to `errors`.
inline std::optional<std::vector<std::string>> lines_of_python(const std::string& script, std::string& errors,
                                                               std::vector<std::string> arguments = {}) {
  static const char* const python = "/usr/bin/python3";
  if (access(python, X_OK) != 0) return std::nullopt;
  arguments.insert(arguments.begin(), {python, "-I", "-B", std::string(AICACHE_SOURCE_DIR) + "/" + script});
  program run(std::move(arguments));
  std::vector<std::string> lines;
  const auto code = run.end(std::chrono::seconds{100});
  errors = run.errors();
  if (code != 0) return lines;
  std::istringstream all(run.rest());
  for (std::string line; std::getline(all, line);) lines.push_back(line);
  return lines;
}

}  // namespace aicache::test
