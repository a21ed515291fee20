#include "engine/client/response.hpp"

#include <catch2/catch.hpp>

#include <random>

namespace aicache::response_test {

TEST_CASE("a response comes back from its blob as it was", "[engine][client]") {
  std::mt19937_64 dice(3);
  for (int i = 0; i < 500; ++i) {
    response r{std::string(dice() % 300, '\0'), std::string(dice() % 20, '\0'), static_cast<std::uint32_t>(dice()),
               static_cast<std::uint32_t>(dice()), static_cast<std::uint32_t>(dice())};
    for (char& c : r.text) c = static_cast<char>(dice());
    for (char& c : r.model) c = static_cast<char>(dice());
    const blob_ref b = to_blob(r);
    REQUIRE(to_response(*b) == r);
    REQUIRE(b->text() == r.text);
    REQUIRE(attribute_of(*b, attribute::model) == r.model);
    REQUIRE(b->size() == r.text.size() + (r.model.empty() ? 0 : r.model.size() + 5));
  }
}

TEST_CASE("attributes that nobody knows are passed over", "[engine][client]") {
  const std::string unknown{"\x09\x02\x00\x00\x00zz", 7};
  const std::string model{"\x01\x03\x00\x00\x00gpt", 8};
  CHECK(attribute_of(*blob::make("text", {}, unknown + model), attribute::model) == "gpt");
  CHECK(attribute_of(*blob::make("text", {}, unknown), attribute::model).empty());
}

TEST_CASE("attributes that do not parse are none", "[engine][client]") {
  const std::string model{"\x01\x03\x00\x00\x00gpt", 8};
  for (std::size_t n = 0; n < model.size(); ++n)
    CHECK(attribute_of(*blob::make("text", {}, model.substr(0, n)), attribute::model).empty());
  const std::string endless{
      "\x09\xff\xff\xff\xff"
      "gpt",
      8};
  CHECK(attribute_of(*blob::make("text", {}, endless), attribute::model).empty());
}

TEST_CASE("how an answer ended comes back, and a good end takes no room", "[engine][client]") {
  for (unsigned i = 0; i <= static_cast<unsigned>(last_finish_reason); ++i) {
    response r{"text", "model", 1, 2, 3};
    r.finish = static_cast<finish_reason>(i);
    const blob_ref b = to_blob(r);
    const bool good = r.finish == finish_reason::stop || r.finish == finish_reason::unstated;
    CHECK(finish_of(*b) == (good ? finish_reason::unstated : r.finish));
    CHECK(b->size() == 4 + 10 + (good ? 0 : 6));
    if (!good) CHECK(to_response(*b) == r);
  }
  // A byte from a newer version, and one too many.
  CHECK(finish_of(*blob::make("text", {}, std::string{"\x02\x01\x00\x00\x00\x63", 6})) == finish_reason::other);
  CHECK(finish_of(*blob::make("text", {}, std::string{"\x02\x02\x00\x00\x00\x01\x01", 7})) == finish_reason::other);
}

TEST_CASE("a failure names its provider's error, and nothing else", "[engine][client]") {
  for (const errc why :
       {errc::provider_rate_limited, errc::provider_refused, errc::provider_bad_request, errc::provider_failed}) {
    const response r = failed_response(why);
    const blob_ref b = to_blob(r);
    CHECK(finish_of(*b) == finish_reason::failed);
    CHECK(failure_of(*b) == why);
    CHECK(to_response(*b) == r);
  }
  for (const errc why : {errc::none, errc::overloaded, errc::compute_failed, errc::internal})
    CHECK(failure_of(*to_blob(failed_response(why))) == errc::compute_failed);
  CHECK(failure_of(*blob::make("", {}, std::string{"\x03\x01\x00\x00\x00\x08", 6})) == errc::compute_failed);
}

}  // namespace aicache::response_test
