#include "engine/identity/normalise.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace aicache::normalise_test {

using namespace std::string_literals;

namespace {

std::string composed(std::string_view text) {
  std::string out = "left over";
  REQUIRE(compose_unicode(text, out));
  return out;
}

std::string lines(std::string_view text, bool ends_as_lf, bool drop_blanks) {
  line_normaliser normaliser{ends_as_lf, drop_blanks};
  std::string out;
  normaliser.append(text, out);
  normaliser.finish();
  return out;
}

std::uint64_t code_points(std::string_view text) {
  code_point_counter counter;
  counter.append(text);
  return counter.finish();
}

std::string random_text(std::mt19937& random, const std::vector<std::string>& pieces) {
  std::string text;
  for (auto n = random() % 30; n > 0; --n) text += pieces[random() % pieces.size()];
  return text;
}

/// Hands `text` over in random pieces, empty ones among them.
template <class Take>
void in_pieces(std::mt19937& random, std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t size = random() % (std::min<std::size_t>(text.size(), 4) + 1);
    take(text.substr(0, size));
    text.remove_prefix(size);
  }
}

}  // namespace

TEST_CASE("a decomposed text becomes the composed one", "[engine][normalise]") {
  CHECK(composed("e\xcc\x81") == "\xc3\xa9");
  CHECK(composed("\xc3\xa9") == "\xc3\xa9");
  CHECK(composed("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab") == "\xed\x95\x9c");  // Hangul
  CHECK(composed("\xe2\x84\xab") == "\xc3\x85");                              // the angstrom sign
  CHECK(composed("q\xcc\x87\xcc\xa3") == "q\xcc\xa3\xcc\x87");                // marks in their canonical order
  CHECK(composed("\xef\xac\x81") == "\xef\xac\x81");                          // a ligature means something else: kept
}

TEST_CASE("ASCII and zero bytes pass composition unchanged", "[engine][normalise]") {
  CHECK(composed("").empty());
  CHECK(composed("plain \r\n text\t ") == "plain \r\n text\t ");
  CHECK(composed("a\0b"s) == "a\0b"s);
  CHECK(composed("a\0e\xcc\x81"s) == "a\0\xc3\xa9"s);
}

TEST_CASE("a text that is not UTF-8 passes composition unchanged as a whole", "[engine][normalise]") {
  for (const std::string& text : {"e\xcc\x81\xff"s, "\x80"s, "e\xcc\x81\xed\xa0\x80"s, "e\xcc\x81\xc3"s})
    CHECK(composed(text) == text);
}

TEST_CASE("line ends become LF", "[engine][normalise]") {
  CHECK(lines("a\r\nb\rc\nd", true, false) == "a\nb\nc\nd");
  CHECK(lines("\r\r\n\n\r", true, false) == "\n\n\n\n");
  CHECK(lines("a \r\n", true, false) == "a \n");
  CHECK(lines("\r \n", true, false) == "\n \n");
}

TEST_CASE("blanks before a line end and the end are dropped, others stay", "[engine][normalise]") {
  CHECK(lines("  a \t b \t\nc\t\r\n d  ", false, true) == "  a \t b\nc\r\n d");
  CHECK(lines(" \t ", false, true).empty());
  CHECK(lines("a \rb", false, true) == "a\rb");
  CHECK(lines("a\xc2\xa0\n", false, true) == "a\xc2\xa0\n");  // a no-break space is text
}

TEST_CASE("both line rules work together", "[engine][normalise]") {
  CHECK(lines("a \r\nb\t\rc  \n  ", true, true) == "a\nb\nc\n");
  CHECK(lines("\r \n", true, true) == "\n\n");
}

TEST_CASE("with no rule on the bytes stay", "[engine][normalise]") {
  CHECK(lines("a \r\nb\t\r\xff\0 "s, false, false) == "a \r\nb\t\r\xff\0 "s);
}

TEST_CASE("a line normaliser starts its next text afresh", "[engine][normalise]") {
  line_normaliser normaliser{true, true};
  std::string out;
  normaliser.append("a\r", out);
  normaliser.finish();
  normaliser.append("\nb ", out);
  normaliser.finish();
  normaliser.append("c", out);
  CHECK(out == "a\n\nbc");
}

TEST_CASE("lines are the same in pieces as in one, and normalised lines stay", "[engine][normalise]") {
  std::mt19937 random{1};
  for (int round = 0; round < 4000; ++round) {
    const std::string text = random_text(random, {" ", "\t", "\r", "\n", "\r\n", "x", "yz", "\xc3\xa9"});
    const bool ends_as_lf = random() % 2;
    const bool drop_blanks = random() % 2;
    const std::string whole = lines(text, ends_as_lf, drop_blanks);
    line_normaliser normaliser{ends_as_lf, drop_blanks};
    std::string out;
    in_pieces(random, text, [&](std::string_view piece) { normaliser.append(piece, out); });
    CHECK(out == whole);
    CHECK(lines(whole, ends_as_lf, drop_blanks) == whole);
  }
}

TEST_CASE("code points are counted, and bytes that are none one each", "[engine][normalise]") {
  CHECK(code_points("") == 0);
  CHECK(code_points("hello, world") == 12);
  CHECK(code_points("a\0b"s) == 3);
  CHECK(code_points("\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80") == 3);
  CHECK(code_points("e\xcc\x81") == 2);
  CHECK(code_points("\xff\xfe") == 2);
  CHECK(code_points("\xe4\xb8") == 2);  // cut short
  CHECK(code_points("\xe4\xb8z") == 3);
  CHECK(code_points("\xf0\x9f\x98") == 3);
  CHECK(code_points("\xed\xa0\x80") == 3);  // a surrogate
  CHECK(code_points("\xc0\x80") == 2);      // overlong
  CHECK(code_points("\xe0\x80\x80") == 3);
  CHECK(code_points("\xf4\x90\x80\x80") == 4);  // beyond Unicode
  CHECK(code_points("\xf4\x8f\xbf\xbf") == 1);
  CHECK(code_points("\xe4\xf0\x9f\x98\x80") == 2);  // a lone lead before a sound sequence
}

TEST_CASE("code points are the same in pieces as in one", "[engine][normalise]") {
  std::mt19937 random{2};
  code_point_counter counter;
  for (int round = 0; round < 6000; ++round) {
    const std::string text =
        random_text(random, {"a", "0123456789", "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x98\x80", "\xff", "\xe4",
                             "\xf0\x9f", "\x80", "\xed\xa0\x80", "\xf4\x8f\xbf", "\xe0", "\xf0\x90\x80"});
    in_pieces(random, text, [&](std::string_view piece) { counter.append(piece); });
    CHECK(counter.finish() == code_points(text));
  }
}

}  // namespace aicache::normalise_test
