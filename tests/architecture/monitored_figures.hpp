#pragma once

#include "tests/architecture/source_text.hpp"

#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace aicache::architecture {

/// The names under which Prometheus sees figures, each with its labels and the values that rows give them; no values
/// where they are names of callers.
using exposed_figures = std::map<std::string, std::map<std::string, std::set<std::string>>>;

/// What the rows of config/metrics.def become outside.
inline exposed_figures figures_of(const std::string& metrics_def) {
  static const std::regex row(R"re(^AICACHE_([A-Z]+)_([A-Z]+)\s*\(\s*\w+,\s*(\w+),\s*"(\w*)",\s*"(\w*)")re");
  exposed_figures out;
  for (const std::string& line : lines_of(without_comments(metrics_def, literals::kept))) {
    std::smatch m;
    if (!std::regex_search(line, m, row)) continue;
    const std::string scope = m[1], kind = m[2], name = "aicache_" + m[3].str();
    std::vector<std::string> names = {kind == "COUNTER" ? name + "_total" : name};
    if (kind == "LATENCY") names.insert(names.end(), {name + "_bucket", name + "_sum", name + "_count"});
    for (const std::string& exposed : names) {
      auto& labels = out[exposed];
      if (scope == "OPERATION") labels["operation"];
      if (scope == "TENANT") labels["tenant"];
      if (kind == "LATENCY") labels["le"];
      if (m[4].length() == 0) continue;
      auto& values = labels[m[4]];
      if (m[5].length() != 0) values.insert(m[5]);
    }
  }
  return out;
}

/// What `{...}` behind a figure asks for that the figure does not have.
inline void check_matchers(const std::string& figure, const std::string& matchers, const exposed_figures& known,
                           std::vector<std::string>& wrong) {
  // Prometheus itself adds the first two.
  static const std::set<std::string> everywhere = {"job", "instance"};
  static const std::regex matcher(R"re((\w+)\s*(=~|!~|!=|=)\s*\\?"([^"\\]*)\\?")re");
  for (std::sregex_iterator m(matchers.begin(), matchers.end(), matcher), end; m != end; ++m) {
    const std::string label = (*m)[1], wanted = (*m)[3];
    if (everywhere.contains(label)) continue;
    const auto& labels = known.at(figure);
    const auto at = labels.find(label);
    if (at == labels.end()) {
      wrong.push_back(figure + " has no label " + label);
      continue;
    }
    static const std::regex word(R"re(\w+)re");
    if (at->second.empty()) continue;
    for (std::sregex_iterator w(wanted.begin(), wanted.end(), word); w != end; ++w)
      if (!at->second.contains(w->str())) wrong.push_back(figure + " has no " + label + " " + w->str());
  }
}

/// The figures that a text names and that there are not, and the labels that they do not have.
inline std::vector<std::string> unknown_figures(const std::string& text, const exposed_figures& known) {
  static const std::regex named(R"re(\baicache_([a-z0-9_]+)\b(\{[^}]*\})?)re");
  std::vector<std::string> wrong;
  for (std::sregex_iterator m(text.begin(), text.end(), named), end; m != end; ++m) {
    const std::string figure = "aicache_" + (*m)[1].str();
    if (!known.contains(figure)) {
      wrong.push_back("there is no " + figure);
    } else {
      check_matchers(figure, (*m)[2], known, wrong);
    }
  }
  return wrong;
}

/// What alerts lack: a severity, a summary, a runbook, or the row of the guide that the runbook names.
inline std::vector<std::string> incomplete_alerts(const std::string& alerts, const std::string& guide) {
  static const std::regex runbook(R"re(runbook: "deploy/README\.md, What is wrong: ([^"]+)")re");
  const std::string begin = "- alert: ";
  std::vector<std::string> lacking;
  for (auto at = alerts.find(begin); at != std::string::npos;) {
    const auto next = alerts.find(begin, at + 1);
    const std::string block = alerts.substr(at, next == std::string::npos ? next : next - at);
    const std::string name = block.substr(begin.size(), block.find('\n') - begin.size());
    for (const char* part : {"expr: ", "severity: ", "summary: "})
      if (block.find(part) == std::string::npos) lacking.push_back(name + " lacks " + part);
    std::smatch m;
    if (!std::regex_search(block, m, runbook)) {
      lacking.push_back(name + " lacks a runbook");
    } else if (guide.find("| " + m[1].str() + " |") == std::string::npos) {
      lacking.push_back("the guide has no row \"" + m[1].str() + "\" for " + name);
    }
    at = next;
  }
  return lacking;
}

}  // namespace aicache::architecture
