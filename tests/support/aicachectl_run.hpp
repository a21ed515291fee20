#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/redis_server.hpp"

namespace aicache::test {

/// What a command of aicachectl has answered.
struct command_result {
  int code = -1;
  std::string out;
  std::string errors;

  nlohmann::json json() const { return nlohmann::json::parse(out, nullptr, false); }
  /// Each line of standard output.
  std::vector<nlohmann::json> json_lines() const {
    std::vector<nlohmann::json> all;
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) all.push_back(nlohmann::json::parse(line, nullptr, false));
    return all;
  }
  bool complains_of(const std::string& part) const { return errors.find(part) != std::string::npos; }
};

/// Runs `aicachectl` with these arguments, `input` on its standard input, and no environment but this one. A program that
/// does not end has the code -1.
inline command_result aicachectl(std::vector<std::string> arguments, const std::string& input = "",
                                 std::vector<std::string> environment = {}) {
  const scratch_folder scratch;
  const std::string in = (scratch.path() / "input").string();
  std::ofstream(in, std::ios::binary) << input;
  arguments.insert(arguments.begin(),
                   {"/bin/sh", "-c", R"(in=$1; shift; exec "$@" < "$in")", "sh", in, AICACHE_BINARY_DIR "/aicachectl"});
  program run(std::move(arguments), std::move(environment));
  const auto code = run.end(std::chrono::seconds{60});
  return {code.value_or(-1), run.rest(), run.errors()};
}

}  // namespace aicache::test
