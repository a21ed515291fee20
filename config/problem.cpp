#include "config/problem.hpp"

namespace aicache::config {

std::string render(const std::vector<problem>& problems) {
  if (problems.empty()) return {};
  std::string out = std::to_string(problems.size()) +
                    (problems.size() == 1 ? " problem in the settings\n" : " problems in the settings\n");
  for (const auto& [source, key, rule, fix] : problems)
    out += "- " + key + " (" + source + ")\n  rule: " + rule + "\n  fix:  " + fix + '\n';
  return out;
}

}  // namespace aicache::config
