#include "config/parameter_map.hpp"

#include <catch2/catch.hpp>

#include "config/change.hpp"
#include "config/presets.hpp"
#include "config/sources.hpp"
#include "tests/config/file_of_settings.hpp"

namespace aicache::parameter_map_test {

using namespace aicache::config;
using aicache::config::tests::file_of_settings;

namespace {

using texts = std::map<std::string, std::string>;

parameter_report map_json(const std::string& text) {
  const file_of_settings file(text, ".json");
  const auto contents = read_settings_file(file.path());
  REQUIRE(contents.rule.empty());
  return map_parameters(parameters_of(contents));
}

/// "name fate" of every parameter.
std::vector<std::string> fates(const parameter_report& report) {
  std::vector<std::string> out;
  for (const auto& p : report.parameters) out.push_back(p.name + ' ' + std::string(to_string(p.what)));
  return out;
}

using these = std::vector<std::string>;

loaded with_environment(texts environment) { return load({std::nullopt, std::move(environment), {}}); }

}  // namespace

TEST_CASE("every parameter becomes a setting that exists, or says why it does not", "[config][parameters]") {
  for (const auto& row : all_parameters()) {
    CAPTURE(row.name);
    const bool is_known =
        row.key.empty() || row.key == "extends" || find_key(row.key) != nullptr || row.key == "text_tiers";
    CHECK(is_known);
    CHECK(row.key.empty() == (row.conversion == "dropped"));
    if (row.key.empty()) CHECK_FALSE(row.remark.empty());
    CHECK(find_parameter(row.name) == &row);
  }
}

TEST_CASE("parameters of every kind are mapped to settings that hold", "[config][parameters]") {
  const auto report = map_json(R"({
    "redis_url": "redis://cache:6379", "default_ttl": 7200, "memory_cache_size": 200, "compression_threshold": 500,
    "compression_level": 7, "text_hash_threshold": 500, "hash_algorithm": "sha256", "redis_password": null,
    "text_size_tiers": {"small": 300, "medium": 3000, "large": 30000},
    "operation_ttls": {"summarize": 7200, "qa": 1800.5}, "log_level": "WARNING", "connection_timeout": 5,
    "ai_config": {"max_text_length": 1000, "enable_smart_promotion": true}, "security_config": {"acl_username": "me"}})");
  CHECK(report.conflicts.empty());
  CHECK(report.values == texts{{"redis.url", "redis://cache:6379"},
                               {"ttl.default", "2h"},
                               {"memory.budget", "3200KiB"},
                               {"compression.min_bytes", "500"},
                               {"compression.level", "5"},
                               {"text_tiers.small", "300"},
                               {"text_tiers.medium", "3000"},
                               {"text_tiers.large", "30000"},
                               {"ttl.operations", "qa=1800500ms,summarize=2h"},
                               {"log.level", "warn"},
                               {"redis.connect_deadline", "5s"},
                               {"limits.text_bytes", "4000"},
                               {"redis.user", "me"}});
  CHECK(fates(report) == these{"acl_username renamed", "compression_level converted", "compression_threshold renamed",
                               "connection_timeout converted", "default_ttl converted",
                               "enable_smart_promotion not needed", "hash_algorithm not needed", "log_level converted",
                               "max_text_length converted", "memory_cache_size converted", "operation_ttls converted",
                               "redis_password not needed", "redis_url renamed", "text_hash_threshold not needed",
                               "text_size_tiers converted"});
  sources from;
  from.values = report.values;
  CHECK(render(load(from).problems).empty());
}

TEST_CASE("lives of operations and classes of texts are by default those of the Python cache", "[config][parameters]") {
  const settings ours;
  sources from;
  from.values = map_json(R"({
    "default_ttl": 3600, "text_size_tiers": {"small": 500, "medium": 5000, "large": 50000},
    "operation_ttls": {"summarize": 7200, "sentiment": 86400, "key_points": 7200, "questions": 3600, "qa": 1800}})")
                    .values;
  const loaded theirs = load(from);
  REQUIRE(render(theirs.problems).empty());
  CHECK(theirs.value == ours);
}

TEST_CASE("TLS that was a switch becomes part of the URL", "[config][parameters]") {
  CHECK(map_json(R"({"redis_url": "redis://cache", "use_tls": true})").values ==
        texts{{"redis.url", "rediss://cache"}});
  CHECK(map_json(R"({"redis_url": "redis://cache", "use_tls": false})").values ==
        texts{{"redis.url", "redis://cache"}});
  CHECK(map_json(R"({"redis_url": "rediss://cache", "use_tls": "yes"})").values ==
        texts{{"redis.url", "rediss://cache"}});
  CHECK(with_environment({{"AI_CACHE_REDIS_URL", "redis://c"}, {"AI_CACHE_USE_TLS", "1"}}).value.redis.url ==
        "rediss://c");
  // Nobody who asked for TLS is left without it because the URL came by another name.
  const auto result = with_environment({{"AICACHE_REDIS_URL", "redis://c"}, {"AI_CACHE_USE_TLS", "1"}});
  REQUIRE(result.problems.size() == 1);
  CHECK(result.problems[0].key == "redis.url");
}

TEST_CASE("two parameters of one setting that differ are a conflict, and equal ones are none", "[config][parameters]") {
  const auto report = map_json(R"({"memory_cache_size": 200, "l1_cache_size": 100})");
  REQUIRE(report.conflicts.size() == 1);
  CHECK(report.conflicts[0].key == "memory.budget");
  CHECK(report.conflicts[0].rule.find("l1_cache_size") != std::string::npos);
  CHECK(report.values.at("memory.budget") == "1600KiB");
  CHECK(map_json(R"({"memory_cache_size": 200, "l1_cache_size": 200})").conflicts.empty());
}

TEST_CASE("an unknown parameter is named with the nearest one", "[config][parameters]") {
  const auto report = map_json(R"({"defualt_ttl": 1, "memory.budget": "1GiB", "zzz": {"a": 1}})");
  CHECK(report.values.empty());
  for (const auto& p : report.parameters) CHECK(p.what == fate::unknown);
  CHECK(report.parameters[0].remark == "did you mean default_ttl?");
  CHECK(report.parameters[1].remark.starts_with("its settings are those of a node already"));
}

TEST_CASE("values that a parameter cannot have are refused without being repeated", "[config][parameters]") {
  const auto text = GENERATE(values<std::string>(
      {R"({"default_ttl": "hunter2"})", R"({"default_ttl": [1]})", R"({"default_ttl": 1e300})",
       R"({"compression_level": 0})", R"({"compression_level": 10})", R"({"memory_cache_size": -1})",
       R"({"memory_cache_size": 1.5})", R"({"text_size_tiers": {"small": 1, "medium": 2}})",
       R"({"text_size_tiers": {"small": 1, "medium": 2, "large": "hunter2"}})",
       R"({"text_size_tiers": {"small": 1, "medium": 2, "large": 3, "huge": 4}})", R"({"text_size_tiers": 5})",
       R"({"operation_ttls": {"qa": "hunter2"}})", R"({"operation_ttls": {"a,b": 1}})",
       R"({"verify_certificates": "hunter2"})", R"({"redis_url": true})", R"({"log_level": 5})",
       R"({"max_text_length": "hunter2"})"}));
  CAPTURE(text);
  const auto report = map_json(text);
  REQUIRE(report.parameters.size() == 1);
  CHECK(report.parameters[0].what == fate::refused);
  CHECK(report.parameters[0].remark.starts_with("must "));
  CHECK(report.parameters[0].remark.find("hunter2") == std::string::npos);
  CHECK(report.values.empty());
}

TEST_CASE("values out of range pass the mapping and are stopped by the checks", "[config][parameters]") {
  for (const char* text :
       {R"({"default_ttl": 0})", R"({"default_ttl": -5})", R"({"redis_url": "http://x"})",
        R"({"text_size_tiers": {"small": 3, "medium": 2, "large": 1}})", R"({"log_level": "LOUD"})"}) {
    CAPTURE(text);
    sources from;
    from.values = map_json(text).values;
    CHECK_FALSE(load(from).problems.empty());
  }
}

TEST_CASE("variables of the Python cache are aliases", "[config][parameters]") {
  const auto result = with_environment({{"AI_CACHE_DEFAULT_TTL", "7200"},
                                        {"AI_CACHE_MEMORY_CACHE_SIZE", "1000"},
                                        {"AI_CACHE_COMPRESSION_LEVEL", "9"},
                                        {"AI_CACHE_TEXT_SIZE_TIERS", R"({"small": 1, "medium": 2, "large": 3})"},
                                        {"AI_CACHE_OPERATION_TTLS", R"({"qa": 60})"}});
  CHECK(render(result.problems).empty());
  CHECK(result.value.ttl.default_ == 2_h);
  CHECK(result.value.memory.budget == 16000_KiB);
  CHECK(result.value.compression.level == 9);
  CHECK(result.value.text_tiers.large == 3);
  CHECK(result.value.ttl.operations == type::times_by_name::stored{{"qa", 1_m}});
  CHECK(result.origins.at("ttl.default") == "environment AI_CACHE_DEFAULT_TTL");
  CHECK(result.warnings.empty());
}

TEST_CASE("our own name holds against an alias, and the conflict is told", "[config][parameters]") {
  const auto result = with_environment({{"AI_CACHE_DEFAULT_TTL", "7200"}, {"AICACHE_TTL_DEFAULT", "3h"}});
  CHECK(result.value.ttl.default_ == 3_h);
  REQUIRE(result.conflicts.size() == 1);
  CHECK(result.conflicts[0].key == "ttl.default");
  CHECK(with_environment({{"AI_CACHE_DEFAULT_TTL", "7200"}, {"AICACHE_TTL_DEFAULT", "2h"}}).conflicts.empty());
}

TEST_CASE("an alias that says nothing any more, or nothing known, is a warning", "[config][parameters]") {
  const auto result =
      with_environment({{"AI_CACHE_HASH_ALGORITHM", "md5"}, {"AI_CACHE_DEFUALT_TTL", "5"}, {"AI_CACHED", "hunter2"}});
  CHECK(result.problems.empty());
  REQUIRE(result.warnings.size() == 2);
  CHECK(result.warnings[0].fix == "did you mean AI_CACHE_DEFAULT_TTL?");
  CHECK(result.warnings[1].rule.find("SHA-256") != std::string::npos);
}

TEST_CASE("a parameter of the Python cache in a file of settings is told what it is called here",
          "[config][parameters]") {
  const file_of_settings file("default_ttl: 60\nhash_algorithm: md5\n", ".yaml");
  const auto result = load({file.path(), {}, {}});
  REQUIRE(result.problems.size() == 2);
  CHECK(result.problems[0].fix == "it is ttl.default here; aicachectl config map converts whole files");
  CHECK(result.problems[1].fix == "leave it out: identities are always SHA-256");
}

TEST_CASE("a broken alias is a problem and repeats no value", "[config][parameters]") {
  const auto result = with_environment({{"AI_CACHE_OPERATION_TTLS", "{hunter2"},
                                        {"AI_CACHE_TEXT_SIZE_TIERS", "{}},\"x\":{\"y\":{"},
                                        {"AI_CACHE_DEFAULT_TTL", "0"}});
  CHECK(result.problems.size() == 3);
  CHECK(render(result.problems).find("hunter2") == std::string::npos);
}

TEST_CASE("values from code are a source between file and environment", "[config][parameters]") {
  const file_of_settings file("[node]\nport = 1\nthreads = 1\nshards = 1\n");
  sources from{file.path(), {{"AICACHE_NODE_SHARDS", "3"}}, {}, {{"node.threads", "2"}, {"node.shards", "2"}}};
  const auto result = load(from);
  CHECK(result.value.node.port == 1);
  CHECK(result.value.node.threads == 2);
  CHECK(result.value.node.shards == 3);
  from.values = {{"node.threds", "2"}, {"node", "x"}, {"", "x"}, {"node.port", "hunter"}};
  CHECK(load(from).problems.size() == 4);
}

TEST_CASE("settings that differ are divided into what changes now and what needs a restart", "[config][change]") {
  settings running;
  settings wanted;
  CHECK(compare(running, wanted).now.empty());
  CHECK(compare(running, wanted).at_restart.empty());
  wanted.log.level = "debug";
  wanted.memory.budget = 1_GiB;
  running.redis.password = "old secret";
  wanted.redis.password = "new secret";
  std::vector<key_row> rows(all_keys().begin(), all_keys().end());
  for (auto& row : rows) row.reload = row.section == "log" ? takes_effect::live : takes_effect::restart;
  const auto found = compare(running, wanted, rows);
  REQUIRE(found.now.size() == 1);
  CHECK(found.now[0].key == "log.level");
  CHECK(found.now[0].before == "\"info\"");
  CHECK(found.now[0].after == "\"debug\"");
  REQUIRE(found.at_restart.size() == 2);
  CHECK(found.at_restart[0].key == "memory.budget");
  CHECK(found.at_restart[0].why == restart_reason("memory"));
  CHECK(found.at_restart[1].key == "redis.password");
  CHECK(found.at_restart[1].before == "\"***\"");
  CHECK(found.at_restart[1].after == "\"***\"");
}

TEST_CASE("every section says why it is read at a start", "[config][change]") {
  for (const auto& section : all_sections()) {
    CAPTURE(section.name);
    CHECK_FALSE(restart_reason(section.name).empty());
  }
  CHECK(restart_reason("nowhere").empty());
  CHECK(restart_reason("nowhere.at_all").empty());
  CHECK(restart_reason("redis.url") != restart_reason("redis.prefix"));
  CHECK(restart_reason("redis.prefix") == restart_reason("redis"));
}

TEST_CASE("what may change now is taken from the new settings, and the rest stays", "[config][change]") {
  settings running;
  running.redis.password = "old";
  settings wanted;
  wanted.redis.password = "new";
  wanted.ttl.operations = {{"qa", 5_m}};
  wanted.memory.budget = 1_GiB;
  wanted.gate.store_empty = true;
  wanted.ledger.prices = {{"small", {150'000, 600'000}}};
  const auto found = compare(running, wanted);
  settings expected = wanted;
  expected.memory.budget = running.memory.budget;
  CHECK(with(running, wanted, found.now) == expected);
  CHECK(with(running, wanted, {}) == running);
}

TEST_CASE("every setting that a preset changes is seen as a change", "[config][change]") {
  for (const auto& preset : all_presets()) {
    const auto wanted = load({std::nullopt, {}, {"extends=" + std::string(preset.name)}}).value;
    std::size_t different = 0;
    for (const auto& value : values_of(preset.name)) different += find_key(value.key)->to_text({}) != value.value;
    const auto found = compare({}, wanted);
    CHECK(found.now.size() + found.at_restart.size() == different);
  }
}

}  // namespace aicache::parameter_map_test
