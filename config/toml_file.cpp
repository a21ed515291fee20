#include "config/toml_file.hpp"

#include <toml.hpp>

#include <algorithm>
#include <exception>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

namespace aicache::config {
namespace {

// A file of settings has a few hundred lines, and tables within tables within it. The library descends
// recursively, so a file beyond these bounds could exhaust the stack.
constexpr std::uintmax_t longest_file = 1 << 20;
constexpr std::ptrdiff_t most_brackets = 1000;
constexpr std::ptrdiff_t most_dots_in_line = 1000;

toml_contents unreadable(std::string rule, std::string fix, std::size_t line = 0) {
  return {{}, line, std::move(rule), std::move(fix)};
}

bool is_within_bounds(const std::string& text) {
  const auto opens = [](char c) { return c == '[' || c == '{'; };
  if (std::count_if(text.begin(), text.end(), opens) > most_brackets) return false;
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
    case toml::value_t::boolean:
      return v.as_boolean();
    case toml::value_t::integer:
      return std::int64_t{v.as_integer()};
    case toml::value_t::floating:
      return v.as_floating();
    case toml::value_t::string:
      return v.as_string().str;
    case toml::value_t::array:
      return written::unsuitable{"a list"};
    case toml::value_t::table:
      return written::unsuitable{"a table"};
    default:
      return written::unsuitable{"a date or time"};
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

std::vector<toml_entry> entries_of(const toml::value& root) {
  std::vector<toml_entry> out;
  for (const auto& [section, body] : root.as_table()) {
    if (!body.is_table()) {
      out.push_back({"", section, line_of(body), written_of(body)});
      continue;
    }
    if (body.as_table().empty()) out.push_back({section, "", line_of(body), written_of(body)});
    for (const auto& [name, value] : body.as_table()) out.push_back({section, name, line_of(value), written_of(value)});
  }
  // The library's tables are unordered.
  std::sort(out.begin(), out.end(), [](const toml_entry& a, const toml_entry& b) {
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

toml_contents parse(std::istream& text, const std::string& name) {
  constexpr const char* fix = "correct the line; config/default.toml is an example";
  try {
    return {entries_of(toml::parse(text, name)), 0, "", ""};
  } catch (const toml::exception& e) {
    return unreadable("must be TOML; " + complaint_of(e.what()), fix, e.location().line());
  } catch (const std::exception& e) {
    return unreadable("must be TOML; " + complaint_of(e.what()), fix);
  }
}

}  // namespace

toml_contents read_toml(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found)
    return unreadable("must exist", "correct the path, or start without a file");
  if (error) return unreadable("must be readable; " + error.message(), "let the node's user read it");
  // A pipe could keep the node waiting for ever.
  if (!std::filesystem::is_regular_file(status))
    return unreadable("must be a regular file; it is a directory or a device", "name the file itself");
  std::ifstream in(file, std::ios::binary);
  if (!in) return unreadable("must be readable; it cannot be opened", "let the node's user read it");
  std::string text;
  // Read in pieces up to the bound: what the file system says of the size need not be so.
  for (char piece[4096]; in.read(piece, sizeof piece) || in.gcount() > 0;) {
    text.append(piece, static_cast<std::size_t>(in.gcount()));
    if (text.size() > longest_file) return unreadable("must be shorter than 1 MiB", "name a file of settings");
  }
  if (in.bad()) return unreadable("must be readable; reading it failed", "check the disk, or name another file");
  if (!is_within_bounds(text))
    return unreadable("must not be nested more deeply than settings are", "name a file of settings");
  std::istringstream stream(std::move(text));
  return parse(stream, file.filename().string());
}

}  // namespace aicache::config
