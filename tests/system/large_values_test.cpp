#include <catch2/catch.hpp>

#include "tests/support/cache_caller.hpp"

using namespace aicache;
using namespace aicache::test;

namespace {

constexpr std::size_t largest = std::size_t{64} << 20;

// Every piece of it is different, so that none can stand for another.
std::string text_of(std::size_t bytes, std::uint64_t number) {
  std::string text(bytes, ' ');
  std::mt19937_64 random(number);
  for (std::size_t i = 0; i + 8 <= bytes; i += 8) {
    const std::uint64_t word = random();
    for (std::size_t b = 0; b < 8; ++b) text[i + b] = static_cast<char>('a' + (word >> (8 * b)) % 26);
  }
  return text;
}

std::vector<std::string> roomy() {
  return {"memory.budget=4GiB", "node.shards=2", "limits.value_bytes=65MiB", "compression.min_bytes=1GiB",
          "compression.worker_bytes=1GiB"};
}

response large_response(const std::string& text) { return {text, "model-1", 10, 20, 30}; }

}  // namespace

TEST_CASE("a value of 64 MiB crosses the network both ways, among small ones in one batch", "[system][large]") {
  aicached_process node(roomy());
  cache_caller caller;
  const client writer = caller.connect(node);
  const std::string text = text_of(largest, 1);
  const std::string half = text_of(largest / 2, 2);
  put_options o;
  o.deadline = duration{30'000};
  const std::vector<request> asked{question(1), question(2), question(3), question(4)};
  const std::vector<response> made{right_answer(1), large_response(text), large_response(half), right_answer(4)};
  for (const put_result& r : writer.put(asked, made, o)) CHECK(r == put_result{});
  cache_caller elsewhere;
  const client reader = elsewhere.connect(node);
  const auto got = reader.get(asked, {false, duration{30'000}});
  REQUIRE(got.size() == 4);
  for (const answer& a : got) REQUIRE(a.hit());
  CHECK(got[0].text() == right_answer(1).text);
  CHECK((got[1].text() == text));
  CHECK((got[2].text() == half));
  CHECK(got[1].model() == "model-1");
  CHECK(got[1].facts().output_tokens == 20);
  CHECK(got[3].text() == right_answer(4).text);
  const std::string too_large = text_of(largest + (2 << 20), 3);
  CHECK(writer.put(question(5), large_response(too_large), o).error == errc::too_large);
}

TEST_CASE("a small answer does not wait until a large one that was asked for before has come", "[system][large]") {
  aicached_process node(roomy());
  cache_caller caller;
  const client c = caller.connect(node);
  put_options o;
  o.deadline = duration{30'000};
  REQUIRE(c.put(question(1), large_response(text_of(largest, 1)), o) == put_result{});
  REQUIRE(c.put(question(2), right_answer(2)) == put_result{});
  int before = 0;
  for (int i = 0; i < 5; ++i) {
    auto large = c.get_async(question(1), {false, duration{30'000}});
    const answer small = c.get(question(2));
    CHECK(small.text() == right_answer(2).text);
    before += large.wait_for(std::chrono::seconds{0}) == std::future_status::ready ? 0 : 1;
    CHECK(large.get().hit());
  }
  CHECK(before >= 3);
}

TEST_CASE("who waits for a large value is told when the node dies while it comes", "[system][large]") {
  aicached_process node(roomy());
  cache_caller caller;
  const client c = caller.connect(node);
  put_options o;
  o.deadline = duration{30'000};
  REQUIRE(c.put(question(1), large_response(text_of(largest, 1)), o) == put_result{});
  const response more = large_response(text_of(largest, 2));
  auto other = c.put_async(question(2), more, o);
  auto large = c.get_async(question(1), {false, duration{20'000}});
  node.signal(SIGKILL);
  REQUIRE(large.wait_for(std::chrono::seconds{10}) == std::future_status::ready);
  REQUIRE(other.wait_for(std::chrono::seconds{10}) == std::future_status::ready);
  CHECK(large.get().error == errc::unavailable);
  CHECK(other.get().error == errc::unavailable);
}
