#include "config/parameter_values.hpp"

#include "config/json_file.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace aicache::config::conversion {
namespace {

converted one(std::string_view key, std::string value) { return {{{std::string(key), std::move(value)}}, {}}; }
converted refused(std::string why) { return {{}, std::move(why)}; }

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::optional<std::int64_t> whole_number(const written& w) {
  if (const auto* number = std::get_if<std::int64_t>(&w.value)) return *number;
  if (const auto* text = std::get_if<std::string>(&w.value)) return read_whole_number(*text).value;
  return std::nullopt;
}

/// Seconds, perhaps with a fraction, as milliseconds.
std::optional<std::int64_t> milliseconds(const written& w) {
  constexpr double most = 1e15;
  constexpr double in_a_second = 1000;
  const auto number = type::real::read({w.value, false});
  if (!number.value || !(std::abs(*number.value) < most)) return std::nullopt;
  return std::llround(*number.value * in_a_second);
}

std::string spelled(std::int64_t ms) { return spell_time(std::chrono::milliseconds(ms)); }

/// The table that was written, or that a text holds as JSON.
std::optional<written::table> table_of(const written& w) {
  if (const auto* table = std::get_if<written::table>(&w.value)) return *table;
  const auto* text = std::get_if<std::string>(&w.value);
  if (text == nullptr) return std::nullopt;
  const auto contents = parse_json(R"({"a":{"b":)" + *text + "}}");
  if (!contents.rule.empty() || contents.entries.size() != 1) return std::nullopt;
  const auto* table = std::get_if<written::table>(&contents.entries.front().value.value);
  return table == nullptr ? std::nullopt : std::optional(*table);
}

written written_of(const written::scalar& s) {
  written out;
  std::visit([&out](const auto& v) { out.value = v; }, s);
  return out;
}

}  // namespace

converted plain(std::string_view key, const written& w) {
  if (const auto* text = std::get_if<std::string>(&w.value)) return one(key, *text);
  if (const auto* number = std::get_if<std::int64_t>(&w.value)) return one(key, std::to_string(*number));
  return refused("must be a text or a whole number");
}

converted flag(std::string_view key, const written& w) {
  if (const auto* on = std::get_if<bool>(&w.value)) return one(key, *on ? "true" : "false");
  const auto* text = std::get_if<std::string>(&w.value);
  const std::string word = text == nullptr ? "" : lower(*text);
  for (const char* yes : {"true", "1", "yes", "on"})
    if (word == yes) return one(key, "true");
  for (const char* no : {"false", "0", "no", "off"})
    if (word == no) return one(key, "false");
  return refused("must be true or false");
}

converted tls(std::string_view key, const written& w) {
  // The URL is another parameter: map_parameters() joins the two.
  auto out = flag(key, w);
  out.values.clear();
  return out;
}

converted seconds(std::string_view key, const written& w) {
  if (const auto ms = milliseconds(w)) return one(key, spelled(*ms));
  return refused("must be a number of seconds");
}

converted seconds_by_name(std::string_view key, const written& w) {
  const auto table = table_of(w);
  if (!table) return refused("must be a table of seconds by operation");
  std::string out;
  for (const auto& [name, scalar] : *table) {
    const auto ms = milliseconds(written_of(scalar));
    if (!ms) return refused("must be a table of seconds by operation; " + in_short_quotes(name) + " has none");
    // The text that the table becomes would be read as other entries.
    if (name.find_first_of(",=") != std::string::npos) return refused("must have names without \",\" and \"=\"");
    out += (out.empty() ? "" : ",") + name + '=' + spelled(*ms);
  }
  return one(key, out.empty() ? "none" : out);
}

converted entries(std::string_view key, const written& w) {
  constexpr std::int64_t most = 1'000'000'000;
  const auto count = whole_number(w);
  if (!count || *count < 0 || *count > most) return refused("must be a number of entries");
  const std::uint64_t bytes = std::max(1_MiB, static_cast<std::uint64_t>(*count) * 16_KiB);
  return one(key, spell_size(bytes));
}

converted characters(std::string_view key, const written& w) {
  constexpr std::int64_t most = 1'000'000'000;
  constexpr std::int64_t longest_character = 4;
  const auto count = whole_number(w);
  if (!count || *count < 0 || *count > most) return refused("must be a number of characters");
  return one(key, spell_size(static_cast<std::uint64_t>(*count * longest_character)));
}

converted zlib_level(std::string_view key, const written& w) {
  constexpr std::array<int, 10> zstd_levels{0, 1, 1, 2, 2, 3, 3, 5, 7, 9};
  const auto asked = whole_number(w);
  if (!asked || *asked < 1 || *asked > 9) return refused("must be a level from 1 to 9");
  return one(key, std::to_string(zstd_levels[static_cast<std::size_t>(*asked)]));
}

converted tiers(std::string_view key, const written& w) {
  const auto table = table_of(w);
  if (!table) return refused("must be a table with small, medium and large");
  converted out;
  for (const auto& [name, scalar] : *table) {
    const auto bound = whole_number(written_of(scalar));
    if (!bound) return refused("must have whole numbers; " + in_short_quotes(name) + " has none");
    if (name == "small" || name == "medium" || name == "large")
      out.values.emplace_back(std::string(key) + '.' + name, std::to_string(*bound));
    else if (name != "xlarge")
      return refused("must have small, medium and large only; there is " + in_short_quotes(name));
  }
  return out.values.size() == 3 ? out : refused("must have small, medium and large");
}

converted level(std::string_view key, const written& w) {
  const auto* text = std::get_if<std::string>(&w.value);
  if (text == nullptr) return refused("must be the name of a level");
  const std::string word = lower(*text);
  if (word == "warning") return one(key, "warn");
  return one(key, word == "critical" || word == "fatal" ? "error" : word);
}

converted dropped(std::string_view, const written&) { return {}; }

}  // namespace aicache::config::conversion
