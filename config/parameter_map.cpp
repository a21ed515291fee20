#include "config/parameter_map.hpp"

#include "config/key_table.hpp"
#include "config/parameter_values.hpp"

#include <algorithm>
#include <type_traits>

namespace aicache::config {
namespace {

constexpr parameter_row parameter_rows[] = {
#define AICACHE_PARAMETER(name, key, how, remark) {#name, key, #how, remark, conversion::how},
#include "config/parameters.def"
#undef AICACHE_PARAMETER
};

constexpr std::string_view file_source = "parameters";

bool is_absent(const written& w) {
  const auto* other = std::get_if<written::unsuitable>(&w.value);
  return other != nullptr && other->what == "null";
}

mapped_parameter unknown_parameter(const std::string& name) {
  if (nearest_section(name).name == name)
    return {name, fate::unknown, "", "its settings are those of a node already: write them into the file as they are"};
  return {name, fate::unknown, "", "did you mean " + std::string(nearest_parameter(name).name) + "?"};
}

/// Where TLS was a switch of its own, the URL is the one place for it now.
void join_tls(const std::map<std::string, written>& parameters, parameter_report& out) {
  const auto found = parameters.find("use_tls");
  if (found == parameters.end()) return;
  const auto on = conversion::flag("on", found->second);
  out.asks_for_tls = !on.values.empty() && on.values.front().second == "true";
  const auto url = out.values.find("redis.url");
  constexpr std::string_view plain_scheme = "redis://";
  if (!out.asks_for_tls || url == out.values.end() || !url->second.starts_with(plain_scheme)) return;
  url->second = "rediss://" + url->second.substr(plain_scheme.size());
}

}  // namespace

std::string parameter_row::environment_name() const {
  std::string out(name);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return std::string(alias_prefix) + out;
}

std::span<const parameter_row> all_parameters() { return parameter_rows; }

const parameter_row* find_parameter(std::string_view name) {
  for (const auto& row : parameter_rows)
    if (row.name == name) return &row;
  return nullptr;
}

const parameter_row& nearest_parameter(std::string_view unknown) { return nearest_name(all_parameters(), unknown); }

std::string_view to_string(fate f) {
  switch (f) {
    case fate::renamed: return "renamed";
    case fate::converted: return "converted";
    case fate::not_needed: return "not needed";
    case fate::refused: return "refused";
    case fate::unknown: break;
  }
  return "unknown";
}

std::map<std::string, written> parameters_of(const file_contents& contents) {
  std::map<std::string, written> out;
  for (const auto& entry : contents.entries) {
    const bool is_group = entry.section == "ai_config" || entry.section == "security_config";
    if (entry.section.empty() || is_group) {
      if (!entry.name.empty()) out.insert_or_assign(entry.name, entry.value);
      continue;
    }
    written& whole = out.try_emplace(entry.section, written{written::table{}, true}).first->second;
    auto* table = std::get_if<written::table>(&whole.value);
    if (entry.name.empty() || table == nullptr) continue;
    written::scalar inner = written::unsuitable{"a table"};
    std::visit(
        [&inner](const auto& v) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(v)>, written::table>) inner = v;
        },
        entry.value.value);
    table->insert_or_assign(entry.name, std::move(inner));
  }
  return out;
}

converted convert(const parameter_row& row, const written& w) { return row.convert(row.key, w); }

parameter_report map_parameters(const std::map<std::string, written>& parameters) {
  parameter_report out;
  for (const auto& [name, value] : parameters) {
    const parameter_row* row = find_parameter(name);
    if (row == nullptr) {
      out.parameters.push_back(unknown_parameter(shown_key(name)));
      continue;
    }
    const std::string key(row->key);
    if (is_absent(value)) {
      out.parameters.push_back({name, fate::not_needed, key, "null: the default holds"});
      continue;
    }
    auto result = convert(*row, value);
    if (!result.refusal.empty()) {
      out.parameters.push_back({name, fate::refused, key, result.refusal});
      continue;
    }
    const fate what = row->key.empty()             ? fate::not_needed
                      : row->conversion == "plain" ? fate::renamed
                                                   : fate::converted;
    out.parameters.push_back({name, what, key, std::string(row->remark)});
    for (auto& [target, text] : result.values) {
      const auto [at, is_new] = out.values.emplace(target, text);
      if (is_new) out.said_by.emplace(target, name);
      if (at->second == text) continue;
      out.conflicts.push_back(
          {std::string(file_source), target,
           "is said by " + out.said_by[target] + ", and differently by " + name + "; the first holds",
           "leave out one of them"});
    }
  }
  join_tls(parameters, out);
  return out;
}

}  // namespace aicache::config
