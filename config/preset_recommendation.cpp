#include "config/presets.hpp"
#include "config/value_text.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace aicache::config {
namespace {

struct name_row {
  std::string_view name;
  std::string_view preset;
  double confidence;
};

// Names that people use for whole environments.
constexpr name_row whole_names[] = {
    {"development", "development", .95},
    {"dev", "development", .90},
    {"local", "development", .90},
    {"test", "testing", .90},
    {"testing", "testing", .95},
    {"ci", "testing", .90},
    {"staging", "production", .90},
    {"stage", "production", .85},
    {"production", "production", .95},
    {"prod", "production", .90},
    {"live", "production", .85},
    {"ai-development", "ai-development", .95},
    {"ai-dev", "ai-development", .90},
    {"ai-staging", "ai-production", .85},
    {"ai-production", "ai-production", .95},
    {"ai-prod", "ai-production", .90},
    {"minimal", "minimal", .95},
    {"embedded", "minimal", .85},
    {"iot", "minimal", .85},
    {"serverless", "minimal", .80},
    {"simple", "simple", .95},
    {"disabled", "disabled", .95},
};

// Words within longer names, the surer first: "pre-prod-eu" is more like production than like development.
constexpr name_row parts[] = {
    {"staging", "production", .70}, {"stage", "production", .70},       {"preprod", "production", .70},
    {"uat", "production", .70},     {"integration", "production", .70}, {"production", "production", .75},
    {"prod", "production", .75},    {"live", "production", .75},        {"release", "production", .75},
    {"stable", "production", .75},  {"main", "production", .75},        {"master", "production", .75},
    {"test", "testing", .75},       {"testing", "testing", .75},        {"ci", "testing", .75},
    {"qa", "testing", .70},         {"dev", "development", .75},        {"development", "development", .75},
    {"local", "development", .75},  {"sandbox", "development", .75},    {"demo", "development", .75},
};

constexpr std::string_view ai_words[] = {"ai", "llm", "genai"};

constexpr std::string_view hints[] = {"ENVIRONMENT", "APP_ENV",   "DEPLOYMENT_ENV",         "ENV",   "NODE_ENV",
                                      "FLASK_ENV",   "RAILS_ENV", "DJANGO_SETTINGS_MODULE", "DEBUG", "PRODUCTION",
                                      "PROD"};

constexpr double unsure = .40;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == '_' ? '-' : c;
  return out;
}

/// The words of a name: what stands between anything but letters. "ai" is in "ai-prod" and not in "main".
std::vector<std::string> words_of(const std::string& name) {
  std::vector<std::string> out(1);
  for (const char c : name) {
    if (c >= 'a' && c <= 'z')
      out.back() += c;
    else if (!out.back().empty())
      out.emplace_back();
  }
  return out;
}

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::optional<recommendation> by_switch(const std::map<std::string, std::string>& variables) {
  const auto is = [&](const char* name, bool on) {
    const auto found = variables.find(name);
    if (found == variables.end()) return false;
    const std::string text = lower(found->second);
    return on ? text == "1" || text == "true" || text == "yes" || text == "on"
              : text == "0" || text == "false" || text == "no" || text == "off";
  };
  if (is("PRODUCTION", true) || is("PROD", true))
    return recommendation{"production", .75, "the variable PRODUCTION or PROD is on"};
  if (is("DEBUG", true)) return recommendation{"development", .70, "the variable DEBUG is on"};
  if (is("DEBUG", false)) return recommendation{"production", .70, "the variable DEBUG is off"};
  return std::nullopt;
}

}  // namespace

std::span<const std::string_view> environment_hints() { return hints; }

recommendation recommend(std::string_view environment) {
  constexpr std::size_t longest_read = 256;
  const std::string name = lower(environment.substr(0, longest_read));
  const std::string shown_name = in_short_quotes(environment);
  for (const auto& row : whole_names)
    if (row.name == name) return {row.preset, row.confidence, shown_name + " is a usual name for it"};
  const auto words = words_of(name);
  const bool is_ai = std::any_of(std::begin(ai_words), std::end(ai_words), [&](auto word) { return has(words, word); });
  for (const auto& row : parts) {
    if (!has(words, row.name)) continue;
    const std::string reason = shown_name + " holds the word " + in_quotes(row.name);
    if (!is_ai) return {row.preset, row.confidence, reason};
    return row.preset == "production" ? recommendation{"ai-production", .80, reason + " and a word for AI"}
                                      : recommendation{"ai-development", .75, reason + " and a word for AI"};
  }
  if (is_ai) return {"ai-development", .75, shown_name + " holds a word for AI, and none for production"};
  return {"simple", unsure, name.empty() ? "nothing says what the environment is" : shown_name + " says nothing known"};
}

recommendation recommend(const std::map<std::string, std::string>& variables) {
  constexpr double agreement = .05;
  constexpr double surest = .98;
  constexpr double disagreement = .85;
  std::optional<recommendation> best;
  for (const auto hint : hints) {
    const auto found = variables.find(std::string(hint));
    if (hint == "DEBUG" || hint == "PRODUCTION" || hint == "PROD" || found == variables.end()) continue;
    recommendation next = recommend(found->second);
    if (next.confidence <= unsure) continue;
    next.reason = std::string(hint) + ": " + next.reason;
    if (!best) {
      best = std::move(next);
    } else if (best->preset == next.preset) {
      best->confidence = std::min(surest, best->confidence + agreement);
      best->reason += "; " + std::string(hint) + " agrees";
    } else {
      best->confidence *= disagreement;
      best->reason += "; " + std::string(hint) + " says " + std::string(next.preset);
    }
  }
  if (best) return *best;
  if (auto found = by_switch(variables)) return *found;
  return recommend(std::string_view{});
}

}  // namespace aicache::config
