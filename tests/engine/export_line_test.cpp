#include "engine/legacy/export_line.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <random>
#include <string>

namespace aicache::export_line_test {

using namespace std::string_literals;

namespace {

export_entry sample() {
  export_entry e;
  e.tenant = "acme";
  e.operation = "summarize";
  for (std::size_t i = 0; i < e.id.digest.size(); ++i) e.id.digest[i] = static_cast<std::byte>(i * 8);
  e.created = {1'700'000'000'000};
  e.expires = {1'700'003'600'000};
  e.tier = text_tier::medium;
  e.input_tokens = 12;
  e.output_tokens = 345;
  e.model_ms = 6789;
  e.model = "model-1";
  e.finish = finish_reason::length;
  e.born = 7;
  e.numbered_by = 9;
  e.tags = {1, 0xfedcba9876543210};
  e.payload = "It's \"short\".\n";
  return e;
}

const std::string sample_line =
    R"({"version":1,"tenant":"acme","operation":"summarize",)"
    R"("identity":"0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8",)"
    R"("created":1700000000000,"expires":1700003600000,"tier":"medium","input_tokens":12,"output_tokens":345,)"
    R"("model_ms":6789,"model":"model-1","finish":"length","born":7,"numbered_by":9,)"
    R"("tags":["0000000000000001","fedcba9876543210"],)"
    R"("text":"It's \"short\".\n"})";

std::string written(const export_entry& e) {
  std::string out;
  REQUIRE(write_export_line(e, out));
  REQUIRE(out.find('\n') == out.size() - 1);
  return out;
}

outcome<export_entry> read(std::string_view line, const export_limits& limits = {}) {
  // A copy of exactly this size: a read past the end is seen by the address sanitizer.
  const auto exact = std::make_unique<char[]>(line.size());
  std::copy(line.begin(), line.end(), exact.get());
  return read_export_line({exact.get(), line.size()}, 17, limits);
}

/// The entry that a written line is read as.
export_entry returned(const export_entry& e) {
  const std::string line = written(e);
  const auto back = read(std::string_view(line).substr(0, line.size() - 1));
  REQUIRE(back);
  return *back;
}

/// The sample's line with one part of it changed.
std::string changed(const std::string& from, const std::string& to) {
  std::string line = sample_line;
  const auto at = line.find(from);
  REQUIRE(at != std::string::npos);
  return line.replace(at, from.size(), to);
}

void refused(const std::string& line, errc code = errc::corrupt) {
  INFO(line.substr(0, 300));
  const auto entry = read(line);
  REQUIRE_FALSE(entry);
  CHECK(entry.why().code == code);
  CHECK(entry.why().detail.starts_with("line 17: "));
}

}  // namespace

// If this changes, what was exported before can no longer be read: raise the version knowingly.
TEST_CASE("the exported form is frozen: a worked example", "[engine][legacy][export]") {
  CHECK(written(sample()) == sample_line + "\n");
  const auto entry = read(sample_line);
  REQUIRE(entry);
  CHECK(*entry == sample());
}

TEST_CASE("what was written is read again as it was", "[engine][legacy][export]") {
  export_entry e = sample();
  e.expires = never;
  CHECK(returned(e) == e);
  e.payload.clear();
  e.tags.clear();
  e.model.clear();
  e.tenant.clear();
  CHECK(returned(e) == e);
  e.created = {-1};
  e.input_tokens = UINT32_MAX;
  CHECK(returned(e) == e);
  for (int t = 0; t < text_tier_count; ++t) {
    e.tier = static_cast<text_tier>(t);
    CHECK(returned(e) == e);
  }
  e.tenant = "é\u2028\n\"\\\x01\x7f\0"s;
  CHECK(returned(e) == e);
}

TEST_CASE("every way that an answer may end is told, and one that failed is none", "[engine][legacy][export]") {
  export_entry e = sample();
  for (int f = 0; f <= static_cast<int>(last_finish_reason); ++f) {
    e.finish = static_cast<finish_reason>(f);
    std::string out;
    if (e.finish == finish_reason::failed) {
      CHECK(write_export_line(e, out).why().code == errc::invalid_argument);
    } else {
      CHECK(returned(e) == e);
    }
  }
}

TEST_CASE("half an identity is enough, and says no more than that", "[engine][legacy][export]") {
  export_entry e = sample();
  e.whole_identity = false;
  std::string out;
  CHECK(write_export_line(e, out).why().code == errc::invalid_argument);
  CHECK(out.empty());
  for (std::size_t i = 16; i < 32; ++i) e.id.digest[i] = std::byte{0};
  CHECK(written(e).find("\"identity\":\"00081018202830384048505860687078\"") != std::string::npos);
  CHECK(returned(e) == e);
}

TEST_CASE("bytes that are not UTF-8 are written as base64", "[engine][legacy][export]") {
  export_entry e = sample();
  for (const std::string& payload :
       {"\xff"s, "\xff\xfe"s, "\xff\xfe\xfd"s, "a\0\xff"s, "\xed\xa0\x80"s, std::string(2'000'001, '\xaa')}) {
    e.payload = payload;
    CHECK(written(e).find("\"base64\":\"") != std::string::npos);
    CHECK(returned(e) == e);
  }
  e.payload = "\xff\xfe";
  CHECK(written(e).find("\"base64\":\"//4=\"}") != std::string::npos);
}

TEST_CASE("any payload comes back", "[engine][legacy][export]") {
  std::mt19937 random{3};
  export_entry e = sample();
  for (int round = 0; round < 500; ++round) {
    e.payload.resize(random() % 40);
    for (char& c : e.payload) c = static_cast<char>(round % 2 == 0 ? random() : random() % 128);
    CHECK(returned(e) == e);
  }
}

TEST_CASE("names that are not UTF-8 are not written", "[engine][legacy][export]") {
  for (auto name : {&export_entry::tenant, &export_entry::operation, &export_entry::model}) {
    export_entry e = sample();
    e.*name = "\xff";
    std::string out = "before";
    CHECK(write_export_line(e, out).why().code == errc::invalid_argument);
    CHECK(out == "before");
  }
}

TEST_CASE("members may come in any order, with white space", "[engine][legacy][export]") {
  const std::string moved = " {\t\"text\": \"It's \\\"short\\\".\\u000a\" ," +
                            changed(",\"text\":\"It's \\\"short\\\".\\n\"", "").substr(1) + "\r";
  const auto entry = read(moved);
  REQUIRE(entry);
  CHECK(*entry == sample());
}

TEST_CASE("a line must have exactly its members, each of its type and within its range", "[engine][legacy][export]") {
  for (const char* not_a_line : {"", "{}", "[]", "null", "5", "{", "\"a\""}) refused(not_a_line);
  refused(sample_line + "x");
  refused(sample_line + sample_line);
  refused(sample_line.substr(0, sample_line.size() - 1));
  refused(changed("\"version\":1", "\"version\":2"));
  refused(changed("\"version\":1", "\"version\":1.0"));
  refused(changed("\"version\":1", "\"version\":\"1\""));
  refused(changed("\"version\":1,", ""));
  refused(changed("\"version\":1", "\"version\":1,\"version\":1"));
  refused(changed("\"version\":1", "\"version\":1,\"more\":1"));
  refused(changed("\"tenant\"", "\"tenants\""));
  refused(changed("\"acme\"", "null"));
  refused(changed("\"acme\"", "\"\\ud800\""));
  refused(changed("\"acme\"", "\"\xff\""));
  refused(changed("\"medium\"", "\"Medium\""));
  refused(changed("\"medium\"", "1"));
  refused(changed("\"00081018", "\"0008101"));
  refused(changed("\"00081018", "\"0008101g"));
  refused(changed("e0e8f0f8", "E0E8F0F8"));
  refused(changed("\"0008101820283038", "\""));
  refused(changed("1700000000000", "1700000000000.0"));
  refused(changed("1700000000000", "9223372036854775808"));
  refused(changed("1700003600000", "9223372036854775807"));
  refused(changed("1700003600000", "\"never\""));
  refused(changed("\"input_tokens\":12", "\"input_tokens\":-1"));
  refused(changed("\"input_tokens\":12", "\"input_tokens\":4294967296"));
  refused(changed("\"input_tokens\":12", "\"input_tokens\":NaN"));
  refused(changed("\"length\"", "\"failed\""));
  refused(changed("\"length\"", "\"Length\""));
  refused(changed("\"born\":7", "\"born\":-7"));
  refused(changed("\"born\":7", "\"born\":18446744073709551616"));
  refused(changed("\"numbered_by\":9", "\"numbered_by\":null"));
  refused(changed("[\"0000000000000001\"", "[1"));
  refused(changed("[\"0000000000000001\"", "[\"001\""));
  refused(changed("[\"0000000000000001\",\"fedcba9876543210\"]", "{}"));
  refused(changed("\"text\"", "\"base64\""));
  refused(changed(",\"text\":\"It's \\\"short\\\".\\n\"", ""));
  refused(changed("\"text\":\"It's \\\"short\\\".\\n\"", "\"text\":\"\",\"base64\":\"\""));
  for (const char* coded :
       {"/", "//", "///", "//4", "//5=", "//4=x", " //4=", "//4=\\n", "//4=//4=", "//==", "====", "=", "__8=", "é==="})
    refused(changed("\"text\":\"It's \\\"short\\\".\\n\"", "\"base64\":\""s + coded + "\""));
}

TEST_CASE("what is over its limit is neither written nor read", "[engine][legacy][export]") {
  const export_limits tight{9, 14, 2};
  std::string out;
  REQUIRE(write_export_line(sample(), out, tight));
  CHECK(read(sample_line, tight));
  for (auto grow :
       {+[](export_entry& e) { e.tenant.resize(10, 'x'); }, +[](export_entry& e) { e.operation += 's'; },
        +[](export_entry& e) { e.model.resize(10, 'x'); }, +[](export_entry& e) { e.payload += 'x'; },
        +[](export_entry& e) { e.payload = std::string(15, '\xff'); }, +[](export_entry& e) { e.tags.push_back(3); }}) {
    export_entry e = sample();
    grow(e);
    out.clear();
    CHECK(write_export_line(e, out, tight).why().code == errc::too_large);
    CHECK(out.empty());
    const std::string line = written(e);
    const auto back = read(std::string_view(line).substr(0, line.size() - 1), tight);
    REQUIRE_FALSE(back);
    CHECK(back.why().code == errc::too_large);
  }
}

TEST_CASE("a line that is damaged anywhere is refused or is another sound line", "[engine][legacy][export]") {
  for (std::size_t size = 0; size < sample_line.size(); ++size)
    CHECK_FALSE(read(std::string_view(sample_line).substr(0, size)));
  for (std::size_t at = 0; at < sample_line.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = sample_line;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      const auto entry = read(damaged);
      if (entry) CHECK(returned(*entry) == *entry);
    }
  }
}

TEST_CASE("a fault names its line and repeats nothing of it", "[engine][legacy][export]") {
  for (const std::string& line :
       {changed("\"acme\"", "secret"), changed("\"medium\"", "\"secret\""), changed("\"tenant\"", "\"secret\"")}) {
    const auto entry = read_export_line(line, 1'000'000'007);
    REQUIRE_FALSE(entry);
    CHECK(entry.why().detail.starts_with("line 1000000007: "));
    CHECK(entry.why().detail.find("secret") == std::string::npos);
  }
}

}  // namespace aicache::export_line_test
