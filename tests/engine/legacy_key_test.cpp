#include "engine/legacy/legacy_key.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include <array>
#include <string>
#include <vector>

#include "tests/support/python_script.hpp"

namespace aicache::legacy_key_test {

namespace {

constexpr legacy_key_options last_generation{};
constexpr legacy_key_options middle_generation{1000, legacy_digest::sha256, question_place::apart};

request asks(std::string operation, std::string text, std::string options = "", std::string question = "") {
  return {"tenant", "model", std::move(operation), std::move(text), std::move(options), std::move(question)};
}

std::string times(int count, std::string_view piece) {
  std::string out;
  while (count-- > 0) out += piece;
  return out;
}

std::string key_of(const request& asked, const legacy_key_options& options = last_generation) {
  const auto key = legacy_key(asked, options);
  if (!key) return std::string("refused: ") + to_string(key.why().code);
  return *key;
}

std::string key_with(const std::string& options) { return key_of(asks("op", "x", options), middle_generation); }

const std::string refused = "refused: invalid_argument";

}  // namespace

TEST_CASE("keys are those that the Python cache was seen to make", "[engine][legacy][key]") {
  const std::string main_point = "What is the main point?";
  struct golden {
    request asked;
    std::string key;
  };
  const std::vector<golden> last{
      {asks("summarize", "", "{}"), "ai_cache:op:summarize|txt:"},
      {asks("summarize", "hello world", "{}"), "ai_cache:op:summarize|txt:hello world"},
      {asks("summarize", "hello world", R"({"max_length": 100})"),
       "ai_cache:op:summarize|txt:hello world|opts:5104236b"},
      {asks("qa", "a|b:c", R"({"question": "What is the main point?", "max_tokens": 150})"),
       "ai_cache:op:qa|txt:a_b_c|opts:9169c942|q:732ed4fc"},
      {asks("qa", "Document content", R"({"max_tokens": 150, "question": "What is the main point?"})"),
       "ai_cache:op:qa|txt:Document content|opts:9169c942|q:732ed4fc"},
      {asks("qa", "Document content", R"({"question": ""})"), "ai_cache:op:qa|txt:Document content|opts:ac849af7"},
      {asks("qa", "Document content", R"({"question": null, "x": 1})"),
       "ai_cache:op:qa|txt:Document content|opts:e91e59b5"},
      {asks("op", "x", R"({"a": true, "b": null, "c": 0.5, "d": [1, "z"], "e": {"k": 1}, "f": 1e16, "g": "é"})"),
       "ai_cache:op:op|txt:x|opts:e1515a86"},
      {asks("summarize", times(1000, "A")), "ai_cache:op:summarize|txt:" + times(1000, "A")},
      {asks("summarize", times(1001, "A")), "ai_cache:op:summarize|txt:hash:564869f68dbdc44f"},
      {asks("summarize", times(10000, "A"), R"({"max_length": 100})"),
       "ai_cache:op:summarize|txt:hash:605035e5ef3e21da|opts:5104236b"},
      {asks("summarize", times(5000, "x")), "ai_cache:op:summarize|txt:hash:2980eedc2f6ce8a9"},
      {asks("sentiment", times(1000, "é")), "ai_cache:op:sentiment|txt:" + times(1000, "é")},
      {asks("sentiment", times(1001, "é")), "ai_cache:op:sentiment|txt:hash:bdc7fa0ade3e8b1f"},
      {asks("sentiment", times(1001, "\U0001f600")), "ai_cache:op:sentiment|txt:hash:07cf4bc03bb894fa"},
      {asks("key_points", times(300, "word ")), "ai_cache:op:key_points|txt:hash:aa44eb0410f6e339"},
      {asks("questions", times(60, "line\nbreak\tand  spaces "), R"({"num_questions": 5})"),
       "ai_cache:op:questions|txt:hash:5551e0a210f9556f|opts:3e7e3698"},
      {asks("op", times(100, " nbsp\u00a0split\u2003em")), "ai_cache:op:op|txt:hash:5f8d67fec977a65c"},
      {asks("op", times(100,
                        "a\x1c"
                        "b\x1d"
                        "c\x1e"
                        "d\x1f"
                        "e\xc2\x85"
                        "f ")),
       "ai_cache:op:op|txt:hash:d96eaf75a8813a7a"},
      {asks("op", times(400, "a\u200bb ")), "ai_cache:op:op|txt:hash:54f63c13125be981"},
      {asks("op", times(600, "\u3000x")), "ai_cache:op:op|txt:hash:1cd3645b532715c1"},
      {asks("op", times(300, "A B\r\nC ")), "ai_cache:op:op|txt:hash:eeeedc4217440f8c"},
      {asks("op", times(1001, " ")), "ai_cache:op:op|txt:hash:83c53374d75de488"},
      {asks("", "hello world"), "ai_cache:op:|txt:hello world"},
      {asks("weird op|x:y", "hello world"), "ai_cache:op:weird op|x:y|txt:hello world"},
  };
  for (const golden& g : last) CHECK(key_of(g.asked) == g.key);

  const legacy_key_options with_md5{5, legacy_digest::md5, question_place::in_options};
  CHECK(key_of(asks("op", "hello world"), with_md5) == "ai_cache:op:op|txt:hash:4a509c78aadff730");

  const std::vector<golden> middle{
      {asks("qa", "doc", R"({"m": 1})", "What?"), "ai_cache:op:qa|txt:doc|opts:40aa2227|q:da49e93f"},
      {asks("qa", "doc", "{}", ""), "ai_cache:op:qa|txt:doc"},
      {asks("qa", "Document content", R"({"max_tokens": 150})", main_point),
       "ai_cache:op:qa|txt:Document content|opts:a1a0492b|q:732ed4fc"},
  };
  for (const golden& g : middle) CHECK(key_of(g.asked, middle_generation) == g.key);
}

TEST_CASE("a question beside the options is one of them where the cache had it so", "[engine][legacy][key]") {
  const std::string beside = key_of(asks("qa", "doc", R"({"m": 1})", "What?"));
  CHECK(beside == key_of(asks("qa", "doc", R"({"question": "What?", "m": 1})")));
  CHECK(beside != key_of(asks("qa", "doc", R"({"m": 1})", "What?"), middle_generation));
  CHECK(key_of(asks("qa", "doc", "", "What?")) == key_of(asks("qa", "doc", R"({"question": "What?"})")));
  CHECK(key_of(asks("qa", "doc", R"({"question": null})", "What?")) == refused);
}

TEST_CASE("no options, null and an empty object are one", "[engine][legacy][key]") {
  CHECK(key_with("") == "ai_cache:op:op|txt:x");
  CHECK(key_with("null") == key_with(""));
  CHECK(key_with(" { } ") == key_with(""));
  CHECK(key_with(R"({"": ""})") != key_with(""));
}

TEST_CASE("a text at the threshold stands in the key, one more code point is hashed", "[engine][legacy][key]") {
  for (const int threshold : {0, 1, 50, 100, 500, 2000, 100'000}) {
    legacy_key_options options = middle_generation;
    options.text_threshold = threshold;
    const std::string fits = times(threshold, "漢");
    CHECK(key_of(asks("op", fits), options) == "ai_cache:op:op|txt:" + fits);
    const std::string hashed = key_of(asks("op", fits + "."), options);
    CHECK(hashed.starts_with("ai_cache:op:op|txt:hash:"));
    CHECK(hashed.size() == std::string("ai_cache:op:op|txt:").size() + 21);
  }
  legacy_key_options below = middle_generation;
  below.text_threshold = -1;
  CHECK(key_of(asks("op", ""), below).starts_with("ai_cache:op:op|txt:hash:"));
}

TEST_CASE("length and words are part of the digest, and the last character counts", "[engine][legacy][key]") {
  const std::string text = times(2000, "w ");
  CHECK(key_of(asks("op", text)) != key_of(asks("op", text + " ")));
  CHECK(key_of(asks("op", text + "a")) != key_of(asks("op", text + "b")));
}

TEST_CASE("every digest of hashlib is the one that it names", "[engine][legacy][key]") {
  // hashlib.new(name, b"hello worldlen:11words:2").hexdigest()[:16], in the order of legacy_digest
  const std::vector<std::string> digests{"4a509c78aadff730", "2f1569aa2754b611", "70b48899d75e0355",
                                         "e2f1a3b5ab48cbf1", "c237a9143c409c09", "72aa0e13c3f44f24",
                                         "8c3b6bc2cbcad081", "0a889dfa2152d0a3", "b563ca859eb78881",
                                         "5099ee827d30cb8a", "17c71c2e53598bf3", "3988323fa25f9574"};
  REQUIRE(digests.size() == static_cast<std::size_t>(legacy_digest::blake2s) + 1);
  for (std::size_t d = 0; d < digests.size(); ++d) {
    const legacy_key_options options{5, static_cast<legacy_digest>(d), question_place::apart};
    CHECK(key_of(asks("op", "hello world"), options) == "ai_cache:op:op|txt:hash:" + digests[d]);
  }
}

TEST_CASE("the order of options does not matter, that of what they hold does", "[engine][legacy][key]") {
  CHECK(key_with(R"({"a": 1, "b": 2})") == key_with(R"({"b": 2, "a": 1})"));
  CHECK(key_with(R"({"o": {"a": 1, "b": 2}})") != key_with(R"({"o": {"b": 2, "a": 1}})"));
  CHECK(key_with(R"({"a": 1, "b": 2, "a": 3})") == key_with(R"({"a": 3, "b": 2})"));
}

TEST_CASE("the collisions of the Python cache are kept", "[engine][legacy][key]") {
  CHECK(key_of(asks("op", "a|b")) == key_of(asks("op", "a:b")));
  CHECK(key_of(asks("op", "a|b")) == key_of(asks("op", "a_b")));
  CHECK(key_with(R"({"a": 1})") == key_with(R"({"a": "1"})"));
  CHECK(key_with(R"({"a": "1&b=2"})") == key_with(R"({"a": "1", "b": "2"})"));
  CHECK(key_with(R"({"a": 1.0})") != key_with(R"({"a": 1})"));
}

TEST_CASE("options and questions do not stand in the key, and texts that are hashed do not either",
          "[engine][legacy][key]") {
  const std::string key =
      key_of(asks("qa", times(200, "secret text "), R"({"api_key": "secret option"})", "secret question"));
  CHECK(key.find("secret") == std::string::npos);
  CHECK(key.size() < 200);
}

TEST_CASE("what Python could make no key of is refused", "[engine][legacy][key]") {
  CHECK(key_of(asks("op", "\xff")) == refused);
  CHECK(key_of(asks("op", times(2000, "a") + "\xc3")) == refused);
  CHECK(key_of(asks("op", "\xed\xa0\x80")) == refused);
  CHECK(key_of(asks("\xff", "x")) == refused);
  CHECK(key_of(asks("op", "x", "", "\xff")) == refused);
  CHECK(key_of(asks("op", "x", "", "\xff"), middle_generation) == refused);
  for (const char* options :
       {"[]", "\"a\"", "5", "{", "{\"a\":}", "{\"a\":\"\\ud800\"}", "{\"\\udc00\":1}", "{\"a\":\"\xff\"}",
        "{\"a\":\"\xed\xa0\x80\"}", "{} {}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":+1}", "{\"a\":\"\t\"}"}) {
    INFO(options);
    CHECK(key_with(options) == refused);
  }
  for (const char* question : {"5", "true", "[1]", "{\"a\":1}", "0.5", "NaN", "\"\\ud800\""})
    CHECK(key_of(asks("op", "x", std::string("{\"question\":") + question + "}")) == refused);
  for (const char* question : {"0", "false", "[]", "{}", "-0.0", "null", "\"\""}) {
    const std::string key = key_of(asks("op", "x", std::string("{\"question\":") + question + "}"));
    CHECK(key.find("|opts:") != std::string::npos);
    CHECK(key.find("|q:") == std::string::npos);
  }
}

TEST_CASE("options without measure are refused as such", "[engine][legacy][key]") {
  CHECK(key_with("{\"a\":" + times(200, "[") + times(200, "]") + "}") == "refused: too_large");
  CHECK(key_with("{\"a\":1" + times(4300, "0") + "}") == "refused: too_large");
  CHECK(key_with("{\"a\":1" + times(4299, "0") + "}").find("|opts:") != std::string::npos);
}

TEST_CASE("a refusal repeats nothing of the request", "[engine][legacy][key]") {
  for (const char* options :
       {"{\"secret\":secret}", "[\"secret\"]", "{\"secret\":\"\\ud800\"}", "{\"question\":[\"secret\"]}"}) {
    const auto key = legacy_key(asks("op", "secret", options));
    REQUIRE_FALSE(key);
    CHECK(key.why().detail.find("secret") == std::string::npos);
  }
}

TEST_CASE("ten million characters make a key of the usual length", "[engine][legacy][key]") {
  const std::string key = key_of(asks("op", times(1'000'000, "ten chars ")));
  CHECK(key.size() == std::string("ai_cache:op:op|txt:").size() + 21);
}

TEST_CASE("keys are those that Python computes for two thousand random requests and every code point",
          "[engine][legacy][key]") {
  static constexpr std::array names{"md5",      "sha1",     "sha224",   "sha256",   "sha384",  "sha512",
                                    "sha3_224", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s"};
  std::string errors;
  const auto lines = test::lines_of_python("tests/legacy/key_oracle.py", errors);
  if (!lines) {
    WARN("no /usr/bin/python3 here: keys were not compared with Python's");
    return;
  }
  INFO(errors);
  REQUIRE(lines->size() > 2100);
  int keys = 0;
  for (const std::string& line : *lines) {
    const auto c = nlohmann::json::parse(line);
    legacy_key_options options;
    options.text_threshold = c.at("threshold").get<std::int64_t>();
    options.question = c.at("in_options").get<bool>() ? question_place::in_options : question_place::apart;
    for (std::size_t d = 0; d < names.size(); ++d)
      if (c.at("algorithm") == names[d]) options.digest = static_cast<legacy_digest>(d);
    const request asked = asks(c.at("operation"), c.at("text"), c.at("options"), c.at("question"));
    INFO(line.substr(0, 2000));
    const bool has_key = !c.at("key").is_null();
    keys += has_key;
    REQUIRE(key_of(asked, options) == (has_key ? c.at("key").get<std::string>() : refused));
  }
  CHECK(keys > 2000);
}

}  // namespace aicache::legacy_key_test
