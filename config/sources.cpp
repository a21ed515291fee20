#include "config/sources.hpp"

#include "config/key_table.hpp"
#include "config/rules.hpp"
#include "config/toml_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace aicache::config {
namespace {

constexpr std::string_view test_prefix = "AICACHE_TEST_";

const key_row* find_key(std::string_view section, std::string_view name) {
  for (const auto& row : all_keys())
    if (row.section == section && row.name == name) return &row;
  return nullptr;
}

bool is_section(std::string_view name) {
  const auto all = all_sections();
  return std::any_of(all.begin(), all.end(), [&](const section_row& row) { return row.name == name; });
}

/// A key of somebody else's making as a message may show it: nothing but a start that could be one.
std::string shown_key(std::string_view text) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  const std::string_view start = text.substr(0, text.find_first_not_of(letters));
  const std::string out(start.substr(0, 64));
  return out.size() < text.size() ? out + "..." : out;
}

/// One load: the settings so far, what was wrong, and who said what.
class reading {
 public:
  void file(const std::filesystem::path& path);
  void variable(const std::string& name, const std::string& value);
  void override_with(const std::string& text);
  void rules();
  loaded finish() &&;

 private:
  struct origin {
    std::string source;
    bool is_valid = true;
  };

  void set(const key_row& row, const written& value, std::string source, std::string example);
  void report(std::string source, std::string key, std::string rule, std::string fix);

  settings value_;
  std::vector<problem> problems_;
  std::map<std::string, origin, std::less<>> origins_;  // by key; absent while it has its default
  std::map<std::string, int, std::less<>> overridden_;
};

void reading::report(std::string source, std::string key, std::string rule, std::string fix) {
  problems_.push_back({std::move(source), std::move(key), std::move(rule), std::move(fix)});
}

void reading::set(const key_row& row, const written& value, std::string source, std::string example) {
  auto broken = assign(row, value_, value);
  origins_.insert_or_assign(row.key(), origin{source, !broken});
  if (broken) report(std::move(source), row.key(), std::move(*broken), "write for example " + std::move(example));
}

void reading::file(const std::filesystem::path& path) {
  const std::string name = "file " + in_short_quotes(path.string());
  const auto at_line = [&name](std::size_t line) { return name + (line == 0 ? "" : ", line " + std::to_string(line)); };
  const auto contents = read_toml(path);
  if (!contents.rule.empty()) return report(at_line(contents.line), "the file", contents.rule, contents.fix);
  for (const auto& entry : contents.entries) {
    const std::string source = at_line(entry.line);
    const std::string key = shown_key(entry.section.empty() ? entry.name : entry.section + '.' + entry.name);
    if (const key_row* row = find_key(entry.section, entry.name)) {
      const std::string line = std::string(row->name) + " = " + row->to_toml(settings{});
      set(*row, entry.value, source, line + " in [" + std::string(row->section) + "]");
    } else if (entry.section.empty() && is_section(entry.name)) {
      report(source, key, "must be a section; " + shown(entry.value) + " is none", "write [" + entry.name + "]");
    } else if (!entry.name.empty()) {
      report(source, key, "must be the key of a setting; there is none of this name",
             "did you mean " + nearest_key(entry.section + '.' + entry.name).key() + "?");
    } else if (!is_section(entry.section)) {
      report(source, shown_key(entry.section), "must be a section; there is none of this name",
             "did you mean " + std::string(nearest_section(entry.section).name) + "?");
    }
  }
}

void reading::variable(const std::string& name, const std::string& value) {
  if (!name.starts_with(environment_prefix) || name.starts_with(test_prefix)) return;
  const std::string source = "environment " + shown_key(name);
  for (const auto& row : all_keys())
    if (row.environment_name() == name) return set(row, {value, false}, source, name + '=' + row.to_text(settings{}));
  report(source, shown_key(name), "must be the variable of a setting; there is none of this name",
         "did you mean " + nearest_variable(name).environment_name() + "? Unset it otherwise");
}

void reading::override_with(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string_view key = std::string_view(text).substr(0, equals);
  const std::string source = "override " + shown_key(key);
  const std::size_t dot = key.find('.');
  const key_row* row = nullptr;
  if (dot != std::string_view::npos) row = find_key(key.substr(0, dot), key.substr(dot + 1));
  if (equals == std::string::npos)
    return report(source, shown_key(key), "must be section.key=value; there is no \"=\"",
                  "write for example memory.budget=" + type::size::to_text(settings{}.memory.budget));
  if (row == nullptr)
    return report(source, shown_key(key), "must be the key of a setting; there is none of this name",
                  "did you mean " + nearest_key(key).key() + "?");
  if (++overridden_[row->key()] > 1)
    report(source, row->key(), "must be given once; it is there " + std::to_string(overridden_[row->key()]) + " times",
           "leave out all but one");
  set(*row, {text.substr(equals + 1), false}, source, row->key() + '=' + row->to_text(settings{}));
}

void reading::rules() {
  const auto is_in_doubt = [this](std::string_view key) {
    const auto found = origins_.find(key);
    return found != origins_.end() && !found->second.is_valid;
  };
  for (const auto& rule : all_rules()) {
    if (std::any_of(rule.reads.begin(), rule.reads.end(), is_in_doubt)) continue;
    for (auto& [key, text, fix] : rule.check(value_)) {
      const auto found = origins_.find(key);
      report(found == origins_.end() ? "default" : found->second.source, key, std::move(text), std::move(fix));
    }
  }
}

loaded reading::finish() && {
  if (!problems_.empty()) return {settings{}, std::move(problems_)};
  return {std::move(value_), {}};
}

}  // namespace

loaded load(const sources& from) {
  reading all;
  if (from.file) all.file(*from.file);
  for (const auto& [name, value] : from.environment) all.variable(name, value);
  for (const auto& text : from.overrides) all.override_with(text);
  all.rules();
  return std::move(all).finish();
}

std::vector<problem> check(const settings& s) {
  constexpr const char* source = "settings";
  std::vector<problem> out;
  std::vector<std::string> in_doubt;
  for (const auto& row : all_keys()) {
    auto broken = broken_range(row, s);
    if (!broken) continue;
    in_doubt.push_back(row.key());
    out.push_back({source, row.key(), std::move(*broken), "set for example " + row.to_text(settings{})});
  }
  const auto is_in_doubt = [&](std::string_view key) {
    return std::find(in_doubt.begin(), in_doubt.end(), key) != in_doubt.end();
  };
  for (const auto& rule : all_rules()) {
    if (std::any_of(rule.reads.begin(), rule.reads.end(), is_in_doubt)) continue;
    for (auto& [key, text, fix] : rule.check(s)) out.push_back({source, key, std::move(text), std::move(fix)});
  }
  return out;
}

std::string render(const std::vector<problem>& problems) {
  if (problems.empty()) return {};
  std::string out = std::to_string(problems.size()) +
                    (problems.size() == 1 ? " problem in the settings\n" : " problems in the settings\n");
  for (const auto& [source, key, rule, fix] : problems)
    out += "- " + key + " (" + source + ")\n  rule: " + rule + "\n  fix:  " + fix + '\n';
  return out;
}

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> out;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    const std::string_view variable = *at;
    const std::size_t equals = variable.find('=');
    if (variable.starts_with(environment_prefix) && equals != std::string_view::npos)
      out.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
  return out;
}

}  // namespace aicache::config
