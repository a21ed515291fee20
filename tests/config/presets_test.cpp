#include "config/presets.hpp"

#include <catch2/catch.hpp>

#include "config/key_table.hpp"
#include "config/validation.hpp"
#include "tests/config/file_of_settings.hpp"

namespace aicache::presets_test {

using namespace aicache::config;
using aicache::config::tests::file_of_settings;

namespace {

loaded with_values(std::map<std::string, std::string> values) {
  sources from;
  from.values = std::move(values);
  return load(from);
}

}  // namespace

TEST_CASE("every preset loads, is right, and gives no cause for a warning", "[config][presets]") {
  std::vector<std::string_view> names;
  for (const auto& preset : all_presets()) {
    CAPTURE(preset.name);
    names.push_back(preset.name);
    const auto result = with_values({{"extends", std::string(preset.name)}});
    CHECK(render(result.problems).empty());
    CHECK(result.preset == preset.name);
    const auto verdict = validate(result, {64_GiB});
    CHECK(render(verdict.errors).empty());
    CHECK(render(verdict.conflicts).empty());
    CHECK(render(verdict.warnings).empty());
    CHECK(render(verdict.recommendations).empty());
    CHECK_FALSE(preset.doc.empty());
    const auto given = values_of(preset.name);
    CHECK_FALSE(given.empty());
    for (const auto& value : given) {
      CAPTURE(value.key);
      const key_row* row = find_key(value.key);
      REQUIRE(row != nullptr);
      CHECK(row->to_text(result.value) == value.value);
      CHECK(result.origins.at(row->key()) == "preset " + std::string(preset.name));
    }
  }
  CHECK(names == std::vector<std::string_view>{"disabled", "minimal", "simple", "development", "testing", "production",
                                               "ai-development", "ai-production"});
}

TEST_CASE("every value of a preset belongs to a preset that exists, and no key is there twice", "[config][presets]") {
  for (const auto& preset : all_presets()) {
    std::vector<std::string_view> keys;
    for (const auto& value : values_of(preset.name)) keys.push_back(value.key);
    std::sort(keys.begin(), keys.end());
    CHECK(std::adjacent_find(keys.begin(), keys.end()) == keys.end());
  }
  std::size_t rows = 0;
  std::size_t found = 0;
#define AICACHE_PRESET(name, strict, doc)
#define AICACHE_PRESET_VALUE(preset, key, value) ++rows;
#include "config/presets.def"
#undef AICACHE_PRESET
#undef AICACHE_PRESET_VALUE
  for (const auto& preset : all_presets()) found += values_of(preset.name).size();
  CHECK(found == rows);
}

TEST_CASE("the presets reach every part of the settings", "[config][presets]") {
  const auto ai = with_values({{"extends", "ai-production"}}).value;
  CHECK(ai.ttl.default_ == 4_h);
  CHECK(ai.text_tiers.large == 25000);
  CHECK(ai.ttl.operations.at("sentiment") == 24_h);
  CHECK(ai.compression.min_bytes == 300);
  CHECK(with_values({{"extends", "testing"}}).value.redis.prefix == "aicache-test");
}

TEST_CASE("what is written wins over the preset, wherever either is named", "[config][presets]") {
  const file_of_settings file("extends = \"production\"\n[memory]\nbudget = \"2GiB\"\n");
  const auto one = load({file.path(), {}, {}});
  CHECK(render(one.problems).empty());
  CHECK(one.value.memory.budget == 2_GiB);
  CHECK(one.value.ttl.default_ == 2_h);
  // The stronger source chooses the preset; the weaker one's own values still win over it.
  const auto two = load({file.path(), {{"AICACHE_EXTENDS", "development"}}, {}});
  CHECK(two.preset == "development");
  CHECK(two.value.memory.budget == 2_GiB);
  CHECK(two.value.ttl.default_ == 10_m);
  const auto three =
      load({file.path(), {{"AICACHE_EXTENDS", "development"}}, {"extends=minimal"}, {{"extends", "simple"}}});
  CHECK(three.preset == "minimal");
  CHECK(load({file.path(), {{"AI_CACHE_PRESET", "simple"}}, {}}).preset == "simple");
  CHECK(load({file.path(), {}, {"extends=none"}}).value.ttl.default_ == settings{}.ttl.default_);
}

TEST_CASE("the same preset is extended by TOML, JSON and YAML", "[config][presets]") {
  for (const auto& [ending, text] :
       std::vector<std::pair<std::string, std::string>>{{".toml", "extends = \"minimal\"\n"},
                                                        {".json", "{\"extends\": \"minimal\"}"},
                                                        {".yaml", "extends: minimal\n"}}) {
    const file_of_settings file(text, ending);
    CHECK(load({file.path(), {}, {}}).value.memory.budget == 16_MiB);
  }
}

TEST_CASE("a later source sets a value back to its default", "[config][presets]") {
  const settings defaults;
  const file_of_settings file("extends = \"production\"\n[compression]\nlevel = 9\n");
  const auto result =
      load({file.path(), {{"AICACHE_TTL_DEFAULT", "1h"}}, {"compression.level=3", "memory.budget=256MiB"}});
  CHECK(result.value.ttl.default_ == defaults.ttl.default_);
  CHECK(result.value.compression.level == defaults.compression.level);
  CHECK(result.value.memory.budget == defaults.memory.budget);
  CHECK(result.origins.at("memory.budget") == "override memory.budget");
}

TEST_CASE("a preset that does not exist is a problem with the nearest name, in every source", "[config][presets]") {
  const file_of_settings file("extends = \"prodution\"\n");
  const file_of_settings number("extends = 5\n");
  for (const auto& result :
       {load({file.path(), {}, {}}), load({std::nullopt, {{"AICACHE_EXTENDS", "prodution"}}, {}}),
        load({std::nullopt, {}, {"extends=prodution"}}), with_values({{"extends", "prodution"}})}) {
    REQUIRE(result.problems.size() == 1);
    CHECK(result.problems[0].key == "extends");
    CHECK(result.problems[0].fix.starts_with("did you mean production?"));
  }
  CHECK(load({number.path(), {}, {}}).problems.size() == 1);
  CHECK(load({std::nullopt, {}, {"extends=simple", "extends=simple"}}).problems.size() == 1);
}

TEST_CASE("a strict preset refuses a Redis elsewhere without TLS or password; another only warns",
          "[config][presets]") {
  const auto keys_of = [](const std::vector<problem>& problems) {
    std::vector<std::string> out;
    for (const auto& p : problems) out.push_back(p.key);
    return out;
  };
  using these = std::vector<std::string>;
  const auto strict = with_values({{"extends", "production"}, {"redis.url", "redis://far:6379"}});
  CHECK(keys_of(strict.problems) == these{"redis.url", "redis.password"});
  CHECK(strict.problems[0].rule.find("the preset production demands it") != std::string::npos);
  const auto loose = with_values({{"extends", "simple"}, {"redis.url", "redis://far:6379"}});
  CHECK(loose.problems.empty());
  CHECK(keys_of(validate(loose, {}).warnings) == these{"redis.url", "redis.password"});
  CHECK(keys_of(with_values(
                    {{"extends", "ai-production"}, {"redis.url", "rediss://:pw@far"}, {"redis.verify_name", "false"}})
                    .problems) == these{"redis.verify_name"});
  for (const char* url : {"rediss://:pw@far", "redis://127.0.0.1", "redis://localhost:6379/1", "redis://[::1]:6379",
                          "unix:///run/redis.sock"}) {
    CAPTURE(url);
    CHECK(with_values({{"extends", "production"}, {"redis.url", url}}).problems.empty());
  }
}

TEST_CASE("a preset is recommended for the name of an environment", "[config][presets]") {
  struct expected {
    const char* name;
    const char* preset;
    double confidence;
  };
  const auto c = GENERATE(values<expected>({{"development", "development", .95},
                                            {"dev", "development", .90},
                                            {"DEV", "development", .90},
                                            {"test", "testing", .90},
                                            {"testing", "testing", .95},
                                            {"staging", "production", .90},
                                            {"production", "production", .95},
                                            {"prod", "production", .90},
                                            {"ai-prod", "ai-production", .90},
                                            {"ai_development", "ai-development", .95},
                                            {"prod-eu-1", "production", .75},
                                            {"eu.preprod.2", "production", .70},
                                            {"my-ai-live", "ai-production", .80},
                                            {"llm-sandbox", "ai-development", .75},
                                            {"ai", "ai-development", .75},
                                            {"main", "production", .75},
                                            {"mail", "simple", .40},
                                            {"banana", "simple", .40},
                                            {"", "simple", .40}}));
  const auto found = recommend(std::string_view(c.name));
  CAPTURE(c.name, found.reason);
  CHECK(found.preset == c.preset);
  CHECK(found.confidence == Approx(c.confidence));
  CHECK_FALSE(found.reason.empty());
  CHECK(find_preset(found.preset) != nullptr);
}

TEST_CASE("variables that agree make a recommendation surer, others less sure", "[config][presets]") {
  using variables = std::map<std::string, std::string>;
  const auto confidence = [](const variables& v) { return recommend(v).confidence; };
  CHECK(recommend(variables{{"NODE_ENV", "production"}}).preset == "production");
  CHECK(confidence({{"NODE_ENV", "production"}, {"ENVIRONMENT", "prod"}}) > confidence({{"ENVIRONMENT", "prod"}}));
  CHECK(confidence({{"NODE_ENV", "development"}, {"ENVIRONMENT", "prod"}}) < confidence({{"ENVIRONMENT", "prod"}}));
  CHECK(confidence({{"NODE_ENV", "production"}, {"ENVIRONMENT", "production"}}) <= .98);
  CHECK(recommend(variables{{"DEBUG", "true"}}).preset == "development");
  CHECK(recommend(variables{{"DEBUG", "false"}}).preset == "production");
  CHECK(recommend(variables{{"PROD", "1"}, {"DEBUG", "1"}}).preset == "production");
  CHECK(recommend(variables{{"DEBUG", "true"}, {"ENV", "staging"}}).preset == "production");
  CHECK(recommend(variables{{"SHELL", "production"}}).preset == "simple");
  CHECK(recommend(variables{}).confidence < .5);
}

}  // namespace aicache::presets_test
