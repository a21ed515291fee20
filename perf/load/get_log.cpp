#include "perf/load/get_log.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

namespace aicache::perf {

namespace {

std::string outcome_of(const logged_get& g) {
  if (g.stale) return "stale";
  if (g.status == get_status::hit) return to_string(g.from);
  if (g.status == get_status::error) return "error";
  return g.status == get_status::negative ? "negative" : "miss";
}

}  // namespace

bool write_log(const std::string& path, const workload& asks, const std::vector<logged_get>& gets) {
  std::ofstream file(path, std::ios::binary);
  for (const logged_get& g : gets) {
    const asked& line = asks.lines[g.line];
    nlohmann::ordered_json j{{"operation", asks.operations[line.operation]},
                             {"tenant", line.what.tenant},
                             {"model", line.what.model},
                             {"code_points", g.code_points},
                             {"outcome", outcome_of(g)},
                             {"last", g.last},
                             {"ns", g.nanoseconds}};
    if (g.status == get_status::error) j["error"] = to_string(g.error);
    if (g.status == get_status::hit) {
      j["input_tokens"] = g.facts.input_tokens;
      j["output_tokens"] = g.facts.output_tokens;
      j["model_ms"] = g.facts.model_ms;
    }
    file << j.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
  }
  file.close();
  return static_cast<bool>(file);
}

}  // namespace aicache::perf
