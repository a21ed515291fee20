#pragma once

#include "tests/architecture/source_text.hpp"

#include <cctype>
#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace aicache::architecture {

/// A row of tests/checklist.md: what it is called there, and the cell that says what shows it.
struct checklist_row {
  std::string name;
  std::string shown_by;
};

/// The cells of a line of a table, without the blanks around them; none for other lines.
inline std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  if (!line.starts_with('|')) return cells;
  line.remove_prefix(1);
  while (true) {
    const std::size_t end = line.find('|');
    if (end == std::string_view::npos) return cells;
    std::string_view cell = line.substr(0, end);
    while (cell.starts_with(' ')) cell.remove_prefix(1);
    while (cell.ends_with(' ')) cell.remove_suffix(1);
    cells.emplace_back(cell);
    line.remove_prefix(end + 1);
  }
}

/// "17" or "D4", as rows are called.
inline bool is_row_name(std::string_view text) {
  if (text.starts_with('D')) text.remove_prefix(1);
  const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

inline std::vector<checklist_row> checklist_of(const std::string& text) {
  std::vector<checklist_row> rows;
  for (const std::string& line : lines_of(text)) {
    const auto cells = cells_of(line);
    if (cells.size() == 3 && is_row_name(cells[0])) rows.push_back({cells[0], cells[2]});
  }
  return rows;
}

/// The titles of the test cases of a source; a title may be written in several literals.
inline std::set<std::string> titles_in(const std::string& source) {
  const std::string code = without_comments(source, literals::kept);
  const std::string opening = "TEST_CASE(";
  std::set<std::string> titles;
  for (std::size_t at = code.find(opening); at != std::string::npos; at = code.find(opening, at + 1)) {
    std::string title;
    std::size_t next = at + opening.size();
    while (true) {
      next = code.find_first_not_of(" \n", next);
      if (next == std::string::npos || code[next] != '"') break;
      const std::size_t end = literal_end(code, next);
      title += code.substr(next + 1, end - next - 2);
      next = end;
    }
    titles.insert(title);
  }
  return titles;
}

/// The parts of `text` between an opening and the next closing mark.
inline std::vector<std::string> between(const std::string& text, const std::string& open, const std::string& close) {
  std::vector<std::string> parts;
  std::size_t at = text.find(open);
  while (at != std::string::npos) {
    const std::size_t end = text.find(close, at + open.size());
    if (end == std::string::npos) break;
    parts.push_back(text.substr(at + open.size(), end - at - open.size()));
    at = text.find(open, end + close.size());
  }
  return parts;
}

/// Where the links of a cell go: "[text](target)", or "[name]" with a line "[name]: target" elsewhere in the list.
inline std::vector<std::string> links_in(const std::string& cell, const std::string& list) {
  std::vector<std::string> targets = between(cell, "](", ")");
  for (const std::string& line : lines_of(list)) {
    const std::size_t end = line.find("]: ");
    if (!line.starts_with('[') || end == std::string::npos) continue;
    const std::string name = line.substr(0, end + 1);
    const std::size_t at = cell.find(name);
    if (at != std::string::npos && cell.substr(at + name.size(), 1) != "(") targets.push_back(line.substr(end + 3));
  }
  return targets;
}

/// What a link to a heading calls it.
inline std::string anchor_of(std::string_view heading) {
  std::string anchor;
  for (const char c : heading) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-')
      anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (c == ' ') anchor += '-';
  }
  return anchor;
}

/// The rows that a table below the heading names in its first cells, as in "| 14, D3 | … |"; `found` when there is one.
inline std::set<std::string> rows_named_below(const std::string& text, const std::string& anchor, bool& found) {
  std::set<std::string> names;
  bool inside = false;
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with('#')) inside = anchor_of(line.substr(line.find_first_not_of("# "))) == anchor;
    found = found || inside;
    const auto cells = cells_of(line);
    if (!inside || cells.empty()) continue;
    std::string name;
    for (const char c : cells[0] + ",") {
      if (c == ',') {
        if (is_row_name(name)) names.insert(name);
        name.clear();
      } else if (c != ' ') {
        name += c;
      }
    }
  }
  return names;
}

/// Everything that is wrong with a list: rows that are missing or there twice, rows that nothing shows, test cases and
/// places that do not exist. `from` is the folder of the list, from which its links go.
inline std::vector<std::string> complaints_of(const std::string& list, const std::set<std::string>& titles,
                                              const std::filesystem::path& from, int rows, int defects) {
  std::vector<std::string> said;
  std::map<std::string, int> times;
  for (int i = 1; i <= rows; ++i) times[std::to_string(i)] = 0;
  for (int i = 1; i <= defects; ++i) times["D" + std::to_string(i)] = 0;
  for (const checklist_row& row : checklist_of(list)) {
    ++times[row.name];
    const auto named = between(row.shown_by, "\"", "\"");
    const auto links = links_in(row.shown_by, list);
    if (named.empty() && links.empty()) said.push_back(row.name + ": nothing shows it");
    for (const std::string& title : named)
      if (!titles.contains(title)) said.push_back(row.name + ": there is no test \"" + title + "\"");
    for (const std::string& link : links) {
      const std::size_t hash = link.find('#');
      const auto file = from / link.substr(0, hash);
      if (!std::filesystem::is_regular_file(file)) {
        said.push_back(row.name + ": there is no " + link);
      } else if (hash != std::string::npos) {
        bool found = false;
        const auto told = rows_named_below(contents_of(file), link.substr(hash + 1), found);
        if (!found)
          said.push_back(row.name + ": there is no heading " + link);
        else if (!told.contains(row.name))
          said.push_back(row.name + ": " + link + " does not name it");
      }
    }
  }
  for (const auto& [name, count] : times) {
    if (count == 0) said.push_back(name + ": is missing");
    if (count > 1) said.push_back(name + ": is there " + std::to_string(count) + " times");
  }
  return said;
}

}  // namespace aicache::architecture
