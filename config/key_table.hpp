#pragma once

#include "config/settings.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace aicache::config {

enum class visibility : bool { shown, secret };
enum class takes_effect : bool { restart, live };

/// What stands in place of a secret wherever settings are printed.
inline constexpr std::string_view secret_mask = "***";

/// One row of config/keys.def as data, for everything that treats all keys alike.
struct key_row {
  std::string_view section;
  std::string_view name;
  std::string_view type;
  std::string_view unit;
  visibility secret;
  takes_effect reload;
  std::string_view doc;
  std::string (*range)();
  std::string (*assign)(settings&, const written&);  ///< why the value is refused; empty if it was taken
  std::string (*refuse)(const settings&);            ///< why the field's value is out of range; empty if it is not
  std::string (*to_text)(const settings&);           ///< as the environment and overrides spell it
  std::string (*to_toml)(const settings&);

  std::string key() const;               ///< "memory.budget"
  std::string environment_name() const;  ///< "AICACHE_MEMORY_BUDGET"
};

struct section_row {
  std::string_view name;
  std::string_view doc;
};

inline constexpr std::string_view environment_prefix = "AICACHE_";

/// All rows, in the order of config/keys.def.
std::span<const key_row> all_keys();
std::span<const section_row> all_sections();

/// The row of "memory.budget"; nullptr for a name that is no key.
const key_row* find_key(std::string_view key);

/// A key of somebody else's making as a message may show it: nothing but a start that could be one.
std::string shown_key(std::string_view text);

/// Puts a written value into its field and checks its range; the rule that it breaks, as a sentence for
/// people, if it does, and then the field is as it was. The sentence shows the value unless it is secret.
std::optional<std::string> assign(const key_row& row, settings& s, const written& w);

/// The rule that the field's own value breaks, if it does.
std::optional<std::string> broken_range(const key_row& row, const settings& s);

/// The value as TOML, and the mask for a secret.
std::string shown_toml(const key_row& row, const settings& s);

/// The known key, environment variable or section that `unknown` resembles most: by edit distance of the whole
/// spelling, or of the name alone, so that a key in the wrong section or in none is found as well; a spelling
/// that breaks off counts as near.
/// Cost: one edit distance per key; an overlong `unknown` is cut first.
const key_row& nearest_key(std::string_view unknown);
const key_row& nearest_variable(std::string_view unknown);
const section_row& nearest_section(std::string_view unknown);

/// How many letters must be inserted, left out, replaced, or swapped with their neighbour to make one text of the
/// other (optimal string alignment: no letter is touched twice).
std::size_t edit_distance(std::string_view a, std::string_view b);

// Longer than any name of ours: what lies beyond cannot bring it nearer to one.
inline constexpr std::size_t longest_compared = 64;

/// The row of a table, which must not be empty, whose `name` takes the fewest such changes; the first of equals.
template <class Row>
const Row& nearest_name(std::span<const Row> rows, std::string_view unknown) {
  const auto distance = [&](const Row& row) { return edit_distance(unknown.substr(0, longest_compared), row.name); };
  return *std::min_element(rows.begin(), rows.end(),
                           [&](const Row& a, const Row& b) { return distance(a) < distance(b); });
}

}  // namespace aicache::config
