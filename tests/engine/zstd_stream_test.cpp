#include "engine/codec/zstd_stream.hpp"

#include <zstd.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

namespace aicache::zstd_stream_test {

namespace {

std::string frame_of(const std::string& raw) {
  std::string packed(ZSTD_compressBound(raw.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), raw.data(), raw.size(), 3));
  return packed;
}

std::string numbers(int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += "line " + std::to_string(i * 7919) + "\n";
  return out;
}

/// Unpacks with pieces of `in` bytes and room for `room`; "?" where it fails.
std::string unpacked(std::string_view packed, std::size_t in, std::size_t room, bool* complete = nullptr) {
  zstd_unpacker unpacker;
  std::string out;
  std::string to(room, '\0');
  while (!packed.empty() || unpacker.holds_more()) {
    const std::string_view before = packed.substr(0, in);
    std::string_view piece = before;
    const auto made = unpacker.unpack(piece, {to.data(), to.size()});
    if (!made) return "?";
    out.append(to, 0, *made);
    CHECK((piece.empty() || *made == room));
    packed.remove_prefix(before.size() - piece.size());
  }
  if (complete != nullptr) *complete = unpacker.is_complete();
  return out;
}

}  // namespace

TEST_CASE("a packed file comes out the same in pieces of any size", "[engine][codec]") {
  const std::string raw = numbers(5000);
  const std::string packed = frame_of(raw);
  REQUIRE(zstd_unpacker::is_frame(packed));
  for (const std::size_t in : {std::size_t{1}, std::size_t{1000}, packed.size()})
    for (const std::size_t room : {std::size_t{1}, std::size_t{4096}, 2 * raw.size()}) {
      bool complete = false;
      REQUIRE(unpacked(packed, in, room, &complete) == raw);
      CHECK(complete);
    }
}

TEST_CASE("frames behind each other are one file, and nothing is one as well", "[engine][codec]") {
  CHECK(unpacked(frame_of("one\n") + frame_of("") + frame_of("two\n"), 7, 3) == "one\ntwo\n");
  CHECK(unpacked("", 1, 1).empty());
}

TEST_CASE("a packed file that breaks off is not complete, and rubbish is refused", "[engine][codec]") {
  const std::string raw = numbers(5000);
  const std::string packed = frame_of(raw);
  bool complete = true;
  const std::string begun = unpacked(std::string_view(packed).substr(0, packed.size() - 5), 100, 100, &complete);
  CHECK_FALSE(complete);
  CHECK(raw.starts_with(begun));
  CHECK(unpacked(packed + "rubbish", 100, 100) == "?");
  CHECK_FALSE(zstd_unpacker::is_frame("{\"a\":1}"));
  CHECK_FALSE(zstd_unpacker::is_frame(""));
}

TEST_CASE("a small file that claims to hold much fills no more than the room given", "[engine][codec]") {
  const std::string packed = frame_of(std::string(std::size_t{1} << 24, 'a'));
  CHECK(packed.size() < 4096);
  zstd_unpacker unpacker;
  std::string to(100, '\0');
  std::string_view left = packed;
  const auto made = unpacker.unpack(left, {to.data(), to.size()});
  REQUIRE(made);
  CHECK(*made == 100);
  CHECK(to == std::string(100, 'a'));
  CHECK(unpacker.holds_more());
}

}  // namespace aicache::zstd_stream_test
