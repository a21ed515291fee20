#include "config/key_table.hpp"

#include <algorithm>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

namespace aicache::config {
namespace {

/// The key's name: the row's, without the underscore that keeps it from being a word of C++.
constexpr std::string_view key_name(std::string_view field) {
  if (field.ends_with('_')) field.remove_suffix(1);
  return field;
}

template <class Type>
std::string assign_field(typename Type::stored& field, typename Type::bound min, typename Type::bound max,
                         const written& w) {
  auto read = Type::read(w);
  if (!read.value) return std::move(read.refusal);
  auto why = Type::refuse(*read.value, min, max);
  if (why.empty()) field = std::move(*read.value);
  return why;
}

constexpr key_row key_rows[] = {
#define AICACHE_SECTION(section, doc)
#define AICACHE_SECTION_END(section)
#define AICACHE_KEY(section, name, kind, initial, min, max, unit, secret, reload, doc)                  \
  {#section,                                                                                            \
   key_name(#name),                                                                                     \
   #kind,                                                                                               \
   unit,                                                                                                \
   visibility::secret,                                                                                  \
   takes_effect::reload,                                                                                \
   doc,                                                                                                 \
   [] { return type::kind::range(min, max); },                                                          \
   [](settings& s, const written& w) { return assign_field<type::kind>(s.section.name, min, max, w); }, \
   [](const settings& s) { return std::string(type::kind::refuse(s.section.name, min, max)); },         \
   [](const settings& s) { return type::kind::to_text(s.section.name); },                               \
   [](const settings& s) { return type::kind::to_toml(s.section.name); }},
#include "config/keys.def"
#undef AICACHE_SECTION
#undef AICACHE_KEY
#undef AICACHE_SECTION_END
};

constexpr section_row sections[] = {
#define AICACHE_SECTION(section, doc) {#section, doc},
#define AICACHE_SECTION_END(section)
#define AICACHE_KEY(section, name, kind, initial, min, max, unit, secret, reload, doc)
#include "config/keys.def"
#undef AICACHE_SECTION
#undef AICACHE_KEY
#undef AICACHE_SECTION_END
};

#define AICACHE_SECTION(section, doc)
#define AICACHE_SECTION_END(section)
#define AICACHE_KEY(section, name, kind, initial, min, max, unit, secret, reload, doc)             \
  static_assert(visibility::secret == visibility::shown || std::is_same_v<type::kind, type::text>, \
                "only a text may be secret: the refusals of other types may repeat parts of a value");
#include "config/keys.def"
#undef AICACHE_SECTION
#undef AICACHE_KEY
#undef AICACHE_SECTION_END

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string rule_of(const key_row& row, const std::string& value, const std::string& why) {
  return "must be " + row.range() + "; " + (row.secret == visibility::secret ? "the secret value" : value) + " " + why;
}

/// The row with the least distance between `unknown` and its spelling; the first of equals.
const key_row& nearest(std::string_view unknown, char joint) {
  // A right name in a wrong section is less likely meant than a slip of a letter or two.
  constexpr std::size_t wrong_section = 2;
  constexpr std::size_t shortened = 1;
  unknown = unknown.substr(0, longest_compared);
  const std::size_t dot = unknown.find_last_of('.');
  const std::string_view last = dot == std::string_view::npos ? unknown : unknown.substr(dot + 1);
  const key_row* best = nullptr;
  std::size_t least = 0;
  for (const auto& row : key_rows) {
    const std::string spelling = std::string(row.section) + joint + std::string(row.name);
    std::size_t distance = spelling.starts_with(unknown) ? shortened : edit_distance(unknown, spelling);
    // Any two short words are a few letters apart: only what is nearly the name counts as it.
    if (const std::size_t slips = edit_distance(last, row.name); 3 * slips <= row.name.size())
      distance = std::min(distance, wrong_section + slips);
    if (best == nullptr || distance < least) {
      best = &row;
      least = distance;
    }
  }
  return *best;
}

}  // namespace

std::string key_row::key() const { return std::string(section) + '.' + std::string(name); }

std::string key_row::environment_name() const {
  std::string out = std::string(section) + '_' + std::string(name);
  std::transform(out.begin(), out.end(), out.begin(), upper);
  return std::string(environment_prefix) + out;
}

std::span<const key_row> all_keys() { return key_rows; }
std::span<const section_row> all_sections() { return sections; }

const key_row* find_key(std::string_view key) {
  const std::size_t dot = key.find('.');
  if (dot == std::string_view::npos) return nullptr;
  for (const auto& row : key_rows)
    if (row.section == key.substr(0, dot) && row.name == key.substr(dot + 1)) return &row;
  return nullptr;
}

std::string shown_key(std::string_view text) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  const std::string_view start = text.substr(0, text.find_first_not_of(letters));
  const std::string out(start.substr(0, 64));
  return out.size() < text.size() ? out + "..." : out;
}

std::optional<std::string> assign(const key_row& row, settings& s, const written& w) {
  if (const auto* text = std::get_if<std::string>(&w.value))
    if (row.secret == visibility::secret && *text == secret_mask)
      return "must be the secret itself; \"***\" is what stands for it in print";
  const std::string why = row.assign(s, w);
  if (why.empty()) return std::nullopt;
  return rule_of(row, shown(w), why);
}

std::optional<std::string> broken_range(const key_row& row, const settings& s) {
  const std::string why = row.refuse(s);
  if (why.empty()) return std::nullopt;
  return rule_of(row, in_short_quotes(row.to_text(s)), why);
}

std::string shown_toml(const key_row& row, const settings& s) {
  const std::string value = row.to_toml(s);
  // That there is no secret is none.
  return row.secret == visibility::secret && value != in_quotes("") ? in_quotes(secret_mask) : value;
}

const key_row& nearest_key(std::string_view unknown) { return nearest(unknown, '.'); }

const key_row& nearest_variable(std::string_view unknown) {
  if (unknown.starts_with(environment_prefix)) unknown.remove_prefix(environment_prefix.size());
  std::string spelling(unknown);
  std::transform(spelling.begin(), spelling.end(), spelling.begin(), lower);
  return nearest(spelling, '_');
}

const section_row& nearest_section(std::string_view unknown) { return nearest_name(all_sections(), unknown); }

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the table of distances between prefixes are all that a swap looks back to.
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> current(b.size() + 1);
  std::iota(current.begin(), current.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, last);
    std::swap(last, current);
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        current[j] = std::min(current[j], before[j - 2] + 1);
    }
  }
  return current[b.size()];
}

}  // namespace aicache::config
