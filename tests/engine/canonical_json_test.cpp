#include "engine/identity/canonical_json.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace aicache::canonical_json_test {

namespace {

std::string canonical(std::string_view text) {
  std::string out = "left over";
  const auto done = canonical_json(text, out);
  INFO(text);
  REQUIRE(done);
  return out;
}

std::string canonical_number(const std::string& number) {
  const std::string whole = canonical("{\"n\":" + number + "}");
  return whole.substr(5, whole.size() - 6);
}

void refused(std::string_view text) {
  std::string out = "left over";
  INFO(text);
  const auto done = canonical_json(text, out);
  REQUIRE_FALSE(done);
  CHECK(done.why().code == errc::invalid_argument);
  CHECK(out.empty());
}

}  // namespace

TEST_CASE("members are sorted by name at every depth and white space is gone", "[engine][canonical_json]") {
  CHECK(canonical(" {\n\t\"b\" : 1 , \"a\" : { \"d\":[ 1, {\"z\":null,\"y\":true} ], \"c\":false } } \r\n") ==
        R"({"a":{"c":false,"d":[1,{"y":true,"z":null}]},"b":1})");
}

TEST_CASE("no options and an empty object are one", "[engine][canonical_json]") {
  CHECK(canonical("") == "{}");
  CHECK(canonical("{}") == "{}");
  CHECK(canonical(" { } ") == "{}");
  CHECK(canonical(R"({"a":{},"b":[]})") == R"({"a":{},"b":[]})");
}

TEST_CASE("arrays keep their order", "[engine][canonical_json]") {
  CHECK(canonical(R"({"a":[3,1,2]})") == R"({"a":[3,1,2]})");
  CHECK(canonical(R"({"a":[[1],[],[2,[3]]]})") == R"({"a":[[1],[],[2,[3]]]})");
}

TEST_CASE("names are sorted by their bytes when decoded", "[engine][canonical_json]") {
  CHECK(canonical(R"({"a":1,"B":2,"\u0041":3,"aa":4,"":5})") == R"({"":5,"A":3,"B":2,"a":1,"aa":4})");
  CHECK(canonical("{\"\xc3\xa9\":1,\"z\":2}") == "{\"z\":2,\"\xc3\xa9\":1}");
}

TEST_CASE("all spellings of a number are one", "[engine][canonical_json]") {
  for (const char* one : {"1", "1.0", "1e0", "1E0", "1E+0", "1e-0", "10e-1", "0.10e1", "0.1e1", "1.000", "100e-2",
                          "0.001e3", "1e00000000000000000000000"}) {
    INFO(one);
    CHECK(canonical_number(one) == "1");
  }
  for (const char* zero : {"0", "-0", "0.0", "-0.0", "0e5", "-0e-5", "0.000e999999"}) {
    INFO(zero);
    CHECK(canonical_number(zero) == "0");
  }
  CHECK(canonical_number("1200") == "1200");
  CHECK(canonical_number("12e2") == "1200");
  CHECK(canonical_number("0.7") == "7e-1");
  CHECK(canonical_number("-0.70") == "-7e-1");
  CHECK(canonical_number("1.5e-7") == "15e-8");
}

TEST_CASE("numbers that a double would make one stay apart", "[engine][canonical_json]") {
  CHECK(canonical_number("9007199254740993") == "9007199254740993");
  CHECK(canonical_number("9007199254740992") == "9007199254740992");
  CHECK(canonical_number("18446744073709551616") == "18446744073709551616");
  CHECK(canonical_number("18446744073709551617") == "18446744073709551617");
  CHECK(canonical_number("-9223372036854775809") == "-9223372036854775809");
  CHECK(canonical_number("0.1") != canonical_number("0.1000000000000000055511151231257827"));
  CHECK(canonical_number("123456789012345678901234567890") == "12345678901234567890123456789e1");
}

TEST_CASE("numbers beyond the range of a double are accepted and told apart", "[engine][canonical_json]") {
  CHECK(canonical_number("1e400") == "1e400");
  CHECK(canonical_number("1e401") == "1e401");
  CHECK(canonical_number("10e400") == "1e401");
  CHECK(canonical_number("-1e400") == "-1e400");
  CHECK(canonical_number("1e-400") == "1e-400");
  CHECK(canonical_number("1e-401") == "1e-401");
}

TEST_CASE("exponents are bounded, whatever their spelling", "[engine][canonical_json]") {
  CHECK(canonical_number("1e1000000") == "1e1000000");
  CHECK(canonical_number("0.1e1000001") == "1e1000000");
  CHECK(canonical_number("1e-1000000") == "1e-1000000");
  refused(R"({"n":1e1000001})");
  refused(R"({"n":10e1000000})");
  refused(R"({"n":1e-1000001})");
  refused(R"({"n":1e9223372036854775807})");
  refused(R"({"n":1e-9223372036854775807})");
  refused(R"({"n":1e99999999999999999999999})");
}

TEST_CASE("whole numbers are written out up to twenty digits", "[engine][canonical_json]") {
  CHECK(canonical_number("1e19") == "10000000000000000000");
  CHECK(canonical_number("1e20") == "1e20");
  CHECK(canonical_number("100000000000000000000") == "1e20");
}

TEST_CASE("malformed numbers are refused", "[engine][canonical_json]") {
  for (const char* bad : {"-",         "+1",  "01",    "-01",   "1.",    ".5",   "1e",    "1e+", "1.e1",
                          "--1",       "1-1", "1.2.3", "1e5.5", "1e5e5", "0x10", "1_000", "NaN", "Infinity",
                          "-Infinity", "1 2", "00",    "1true", "true1", "0e",   "1,5e"}) {
    refused("{\"n\":" + std::string{bad} + "}");
    refused("{\"n\":[" + std::string{bad} + "]}");
  }
}

TEST_CASE("a number keeps its place whatever stands around it", "[engine][canonical_json]") {
  CHECK(canonical(R"({"z":1.50,"s":"2.50","a":[3.50,"-4",{"y":5e1,"x":-6}],"7":8})") ==
        R"({"7":8,"a":[35e-1,"-4",{"x":-6,"y":50}],"s":"2.50","z":15e-1})");
  CHECK(canonical(R"({"a\"1\\":2,"b":3})") == R"({"a\"1\\":2,"b":3})");
}

TEST_CASE("strings are one when their decoded values are", "[engine][canonical_json]") {
  CHECK(canonical(R"({"a":"\u00e9"})") == "{\"a\":\"\xc3\xa9\"}");
  CHECK(canonical("{\"a\":\"\xc3\xa9\"}") == "{\"a\":\"\xc3\xa9\"}");
  CHECK(canonical(R"({"a":"\ud83d\ude00"})") == "{\"a\":\"\xf0\x9f\x98\x80\"}");
  CHECK(canonical(R"({"a":"\/\u002f/"})") == R"({"a":"///"})");
  CHECK(canonical(R"({"a":"\b\f\n\r\t\u0000\u001F\"\\"})") ==
        R"({"a":"\u0008\u000c\u000a\u000d\u0009\u0000\u001f\"\\"})");
  CHECK(canonical("{\"a\":\"\x7f\"}") == "{\"a\":\"\x7f\"}");
  // Composed and decomposed are different values here: options are never normalised.
  CHECK(canonical("{\"a\":\"e\xcc\x81\"}") != canonical("{\"a\":\"\xc3\xa9\"}"));
}

TEST_CASE("two members of one name are refused, however they are spelled", "[engine][canonical_json]") {
  refused(R"({"a":1,"a":1})");
  refused(R"({"a":1,"b":2,"a":3})");
  refused(R"({"a":1,"\u0061":2})");
  refused(R"({"x":[{"a":1,"a":2}]})");
  CHECK(canonical(R"({"a":{"a":{"a":1}},"b":{"a":2}})") == R"({"a":{"a":{"a":1}},"b":{"a":2}})");
}

TEST_CASE("only an object may stand at the top", "[engine][canonical_json]") {
  for (const char* bad : {"1", "-0.5", "\"a\"", "null", "true", "[]", "[{}]", " ", "\n"}) refused(bad);
}

TEST_CASE("what is not JSON is refused", "[engine][canonical_json]") {
  for (const char* bad : {"{",
                          "}",
                          "{}{}",
                          "{} x",
                          "{\"a\"}",
                          "{\"a\":}",
                          "{\"a\":1,}",
                          "{,}",
                          "{a:1}",
                          "{'a':1}",
                          "{\"a\":[1,]}",
                          "{\"a\":tru}",
                          "{\"a\":nul}",
                          "{\"a\":1]",
                          "{\"a\":\"",
                          "{\"a\":\"\\",
                          "{\"a\":\"\\\"",
                          "{\"a\":\"\\x\"}",
                          "{\"a\":\"\\u12\"}",
                          "{\"a\":\"\n\"}",
                          "// c\n{}",
                          "{/**/}",
                          "{\"a\":1 \"b\":2}",
                          "{1:2}",
                          "{\"a\":True}"}) {
    refused(bad);
  }
}

TEST_CASE("a zero byte is refused and does not end the text", "[engine][canonical_json]") {
  using namespace std::string_view_literals;
  refused("{}\0"sv);
  refused("{\"a\":1}\0{\"b\":2}"sv);
  refused("{\"a\":\"\0\"}"sv);
  refused("\0"sv);
}

TEST_CASE("strings that are not UTF-8 are refused", "[engine][canonical_json]") {
  for (const char* bad : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xe2\x82", "\xf4\x90\x80\x80", "\x80", "\\ud800",
                          "\\udc00", "\\ud800\\ud800", "\\ud800x"}) {
    refused("{\"a\":\"" + std::string{bad} + "\"}");
    refused("{\"" + std::string{bad} + "\":1}");
  }
}

TEST_CASE("nesting is bounded", "[engine][canonical_json]") {
  auto nested = [](int depth, const std::string& open, const std::string& close) {
    std::string text = "{\"a\":";
    for (int i = 1; i < depth; ++i) text += open;
    text += "1";
    for (int i = 1; i < depth; ++i) text += close;
    return text + "}";
  };
  CHECK(canonical(nested(json_depth_limit, "[", "]")) == nested(json_depth_limit, "[", "]"));
  CHECK(canonical(nested(json_depth_limit, "{\"b\":", "}")) == nested(json_depth_limit, "{\"b\":", "}"));
  refused(nested(json_depth_limit + 1, "[", "]"));
  refused(nested(json_depth_limit + 1, "{\"b\":", "}"));
  refused(std::string(100'000, '['));
  refused("{\"a\":" + std::string(100'000, '['));
}

TEST_CASE("the detail of a refusal repeats nothing of the text", "[engine][canonical_json]") {
  for (const char* text : {"{\"secret\":secret}", "{\"secret\":1,\"secret\":2}", "{\"secret\":01}", "[\"secret\"]"}) {
    std::string out;
    const auto done = canonical_json(text, out);
    REQUIRE_FALSE(done);
    CHECK(done.why().detail.find("secret") == std::string::npos);
  }
}

TEST_CASE("any spelling of a random object has one canonical form, which is its own", "[engine][canonical_json]") {
  std::mt19937 random{20};
  auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  auto blank = [&] { return std::vector<std::string>{"", "", " ", "\n\t"}[pick(4)]; };
  // Each value with spellings that mean it.
  const std::vector<std::vector<std::string>> values{
      {"1", "1.0", "10e-1"},     {"0.7", "7e-1", "0.70"},
      {"\"a\"", "\"\\u0061\""},  {"null"},
      {"[1,2]", "[ 1.0, 2e0 ]"}, {"{\"x\":1,\"y\":2}", "{ \"y\":2.0,\"\\u0078\":1}"}};
  for (int round = 0; round < 300; ++round) {
    std::vector<std::pair<std::string, std::size_t>> members;
    for (unsigned i = 0, n = pick(8); i < n; ++i) members.emplace_back("k" + std::to_string(i), pick(6));
    auto spell = [&] {
      std::shuffle(members.begin(), members.end(), random);
      std::string text = blank() + "{" + blank();
      for (std::size_t i = 0; i < members.size(); ++i) {
        const auto& spellings = values[members[i].second];
        text += (i == 0 ? "" : ",") + blank() + "\"" + members[i].first + "\"" + blank() + ":" + blank() +
                spellings[pick(static_cast<unsigned>(spellings.size()))] + blank();
      }
      return text + "}" + blank();
    };
    const std::string one = canonical(spell());
    CHECK(canonical(spell()) == one);
    CHECK(canonical(one) == one);
  }
}

TEST_CASE("damaged texts are refused or are canonical, and never more than that", "[engine][canonical_json]") {
  const std::string sound = R"({"a":[1.5e3,-0,"x\u00e9\\",{"b":null}],"c":true})";
  std::mt19937 random{21};
  std::string out;
  std::string again;
  for (int round = 0; round < 5000; ++round) {
    std::string text = sound;
    for (auto n = 1 + random() % 3; n > 0; --n) text[random() % text.size()] = static_cast<char>(random());
    if (random() % 4 == 0) text.resize(random() % text.size());
    if (!canonical_json(text, out)) {
      CHECK(out.empty());
      continue;
    }
    REQUIRE(canonical_json(out, again));
    CHECK(again == out);
  }
}

}  // namespace aicache::canonical_json_test
