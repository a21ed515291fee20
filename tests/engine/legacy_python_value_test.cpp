#include <catch2/catch.hpp>

#include <limits>
#include <string>
#include <vector>

#include "engine/legacy/python_json.hpp"
#include "engine/legacy/python_number.hpp"
#include "engine/legacy/python_repr.hpp"
#include "engine/legacy/python_text.hpp"

namespace aicache::legacy_python_value_test {

using namespace std::string_literals;

namespace {

using kind = python_value::kind;

std::string float_repr(double number) {
  std::string out;
  append_python_float(number, out);
  return out;
}

std::string repr(const python_value& value) {
  std::string out;
  append_python_repr(value, out);
  return out;
}

std::string repr_of_json(std::string_view text) {
  const auto read = read_python_json(text);
  return read ? repr(*read) : "refused: "s + to_string(read.why().code);
}

std::string rewritten(std::string_view text) {
  const auto read = read_python_json(text);
  std::string out = "before ";
  return read && append_json(*read, out) ? out.substr(7) : "no: " + out;
}

python_value holding(kind what, std::vector<python_value> elements) {
  python_value v(what);
  v.elements = std::move(elements);
  return v;
}

}  // namespace

TEST_CASE("floats are printed as Python prints them", "[engine][legacy][python]") {
  CHECK(float_repr(0.0) == "0.0");
  CHECK(float_repr(-0.0) == "-0.0");
  CHECK(float_repr(1) == "1.0");
  CHECK(float_repr(0.1) == "0.1");
  CHECK(float_repr(-123.456) == "-123.456");
  CHECK(float_repr(1e15) == "1000000000000000.0");
  CHECK(float_repr(9999999999999998.0) == "9999999999999998.0");
  CHECK(float_repr(1e16) == "1e+16");
  CHECK(float_repr(1.5e16) == "1.5e+16");
  CHECK(float_repr(1e100) == "1e+100");
  CHECK(float_repr(0.0001) == "0.0001");
  CHECK(float_repr(0.00012) == "0.00012");
  CHECK(float_repr(0.00001) == "1e-05");
  CHECK(float_repr(5e-324) == "5e-324");
  CHECK(float_repr(std::numeric_limits<double>::max()) == "1.7976931348623157e+308");
  CHECK(float_repr(1.0 / 3) == "0.3333333333333333");
  CHECK(float_repr(std::numeric_limits<double>::infinity()) == "inf");
  CHECK(float_repr(-std::numeric_limits<double>::infinity()) == "-inf");
  CHECK(float_repr(-std::numeric_limits<double>::quiet_NaN()) == "nan");
}

TEST_CASE("what no double can hold is an infinity or a zero", "[engine][legacy][python]") {
  CHECK(float_repr(python_float("1e400")) == "inf");
  CHECK(float_repr(python_float("-1e400")) == "-inf");
  CHECK(float_repr(python_float("1e-400")) == "0.0");
  CHECK(float_repr(python_float("-1e-400")) == "-0.0");
  CHECK(float_repr(python_float("1e99999999999999999999999")) == "inf");
  CHECK(float_repr(python_float("1e-99999999999999999999999")) == "0.0");
  CHECK(float_repr(python_float("0e99999999999999999999999")) == "0.0");
  CHECK(float_repr(python_float("0." + std::string(500, '0') + "1e600")) == "1e+99");
  CHECK(float_repr(python_float("1" + std::string(500, '0') + ".0e-600")) == "1e-100");
  CHECK(float_repr(python_float("1" + std::string(500, '0') + ".0")) == "inf");
  CHECK(float_repr(python_float("1" + std::string(500, '0') + "e-100")) == "inf");
  CHECK(float_repr(python_float("0." + std::string(500, '0') + "1")) == "0.0");
  CHECK(float_repr(python_float("-0." + std::string(500, '0') + "1e+100")) == "-0.0");
}

TEST_CASE("integers keep every digit", "[engine][legacy][python]") {
  CHECK(python_integer("-0") == "0");
  CHECK(python_integer("340282366920938463463374607431768211456") == "340282366920938463463374607431768211456");
  for (const char* bad : {"", "-", "01", "+1", "1.0", "1e1", " 1", "1 ", "0x1"}) CHECK_FALSE(python_integer(bad));
  CHECK(python_integer_of("") == "0");
  CHECK(python_integer_of("\xff") == "-1");
  CHECK(python_integer_of("\x80") == "-128");
  CHECK(python_integer_of("\xff\x00"s) == "255");
  CHECK(python_integer_of("\x00\xca\x9a\x3b\x00"s) == "1000000000");
  CHECK(python_integer_of("\x00\x00\x00\x00\x00\x00\x00\x00\xc0"s) == "-1180591620717411303424");
  CHECK(python_integer_of(std::string(8, '\0') + "\x01") == "18446744073709551616");
}

TEST_CASE("texts and bytes are quoted and escaped as repr does", "[engine][legacy][python]") {
  CHECK(repr({kind::text, "it's"}) == "\"it's\"");
  CHECK(repr({kind::text, "say \"x\""}) == "'say \"x\"'");
  CHECK(repr({kind::text, "it's \"x\""}) == "'it\\'s \"x\"'");
  CHECK(repr({kind::text, "\\\n\r\t\x01\x7f"}) == "'\\\\\\n\\r\\t\\x01\\x7f'");
  CHECK(repr({kind::text, "\0x"s}) == "'\\x00x'");
  CHECK(repr({kind::text, "é漢\U0001f600"}) == "'é漢\U0001f600'");
  CHECK(repr({kind::text, "\u0085\u00a0\u00ad\u2028\u200b\ue000\U000e0001"}) ==
        "'\\x85\\xa0\\xad\\u2028\\u200b\\ue000\\U000e0001'");
  CHECK(repr({kind::text, "\xed\xa0\x80"}) == "'\\ud800'");
  CHECK(repr({kind::bytes, std::string("a'\0\xff\n\\", 6)}) == "b\"a'\\x00\\xff\\n\\\\\"");
}

TEST_CASE("containers are printed with the commas of Python", "[engine][legacy][python]") {
  const python_value one(kind::integer, "1");
  const python_value two(kind::integer, "2");
  CHECK(repr(holding(kind::list, {one, two})) == "[1, 2]");
  CHECK(repr(holding(kind::tuple, {})) == "()");
  CHECK(repr(holding(kind::tuple, {one})) == "(1,)");
  CHECK(repr(holding(kind::tuple, {one, two})) == "(1, 2)");
  CHECK(repr(holding(kind::dict, {one, two, two, one})) == "{1: 2, 2: 1}");
  CHECK(repr(holding(kind::set, {})) == "set()");
  CHECK(repr(holding(kind::set, {one})) == "{1}");
  CHECK(repr(holding(kind::frozenset, {})) == "frozenset()");
  CHECK(repr(holding(kind::frozenset, {one, two})) == "frozenset({1, 2})");
}

TEST_CASE("JSON is read as json.loads reads it", "[engine][legacy][python]") {
  CHECK(repr_of_json(" [null, true, false, NaN, Infinity, -Infinity, -0, -0.0, 1E5] ") ==
        "[None, True, False, nan, inf, -inf, 0, -0.0, 100000.0]");
  CHECK(repr_of_json(R"({"b": 1, "a": {"d": [], "c": {}}})") == "{'b': 1, 'a': {'d': [], 'c': {}}}");
  CHECK(repr_of_json(R"({"a": 1, "b": 2, "a": 3, "c": 4, "b": 5, "a": 6})") == "{'a': 6, 'b': 5, 'c': 4}");
  CHECK(repr_of_json(R"(["\u0041\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\", "\ud83d", "\ude00\ud83d", "\ud83d\u0041"])") ==
        "['Aé\U0001f600/\\x08\\x0c\\n\\r\\t\"\\\\', '\\ud83d', '\\ude00\\ud83d', '\\ud83dA']");
}

TEST_CASE("a repeated name can be refused", "[engine][legacy][python]") {
  CHECK(read_python_json(R"({"a": 1, "b": {"a": 2}})", {}, repeated_names::refused));
  const auto read = read_python_json(R"({"b": [{"a": 1, "\u0061": 2}]})", {}, repeated_names::refused);
  REQUIRE_FALSE(read);
  CHECK(read.why().code == errc::invalid_argument);
}

TEST_CASE("what json.loads refuses is refused", "[engine][legacy][python]") {
  for (const std::string& bad : {""s,
                                 " "s,
                                 "nul"s,
                                 "tru"s,
                                 "nan"s,
                                 "-"s,
                                 "-inf"s,
                                 "01"s,
                                 "1."s,
                                 ".5"s,
                                 "1e"s,
                                 "1e+"s,
                                 "+1"s,
                                 "0x1"s,
                                 "1 2"s,
                                 "[1,]"s,
                                 "[,1]"s,
                                 "["s,
                                 "]"s,
                                 "[1 2]"s,
                                 "{"s,
                                 "{\"a\"}"s,
                                 "{\"a\":}"s,
                                 "{\"a\":1,}"s,
                                 "{a:1}"s,
                                 "{1:2}"s,
                                 "\""s,
                                 "\"\\"s,
                                 "\"\\\""s,
                                 "\"\\x41\""s,
                                 "\"\\u12\""s,
                                 "\"\\u12g4\""s,
                                 "\"\\u 123\""s,
                                 "\"\n\""s,
                                 "\"\0\""s,
                                 "'a'"s,
                                 "[1]\0"s,
                                 "\xef\xbb\xbf[1]"s,
                                 "\"\xff\""s,
                                 "\"\xc0\x80\""s,
                                 "\"\xed\xa0\x80\""s,
                                 "\"\xf4\x90\x80\x80\""s,
                                 "[\"a\" : 1]"s}) {
    INFO(bad);
    CHECK(repr_of_json(bad) == "refused: invalid_argument");
  }
}

TEST_CASE("nesting, digits and memory of JSON are bounded", "[engine][legacy][python]") {
  auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(repr_of_json(nested(python_depth_limit)) == nested(python_depth_limit));
  CHECK(repr_of_json(nested(python_depth_limit + 1)) == "refused: too_large");
  CHECK(repr_of_json(std::string(100'000, '[')) == "refused: too_large");
  CHECK(repr_of_json(std::string(python_digits_limit, '7')) == std::string(python_digits_limit, '7'));
  CHECK(repr_of_json(std::string(python_digits_limit + 1, '7')) == "refused: too_large");
  const auto read = read_python_json("[1,2,3,4]", {3 * sizeof(python_value)});
  REQUIRE_FALSE(read);
  CHECK(read.why().code == errc::too_large);
}

TEST_CASE("a value is written as compact JSON, or not at all", "[engine][legacy][python]") {
  CHECK(
      rewritten(R"( {"b": [1, 2.50, -0.0, 1e16, null, true], "a": "\u00e9\u2028\ud83d\ude00\n\u0001\"\\\u007f/"} )") ==
      "{\"b\":[1,2.5,-0.0,1e+16,null,true],\"a\":\"é\u2028\U0001f600\\n\\u0001\\\"\\\\\x7f/\"}");
  CHECK(rewritten("123456789012345678901234567890") == "123456789012345678901234567890");
  for (const char* not_json : {"NaN", "[Infinity]", "{\"a\":-Infinity}", "[\"\\ud800\"]", "{\"\\udc00\":1}", "1e400"})
    CHECK(rewritten(not_json) == "no: before ");
  std::string out;
  CHECK(append_json(holding(kind::tuple, {python_value{}, python_value::of(false)}), out));
  CHECK(out == "[null,false]");
  CHECK_FALSE(append_json(holding(kind::set, {}), out));
  CHECK_FALSE(append_json(python_value(kind::bytes, "a"), out));
  CHECK_FALSE(append_json(holding(kind::dict, {python_value(kind::integer, "1"), python_value{}}), out));
  CHECK(out == "[null,false]");
}

TEST_CASE("code points are counted as Python counts them, and words as it splits them", "[engine][legacy][python]") {
  auto measured = [](std::string_view text) {
    const auto m = measure_text(text);
    return m ? std::vector<std::uint64_t>{m->code_points, m->words} : std::vector<std::uint64_t>{};
  };
  using numbers = std::vector<std::uint64_t>;
  CHECK(measured("") == numbers{0, 0});
  CHECK(measured(" \t\n\u3000 ") == numbers{5, 0});
  CHECK(measured("one  two\x1cthree\u0085four") == numbers{19, 4});
  CHECK(measured("not\u200bsplit") == numbers{9, 1});
  CHECK(measured("\U0001f600 é") == numbers{3, 2});
  CHECK(measured("\xff") == numbers{});
  CHECK(measured("a\xe2\x82") == numbers{});
}

}  // namespace aicache::legacy_python_value_test
