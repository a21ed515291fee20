#include "engine/client/answer_metadata.hpp"

#include <catch2/catch.hpp>

namespace aicache::answer_metadata_test {

namespace {

get_result hit_of(const response& what) {
  get_result r;
  r.status = get_status::hit;
  r.from = tier::warm;
  r.retrievals = 3;
  r.created = {1'000};
  r.expires = {61'000};
  r.value = to_blob(what);
  return r;
}

}  // namespace

TEST_CASE("metadata tells of request, answer and cache", "[engine][client]") {
  response what{"Forty-two.", "model-1", 12, 3, 900};
  what.finish = finish_reason::tool_calls;
  const answer_metadata m = metadata_of(hit_of(what), {21'000}, "qa", {text_tier::medium, 777}, nullptr);
  CHECK(m.operation == "qa");
  CHECK(m.text == text_tier::medium);
  CHECK(m.text_length == 777);
  CHECK(m.model == "model-1");
  CHECK(m.input_tokens == 12);
  CHECK(m.output_tokens == 3);
  CHECK(m.model_ms == 900);
  CHECK(m.finish == finish_reason::tool_calls);
  CHECK(m.answer_bytes == 10);
  CHECK_FALSE(m.worth);
  CHECK(m.cached_at == instant{1'000});
  CHECK(m.age == duration{20'000});
  CHECK(m.left == duration{40'000});
  CHECK(m.from == tier::warm);
  CHECK(m.retrievals == 3);
  CHECK_FALSE(m.stale);
  CHECK(m.format == answer_format);
}

TEST_CASE("an answer has a worth where its model has a price", "[engine][client]") {
  price_table prices;
  REQUIRE(prices.set("model-*", {3'000'000, 15'000'000}));
  const get_result r = hit_of({"x", "model-1", 1'000, 100, 0});
  const auto worth = metadata_of(r, {21'000}, "qa", {}, &prices).worth;
  REQUIRE(worth);
  CHECK(worth->millionths() == 4'500);
  CHECK_FALSE(metadata_of(hit_of({"x", "other", 1'000, 100, 0}), {21'000}, "qa", {}, &prices).worth);
}

TEST_CASE("what is past its time says so, what has no end has nothing left, and what is not there has no age",
          "[engine][client]") {
  get_result r = hit_of({"x", "", 0, 0, 0});
  r.stale = staleness::stale;
  CHECK(metadata_of(r, {62'000}, "qa", {}, nullptr).stale);
  CHECK(metadata_of(r, {62'000}, "qa", {}, nullptr).left == duration{-1'000});
  r.expires = never;
  CHECK_FALSE(metadata_of(r, {62'000}, "qa", {}, nullptr).left);
  CHECK(metadata_of(r, {900}, "qa", {}, nullptr).age == duration{0});
  CHECK(metadata_of({}, {62'000}, "qa", {}, nullptr).age == duration{0});
}

}  // namespace aicache::answer_metadata_test
