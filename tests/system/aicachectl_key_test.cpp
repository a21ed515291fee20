#include "engine/identity/identify.hpp"
#include "engine/shared/redis_key.hpp"
#include "tests/support/aicachectl_run.hpp"

#include <catch2/catch.hpp>

namespace aicache::aicachectl_key_test {
namespace {

using test::aicachectl;
using words = std::vector<std::string>;

const std::string golden_lines =
    R"({"operation": "summarize", "text": "hello world", "options": {"max_length": 100}})"
    "\n"
    R"({"operation": "qa", "text": "a|b:c", "options": {"question": "What is the main point?", "max_tokens": 150}})"
    "\n";

}  // namespace

TEST_CASE("key names a request as the cache does, by the settings given", "[system][aicachectl]") {
  const request r{"acme", "m-1", "qa", "e\u0301t\u00e9", R"({"b": 2.0, "a": 1})", "why?"};
  const words asked{"key",    "--tenant", r.tenant, "--model",   r.model,   "--operation", r.operation,
                    "--text", r.text,     "--json", "--options", r.options, "--question",  r.question};
  const auto key_by = [&](const identity_options& how, const std::string& prefix) {
    return redis_key(prefix, r.tenant, r.operation, identifier(how).identify(r)->id);
  };
  const auto usual = aicachectl(asked);
  CHECK(usual.code == 0);
  CHECK(usual.json().at("redis_key") == key_by({}, "aicache"));
  const std::string hex = usual.json().at("identity");
  CHECK(hex.size() == 64);
  CHECK(usual.json().at("redis_key").get<std::string>().ends_with(":" + hex));
  words with = asked;
  with.insert(with.end(), {"--set", "identity.unicode_nfc=true", "--set", "redis.prefix=mine"});
  identity_options composed;
  composed.unicode_nfc = true;
  CHECK(aicachectl(with).json().at("redis_key") == key_by(composed, "mine"));
  CHECK(key_by(composed, "mine") != key_by({}, "mine"));
  CHECK(aicachectl(asked, "", {"AICACHE_REDIS_PREFIX=mine"}).json().at("redis_key") == key_by({}, "mine"));
  with.back() = "redis.prefix";
  CHECK(aicachectl(with).code == 2);
  CHECK(aicachectl({"key", "--operation", "qa", "--text", "x", "--options", "{"}).code == 2);
  CHECK(aicachectl({"key", "--operation", "qa"}).code == 2);
}

TEST_CASE("key --legacy prints a key of the Python cache for each line", "[system][aicachectl]") {
  const auto last = aicachectl({"key", "--legacy"}, golden_lines);
  CHECK(last.code == 0);
  CHECK(last.errors.empty());
  const std::string keys =
      "ai_cache:op:summarize|txt:hello world|opts:5104236b\n"
      "ai_cache:op:qa|txt:a_b_c|opts:9169c942|q:732ed4fc\n";
  CHECK(last.out == keys);
  CHECK(aicachectl({"key", "--legacy=H"}, golden_lines).out == keys);
  const std::string apart =
      R"({"operation": "qa", "text": "Document content", "options": {"max_tokens": 150}, "question": "What is the main point?"})"
      "\n";
  for (const char* middle : {"--legacy=middle", "--legacy=S", "--legacy=first", "--legacy=L"})
    CHECK(aicachectl({"key", middle}, apart).out == "ai_cache:op:qa|txt:Document content|opts:a1a0492b|q:732ed4fc\n");
  CHECK(aicachectl({"key", "--legacy"}, apart).out == "ai_cache:op:qa|txt:Document content|opts:9169c942|q:732ed4fc\n");
  CHECK(aicachectl({"key", "--legacy", "--digest", "md5", "--text-threshold", "5", "--operation", "op"},
                   "{\"text\": \"hello world\", \"seen\": 5}\n")
            .out == "ai_cache:op:op|txt:hash:4a509c78aadff730\n");
  CHECK(aicachectl({"key", "--legacy=G"}, apart).code == 2);
  CHECK(aicachectl({"key", "--legacy", "--digest", "crc"}, apart).code == 2);
}

TEST_CASE("legacy keys see every digit of the options", "[system][aicachectl]") {
  const auto key_with = [](const std::string& options) {
    return aicachectl({"key", "--legacy"}, R"({"operation": "op", "text": "x", "options": )" + options + "}\n").out;
  };
  CHECK(key_with(R"({"a": 1})") != key_with(R"({"a": 1.0})"));
  CHECK(key_with(R"({"a": 123456789012345678901234567890})") != key_with(R"({"a": 1.2345678901234568e29})"));
  CHECK(key_with(R"({"a": true, "b": null, "c": 0.5, "d": [1, "z"], "e": {"k": 1}, "f": 1e16, "g": "é"})") ==
        "ai_cache:op:op|txt:x|opts:e1515a86\n");
}

TEST_CASE("a line without a key leaves its place empty, and is told with its number", "[system][aicachectl]") {
  const std::string input = "nonsense\n{\"operation\": \"qa\", \"text\": \"secret\", \"options\": [\"secret\"]}\n" +
                            golden_lines.substr(0, golden_lines.find('\n') + 1);
  const auto r = aicachectl({"key", "--legacy"}, input);
  CHECK(r.code == 1);
  CHECK(r.out == "\n\nai_cache:op:summarize|txt:hello world|opts:5104236b\n");
  CHECK(r.complains_of("line 1: "));
  CHECK(r.complains_of("line 2: "));
  CHECK(r.complains_of("lines without a key: 2"));
  CHECK_FALSE(r.complains_of("secret"));
  const auto lines = aicachectl({"key", "--legacy", "--json"}, input).json_lines();
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].contains("error"));
  CHECK(lines[2] == nlohmann::json{{"line", 3}, {"key", "ai_cache:op:summarize|txt:hello world|opts:5104236b"}});
}

}  // namespace aicache::aicachectl_key_test
