#include "config/sources.hpp"

#include "config/advice.hpp"
#include "config/key_table.hpp"
#include "config/parameter_map.hpp"
#include "config/presets.hpp"
#include "config/rules.hpp"
#include "config/settings_file.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace aicache::config {
namespace {

constexpr std::string_view test_prefix = "AICACHE_TEST_";
constexpr std::string_view extends = "extends";
constexpr std::string_view extends_variable = "AICACHE_EXTENDS";
constexpr std::string_view no_preset = "none";

bool is_section(std::string_view name) {
  const auto all = all_sections();
  return std::any_of(all.begin(), all.end(), [&](const section_row& row) { return row.name == name; });
}

/// "AI_CACHE_DEFAULT_TTL" as "default_ttl", and back.
std::string parameter_name(const std::string& variable) {
  std::string out = variable.substr(alias_prefix.size());
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}
std::string alias_name(std::string_view parameter) {
  return parameter_row{parameter, {}, {}, {}, nullptr}.environment_name();
}

/// The key before the "=" of an override.
std::string_view key_of(std::string_view text) { return text.substr(0, text.find('=')); }

/// One load: the settings so far, what was wrong, and who said what.
class reading {
 public:
  explicit reading(const sources& from) : from_(from) {}
  loaded load() &&;

 private:
  struct origin {
    std::string source;
    bool is_valid = true;
  };

  void inherit();
  void choose_preset(const written& name, std::string source);
  void file();
  void file_entry_of(const file_entry& entry, const std::string& source);
  void aliases();
  void variable(const std::string& name, const std::string& value);
  void keyed(const std::string& kind, std::string_view key, const std::string& value);
  void override_with(const std::string& text);
  void rules();
  void asked_for_tls();
  void demands_of_preset();
  bool is_in_doubt(std::string_view key) const;
  std::string source_of(const std::string& key) const;
  std::string at_line(std::size_t line) const;

  void set(const key_row& row, const written& value, std::string source, std::string example);
  void report(std::string source, std::string key, std::string rule, std::string fix);

  const sources& from_;
  file_contents contents_;
  loaded out_;
  const preset_row* preset_ = nullptr;
  std::map<std::string, origin, std::less<>> origins_;       // by key; absent while it has its default
  std::map<std::string, std::string, std::less<>> aliased_;  // by key, the variable AI_CACHE_… that gave it
  bool tls_is_asked_for_ = false;
  std::map<std::string, int, std::less<>> overridden_;
};

void reading::report(std::string source, std::string key, std::string rule, std::string fix) {
  out_.problems.push_back({std::move(source), std::move(key), std::move(rule), std::move(fix)});
}

void reading::set(const key_row& row, const written& value, std::string source, std::string example) {
  auto broken = assign(row, out_.value, value);
  origins_.insert_or_assign(row.key(), origin{source, !broken});
  if (broken) report(std::move(source), row.key(), std::move(*broken), "write for example " + std::move(example));
}

std::string reading::at_line(std::size_t line) const {
  return "file " + in_short_quotes(from_.file->string()) + (line == 0 ? "" : ", line " + std::to_string(line));
}

void reading::choose_preset(const written& name, std::string source) {
  const auto* text = std::get_if<std::string>(&name.value);
  preset_ = text == nullptr ? nullptr : find_preset(*text);
  out_.preset = preset_ == nullptr ? "" : std::string(preset_->name);
  if (preset_ != nullptr || (text != nullptr && *text == no_preset)) return;
  const std::string nearest(nearest_preset(text == nullptr ? "" : *text).name);
  report(std::move(source), std::string(extends),
         "must be the name of a preset, or none; " + shown(name) + " is no preset",
         "did you mean " + nearest + "? See aicachectl config presets");
}

/// The strongest source that names a preset decides; its values come before everything that is written.
void reading::inherit() {
  for (const auto& entry : contents_.entries)
    if (entry.section.empty() && entry.name == extends) choose_preset(entry.value, at_line(entry.line));
  if (const auto found = from_.values.find(std::string(extends)); found != from_.values.end())
    choose_preset({found->second, false}, "value extends");
  for (const auto& [name, value] : from_.environment) {
    const parameter_row* row = name.starts_with(alias_prefix) ? find_parameter(parameter_name(name)) : nullptr;
    if (row != nullptr && row->key == extends) choose_preset({value, false}, "environment " + alias_name(row->name));
  }
  if (const auto found = from_.environment.find(std::string(extends_variable)); found != from_.environment.end())
    choose_preset({found->second, false}, "environment " + found->first);
  for (const auto& text : from_.overrides)
    if (key_of(text) == extends && text.size() > extends.size())
      choose_preset({text.substr(extends.size() + 1), false}, "override extends");
  if (preset_ == nullptr) return;
  for (const auto& [preset, key, value] : values_of(preset_->name))
    if (const key_row* row = find_key(key))
      set(*row, {std::string(value), false}, "preset " + std::string(preset),
          std::string(key) + '=' + row->to_text(settings{}));
}

void reading::file() {
  if (!from_.file) return;
  if (!contents_.rule.empty()) return report(at_line(contents_.line), "the file", contents_.rule, contents_.fix);
  for (const auto& entry : contents_.entries) file_entry_of(entry, at_line(entry.line));
}

void reading::file_entry_of(const file_entry& entry, const std::string& source) {
  const std::string name = entry.section.empty() ? entry.name : entry.section + '.' + entry.name;
  if (entry.section.empty() && entry.name == extends) return;
  if (const key_row* row = entry.section.empty() ? nullptr : find_key(name)) {
    const std::string line = std::string(row->name) + " = " + row->to_toml(settings{});
    set(*row, entry.value, source, line + " in [" + std::string(row->section) + "]");
  } else if (entry.section.empty() && is_section(entry.name)) {
    report(source, shown_key(name), "must be a section; " + shown(entry.value) + " is none",
           "write [" + entry.name + "]");
  } else if (const auto* theirs = entry.section.empty() ? find_parameter(entry.name) : nullptr) {
    report(source, shown_key(name), "must be the key of a setting; it is a parameter of the Python cache",
           theirs->key.empty()
               ? "leave it out: " + std::string(theirs->remark)
               : "it is " + std::string(theirs->key) + " here; aicachectl config map converts whole files");
  } else if (!entry.name.empty()) {
    report(source, shown_key(name), "must be the key of a setting; there is none of this name",
           "did you mean " + nearest_key(entry.section + '.' + entry.name).key() + "?");
  } else if (!is_section(entry.section)) {
    report(source, shown_key(entry.section), "must be a section; there is none of this name",
           "did you mean " + std::string(nearest_section(entry.section).name) + "?");
  }
}

/// The variables of the Python cache, taken together: some mean something only beside others.
void reading::aliases() {
  std::map<std::string, written> parameters;
  for (const auto& [name, value] : from_.environment)
    if (name.starts_with(alias_prefix)) parameters.emplace(parameter_name(name), written{value, false});
  const auto mapped = map_parameters(parameters);
  for (const auto& [name, what, key, remark] : mapped.parameters) {
    const std::string variable = alias_name(name);
    const std::string source = "environment " + variable;
    if (what == fate::refused)
      report(source, key.empty() ? variable : key, remark, "correct it, or write " + key + " instead");
    if (what == fate::unknown)
      out_.warnings.push_back({source, variable, "names no parameter of the Python cache; it is passed over",
                               "did you mean " + nearest_parameter(name).environment_name() + "?"});
    if (what == fate::not_needed)
      out_.warnings.push_back({source, variable, "says nothing any more: " + remark, "unset it"});
  }
  for (const auto& conflict : mapped.conflicts) out_.conflicts.push_back(conflict);
  tls_is_asked_for_ = mapped.asks_for_tls;
  for (const auto& [key, text] : mapped.values) {
    const key_row* row = find_key(key);
    if (row == nullptr) continue;
    aliased_.emplace(key, alias_name(mapped.said_by.at(key)));
    set(*row, {text, false}, "environment " + aliased_[key], row->environment_name() + '=' + row->to_text(settings{}));
  }
}

void reading::variable(const std::string& name, const std::string& value) {
  if (!name.starts_with(environment_prefix) || name.starts_with(test_prefix) || name == extends_variable) return;
  const std::string source = "environment " + shown_key(name);
  for (const auto& row : all_keys()) {
    if (row.environment_name() != name) continue;
    const std::string before = row.to_text(out_.value);
    set(row, {value, false}, source, name + '=' + row.to_text(settings{}));
    const auto found = aliased_.find(row.key());
    if (found != aliased_.end() && row.to_text(out_.value) != before)
      out_.conflicts.push_back(
          {source, row.key(), "is said differently by " + found->second + "; " + name + " holds", "unset one of them"});
    return;
  }
  report(source, shown_key(name), "must be the variable of a setting; there is none of this name",
         "did you mean " + nearest_variable(name).environment_name() + "? Unset it otherwise");
}

void reading::keyed(const std::string& kind, std::string_view key, const std::string& value) {
  const std::string source = kind + ' ' + shown_key(key);
  if (const key_row* row = find_key(key))
    return set(*row, {value, false}, source, row->key() + '=' + row->to_text(settings{}));
  report(source, shown_key(key), "must be the key of a setting; there is none of this name",
         "did you mean " + nearest_key(key).key() + "?");
}

void reading::override_with(const std::string& text) {
  const std::string_view key = key_of(text);
  const std::string source = "override " + shown_key(key);
  if (key.size() == text.size())
    return report(source, shown_key(key), "must be section.key=value; there is no \"=\"",
                  "write for example memory.budget=" + type::size::to_text(settings{}.memory.budget));
  const bool is_known = key == extends || find_key(key) != nullptr;
  if (const int times = is_known ? ++overridden_[std::string(key)] : 1; times > 1)
    report(source, std::string(key), "must be given once; it is there " + std::to_string(times) + " times",
           "leave out all but one");
  if (key != extends) keyed("override", key, text.substr(key.size() + 1));
}

bool reading::is_in_doubt(std::string_view key) const {
  const auto found = origins_.find(key);
  return found != origins_.end() && !found->second.is_valid;
}

std::string reading::source_of(const std::string& key) const {
  const auto found = origins_.find(key);
  return found == origins_.end() ? "default" : found->second.source;
}

void reading::rules() {
  for (const auto& rule : all_rules()) {
    if (std::any_of(rule.reads.begin(), rule.reads.end(), [this](auto key) { return is_in_doubt(key); })) continue;
    for (auto& [key, text, fix] : rule.check(out_.value)) report(source_of(key), key, std::move(text), std::move(fix));
  }
}

/// Who asked for TLS by a switch must not be left without it because the URL came from elsewhere.
void reading::asked_for_tls() {
  constexpr const char* key = "redis.url";
  if (!tls_is_asked_for_ || is_in_doubt(key) || !out_.value.redis.url.starts_with("redis://")) return;
  report(source_of(key), key, "must be rediss://, for AI_CACHE_USE_TLS asks for TLS",
         "write rediss://, or unset the variable");
}

void reading::demands_of_preset() {
  if (preset_ == nullptr || preset_->rules != strictness::strict) return;
  const auto is_section_in_doubt = [this](std::string_view section) {
    const auto all = all_keys();
    return std::any_of(all.begin(), all.end(),
                       [&](const key_row& row) { return row.section == section && is_in_doubt(row.key()); });
  };
  for (const auto& row : all_advice()) {
    if (row.strict != demand::mandatory || is_section_in_doubt(row.about)) continue;
    for (auto& [key, text, fix] : row.check(out_.value, machine{}))
      report(source_of(key), key, text + " (the preset " + std::string(preset_->name) + " demands it)", std::move(fix));
  }
}

loaded reading::load() && {
  if (from_.file) contents_ = read_settings_file(*from_.file);
  inherit();
  file();
  for (const auto& [key, value] : from_.values)
    if (key != extends) keyed("value", key, value);
  // Those of the Python cache first: where both are set, the name that is our own holds.
  aliases();
  for (const auto& [name, value] : from_.environment) variable(name, value);
  for (const auto& text : from_.overrides) override_with(text);
  rules();
  asked_for_tls();
  demands_of_preset();
  if (!out_.problems.empty()) out_.value = settings{};
  for (const auto& [key, from] : origins_) out_.origins.emplace(key, from.source);
  return std::move(out_);
}

}  // namespace

loaded load(const sources& from) { return reading(from).load(); }

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

}  // namespace aicache::config
