#include "actors/app/config_pages.hpp"
#include <cstdlib>
#include <filesystem>

#include "actors/app/machine.hpp"
#include "config/change.hpp"
#include "config/key_table.hpp"
#include "config/parameter_map.hpp"
#include "config/presets.hpp"
#include "config/settings_file.hpp"
#include "config/validation.hpp"

namespace aicache::app {

namespace {

constexpr int problems_found = 1;
constexpr int asked_wrongly = 2;

page::table list_of(std::string name, const std::vector<config::problem>& problems) {
  page::table out{std::move(name), {"key", "where", "rule", "fix"}, {}, page::layout::blocks};
  for (const auto& [source, key, rule, fix] : problems) out.rows.push_back({key, source, rule, fix});
  return out;
}

page refusal(const std::vector<config::problem>& problems) {
  page out;
  out.facts.emplace_back("valid", "no");
  out.tables.push_back(list_of("errors", problems));
  out.exit_code = problems_found;
  return out;
}

std::string effect_of(const config::key_row& row) {
  return row.reload == config::takes_effect::live ? "at once" : "at restart";
}

/// A preset's name, or a file; a name with a "/" or a dot is always a file.
config::loaded settings_of(const std::string& name) {
  config::sources from;
  if (config::find_preset(name) != nullptr && !std::filesystem::exists(name))
    from.overrides = {"extends=" + name};
  else
    from.file = name;
  return config::load(from);
}

page wrong_preset(const std::string& name) {
  page out;
  out.facts.emplace_back("error", "there is no preset " + config::in_short_quotes(name));
  out.facts.emplace_back("fix", "did you mean " + std::string(config::nearest_preset(name).name) + "?");
  out.exit_code = asked_wrongly;
  return out;
}

std::string in_percent(double share) { return std::to_string(static_cast<int>(share * 100 + .5)) + "%"; }

/// The line of a setting in TOML. What may hold a secret is commented out rather than printed.
std::string toml_line(const config::key_row& row, const config::settings& s) {
  const std::string line = std::string(row.name) + " = " + row.to_toml(s) + '\n';
  const bool is_bare_url = row.key() == "redis.url" && s.redis.url.find('@') == std::string::npos;
  if (row.secret == config::visibility::shown || is_bare_url) return line;
  return "# " + std::string(row.name) + " is a secret: set " + row.environment_name() + '\n';
}

/// The keys of `values` as a file; presets first, for they stand above all sections.
std::string toml_of(const std::map<std::string, std::string>& values, const config::loaded& all) {
  std::string out;
  if (!all.preset.empty()) out += "extends = " + config::in_quotes(all.preset) + "\n";
  for (const auto& section : config::all_sections()) {
    std::string lines;
    for (const auto& row : config::all_keys())
      if (row.section == section.name && values.contains(row.key())) lines += toml_line(row, all.value);
    if (!lines.empty()) out += (out.empty() ? "[" : "\n[") + std::string(section.name) + "]\n" + lines;
  }
  return out;
}

}  // namespace

page config_show(const std::string& file, const std::vector<std::string>& overrides) {
  config::sources from;
  if (!file.empty()) from.file = file;
  from.environment = config::environment();
  from.overrides = overrides;
  const auto found = config::load(from);
  if (!found.problems.empty()) return refusal(found.problems);
  page out;
  if (!found.preset.empty()) out.facts.emplace_back("extends", found.preset);
  page::table settings{"settings", {"key", "value", "from"}, {}};
  for (const auto& row : config::all_keys()) {
    const auto origin = found.origins.find(row.key());
    settings.rows.push_back(
        {row.key(), shown_toml(row, found.value), origin == found.origins.end() ? "default" : origin->second});
  }
  out.tables.push_back(std::move(settings));
  return out;
}

page config_check(const std::string& file, const std::vector<std::string>& overrides) {
  config::sources from;
  from.file = file;
  from.overrides = overrides;
  const auto found = config::load(from);
  const auto verdict = config::validate(found, this_machine(found.value));
  page out;
  out.facts.emplace_back("valid", verdict.is_valid() ? "yes" : "no");
  if (verdict.is_valid()) out.facts.emplace_back("security", std::string(config::security_level(found.value)));
  out.tables = {list_of("errors", verdict.errors), list_of("conflicts", verdict.conflicts),
                list_of("warnings", verdict.warnings), list_of("recommendations", verdict.recommendations)};
  out.exit_code = verdict.is_valid() && verdict.conflicts.empty() ? 0 : problems_found;
  return out;
}

page config_presets(const std::string& name) {
  page out;
  if (name.empty()) {
    page::table all{"presets", {"name", "rules", "what for"}, {}};
    for (const auto& row : config::all_presets())
      all.rows.push_back({std::string(row.name), row.rules == config::strictness::strict ? "strict" : "lenient",
                          std::string(row.doc)});
    out.tables.push_back(std::move(all));
    return out;
  }
  const auto* preset = config::find_preset(name);
  if (preset == nullptr) return wrong_preset(name);
  out.facts = {{"name", name}, {"what for", std::string(preset->doc)}};
  page::table values{"values", {"key", "value", "default"}, {}};
  for (const auto& value : config::values_of(name))
    if (const auto* row = config::find_key(value.key))
      values.rows.push_back({std::string(value.key), std::string(value.value), row->to_text({})});
  out.tables.push_back(std::move(values));
  return out;
}

page config_recommend(const std::string& environment) {
  std::map<std::string, std::string> variables;
  for (const auto hint : config::environment_hints())
    if (const char* value = std::getenv(std::string(hint).c_str())) variables.emplace(hint, value);
  const auto found = environment.empty() ? config::recommend(variables) : config::recommend(environment);
  page out;
  out.facts = {{"preset", std::string(found.preset)},
               {"confidence", in_percent(found.confidence)},
               {"reason", found.reason},
               {"use", "extends = " + config::in_quotes(found.preset) +
                           " at the top of a file, or AICACHE_EXTENDS=" + std::string(found.preset)}};
  return out;
}

page config_diff(const std::string& a, const std::string& b) {
  const auto before = settings_of(a);
  const auto after = settings_of(b);
  auto problems = before.problems;
  problems.insert(problems.end(), after.problems.begin(), after.problems.end());
  if (!problems.empty()) return refusal(problems);
  const auto found = config::compare(before.value, after.value);
  page out;
  out.facts.emplace_back("changes", std::to_string(found.now.size() + found.at_restart.size()));
  const auto table_of = [](std::string name, const std::vector<config::change>& changes) {
    page::table t{std::move(name), {"key", "before", "after", "why"}, {}};
    for (const auto& [key, from, to, why] : changes) t.rows.push_back({key, from, to, why});
    return t;
  };
  out.tables = {table_of("at once", found.now), table_of("at restart", found.at_restart)};
  return out;
}

page config_reference() {
  page out;
  out.text = config::reference();
  return out;
}

page config_env() {
  page out;
  page::table ours{"variables", {"variable", "key", "default", "changes"}, {}};
  ours.rows.push_back({"AICACHE_EXTENDS", "extends", "none", "at restart"});
  for (const auto& row : config::all_keys())
    ours.rows.push_back({row.environment_name(), row.key(), row.to_text({}), effect_of(row)});
  page::table theirs{"aliases", {"variable", "key", "remark"}, {}};
  for (const auto& row : config::all_parameters())
    theirs.rows.push_back(
        {row.environment_name(), row.key.empty() ? "-" : std::string(row.key), std::string(row.remark)});
  out.tables = {std::move(ours), std::move(theirs)};
  return out;
}

page config_map(const std::string& file) {
  const auto contents = config::read_settings_file(file);
  if (!contents.rule.empty())
    return refusal({{"file " + config::in_short_quotes(file), "the file", contents.rule, contents.fix}});
  const auto mapped = config::map_parameters(config::parameters_of(contents));
  config::sources from;
  from.values = mapped.values;
  const auto found = config::load(from);
  page out;
  page::table report{"parameters", {"parameter", "fate", "setting", "remark"}, {}};
  bool is_clean = found.problems.empty() && mapped.conflicts.empty();
  for (const auto& [name, what, key, remark] : mapped.parameters) {
    report.rows.push_back({name, std::string(to_string(what)), key.empty() ? "-" : key, remark});
    if (what == config::fate::refused || what == config::fate::unknown) is_clean = false;
  }
  out.tables = {std::move(report), list_of("errors", found.problems), list_of("conflicts", mapped.conflicts)};
  if (found.problems.empty()) out.text = toml_of(mapped.values, found);
  out.exit_code = is_clean ? 0 : problems_found;
  return out;
}

}  // namespace aicache::app
