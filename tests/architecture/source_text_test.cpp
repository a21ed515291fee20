#include "tests/architecture/source_text.hpp"

#include <catch2/catch.hpp>

using namespace aicache::architecture;

TEST_CASE("comments are blanked and line numbers stay", "[architecture]") {
  CHECK(without_comments("a // b\nc", literals::kept) == "a     \nc");
  CHECK(without_comments("a /* b\nb */ c", literals::kept) == "a     \n     c");
  CHECK(without_comments("a /* open\nend", literals::kept) == "a        \n   ");
}

TEST_CASE("a comment sign inside a literal is no comment", "[architecture]") {
  CHECK(without_comments("x = \"//\"; y", literals::kept) == "x = \"//\"; y");
  CHECK(without_comments("x = \"//\"; y", literals::blanked) == "x =     ; y");
  CHECK(without_comments(R"(x = "\"//"; y)", literals::blanked) == "x =       ; y");
  CHECK(without_comments("c = '\"'; throw", literals::blanked) == "c =    ; throw");
}

TEST_CASE("a quote inside a number opens no literal", "[architecture]") {
  CHECK(without_comments("n = 1'000; throw; m = 2'000;", literals::blanked) == "n = 1'000; throw; m = 2'000;");
  CHECK(without_comments("n = 0xf'f; // x", literals::kept) == "n = 0xf'f;     ");
}

TEST_CASE("a raw string ends at its own delimiter only", "[architecture]") {
  CHECK(without_comments("s = R\"x(\" )\" // throw)x\"; t", literals::blanked) ==
        "s = R" + std::string(19, ' ') + "; t");
  CHECK(without_comments("s = u8R\"(a\nb)\"; t", literals::blanked) == "s = u8R   \n   ; t");
  CHECK(without_comments("FOUR\"a\\\"b\"; t", literals::blanked) == "FOUR      ; t");
}

TEST_CASE("a word is found on its own, not inside another", "[architecture]") {
  CHECK(has_word("  throw fault{};", "throw"));
  CHECK(has_word("rethrow(); throw;", "throw"));
  CHECK_FALSE(has_word("rethrow_all(); throws();", "throw"));
  CHECK(has_word("std::atomic_flag f;", "std::atomic*"));
  CHECK_FALSE(has_word("mystd::atomic_flag f;", "std::atomic*"));
  CHECK(has_word("clock::now()", "::now("));
  CHECK_FALSE(has_word("std::this_thread::get_id()", "std::thread"));
}

TEST_CASE("a text without a last line end keeps its last line", "[architecture]") {
  CHECK(lines_of("a\n\nb") == std::vector<std::string>{"a", "", "b"});
  CHECK(lines_of("a\n") == std::vector<std::string>{"a"});
  CHECK(lines_of("").empty());
}
