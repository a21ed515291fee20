#include "config/presets.hpp"

#include "config/key_table.hpp"

#include <algorithm>

namespace aicache::config {
namespace {

constexpr preset_row presets[] = {
#define AICACHE_PRESET(name, strict, doc) {name, strictness::strict, doc},
#define AICACHE_PRESET_VALUE(preset, key, value)
#include "config/presets.def"
#undef AICACHE_PRESET
#undef AICACHE_PRESET_VALUE
};

constexpr preset_value values[] = {
#define AICACHE_PRESET(name, strict, doc)
#define AICACHE_PRESET_VALUE(preset, key, value) {preset, key, value},
#include "config/presets.def"
#undef AICACHE_PRESET
#undef AICACHE_PRESET_VALUE
};

}  // namespace

std::span<const preset_row> all_presets() { return presets; }

std::vector<preset_value> values_of(std::string_view preset) {
  std::vector<preset_value> out;
  for (const auto& value : values)
    if (value.preset == preset) out.push_back(value);
  return out;
}

const preset_row* find_preset(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(presets), std::end(presets), [&](const preset_row& row) { return row.name == name; });
  return found == std::end(presets) ? nullptr : found;
}

const preset_row& nearest_preset(std::string_view unknown) { return nearest_name(all_presets(), unknown); }

}  // namespace aicache::config
