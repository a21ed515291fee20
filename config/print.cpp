#include "config/key_table.hpp"

namespace aicache::config {
namespace {

constexpr std::size_t comment_width = 100;

/// The text as comment lines, broken between words.
std::string comment(std::string_view text) {
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    if (column == 0 || column + 1 + word.size() > comment_width) {
      if (column != 0) out += '\n';
      out += '#';
      column = 1;
    }
    out += ' ';
    out += word;
    column += 1 + word.size();
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  return out + '\n';
}

std::string_view effect(const key_row& row) { return row.reload == takes_effect::live ? "at once" : "at restart"; }

}  // namespace

std::string print(const settings& s) {
  std::string out;
  for (const auto& section : all_sections()) {
    if (!out.empty()) out += '\n';
    out += comment(section.doc) + '[' + std::string(section.name) + "]\n";
    for (const auto& row : all_keys()) {
      if (row.section != section.name) continue;
      out += '\n' + comment(std::string(row.doc) + " (" + row.range() + ")");
      out += std::string(row.name) + " = " + shown_toml(row, s) + '\n';
    }
  }
  return out;
}

std::string reference() {
  const settings defaults;
  std::string out;
  for (const auto& section : all_sections()) {
    if (!out.empty()) out += '\n';
    out += "### " + std::string(section.name) + "\n" + std::string(section.doc) + "\n\n";
    out += "| key | default | allowed | unit | changes | what it does |\n|---|---|---|---|---|---|\n";
    for (const auto& row : all_keys()) {
      if (row.section != section.name) continue;
      out += "| `" + row.key() + "` | `" + shown_toml(row, defaults) + "` | " + row.range() + " | " +
             std::string(row.unit) + " | " + std::string(effect(row)) + " | " + std::string(row.doc) + " |\n";
    }
  }
  return out;
}

}  // namespace aicache::config
