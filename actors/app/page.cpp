#include "actors/app/page.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace aicache::app {

namespace {

std::string in_columns(const page::table& t) {
  std::vector<std::size_t> widths;
  for (const auto& column : t.columns) widths.push_back(column.size());
  for (const auto& row : t.rows)
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  const auto line = [&widths](const std::vector<std::string>& cells) {
    std::string out;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      out += cells[i];
      // Nothing is aligned to the last column: no blanks at the end of a line.
      if (i + 1 < cells.size() && i < widths.size()) out.append(widths[i] - cells[i].size() + 2, ' ');
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out + '\n';
  };
  std::string out = line(t.columns);
  for (const auto& row : t.rows) out += line(row);
  return out;
}

/// The first column heads the block, the others follow with their names.
std::string in_blocks(const page::table& t) {
  std::string out;
  for (const auto& row : t.rows)
    for (std::size_t i = 0; i < row.size() && i < t.columns.size(); ++i)
      out += (i == 0 ? "- " : "    " + t.columns[i] + ": ") + row[i] + '\n';
  return out;
}

}  // namespace

page complaint_of(int exit_code, std::string why) {
  page p;
  p.complaint = std::move(why);
  p.exit_code = exit_code;
  return p;
}

std::string to_text(const page& p) {
  std::string out;
  for (const auto& [name, value] : p.facts) out += name + ": " + value + '\n';
  const auto is_filled = [](const page::table& t) { return !t.rows.empty(); };
  const bool has_titles = p.tables.size() > 1;
  for (const auto& t : p.tables) {
    if (!is_filled(t)) continue;
    if (!out.empty()) out += '\n';
    if (has_titles) out += t.name + " (" + std::to_string(t.rows.size()) + ")\n";
    out += t.how == page::layout::columns ? in_columns(t) : in_blocks(t);
  }
  if (!p.text.empty() && !out.empty()) out += '\n';
  return out + p.text;
}

std::string to_json(const page& p) {
  if (!p.json.empty()) return p.json + '\n';
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (const auto& [name, value] : p.facts) out[name] = value;
  for (const auto& t : p.tables) {
    auto rows = nlohmann::ordered_json::array();
    for (const auto& row : t.rows) {
      auto cells = nlohmann::ordered_json::object();
      for (std::size_t i = 0; i < row.size() && i < t.columns.size(); ++i) cells[t.columns[i]] = row[i];
      rows.push_back(std::move(cells));
    }
    out[t.name] = std::move(rows);
  }
  if (!p.text.empty()) out["text"] = p.text;
  if (!p.complaint.empty()) out["error"] = p.complaint;
  // Names of files need not be UTF-8.
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace aicache::app
