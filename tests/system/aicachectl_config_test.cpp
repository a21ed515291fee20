#include "tests/support/program.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/tls_certificates.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

// Names of its own: the sources of this folder are compiled together.
namespace aicache::aicachectl_test {
namespace {

struct outcome {
  int code = -1;
  std::string out;
  std::string errors;
};

outcome config(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
  arguments.insert(arguments.begin(), {AICACHE_BINARY_DIR "/aicachectl", "config"});
  test::program run(std::move(arguments), std::move(environment));
  const auto code = run.end(std::chrono::seconds{20});
  REQUIRE(code);
  return {*code, run.rest(), run.errors()};
}

nlohmann::json json_of(std::vector<std::string> arguments, int code = 0, std::vector<std::string> environment = {}) {
  arguments.push_back("--json");
  const auto result = config(std::move(arguments), std::move(environment));
  CAPTURE(result.out, result.errors);
  CHECK(result.code == code);
  auto parsed = nlohmann::json::parse(result.out, nullptr, false);
  REQUIRE_FALSE(parsed.is_discarded());
  return parsed;
}

/// A folder with files, gone at the end.
struct files {
  std::string with(const std::string& name, const std::string& text) const {
    std::ofstream(path / name) << text;
    return (path / name).string();
  }
  test::scratch_folder scratch{};
  std::filesystem::path path = scratch.path();
};

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("config show tells every value with its source, and no secret", "[system][aicachectl]") {
  const files f;
  const auto file = f.with("a.yaml", "extends: simple\nmemory:\n  budget: 2GiB\nredis:\n  password: hunter2\n");
  const std::vector<std::string> environment = {"AICACHE_NODE_PORT=7", "AI_CACHE_DEFAULT_TTL=60"};
  const auto text = config({"show", "--file", file, "--set", "node.threads=2"}, environment);
  CHECK(text.code == 0);
  CHECK(text.errors.empty());
  CHECK_FALSE(holds(text.out, "hunter2"));
  CHECK(holds(text.out, "extends: simple"));
  const auto all = json_of({"show", "--file", file, "--set", "node.threads=2"}, 0, environment);
  std::map<std::string, std::pair<std::string, std::string>> by_key;
  for (const auto& row : all.at("settings")) by_key[row.at("key")] = {row.at("value"), row.at("from")};
  using cell = std::pair<std::string, std::string>;
  CHECK(by_key.at("memory.budget") == cell{"\"2GiB\"", "file \"" + file + "\", line 3"});
  CHECK(by_key.at("node.port") == cell{"7", "environment AICACHE_NODE_PORT"});
  CHECK(by_key.at("node.threads") == cell{"2", "override node.threads"});
  CHECK(by_key.at("ttl.default") == cell{"\"1m\"", "environment AI_CACHE_DEFAULT_TTL"});
  CHECK(by_key.at("compression.min_bytes") == cell{"1000", "preset simple"});
  CHECK(by_key.at("node.host").second == "default");
  CHECK(by_key.at("redis.password").first == "\"***\"");
  CHECK(config({"show", "--set", "node.port=x"}).code == 1);
}

TEST_CASE("config check reports ten different mistakes of one file, each with a fix", "[system][aicachectl]") {
  const files f;
  const auto file = f.with("ten.toml",
                           "extends = \"prodution\"\n"                      // no preset
                           "[memory]\nbudget = \"64MB\"\n"                  // unit
                           "bugdet = 5\n"                                   // unknown key
                           "warm_share = 2.0\n"                             // range
                           "[lgo]\nlevel = \"info\"\n"                      // unknown section
                           "[node]\nport = \"7411\"\nhost = \"0.0.0.0\"\n"  // type; rule
                           "[ttl]\ndefault = 60\n"                          // no unit
                           "[text_tiers]\nsmall = 9000\n"                   // rule across keys
                           "[redis]\nrequired = true\n");                   // rule across sections
  const auto found = json_of({"check", file}, 1);
  CHECK(found.at("valid") == "no");
  std::vector<std::string> keys;
  for (const auto& e : found.at("errors")) {
    keys.push_back(e.at("key"));
    CHECK_FALSE(e.at("fix").get<std::string>().empty());
    CHECK(e.at("rule").get<std::string>().starts_with("must "));
  }
  std::sort(keys.begin(), keys.end());
  CHECK(keys == std::vector<std::string>{"extends", "lgo.level", "memory.budget", "memory.bugdet", "memory.warm_share",
                                         "node.host", "node.port", "redis.required", "text_tiers.medium",
                                         "ttl.default"});
  const auto text = config({"check", file});
  CHECK(text.code == 1);
  CHECK(holds(text.out, "did you mean memory.budget?"));
}

TEST_CASE("config check tells warnings and recommendations of a file that is right", "[system][aicachectl]") {
  const files f;
  const auto file = f.with("a.json", R"({"redis": {"url": "redis://far.example.org"}, "compression": {"level": 19}})");
  const auto found = json_of({"check", file});
  CHECK(found.at("valid") == "yes");
  CHECK(found.at("security") == "low");
  CHECK(found.at("warnings").size() == 2);
  CHECK(found.at("recommendations").size() == 3);
  CHECK(config({"check", f.with("good.toml", "[node]\nport = 1\n")}).out.starts_with("valid: yes\n"));
  CHECK(config({"check", (f.path / "missing.toml").string()}).code == 1);
  CHECK(config({"check", f.with("tight.toml", "[memory]\nbudget = \"1TiB\"\n")}).code == 1);
}

TEST_CASE("config check looks at the certificates that a file of settings names", "[system][aicachectl]") {
  const test::tls_certificates pki;
  const files f;
  const auto judged = [&](const std::string& certificate, const std::string& key, const std::string& ca, int code) {
    const nlohmann::json redis{{"url", "rediss://:a-password-of-letters@cache.example.org"},
                               {"ca_file", pki.at(ca)},
                               {"certificate_file", pki.at(certificate)},
                               {"key_file", pki.at(key)}};
    const auto found = json_of({"check", f.with("tls.json", nlohmann::json{{"redis", redis}}.dump())}, code);
    std::vector<std::string> said;
    for (const char* weight : {"errors", "warnings"})
      for (const auto& p : found.at(weight))
        said.push_back(weight + (" " + p.at("key").get<std::string>()) + ": " + p.at("rule").get<std::string>());
    return said;
  };
  const std::string valid = ": should name a certificate that is valid for 30 days more; ";
  const auto good = judged("good.pem", "good.key", "ca.pem", 0);
  REQUIRE(good.size() == 2);
  CHECK(holds(good[0], "warnings redis.ca_file" + valid + "this one is for "));
  CHECK(holds(good[1], "warnings redis.certificate_file" + valid + "this one is for "));
  const auto expired = judged("expired.pem", "expired.key", "ca.pem", 0);
  REQUIRE(expired.size() == 2);
  CHECK(holds(expired[1], "warnings redis.certificate_file" + valid + "the time of this one is over"));
  const auto strange = judged("good.pem", "stranger.key", "ca.pem", 1);
  REQUIRE(strange.size() == 3);
  CHECK(strange[0] == "errors redis.key_file: must hold the private key of redis.certificate_file; it holds another");
  const auto none = judged("good.ext", "good.key", "good.key", 1);
  REQUIRE(none.size() == 2);
  CHECK(holds(none[0], "errors redis.ca_file: must name a file with a certificate in PEM form"));
  CHECK(holds(none[1], "errors redis.certificate_file: must name a file with a certificate in PEM form"));
  const auto absent = judged("nowhere.pem", "good.key", "nowhere.pem", 0);
  REQUIRE(absent.size() == 2);
  CHECK(holds(absent[0], "warnings redis.ca_file: should name a file that can be read here"));
}

TEST_CASE("config presets lists them and shows one", "[system][aicachectl]") {
  CHECK(json_of({"presets"}).at("presets").size() == 8);
  const auto one = json_of({"presets", "production"});
  CHECK(one.at("name") == "production");
  CHECK_FALSE(one.at("values").empty());
  const auto wrong = config({"presets", "prodution"});
  CHECK(wrong.code == 2);
  CHECK(holds(wrong.out, "did you mean production?"));
}

TEST_CASE("config recommend names a preset with its reason", "[system][aicachectl]") {
  CHECK(json_of({"recommend", "staging"}).at("preset") == "production");
  CHECK(json_of({"recommend"}, 0, {"ENVIRONMENT=ai-prod"}).at("preset") == "ai-production");
  CHECK(json_of({"recommend"}).at("preset") == "simple");
  CHECK(holds(config({"recommend", "dev"}).out, "confidence: 90%"));
}

TEST_CASE("config diff tells what changes between files and presets", "[system][aicachectl]") {
  const files f;
  const auto a = f.with("a.toml", "[memory]\nbudget = \"1GiB\"\n");
  const auto b = f.with("b.yaml", "memory: {budget: 2GiB}\nlog: {level: debug}\n");
  const auto found = json_of({"diff", a, b});
  CHECK(found.at("changes") == "2");
  CHECK(found.at("at restart").size() + found.at("at once").size() == 2);
  CHECK(json_of({"diff", a, a}).at("changes") == "0");
  CHECK(json_of({"diff", "production", "ai-production"}).at("changes") != "0");
  CHECK(config({"diff", a, "nowhere.toml"}).code == 1);
}

TEST_CASE("config reference and config env tell every setting and its variables", "[system][aicachectl]") {
  CHECK(holds(config({"reference"}).out, "| `memory.budget` |"));
  CHECK(holds(json_of({"reference"}).at("text").get<std::string>(), "### redis"));
  const auto env = config({"env"}).out;
  CHECK(holds(env, "AICACHE_MEMORY_BUDGET"));
  CHECK(holds(env, "AICACHE_EXTENDS"));
  CHECK(holds(env, "AI_CACHE_DEFAULT_TTL"));
  CHECK(json_of({"env"}).at("aliases").size() > 10);
}

TEST_CASE("config map turns parameters into settings that a node takes", "[system][aicachectl]") {
  const files f;
  const auto file = f.with("theirs.yaml",
                           "preset: simple\nredis_url: redis://cache:6379\ndefault_ttl: 7200\nredis_password: hunter2\n"
                           "hash_algorithm: sha256\ntext_size_tiers: {small: 1, medium: 2, large: 3}\n");
  const auto found = json_of({"map", file});
  CHECK(found.at("parameters").size() == 6);
  const std::string toml = found.at("text");
  CHECK_FALSE(holds(toml, "hunter2"));
  CHECK(holds(toml, "url = \"redis://cache:6379\""));
  const auto mapped = json_of({"show", "--file", f.with("ours.toml", toml)});
  CHECK(mapped.at("extends") == "simple");
  const auto wrong = config({"map", f.with("wrong.json", R"({"defualt_ttl": 5})")});
  CHECK(wrong.code == 1);
  CHECK(holds(wrong.out, "did you mean default_ttl?"));
  CHECK(config({"map", f.with("broken.json", "{")}).code == 1);
}

TEST_CASE("what is asked wrongly ends with code 2, and help with 0", "[system][aicachectl]") {
  CHECK(config({}).code == 2);
  CHECK(config({"nothing"}).code == 2);
  CHECK(config({"check"}).code == 2);
  CHECK(config({"presets", "a", "b"}).code == 2);
  CHECK(config({"show", "--fiel", "x"}).code == 2);
  CHECK(config({"--help"}).code == 0);
  CHECK(config({"check", "--help"}).code == 0);
}

}  // namespace aicache::aicachectl_test
