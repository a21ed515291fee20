#include "config/validation.hpp"

#include "config/key_table.hpp"

#include <utility>

namespace aicache::config {

validation validate(const loaded& from, const machine& on) {
  validation out{from.problems, from.conflicts, from.warnings, {}};
  if (!out.is_valid()) return out;
  const auto list_of = [&out](weight kind) -> std::vector<problem>& {
    switch (kind) {
      case weight::error: return out.errors;
      case weight::conflict: return out.conflicts;
      case weight::warning: return out.warnings;
      case weight::recommendation: break;
    }
    return out.recommendations;
  };
  for (const auto& row : all_advice()) {
    for (auto& [key, text, fix] : row.check(from.value, on)) {
      const auto found = from.origins.find(key);
      const std::string source = found == from.origins.end() ? "default" : found->second;
      list_of(row.kind).push_back({source, key, std::move(text), std::move(fix)});
    }
  }
  return out;
}

}  // namespace aicache::config
