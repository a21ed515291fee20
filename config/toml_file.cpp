#include "config/toml_file.hpp"

#include <toml.hpp>

#include <algorithm>
#include <exception>
#include <sstream>
#include <string_view>
#include <tuple>
#include <utility>

namespace aicache::config {
namespace {

// The library descends recursively through dotted keys: too many of them would exhaust the stack.
constexpr std::ptrdiff_t most_dots_in_line = 1000;

bool is_within_bounds(const std::string& text) {
  for (auto at = text.begin(); at != text.end();) {
    const auto end = std::find(at, text.end(), '\n');
    if (std::count(at, end, '.') > most_dots_in_line) return false;
    at = end == text.end() ? end : end + 1;
  }
  return true;
}

std::size_t line_of(const toml::value& v) { return v.location().line(); }

written::scalar scalar_of(const toml::value& v) {
  switch (v.type()) {
    case toml::value_t::boolean: return v.as_boolean();
    case toml::value_t::integer: return std::int64_t{v.as_integer()};
    case toml::value_t::floating: return v.as_floating();
    case toml::value_t::string: return v.as_string().str;
    case toml::value_t::array: return written::unsuitable{"a list"};
    case toml::value_t::table: return written::unsuitable{"a table"};
    default: return written::unsuitable{"a date or time"};
  }
}

written written_of(const toml::value& v) {
  written out{written::unsuitable{}, true};
  if (v.is_table()) {
    written::table table;
    for (const auto& [name, inner] : v.as_table()) table.emplace(name, scalar_of(inner));
    out.value = std::move(table);
  } else {
    std::visit([&out](auto&& scalar) { out.value = std::move(scalar); }, scalar_of(v));
  }
  return out;
}

std::vector<file_entry> entries_of(const toml::value& root) {
  std::vector<file_entry> out;
  for (const auto& [section, body] : root.as_table()) {
    if (!body.is_table()) {
      out.push_back({"", section, line_of(body), written_of(body)});
      continue;
    }
    if (body.as_table().empty()) out.push_back({section, "", line_of(body), written_of(body)});
    for (const auto& [name, value] : body.as_table()) out.push_back({section, name, line_of(value), written_of(value)});
  }
  // The library's tables are unordered.
  std::sort(out.begin(), out.end(), [](const file_entry& a, const file_entry& b) {
    return std::tie(a.line, a.section, a.name) < std::tie(b.line, b.section, b.name);
  });
  return out;
}

/// What the library complains of: the first line of its message, without the mark and the name of its function
/// that it starts with. The lines after it show the file's text.
std::string complaint_of(const std::string& message) {
  constexpr std::string_view mark = "[error] ";
  std::string line = message.substr(0, message.find('\n'));
  if (line.starts_with(mark)) line.erase(0, mark.size());
  if (const std::size_t end = line.find(": "); line.starts_with("toml::") && end != std::string::npos)
    line.erase(0, end + 2);
  return line;
}

}  // namespace

file_contents parse_toml(const std::string& text, const std::string& name) {
  if (!is_within_bounds(text))
    return unreadable("must not be nested more deeply than settings are", "name a file of settings");
  constexpr const char* fix = "correct the line; config/default.toml is an example";
  std::istringstream stream(text);
  try {
    return {entries_of(toml::parse(stream, name)), 0, "", ""};
  } catch (const toml::exception& e) {
    return unreadable("must be TOML; " + complaint_of(e.what()), fix, e.location().line());
  } catch (const std::exception& e) {
    return unreadable("must be TOML; " + complaint_of(e.what()), fix);
  }
}

}  // namespace aicache::config
