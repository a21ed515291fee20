#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "engine/identity/identify.hpp"

namespace aicache::identity_test {

using namespace std::string_literals;

namespace {

request sample() {
  return {"acme", "gpt-4o", "summarize", "The quarter was good.", R"({"max_length":100,"style":"bullet"})", "Why?"};
}

identified identified_by(const request& asked, const identity_options& options = {}) {
  identifier computes{options};
  const auto done = computes.identify(asked);
  REQUIRE(done);
  return *done;
}

identity id_of(const request& asked, const identity_options& options = {}) { return identified_by(asked, options).id; }

identity id_of_text(const std::string& text, const identity_options& options = {}) {
  request asked = sample();
  asked.text = text;
  return id_of(asked, options);
}

errc refusal(const request& asked, const identity_options& options = {}) {
  identifier computes{options};
  const auto done = computes.identify(asked);
  return done ? errc::none : done.why().code;
}

identity_options normalising() {
  identity_options options;
  options.unicode_nfc = options.line_ends = options.trailing_blanks = true;
  return options;
}

}  // namespace

// The digests below were computed by another SHA-256 over the bytes that the header spells out. If they
// change, every answer stored by older nodes is lost: raise the version of the form knowingly.
TEST_CASE("the canonical form is frozen", "[engine][identity]") {
  const request worked{"t", "m", "op", "hi", R"({"b":1.0,"a":2})", ""};
  CHECK(id_of(worked).hex() == "d6392d79f80b531b99f7a5fb979d93d7e5f34908af066002c77a90195ff634b2");
  CHECK(id_of(worked).key() == key128{0xd6392d79f80b531bULL, 0x99f7a5fb979d93d7ULL});
  identifier computes{{}};
  CHECK(computes.identify_generic("t", "k")->id.hex() ==
        "e8d1a2ef793dd67e61f6cabce824815fec9c3ec1e6087d3bf6b26525be0cc49f");
  CHECK(id_of(sample()).hex() == "3f0aebe941ebfc4bac2c6cee3c8b2c96246a2793fcff6cde76274eb174c12e20");
}

TEST_CASE("a request's identity does not depend on what was identified before", "[engine][identity]") {
  identifier computes{{}};
  const auto first = computes.identify(sample());
  REQUIRE(computes.identify_generic("acme", "k"));
  request other = sample();
  other.options = R"({"style":"prose"})";
  REQUIRE(computes.identify(other));
  other.options = "not JSON";
  REQUIRE_FALSE(computes.identify(other));
  const auto again = computes.identify(sample());
  REQUIRE((first && again));
  CHECK(*again == *first);
  CHECK(*again == identified_by(sample()));
}

TEST_CASE("options refused in between do not change what the options before them mean", "[engine][identity]") {
  identifier computes{{}};
  request bad = sample();
  bad.options = R"({"a":1,"a":2})";
  for (int round = 0; round < 3; ++round) {
    CHECK(computes.identify(sample())->id == id_of(sample()));
    REQUIRE_FALSE(computes.identify(bad));
  }
}

TEST_CASE("refused options are refused again, and do not lend their place to other ones", "[engine][identity]") {
  identifier computes{{}};
  request bad = sample();
  bad.options = R"({"a":1,"a":2})";
  request none = sample();
  none.options.clear();
  for (int round = 0; round < 2; ++round) {
    const auto refused = computes.identify(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.why().code == errc::invalid_argument);
    CHECK(computes.identify(none)->id == id_of(none));
  }
}

TEST_CASE("every field is part of the identity", "[engine][identity]") {
  const std::vector<std::function<void(request&)>> changes{[](request& r) { r.tenant += "x"; },
                                                           [](request& r) { r.tenant.clear(); },
                                                           [](request& r) { r.model += "x"; },
                                                           [](request& r) { r.model.clear(); },
                                                           [](request& r) { r.operation = "qa"; },
                                                           [](request& r) { r.text += " "; },
                                                           [](request& r) { r.text[0] = 't'; },
                                                           [](request& r) { r.options = R"({"max_length":101,"style":"bullet"})"; },
                                                           [](request& r) { r.options.clear(); },
                                                           [](request& r) { r.options = R"({"max_length":"100","style":"bullet"})"; },
                                                           [](request& r) { r.question += "?"; },
                                                           [](request& r) { r.question.clear(); }};
  std::vector<identity> seen{id_of(sample())};
  for (const auto& change : changes) {
    request asked = sample();
    change(asked);
    const identity id = id_of(asked);
    CHECK(std::count(seen.begin(), seen.end(), id) == 0);
    seen.push_back(id);
  }
}

TEST_CASE("any random change of one byte changes the identity", "[engine][identity]") {
  std::mt19937 random{3};
  identifier computes{{}};
  const std::vector<std::string request::*> fields{&request::tenant, &request::model, &request::operation,
                                                   &request::text, &request::question};
  const identity before = id_of(sample());
  for (int round = 0; round < 2000; ++round) {
    request asked = sample();
    std::string& field = asked.*fields[random() % fields.size()];
    char& byte = field[random() % field.size()];
    byte = static_cast<char>(byte ^ static_cast<char>(1 + random() % 255));
    const auto done = computes.identify(asked);
    REQUIRE(done);
    CHECK(done->id != before);
  }
}

TEST_CASE("bytes that move to a neighbouring field change the identity", "[engine][identity]") {
  const std::vector<std::string request::*> fields{&request::tenant, &request::model, &request::operation,
                                                   &request::question, &request::text};
  for (std::size_t i = 0; i + 1 < fields.size(); ++i) {
    request asked = sample();
    for (auto field : fields) asked.*field = "aaaa";
    const identity before = id_of(asked);
    (asked.*fields[i]).pop_back();
    (asked.*fields[i + 1]).push_back('a');
    CHECK(id_of(asked) != before);
  }
}

TEST_CASE("two tenants never share an identity", "[engine][identity]") {
  identifier computes{{}};
  request mine = sample();
  request theirs = sample();
  theirs.tenant = "acme2";
  CHECK(id_of(mine) != id_of(theirs));
  CHECK(computes.identify_generic("acme", "k")->id != computes.identify_generic("acme2", "k")->id);
  // A tenant cannot spell itself into another's space through the field next to it.
  CHECK(computes.identify_generic("a", "cme")->id != computes.identify_generic("ac", "me")->id);
  CHECK(computes.identify_generic("", "acme")->id != computes.identify_generic("acme", "acme")->id);
}

TEST_CASE("generic keys and requests have separate name spaces", "[engine][identity]") {
  // A generic key that spells out the rest of a request's form.
  request asked{"t", "", "o", "x", "", ""};
  const std::string rest = "\0\0\0\0\1\0\0\0o\2\0\0\0{}\0\0\0\0x\1\0\0\0\0\0\0\0"s;
  identifier computes{{}};
  CHECK(computes.identify_generic("t", rest)->id != id_of(asked));
  CHECK(computes.identify_generic("t", "x")->code_points == 0);
}

TEST_CASE("options are one however they are spelled", "[engine][identity]") {
  const identity before = id_of(sample());
  for (const char* same :
       {R"({"style":"bullet","max_length":100})", R"({"max_length":100.0,"style":"bullet"})",
        R"({ "max_length" : 1e2, "style" : "bullet" })", R"({"max_length":100,"st\u0079le":"b\u0075llet"})"}) {
    request asked = sample();
    asked.options = same;
    CHECK(id_of(asked) == before);
  }
  request none = sample();
  none.options.clear();
  request empty = sample();
  empty.options = " {} ";
  CHECK(id_of(none) == id_of(empty));
}

TEST_CASE("texts of any bytes are accepted and told apart", "[engine][identity]") {
  const std::vector<std::string> texts{"a",     "a\0"s,     "a\0b"s,     "\0"s,          "\0\0"s, "\xff",
                                       "\xfe",  "\xc3\xa9", "e\xcc\x81", "\xed\xa0\x80", "a ",    "a\n",
                                       "a\r\n", "a\r",      "A",         " a",           "\xc3",  "\xc3\xc3"};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) CHECK(id_of_text(texts[i]) != id_of_text(texts[j]));
  }
}

TEST_CASE("each normalisation joins what it is for and nothing else", "[engine][identity]") {
  identity_options nfc;
  nfc.unicode_nfc = true;
  CHECK(id_of_text("e\xcc\x81", nfc) == id_of_text("\xc3\xa9", nfc));
  CHECK(id_of_text("a\r\n", nfc) != id_of_text("a\n", nfc));
  CHECK(id_of_text("e\xcc\x81\xff", nfc) != id_of_text("\xc3\xa9\xff", nfc));  // not UTF-8: as it is
  CHECK(id_of_text("e\xcc\x81\xff", nfc) == id_of_text("e\xcc\x81\xff"));
  identity_options ends;
  ends.line_ends = true;
  CHECK(id_of_text("a\r\nb\rc", ends) == id_of_text("a\nb\nc", ends));
  CHECK(id_of_text("a \n", ends) != id_of_text("a\n", ends));
  identity_options blanks;
  blanks.trailing_blanks = true;
  CHECK(id_of_text("a \t\nb  ", blanks) == id_of_text("a\nb", blanks));
  CHECK(id_of_text("a  b", blanks) != id_of_text("a b", blanks));
  CHECK(id_of_text(" a", blanks) != id_of_text("a", blanks));
  CHECK(id_of_text("a\r\n", blanks) != id_of_text("a\n", blanks));
}

TEST_CASE("a text that needs no normalisation has one identity under all settings", "[engine][identity]") {
  CHECK(id_of(sample(), normalising()) == id_of(sample()));
  CHECK(id_of_text("e\xcc\x81 \r\n", normalising()) == id_of_text("\xc3\xa9\n"));
}

TEST_CASE("only the text is normalised", "[engine][identity]") {
  request asked = sample();
  asked.question = "Why? ";
  CHECK(id_of(asked, normalising()) != id_of(sample(), normalising()));
}

TEST_CASE("a text in pieces has the identity of the whole", "[engine][identity]") {
  std::mt19937 random{4};
  const std::vector<std::string> pieces{
      "a", "word ", "\xc3\xa9", "e", "\xcc\x81", "\r", "\n", " ", "\xff", "\xe4\xb8\xad", std::string(5000, 'l')};
  for (const bool normalise : {false, true}) {
    identifier computes{normalise ? normalising() : identity_options{}};
    for (int round = 0; round < 300; ++round) {
      request asked = sample();
      for (auto n = random() % 20; n > 0; --n) asked.text += pieces[random() % pieces.size()];
      const auto whole = computes.identify(asked);
      REQUIRE(whole);
      request rest = asked;
      rest.text = "not looked at";
      REQUIRE(computes.begin(rest));
      for (std::string_view left = asked.text; !left.empty();) {
        const std::size_t size = random() % (std::min<std::size_t>(left.size(), random() % 8 == 0 ? 6000 : 3) + 1);
        REQUIRE(computes.append(left.substr(0, size)));
        left.remove_prefix(size);
      }
      const auto joined = computes.finish();
      REQUIRE(joined);
      CHECK(*joined == *whole);
    }
  }
}

TEST_CASE("a piece without a beginning is refused", "[engine][identity]") {
  identifier computes{{}};
  CHECK(computes.append("a").why().code == errc::invalid_argument);
  CHECK(computes.finish().why().code == errc::invalid_argument);
  REQUIRE(computes.begin(sample()));
  REQUIRE(computes.append("a"));
  REQUIRE(computes.identify(sample()));
  CHECK(computes.append("b").why().code == errc::invalid_argument);
  REQUIRE(computes.begin(sample()));
  REQUIRE(computes.identify_generic("t", "k"));
  CHECK(computes.finish().why().code == errc::invalid_argument);
  CHECK(computes.identify(sample())->id == id_of(sample()));
}

TEST_CASE("an abandoned text leaves nothing behind", "[engine][identity]") {
  for (const auto& options : {identity_options{}, normalising()}) {
    identifier computes{options};
    REQUIRE(computes.begin(sample()));
    REQUIRE(computes.append("something \xe4\xb8 \r"));
    const auto done = computes.identify(sample());
    REQUIRE(done);
    CHECK(*done == identified_by(sample(), options));
  }
}

TEST_CASE("an empty text or operation or generic key is refused", "[engine][identity]") {
  request asked = sample();
  asked.text.clear();
  CHECK(refusal(asked) == errc::invalid_argument);
  asked.text = " \t ";
  CHECK(refusal(asked) == errc::none);
  CHECK(refusal(asked, normalising()) == errc::invalid_argument);
  asked = sample();
  asked.operation.clear();
  CHECK(refusal(asked) == errc::invalid_argument);
  identifier computes{{}};
  CHECK(computes.identify_generic("t", "").why().code == errc::invalid_argument);
  CHECK(computes.identify_generic("", "k"));
}

TEST_CASE("what is over its limit is refused, what just fits is not", "[engine][identity]") {
  identity_options tight;
  tight.text_bytes = 8;
  tight.options_bytes = 7;
  tight.name_bytes = 4;
  const request fits{"tttt", "mmmm", "oooo", "textext8", R"({"a":1})", "question"};
  CHECK(refusal(fits, tight) == errc::none);
  for (auto field : {&request::tenant, &request::model, &request::operation, &request::text, &request::question}) {
    request asked = fits;
    asked.*field += "x";
    CHECK(refusal(asked, tight) == errc::too_large);
  }
  request asked = fits;
  asked.options = R"({"a":1 })";
  CHECK(refusal(asked, tight) == errc::too_large);
  identifier computes{tight};
  CHECK(computes.identify_generic("tttt", "kkkk"));
  CHECK(computes.identify_generic("ttttt", "k").why().code == errc::too_large);
  CHECK(computes.identify_generic("t", "kkkkk").why().code == errc::too_large);
}

TEST_CASE("pieces are refused as soon as they exceed the limit together", "[engine][identity]") {
  identity_options tight;
  tight.text_bytes = 8;
  identifier computes{tight};
  REQUIRE(computes.begin(sample()));
  REQUIRE(computes.append("1234"));
  REQUIRE(computes.append("5678"));
  REQUIRE(computes.append(""));
  CHECK(computes.append("9").why().code == errc::too_large);
  CHECK(computes.finish().why().code == errc::invalid_argument);
}

TEST_CASE("the text's code points are counted after normalisation", "[engine][identity]") {
  request asked = sample();
  asked.text = "e\xcc\x81 \r\n\xff";
  CHECK(identified_by(asked).code_points == 6);
  asked.text = "e\xcc\x81 \r\n\xe4\xb8\xad";
  CHECK(identified_by(asked).code_points == 6);
  CHECK(identified_by(asked, normalising()).code_points == 3);
}

}  // namespace aicache::identity_test
