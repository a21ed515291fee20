#include "actors/redis/reply_reader.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace aicache;
using namespace std::string_literals;

namespace {

using progress = reply_reader::progress;
using kind = redis_reply::kind;

constexpr std::size_t ample = 1 << 20;

struct reading {
  std::vector<redis_reply> replies;
  progress end = progress::more;
  std::string why;
};

/// What comes of these bytes, fed so many at a time.
reading read(std::string_view bytes, std::size_t at_once = reply_reader::feed_bytes, std::size_t reply_bytes = ample) {
  reply_reader reader(reply_bytes);
  reading all;
  redis_reply reply;
  for (std::size_t at = 0; at < bytes.size(); at += at_once) {
    reader.feed(bytes.substr(at, at_once));
    while ((all.end = reader.next(reply)) == progress::reply) all.replies.push_back(std::move(reply));
    if (all.end == progress::broken) break;
  }
  all.why = reader.why();
  return all;
}

redis_reply bulk(std::string text) { return {kind::bulk, 0, std::move(text), {}}; }
redis_reply number(std::int64_t n) { return {kind::integer, n, {}, {}}; }
redis_reply array(std::vector<redis_reply> elements) { return {kind::array, 0, {}, std::move(elements)}; }

}  // namespace

TEST_CASE("replies of every kind are read, however the bytes are cut", "[actors][reply_reader]") {
  const std::string bytes =
      "+OK\r\n-MOVED 7 a:1\r\n:-42\r\n$5\r\na\r\n\0b\r\n$0\r\n\r\n$-1\r\n*0\r\n*-1\r\n"
      "*3\r\n*2\r\n:1\r\n*1\r\n$1\r\nx\r\n$-1\r\n*2\r\n+in\r\n-ERR\r\n:9223372036854775807\r\n"s;
  const std::vector<redis_reply> expected{
      {kind::status, 0, "OK", {}},
      {kind::error, 0, "MOVED 7 a:1", {}},
      number(-42),
      bulk({"a\r\n\0b", 5}),
      bulk(""),
      {},
      array({}),
      {},
      array({array({number(1), array({bulk("x")})}),
             {},
             array({{kind::status, 0, "in", {}}, {kind::error, 0, "ERR", {}}})}),
      number(INT64_MAX),
  };
  for (std::size_t at_once = 1; at_once <= bytes.size(); ++at_once) {
    const reading all = read(bytes, at_once);
    CHECK(all.end == progress::more);
    CHECK(all.why.empty());
    REQUIRE(all.replies == expected);
  }
}

TEST_CASE("what is no reply breaks the reading for good", "[actors][reply_reader]") {
  for (const char* bytes : {"HTTP/1.1 400 Bad Request\r\n", "$-7\r\n", "$x\r\n", "*-2\r\n", ":1x\r\n", "\r\n", "!",
                            "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"}) {
    CAPTURE(bytes);
    reply_reader reader(ample);
    redis_reply reply;
    reader.feed("+OK\r\n" + std::string(bytes));
    CHECK(reader.next(reply) == progress::reply);
    CHECK(reader.next(reply) == progress::broken);
    CHECK(reader.why() == "the server sent what is no reply");
    reader.feed("+OK\r\n");
    CHECK(reader.next(reply) == progress::broken);
  }
}

TEST_CASE("a reply that is longer than allowed is found while it comes", "[actors][reply_reader]") {
  const std::string bytes = "$100000\r\n" + std::string(100'000, 'x') + "\r\n";
  CHECK(read(bytes, 1000, 110'000).replies.size() == 1);
  const reading cut = read(bytes, 1000, 50'000);
  CHECK(cut.end == progress::broken);
  CHECK(cut.why == "a reply is too long");
  CHECK(cut.replies.empty());
  // The limit is for each, not for all.
  std::string many;
  for (int i = 0; i < 10; ++i) many += "$9000\r\n" + std::string(9000, 'y') + "\r\n";
  CHECK(read(many, 1000, 12'000).replies.size() == 10);
}

TEST_CASE("a reply may announce any size, and gets memory for what comes", "[actors][reply_reader]") {
  for (const char* bytes : {"*2147483647\r\n", "*2147483647\r\n*2147483647\r\n*2147483647\r\n:1\r\n",
                            "$9223372036854775807\r\nabc", "$1000000000\r\nabc"}) {
    const reading all = read(bytes);
    CHECK(all.replies.empty());
    CHECK((all.end == progress::more || all.end == progress::broken));
  }
}

TEST_CASE("a reply of too many small parts is refused, and one just below is not", "[actors][reply_reader]") {
  auto of_parts = [](std::size_t parts) {
    std::string bytes = "*" + std::to_string(parts) + "\r\n";
    for (std::size_t i = 0; i < parts; ++i) bytes += ":1\r\n";
    return bytes;
  };
  const reading most = read(of_parts(reply_reader::most_parts - 1), reply_reader::feed_bytes, 64 << 20);
  REQUIRE(most.replies.size() == 1);
  CHECK(most.replies[0].elements.size() == reply_reader::most_parts - 1);
  const reading over = read(of_parts(reply_reader::most_parts), reply_reader::feed_bytes, 64 << 20);
  CHECK(over.end == progress::broken);
  CHECK(over.why == "a reply has too many parts");
}
