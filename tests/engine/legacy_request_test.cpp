#include "engine/legacy/legacy_request.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace aicache::legacy_request_test {

namespace {

constexpr legacy_key_options last{};
constexpr legacy_key_options middle{1000, legacy_digest::sha256, question_place::apart};

request that(std::string operation, std::string text, std::string options = "", std::string question = "") {
  return {"", "", std::move(operation), std::move(text), std::move(options), std::move(question)};
}

}  // namespace

TEST_CASE("a key that says all of its request gives it back", "[engine][legacy][request]") {
  const std::vector<request> all{that("qa", "hello world"), that("weird op|x:y|txt:z", "hello"), that("qa", "漢字 é"),
                                 that("qa", std::string(1000, 'A')), that("opts", "=q&")};
  for (const request& r : all) {
    const auto key = legacy_key(r, last);
    REQUIRE(key);
    const auto back = request_of_legacy_key(*key, last);
    REQUIRE(back);
    CHECK(*back == r);
  }
}

TEST_CASE("a key that lost part of its request gives none", "[engine][legacy][request]") {
  const std::vector<request> all{that("qa", "a|b"),
                                 that("qa", "a:b"),
                                 that("qa", "a_b"),
                                 that("qa", ""),
                                 that("", "text"),
                                 that("qa", "text", R"({"a": 1})"),
                                 that("qa", "text", "", "why?"),
                                 that("qa", std::string(1001, 'A'))};
  for (const request& r : all)
    for (const auto& options : {last, middle}) {
      const auto key = legacy_key(r, options);
      REQUIRE(key);
      CAPTURE(*key);
      CHECK_FALSE(request_of_legacy_key(*key, options));
    }
  for (const char* foreign : {"", "ai_cache:", "ai_cache:op:qa", "ai_cache:op:|txt:a", "ai_cache:op:qa|txt:",
                              "ai_cache:op:qa|txt:\xff", "session:1|txt:a", "xai_cache:op:qa|txt:a"})
    CHECK_FALSE(request_of_legacy_key(foreign, last));
  // By these settings such a text would have been hashed: the key was made by others.
  CHECK_FALSE(request_of_legacy_key("ai_cache:op:qa|txt:hello world", {5, legacy_digest::sha256, last.question}));
}

TEST_CASE("texts in clear that keys do not tell apart are known", "[engine][legacy][request]") {
  for (const char* text : {"a|b", "a:b", "a_b"}) CHECK(shares_its_legacy_key(that("qa", text), last));
  CHECK_FALSE(shares_its_legacy_key(that("qa", "a b"), last));
  CHECK_FALSE(shares_its_legacy_key(that("qa", std::string(1001, ':')), last));
}

TEST_CASE("an answer that was noted to be another request's may not answer", "[engine][legacy][request]") {
  legacy_answer bare;
  CHECK(may_answer(bare, that("qa", "text"), last));
  legacy_answer noted;
  noted.operation = "qa";
  noted.text_length = 4;
  noted.has_question = true;
  CHECK(may_answer(noted, that("qa", "text", "", "why?"), middle));
  CHECK(may_answer(noted, that("qa", "日本語文", "", "why?"), middle));
  CHECK_FALSE(may_answer(noted, that("summarize", "text", "", "why?"), middle));
  CHECK_FALSE(may_answer(noted, that("qa", "texts", "", "why?"), middle));
  CHECK_FALSE(may_answer(noted, that("qa", "text"), middle));
  // Where a question was one of the options, nothing was noted of it apart.
  CHECK(may_answer(noted, that("qa", "text"), last));
}

}  // namespace aicache::legacy_request_test
