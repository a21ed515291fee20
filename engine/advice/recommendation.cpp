#include "engine/advice/recommendation.hpp"

#include <nlohmann/json.hpp>

namespace aicache {

std::string to_json(const std::vector<recommendation>& all) {
  using nlohmann::json;
  json list = json::array();
  for (const recommendation& r : all) {
    json figures = json::array();
    for (const evidence& e : r.figures) figures.push_back({{"name", e.name}, {"value", e.value}, {"unit", e.unit}});
    list.push_back({{"rule", r.rule},
                    {"type", to_string(r.type)},
                    {"priority", to_string(r.priority)},
                    {"subject", r.subject},
                    {"title", r.title},
                    {"evidence", figures},
                    {"action", {{"setting", r.action.setting}, {"value", r.action.value}, {"text", r.action.sentence}}},
                    {"effect", r.effect}});
  }
  return list.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace aicache
