#include "config/value_types.hpp"

#include <catch2/catch.hpp>

#include "config/units.hpp"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace aicache::value_types_test {

using namespace aicache::config;

namespace {

written free_text(std::string text) { return {std::move(text), false}; }
template <class T>
written toml(T value) {
  return {std::move(value), true};
}

struct size_case {
  std::string text;
  std::uint64_t bytes;
};
struct time_case {
  std::string text;
  std::chrono::milliseconds time;
};
struct refusal_case {
  std::string text;
  std::string why;
};

}  // namespace

TEST_CASE("sizes are read in every unit and spelled in the largest that fits", "[config][values]") {
  const auto c = GENERATE(values<size_case>({{"0", 0},
                                             {"1", 1},
                                             {"1023", 1023},
                                             {"1KiB", 1024},
                                             {"512KiB", 512 * 1024},
                                             {"64MiB", 64_MiB},
                                             {"1GiB", 1_GiB},
                                             {"3TiB", 3_TiB},
                                             {"18446744073709551615", UINT64_MAX}}));
  CHECK(read_size(c.text).value == c.bytes);
  CHECK(spell_size(c.bytes) == c.text);
}

TEST_CASE("other spellings of a size mean the same", "[config][values]") {
  CHECK(read_size("1024KiB").value == 1_MiB);
  CHECK(read_size("1048576").value == 1_MiB);
  CHECK(read_size("0GiB").value == 0);
  CHECK(read_size("007").value == 7);
}

TEST_CASE("a text that is no size says why", "[config][values]") {
  const auto c = GENERATE(values<refusal_case>({{"", "is empty"},
                                                {"-1", "is negative"},
                                                {"-64MiB", "is negative"},
                                                {"lots", "does not start with a number"},
                                                {"+5", "does not start with a number"},
                                                {" 5", "does not start with a number"},
                                                {"KiB", "does not start with a number"},
                                                {"1.5GiB", "is not a whole number"},
                                                {"64MB", "has an unknown unit, \"MB\""},
                                                {"64mib", "has an unknown unit, \"mib\""},
                                                {"64 MiB", "has an unknown unit, \" MiB\""},
                                                {"0x10", "has an unknown unit, \"x10\""},
                                                {"64MiB ", "has an unknown unit, \"MiB \""},
                                                {std::string("1\0", 2), "has an unknown unit, \"\\u0000\""},
                                                {"18446744073709551616", "is more than can be counted"},
                                                {"16777216TiB", "is more than can be counted"},
                                                {"99999999999GiB", "is more than can be counted"}}));
  CAPTURE(c.text);
  const auto read = read_size(c.text);
  CHECK_FALSE(read.value);
  CHECK(read.refusal == c.why);
}

TEST_CASE("lengths of time are read in every unit and spelled in the largest that fits", "[config][values]") {
  const auto c = GENERATE(values<time_case>({{"0ms", 0_ms},
                                             {"250ms", 250_ms},
                                             {"1001ms", 1001_ms},
                                             {"30s", 30_s},
                                             {"5m", 5_m},
                                             {"2h", 2_h},
                                             {"25h", 25_h},
                                             {"7d", 7_d},
                                             {"9223372036854775807ms", std::chrono::milliseconds::max()}}));
  CHECK(read_time(c.text).value == c.time);
  CHECK(spell_time(c.time) == c.text);
}

TEST_CASE("a text that is no length of time says why", "[config][values]") {
  const auto c = GENERATE(values<refusal_case>({{"", "is empty"},
                                                {"-5s", "is negative"},
                                                {"5", "has no unit"},
                                                {"0", "has no unit"},
                                                {"soon", "does not start with a number"},
                                                {"1.5h", "is not a whole number"},
                                                {"5S", "has an unknown unit, \"S\""},
                                                {"5min", "has an unknown unit, \"min\""},
                                                {"1h30m", "has an unknown unit, \"h30m\""},
                                                {"9223372036854775808ms", "is more than can be counted"},
                                                {"99999999999999999d", "is more than can be counted"}}));
  CAPTURE(c.text);
  const auto read = read_time(c.text);
  CHECK_FALSE(read.value);
  CHECK(read.refusal == c.why);
}

TEST_CASE("a negative length of time, made in code, is still shown as what it is", "[config][values]") {
  CHECK(spell_time(std::chrono::milliseconds{-1500}) == "-1500ms");
  CHECK(spell_time(std::chrono::milliseconds::min()) == "-9223372036854775808ms");
}

TEST_CASE("every size and time is read from its own spelling", "[config][values]") {
  std::mt19937_64 random(7411);
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t number = random() >> (random() % 64);
    REQUIRE(read_size(spell_size(number)).value == number);
    const std::chrono::milliseconds time{static_cast<std::int64_t>(number >> 1)};
    REQUIRE(read_time(spell_time(time)).value == time);
  }
}

TEST_CASE("a whole number is nothing but digits with a sign", "[config][values]") {
  CHECK(type::integer::read(free_text("4096")).value == 4096);
  CHECK(type::integer::read(free_text("-1")).value == -1);
  CHECK(type::integer::read(free_text("9223372036854775807")).value == INT64_MAX);
  CHECK(type::integer::read(free_text("9223372036854775808")).refusal == "is more than can be counted");
  for (const char* text : {"+1", " 1", "1 ", "1.0", "0x10", "1e3", "one", "1_000"})
    CHECK(type::integer::read(free_text(text)).refusal == "is not a whole number");
  CHECK(type::integer::read(free_text("")).refusal == "is empty");
}

TEST_CASE("TOML's own types are not mixed up", "[config][values]") {
  const std::string other = "is of another type";
  CHECK(type::integer::read(toml(std::int64_t{4})).value == 4);
  CHECK(type::integer::read(toml(std::string("4"))).refusal == other);
  CHECK(type::integer::read(toml(4.0)).refusal == other);
  CHECK(type::size::read(toml(std::int64_t{4})).value == 4);
  CHECK(type::size::read(toml(std::int64_t{-4})).refusal == "is negative");
  CHECK(type::size::read(toml(std::string("4KiB"))).value == 4096);
  CHECK(type::size::read(toml(true)).refusal == other);
  CHECK(type::length_of_time::read(toml(std::int64_t{4})).refusal == "has no unit");
  CHECK(type::length_of_time::read(toml(4.5)).refusal == other);
  CHECK(type::real::read(toml(0.25)).value == 0.25);
  CHECK(type::real::read(toml(std::int64_t{0})).value == 0.0);
  CHECK(type::real::read(toml(std::string("0.25"))).refusal == other);
  CHECK(type::boolean::read(toml(true)).value == true);
  CHECK(type::boolean::read(toml(std::string("true"))).refusal == other);
  CHECK(type::boolean::read(toml(std::int64_t{1})).refusal == other);
  CHECK(type::text::read(toml(std::string("x"))).value == "x");
  CHECK(type::text::read(toml(std::int64_t{1})).refusal == other);
  CHECK(type::count_or_auto::read(toml(std::string("auto"))).value == 0U);
  CHECK(type::count_or_auto::read(toml(std::int64_t{8})).value == 8U);
  CHECK(type::count_or_auto::read(toml(std::string("8"))).refusal == other);
  CHECK(type::times_by_name::read(toml(std::string("qa=1h"))).refusal == other);
  CHECK(type::text::read(toml(written::unsuitable{"a list"})).refusal == other);
}

TEST_CASE("a switch is true or false and nothing else", "[config][values]") {
  CHECK(type::boolean::read(free_text("true")).value == true);
  CHECK(type::boolean::read(free_text("false")).value == false);
  for (const char* text : {"yes", "on", "1", "True", " true"})
    CHECK(type::boolean::read(free_text(text)).refusal == "is neither");
  CHECK(type::boolean::read(free_text("")).refusal == "is empty");
}

TEST_CASE("a real number is finite, whole text, and spelled so that it is read again", "[config][values]") {
  CHECK(type::real::read(free_text("0.5")).value == 0.5);
  CHECK(type::real::read(free_text("1e-2")).value == 0.01);
  CHECK(type::real::read(free_text("")).refusal == "is empty");
  CHECK(type::real::read(free_text("1e999")).refusal == "is more than can be counted");
  for (const char* text : {"half", "0,5", "0.5x", "+0.5", " 0.5"})
    CHECK(type::real::read(free_text(text)).refusal == "is not a number");
  CHECK(type::real::refuse(std::nan(""), 0, 1) == "is not a number");
  CHECK(type::real::refuse(std::numeric_limits<double>::infinity(), 0, 1) == "is too large");
  CHECK(type::real::refuse(-0.1, 0, 1) == "is too small");
  CHECK(type::real::refuse(1, 0, 1).empty());
  CHECK(type::real::to_toml(1) == "1.0");
  CHECK(type::real::to_toml(0.1) == "0.1");
  std::mt19937_64 random(7411);
  std::uniform_real_distribution<double> any(0, 100);
  for (int i = 0; i < 1000; ++i) {
    const double number = any(random);
    REQUIRE(type::real::read(free_text(type::real::to_text(number))).value == number);
  }
}

TEST_CASE("a count is auto or a number, and 0 is neither", "[config][values]") {
  CHECK(type::count_or_auto::read(free_text("auto")).value == 0U);
  CHECK(type::count_or_auto::read(free_text("12")).value == 12U);
  CHECK(type::count_or_auto::read(free_text("0")).refusal == "is too small");
  CHECK(type::count_or_auto::read(free_text("-1")).refusal == "is too small");
  CHECK(type::count_or_auto::read(free_text("4294967296")).refusal == "is too large");
  CHECK(type::count_or_auto::read(free_text("Auto")).refusal == "is not a whole number");
  CHECK(type::count_or_auto::to_text(0) == "auto");
  CHECK(type::count_or_auto::to_toml(0) == "\"auto\"");
  CHECK(type::count_or_auto::to_toml(12) == "12");
  CHECK(type::count_or_auto::refuse(0, 1, 4).empty());
  CHECK(type::count_or_auto::refuse(5, 1, 4) == "is too large");
}

TEST_CASE("a text is printable ASCII of the allowed length", "[config][values]") {
  CHECK(type::text::refuse("", 1, 4) == "is empty");
  CHECK(type::text::refuse("", 0, 4).empty());
  CHECK(type::text::refuse("a", 2, 4) == "is too short");
  CHECK(type::text::refuse("abcde", 2, 4) == "is too long");
  CHECK(type::text::refuse("ab ~", 2, 4).empty());
  for (const std::string& text :
       {std::string("a\nb"), std::string("a\0b", 3), std::string("\x7f\x7f"), std::string("\xc3\xa9")})
    CHECK(type::text::refuse(text, 1, 9) == "has characters that are not printable ASCII");
  CHECK(type::text::to_toml("a\"b\\c") == R"("a\"b\\c")");
}

TEST_CASE("times by name read alike from a table and from a list", "[config][values]") {
  const type::times_by_name::stored both{{"qa", 30_m}, {"summarize", 2_h}};
  CHECK(type::times_by_name::read(free_text("summarize=2h,qa=30m")).value == both);
  CHECK(type::times_by_name::read(free_text(" summarize = 2h , qa =30m ")).value == both);
  CHECK(type::times_by_name::read(toml(written::table{{"summarize", "2h"}, {"qa", "30m"}})).value == both);
  CHECK(type::times_by_name::to_text(both) == "qa=30m,summarize=2h");
  CHECK(type::times_by_name::to_toml(both) == R"({ qa = "30m", summarize = "2h" })");
  CHECK(type::times_by_name::to_toml({{"a.b:c", 1_s}}) == R"({ "a.b:c" = "1s" })");
  CHECK(type::times_by_name::read(free_text("none")).value == type::times_by_name::stored{});
  CHECK(type::times_by_name::read(toml(written::table{})).value == type::times_by_name::stored{});
  CHECK(type::times_by_name::to_text({}) == "none");
  CHECK(type::times_by_name::to_toml({}) == "{}");
}

TEST_CASE("prices of models are read from tables and from text, to the millionth", "[config]") {
  using prices = type::prices_by_name;
  const prices::stored both{{"large*", {3'000'000, 15'000'000}}, {"maker/small", {150'000, 600'001}}};
  CHECK(prices::read(free_text("large*=3/15, maker/small = 0.15/0.600001")).value == both);
  CHECK(prices::read(toml(written::table{{"large*", "3/15"}, {"maker/small", "0.150/0.600001"}})).value == both);
  CHECK(prices::to_text(both) == "large*=3/15,maker/small=0.15/0.600001");
  CHECK(prices::to_toml(both) == R"({ "large*" = "3/15", "maker/small" = "0.15/0.600001" })");
  CHECK(prices::read(free_text("none")).value == prices::stored{});
  CHECK(prices::refuse(both, 0, 15'000'000).empty());
  CHECK_THAT(prices::refuse(both, 0, 14'999'999), Catch::Contains("\"large*\"") && Catch::Contains("0 to 14.999999"));
  CHECK(prices::refuse({{"*", {1, 1}}}, 0, 10).empty());
  for (const char* name : {"", "a b", "a*b", "**"}) CHECK_FALSE(prices::refuse({{name, {1, 1}}}, 0, 10).empty());
  for (const char* wrong : {"m=3", "m=/3", "m=3/", "m=3/x", "m=-1/2", "m=1./2", "m=.5/2", "m=0.1234567/2", "m=1/2/3",
                            "m=9999999999/1", "m=1/2,m=3/4", "m 1/2"})
    CHECK_FALSE(prices::read(free_text(wrong)).value);
}

TEST_CASE("portions are shares or sizes, or none", "[config][values]") {
  using portion = type::portion;
  const portion::stored none{};
  const portion::stored quarter{0, 250'000};
  const portion::stored large{64_MiB, 0};
  CHECK(portion::read(free_text("none")).value == none);
  CHECK(portion::read(free_text("0")).value == none);
  CHECK(portion::read(free_text("25%")).value == quarter);
  CHECK(portion::read(free_text("0.5%")).value == portion::stored{0, 5'000});
  CHECK(portion::read(toml(std::string("64MiB"))).value == large);
  CHECK(portion::read(toml(std::int64_t{4096})).value == portion::stored{4096, 0});
  for (const auto& p : {none, quarter, large, portion::stored{0, 123'456}})
    CHECK(portion::read(free_text(portion::to_text(p))).value == p);
  CHECK(portion::to_text(quarter) == "25%");
  CHECK(portion::to_text({0, 123'456}) == "12.3456%");
  CHECK(portion::to_toml(large) == "\"64MiB\"");
  CHECK(portion::to_text(none) == "none");
  CHECK(quarter.of(1_MiB) == 256 * 1024);
  CHECK(quarter.of(1_TiB) == 1_TiB / 4);
  CHECK(large.of(1_MiB) == 64_MiB);
  CHECK(portion::refuse(quarter, 0, 1) == "");
  CHECK(portion::refuse({0, 1'000'001}, 0, 1) == "is more than the whole");
  CHECK(portion::refuse(large, 0, 1_MiB) == "is too large");
  for (const char* wrong : {"", "%", "x%", "-1%", "1.23456%", "25 %", "MiB", "25%%"}) {
    CAPTURE(wrong);
    CHECK_FALSE(portion::read(free_text(wrong)).value);
  }
  CHECK(portion::read(toml(true)).refusal == "is of another type");
}

TEST_CASE("portions by name read alike from a table and from a list", "[config][values]") {
  using portions = type::portions_by_name;
  const portions::stored both{{"acme", {0, 250'000}}, {"initech", {64_MiB, 0}}};
  CHECK(portions::read(free_text("acme=25%, initech = 64MiB")).value == both);
  CHECK(portions::read(toml(written::table{{"acme", "25%"}, {"initech", "64MiB"}})).value == both);
  CHECK(portions::to_text(both) == "acme=25%,initech=64MiB");
  CHECK(portions::to_toml(both) == R"({ acme = "25%", initech = "64MiB" })");
  CHECK(portions::read(free_text("free=none")).value == portions::stored{{"free", {}}});
  CHECK(portions::refuse(both, 0, 64_MiB).empty());
  CHECK(portions::refuse(both, 0, 1_MiB) == "has an entry \"initech\" that is too large");
  CHECK(portions::refuse({{"a b", {}}}, 0, 1) == "has an entry with a name that cannot be, \"a b\"");
  CHECK(portions::read(free_text("acme=120x")).refusal == "has an entry \"acme\" that has an unknown unit, \"x\"");
}

TEST_CASE("times by name that are wrong name the entry", "[config][values]") {
  const auto c = GENERATE(values<refusal_case>({{"", "is empty"},
                                                {"qa", "has an entry without \"=\""},
                                                {"qa=1h,", "has an entry without \"=\""},
                                                {",qa=1h", "has an entry without \"=\""},
                                                {"=1h", "has an entry without a name"},
                                                {"qa=", "has an entry \"qa\" that is empty"},
                                                {"qa=5", "has an entry \"qa\" that has no unit"},
                                                {"qa=-5s", "has an entry \"qa\" that is negative"},
                                                {"qa=1h=2h", "has an entry \"qa\" that has an unknown unit, \"h=2h\""},
                                                {"qa=1h,qa=2h", "has an entry \"qa\" that is there twice"},
                                                {"qa=20m", "has an entry \"qa\" that is too large"},
                                                {"qa=1ms", "has an entry \"qa\" that is too small"},
                                                {"q a=1m", "has an entry with a name that cannot be, \"q a\""}}));
  CAPTURE(c.text);
  const auto read = type::times_by_name::read(free_text(c.text));
  CHECK((read.value ? type::times_by_name::refuse(*read.value, 10_ms, 10_m) : read.refusal) == c.why);
}

TEST_CASE("a table with entries of another type is refused by their name", "[config][values]") {
  const auto read = type::times_by_name::read(toml(written::table{{"qa", std::int64_t{5}}}));
  CHECK_FALSE(read.value);
  CHECK(read.refusal == "has an entry \"qa\" that is no text such as \"2h\"");
}

TEST_CASE("a value is shown short, quoted and without control characters", "[config][values]") {
  CHECK(shown(free_text("12x")) == "\"12x\"");
  CHECK(shown(free_text("\x1b[2J\n")) == "\"\\u001b[2J\\u000a\"");
  CHECK(shown(free_text(std::string(100, 'x'))) == '"' + std::string(64, 'x') + "\"...");
  CHECK(shown(toml(std::int64_t{5})) == "5");
  CHECK(shown(toml(true)) == "true");
  CHECK(shown(toml(0.5)) == "0.5");
  CHECK(shown(toml(written::table{})) == "a table");
  CHECK(shown(toml(written::unsuitable{"a list"})) == "a list");
}

}  // namespace aicache::value_types_test
