#include "engine/legacy/legacy_value.hpp"

#include <catch2/catch.hpp>

#include <numeric>
#include <string>
#include <vector>

#include "engine/legacy/zlib_stream.hpp"
#include "tests/support/legacy_values.hpp"

namespace aicache::legacy_value_test {

using namespace std::string_literals;
using namespace aicache::test::legacy;

namespace {

const std::string response = R"({"summary":"It's short.","score":0.5,"tags":["a","é",null,true],"n":{"deep":[1,2]}})";

legacy_refusal refusal_of(std::string_view stored, legacy_value_reader::options o = {}) {
  legacy_value_reader reader(o);
  legacy_answer out;
  const legacy_refusal why = reader.read(stored, out);
  CHECK(reader.counts()[static_cast<std::size_t>(why)] == 1);
  CHECK(std::accumulate(reader.counts().begin(), reader.counts().end(), std::uint64_t{0}) == 1);
  CHECK(out.response.empty() == (why != legacy_refusal::none));
  CHECK(reader.detail().empty() == (why == legacy_refusal::none));
  return why;
}

std::string response_of(std::string_view stored) {
  legacy_value_reader reader({});
  legacy_answer out;
  const legacy_refusal why = reader.read(stored, out);
  return why == legacy_refusal::none ? out.response : "refused: "s + to_string(why);
}

std::string document(const std::string& without, const std::string& instead = "") {
  const std::vector<std::pair<std::string, std::string>> members{{"r", "1"},
                                                                 {"cached_at", R"("2025-08-17T10:20:30")"},
                                                                 {"cache_hit", "false"},
                                                                 {"text_length", "5"},
                                                                 {"text_tier", R"("small")"},
                                                                 {"operation", R"("qa")"},
                                                                 {"ai_version", "\"2.0\""},
                                                                 {"question_provided", "true"}};
  std::string text = "{";
  for (const auto& [name, value] : members) {
    if (name == without && instead.empty()) continue;
    text += (text.size() > 1 ? ",\"" : "\"") + name + "\":" + (name == without ? instead : value);
  }
  return "rawj:" + text + "}";
}

}  // namespace

TEST_CASE("an answer of the middle generation is read, packed and not, with what was noted beside it",
          "[engine][legacy][value]") {
  for (const std::string& stored : {"raw:" + pickled, "compressed:" + packed, pickled}) {
    legacy_value_reader reader({});
    legacy_answer out;
    REQUIRE(reader.read(stored, out) == legacy_refusal::none);
    CHECK(out.response == response);
    CHECK(out.operation == "summarize");
    CHECK(out.tier == text_tier::medium);
    CHECK(out.text_length == 1234U);
    CHECK(out.has_question == false);
    CHECK(out.cached_at == instant{1'755'426'030'123});
  }
}

TEST_CASE("an answer of the first generation is read", "[engine][legacy][value]") {
  legacy_value_reader reader({});
  legacy_answer out;
  REQUIRE(reader.read("raw:" + pickled_first, out) == legacy_refusal::none);
  CHECK(out.response == R"({"result":"positive"})");
  CHECK(out.operation.empty());
  CHECK_FALSE(out.tier);
  CHECK(out.text_length == 9U);
  CHECK(out.cached_at == instant{1'750'122'123'000});
}

TEST_CASE("values of the last generation are all response", "[engine][legacy][value]") {
  const std::string inner = R"({"b":1,"operation":"mine","cached_at":"then"})";
  CHECK(response_of("rawj:" + inner) == inner);
  CHECK(response_of(R"({"_serialized_data": "rawj:{\"b\":1,\"operation\":\"mine\",\"cached_at\":\"then\"}"})") ==
        inner);
  CHECK(response_of(" " + inner) == inner);
  CHECK(response_of(R"({"_serialized_data": "rawj:{}", "more": 1})") == R"({"_serialized_data":"rawj:{}","more":1})");
  CHECK(response_of("rawj:[1, \"é\"]") == "[1,\"é\"]");
  CHECK(response_of("rawj:\"text\"") == "\"text\"");
  CHECK(response_of("raw:N.") == "null");
  CHECK(response_of("raw:(I1\nI2\nt.") == "[1,2]");
}

TEST_CASE("every reason of a refusal is told and counted", "[engine][legacy][value]") {
  using why = legacy_refusal;
  struct row {
    std::string stored;
    why expected;
  };
  const std::vector<row> rows{
      {"", why::empty},
      {"raw:", why::bad_pickle},
      {"raw:" + pickled + "x", why::bad_pickle},
      {"raw:" + pickled.substr(0, 100), why::bad_pickle},
      {pickled.substr(0, 100), why::bad_pickle},
      {"raw:cos\nsystem\n.", why::unsafe_pickle},
      {"\x80\x04\x8c\x02os\x8c\x06system\x93.", why::unsafe_pickle},
      {"raw:" + std::string(200, ']') + std::string(199, 'a') + ".", why::too_large},
      {"compressed:", why::bad_compression},
      {"compressed:nonsense", why::bad_compression},
      {"compressed:" + packed + "x", why::bad_compression},
      {"compressed:" + packed.substr(0, packed.size() - 1), why::bad_compression},
      {"compressed:" + pickled, why::bad_compression},
      {"rawj:", why::bad_json},
      {"rawj:{", why::bad_json},
      {"rawj:" + pickled, why::bad_json},
      {"rawj:[NaN]", why::not_json},
      {"rawj:[\"\\ud800\"]", why::not_json},
      {"raw:C\x01x.", why::not_json},
      {"raw:}I1\nNs.", why::not_json},
      {"gAAAAABmTestTestTestTest", why::encrypted},
      {"nonsense", why::unknown_form},
      {"zlib:" + packed, why::unknown_form},
      {R"({"_serialized_data": "pick:x"})", why::unknown_form},
      {R"({"_serialized_data": 5})", why::unknown_form},
      {R"({"_serialized_data": "rawj:{"})", why::bad_json},
      {document("cached_at"), why::bad_metadata},
  };
  for (const row& r : rows) {
    INFO(r.stored.substr(0, 60));
    CHECK(std::string(to_string(refusal_of(r.stored))) == to_string(r.expected));
  }
}

TEST_CASE("a field of the cache's own must be as it writes it", "[engine][legacy][value]") {
  CHECK(response_of(document("")) == R"({"r":1})");
  for (const char* needed : {"cached_at", "text_length", "text_tier", "operation", "question_provided"}) {
    CHECK(refusal_of(document(needed)) == legacy_refusal::bad_metadata);
    CHECK(refusal_of(document(needed, "null")) == legacy_refusal::bad_metadata);
  }
  CHECK(refusal_of(document("text_length", "-1")) == legacy_refusal::bad_metadata);
  CHECK(refusal_of(document("text_length", "18446744073709551616")) == legacy_refusal::bad_metadata);
  CHECK(refusal_of(document("text_length", "5.0")) == legacy_refusal::bad_metadata);
  CHECK(refusal_of(document("text_tier", "\"huge\"")) == legacy_refusal::bad_metadata);
  CHECK(refusal_of(document("cached_at", "\"yesterday\"")) == legacy_refusal::bad_metadata);
  CHECK(refusal_of(document("operation", "\"\\ud800\"")) == legacy_refusal::bad_metadata);
}

TEST_CASE("sizes are bounded before and after unpacking", "[engine][legacy][value]") {
  legacy_value_reader::options o;
  o.stored_bytes = 4 + pickled.size();
  o.unpacked_bytes = pickled.size();
  CHECK(refusal_of("raw:" + pickled, o) == legacy_refusal::none);
  CHECK(refusal_of("compressed:" + packed, o) == legacy_refusal::none);
  --o.unpacked_bytes;
  CHECK(refusal_of("raw:" + pickled, o) == legacy_refusal::too_large);
  CHECK(refusal_of("compressed:" + packed, o) == legacy_refusal::too_large);
  ++o.unpacked_bytes;
  --o.stored_bytes;
  CHECK(refusal_of("raw:" + pickled, o) == legacy_refusal::too_large);
  o = {};
  o.values.memory_bytes = 200;
  CHECK(refusal_of("raw:" + pickled, o) == legacy_refusal::too_large);
  CHECK(refusal_of("rawj:" + response, o) == legacy_refusal::too_large);
}

TEST_CASE("a zlib stream is unpacked up to its bound and no further", "[engine][legacy][value]") {
  CHECK(*unpack_zlib(packed, pickled.size()) == pickled);
  CHECK(*unpack_zlib(packed, std::size_t{64} << 20) == pickled);
  CHECK(unpack_zlib(packed, pickled.size() - 1).why().code == errc::too_large);
  CHECK(unpack_zlib(packed, 0).why().code == errc::too_large);
  // Python: zlib.compress(b"")
  const std::string nothing = bytes_of("789c030000000001");
  CHECK(unpack_zlib(nothing, 0)->empty());
  CHECK(unpack_zlib(nothing + "x", 0).why().code == errc::corrupt);
  CHECK(unpack_zlib("", 10).why().code == errc::corrupt);
}

TEST_CASE("a zlib stream that is cut off or changed anywhere is never believed", "[engine][legacy][value]") {
  for (std::size_t size = 0; size < packed.size(); ++size)
    CHECK(unpack_zlib(std::string_view(packed).substr(0, size), 1 << 16).why().code == errc::corrupt);
  for (std::size_t at = 0; at < packed.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = packed;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      const auto unpacked = unpack_zlib(damaged, 1 << 16);
      // Some bits of a deflate stream mean nothing.
      if (unpacked) CHECK(*unpacked == pickled);
    }
  }
}

TEST_CASE("one reader counts over all that it reads and keeps nothing of the last value", "[engine][legacy][value]") {
  legacy_value_reader reader({});
  legacy_answer out;
  CHECK(reader.read("raw:" + pickled, out) == legacy_refusal::none);
  CHECK(reader.read("rawj:5", out) == legacy_refusal::none);
  CHECK(out.response == "5");
  CHECK(out.operation.empty());
  CHECK_FALSE(out.cached_at);
  CHECK(reader.read("nonsense", out) == legacy_refusal::unknown_form);
  CHECK(out.response.empty());
  CHECK_FALSE(reader.detail().empty());
  CHECK(reader.counts()[0] == 2);
  CHECK(reader.counts()[static_cast<std::size_t>(legacy_refusal::unknown_form)] == 1);
}

TEST_CASE("local times are read as Python writes them", "[engine][legacy][value]") {
  using std::chrono::hours;
  CHECK(parse_local_time("1970-01-01T00:00:00", duration{0}) == instant{0});
  CHECK(parse_local_time("2025-08-17T10:20:30.123999", duration{0}) == instant{1'755'426'030'123});
  CHECK(parse_local_time("2025-08-17T10:20:30", hours{2}) == instant{1'755'418'830'000});
  CHECK(parse_local_time("2025-08-17T10:20:30", -hours{5}) == instant{1'755'444'030'000});
  CHECK(parse_local_time("2024-02-29T23:59:59", duration{0}) == instant{1'709'251'199'000});
  CHECK(parse_local_time("1969-12-31T23:59:59.999000", duration{0}) == instant{-1});
  for (const char* bad :
       {"", "2025-08-17", "2025-08-17 10:20:30", "2025-02-29T10:20:30", "2025-13-01T10:20:30", "2025-08-17T24:20:30",
        "2025-08-17T10:60:30", "2025-08-17T10:20:60", "2025-08-17T10:20:30.12", "2025-08-17T10:20:30Z",
        "2025-08-17T10:20:30+02:00", "2025-08-17T10:20:30,123456", "2025-08-17T10:20:30.12345x", "+025-08-17T10:20:30",
        "0000-08-17T10:20:30", "2025-00-17T10:20:30"})
    CHECK_FALSE(parse_local_time(bad, duration{0}));
}

}  // namespace aicache::legacy_value_test
