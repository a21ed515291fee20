#include "engine/codec/envelope.hpp"

#include <catch2/catch.hpp>

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace aicache::envelope_test {

using namespace std::string_literals;

namespace {

constexpr std::array<std::uint64_t, 3> counters{7, 0, UINT64_MAX};

identity some_identity(std::uint8_t first = 0) {
  identity id;
  for (std::size_t i = 0; i < id.digest.size(); ++i) id.digest[i] = static_cast<std::byte>(first + i);
  return id;
}

envelope_view sample() {
  envelope_view view;
  view.id = some_identity();
  view.created = {1'700'000'000'000};
  view.expires = {1'700'000'060'000};
  view.codec = payload_codec::zstd;
  view.dictionary_id = 0x1122334455667788;
  view.generations = generation_list{counters};
  view.metadata = "{\"tokens\":5}";
  view.raw_bytes = 900;
  view.payload = "not really a frame";
  return view;
}

payload_seal some_seal() {
  payload_seal seal;
  seal.key_id = 0x0a0b0c0d;
  for (std::size_t i = 0; i < seal.nonce.size(); ++i) seal.nonce[i] = static_cast<std::byte>(0x40 + i);
  for (std::size_t i = 0; i < seal.tag.size(); ++i) seal.tag[i] = static_cast<std::byte>(0x60 + i);
  return seal;
}

envelope_view sealed_sample() {
  envelope_view view = sample();
  view.seal = some_seal();
  return view;
}

std::string encoded(const envelope_view& view) {
  std::string out = "left over";
  REQUIRE(encode(view, {}, out));
  return out;
}

errc decoding(std::string_view bytes, const identity& expected = some_identity(), const envelope_limits& limits = {}) {
  // A copy of exactly this size: a read past the end is seen by the address sanitizer.
  const auto exact = std::make_unique<char[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), exact.get());
  const auto done = decode({exact.get(), bytes.size()}, expected, limits);
  return done ? errc::none : done.why().code;
}

/// Makes the checksum right again after the bytes were changed, as a defective or newer writer would.
std::string resummed(std::string bytes) {
  bytes.resize(bytes.size() - 16);
  const XXH128_hash_t sum = XXH3_128bits(bytes.data(), bytes.size());
  for (const std::uint64_t half : {sum.low64, sum.high64}) {
    for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(half >> shift);
  }
  return bytes;
}

std::string hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

}  // namespace

// If this changes, what older nodes stored can no longer be read: raise the version knowingly.
TEST_CASE("the stored form is frozen: a worked example", "[engine][envelope]") {
  const std::array<std::uint64_t, 1> generation{0x0102};
  envelope_view view;
  view.id = some_identity();
  view.created = {1};
  view.codec = payload_codec::zstd;
  view.dictionary_id = 0xabcd;
  view.generations = generation_list{generation};
  view.metadata = "meta";
  view.raw_bytes = 300;
  view.payload = "data";
  CHECK(hex(encoded(view)) ==
        "41494345"
        "01"
        "05"
        "0100"
        "0100000000000000"
        "ffffffffffffff7f"
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        "2c010000"
        "04000000"
        "cdab000000000000"
        "0201000000000000"
        "6d657461"
        "64617461"
        "ea8014b1ba2f6526b757de8f90968871");
}

TEST_CASE("the stored form of an encrypted answer is frozen too", "[engine][envelope]") {
  const std::array<std::uint64_t, 1> generation{0x0102};
  envelope_view view;
  view.id = some_identity();
  view.created = {1};
  view.generations = generation_list{generation};
  view.metadata = "meta";
  view.seal = some_seal();
  view.raw_bytes = 4;
  view.payload = "data";
  CHECK(hex(encoded(view)) ==
        "41494345"
        "01"
        "10"
        "0100"
        "0100000000000000"
        "ffffffffffffff7f"
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        "04000000"
        "04000000"
        "0201000000000000"
        "6d657461"
        "0d0c0b0a00000000"
        "404142434445464748494a4b"
        "64617461"
        "606162636465666768696a6b6c6d6e6f"
        "0ec42328705ed0238801e5beafd813f6");
}

TEST_CASE("what was encoded is decoded, in all its shapes", "[engine][envelope]") {
  std::vector<envelope_view> views{sample()};
  views.push_back(sample());
  views.back().dictionary_id.reset();
  views.push_back(sample());
  views.back().dictionary_id = 0;
  views.push_back(sample());
  views.back().generations = {};
  views.push_back(sample());
  views.back().metadata = {};
  views.push_back(sample());
  views.back().created = {-5};
  views.back().expires = never;
  views.push_back(sealed_sample());
  views.push_back(sealed_sample());
  views.back().dictionary_id.reset();
  views.back().payload = {};
  envelope_view plain;
  plain.id = some_identity();
  views.push_back(plain);  // an empty answer
  plain.payload = std::string_view{"raw\0bytes", 9};
  plain.raw_bytes = 9;
  views.push_back(plain);
  plain.seal = some_seal();
  views.push_back(plain);
  for (const auto& view : views) {
    const std::string bytes = encoded(view);
    const auto done = decode(bytes, view.id, {});
    REQUIRE(done);
    CHECK(*done == view);
    CHECK(encoded(*done) == bytes);
  }
}

TEST_CASE("a decoded envelope looks into the bytes it came from", "[engine][envelope]") {
  const std::string bytes = encoded(sample());
  const auto done = decode(bytes, some_identity(), {});
  REQUIRE(done);
  CHECK(done->payload.data() == bytes.data() + bytes.size() - 16 - done->payload.size());
  CHECK(done->metadata.data() == done->payload.data() - done->metadata.size());
  REQUIRE(done->generations.size() == counters.size());
  for (std::size_t i = 0; i < counters.size(); ++i) CHECK(done->generations[i] == counters[i]);
}

TEST_CASE("the head of an envelope is everything before its payload, and can be written first", "[engine][envelope]") {
  for (const envelope_view& view : {sample(), sealed_sample()}) {
    const std::string bytes = encoded(view);
    const auto done = decode(bytes, view.id, {});
    REQUIRE(done);
    std::string out = "left over";
    REQUIRE(encode_head(view, {}, out));
    CHECK(head_of(bytes, *done) == out);
    out += view.payload;
    encode_tail(view, out);
    CHECK(out == bytes);
  }
}

TEST_CASE("an envelope at an odd address decodes", "[engine][envelope]") {
  const std::string bytes = "x" + encoded(sample());
  const auto done = decode(std::string_view{bytes}.substr(1), some_identity(), {});
  REQUIRE(done);
  CHECK(*done == sample());
}

TEST_CASE("any flipped bit at any position is found", "[engine][envelope]") {
  for (std::string bytes : {encoded(sample()), encoded(sealed_sample())}) {
    for (char& byte : bytes) {
      for (int bit = 0; bit < 8; ++bit) {
        byte = static_cast<char>(byte ^ (1 << bit));
        CHECK(decoding(bytes) == errc::corrupt);
        byte = static_cast<char>(byte ^ (1 << bit));
      }
    }
    CHECK(decoding(bytes) == errc::none);
  }
}

TEST_CASE("any other byte at any position is found", "[engine][envelope]") {
  std::string bytes = encoded(sample());
  for (char& byte : bytes) {
    const char sound = byte;
    for (int other = 1; other < 256; other += 7) {
      byte = static_cast<char>(sound ^ other);
      CHECK(decoding(bytes) == errc::corrupt);
    }
    byte = sound;
  }
}

TEST_CASE("an envelope cut short or made longer anywhere is found", "[engine][envelope]") {
  for (const std::string& bytes : {encoded(sample()), encoded(sealed_sample())}) {
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      CHECK(decoding(bytes.substr(0, at)) == errc::corrupt);
      CHECK(decoding(bytes.substr(at + 1)) == errc::corrupt);
      CHECK(decoding(bytes.substr(0, at) + bytes.substr(at + 1)) == errc::corrupt);
      CHECK(decoding(bytes.substr(0, at) + '\0' + bytes.substr(at)) == errc::corrupt);
    }
    CHECK(decoding(bytes + '\0') == errc::corrupt);
    CHECK(decoding(bytes + bytes) == errc::corrupt);
  }
  CHECK(decoding("") == errc::corrupt);
}

TEST_CASE("sizes that lie under a right checksum are found", "[engine][envelope]") {
  const std::string sound = encoded(sample());
  CHECK(decoding(resummed(sound)) == errc::none);
  auto with = [&](std::size_t at, std::string_view bytes) {
    std::string changed = sound;
    changed.replace(at, bytes.size(), bytes);
    return decoding(resummed(changed), some_identity(), {SIZE_MAX, SIZE_MAX, SIZE_MAX});
  };
  CHECK(with(4, "\2") == errc::corrupt);  // a future version
  CHECK(with(4, "\0"s) == errc::corrupt);
  CHECK(with(5, "\x06") == errc::corrupt);  // a codec unknown here
  CHECK(with(5, "\x07") == errc::corrupt);
  CHECK(with(5, "\x04") == errc::corrupt);  // a dictionary without zstd
  CHECK(with(5, "\0"s) == errc::corrupt);   // unpacked, but of another size than said
  for (const char* flag : {"\x0d", "\x25", "\x35", "\x45", "\x85"}) CHECK(with(5, flag) == errc::corrupt);
  CHECK(with(5, "\x15") == errc::corrupt);               // a cipher, and no room for nonce and tag
  CHECK(with(6, "\xff\xff") == errc::corrupt);           // more generations than bytes
  CHECK(with(60, "\xff\xff\xff\xff") == errc::corrupt);  // more metadata than bytes
  CHECK(with(60, "\xff\0\0\0"s) == errc::corrupt);
}

TEST_CASE("the envelope of another request is never taken", "[engine][envelope]") {
  const std::string bytes = encoded(sample());
  CHECK(decoding(bytes, some_identity(1)) == errc::corrupt);
  identity near = some_identity();
  near.digest.back() ^= std::byte{1};
  CHECK(decoding(bytes, near) == errc::corrupt);
}

TEST_CASE("a sound envelope over a limit is refused as too large, both ways", "[engine][envelope]") {
  const envelope_view view = sample();
  const std::string bytes = encoded(view);
  const envelope_limits exact{view.raw_bytes, view.metadata.size(), view.generations.size()};
  CHECK(decoding(bytes, view.id, exact) == errc::none);
  for (auto limit : {&envelope_limits::raw_bytes, &envelope_limits::metadata_bytes, &envelope_limits::generations}) {
    envelope_limits tight = exact;
    --(tight.*limit);
    CHECK(decoding(bytes, view.id, tight) == errc::too_large);
    std::string out = "left over";
    const auto done = encode(view, tight, out);
    REQUIRE_FALSE(done);
    CHECK(done.why().code == errc::too_large);
    CHECK(out.empty());
  }
}

TEST_CASE("more generations than the form can count are refused", "[engine][envelope]") {
  const std::vector<std::uint64_t> many(65'536);
  envelope_view view = sample();
  view.generations = generation_list{std::span{many}};
  std::string out;
  CHECK(encode(view, {SIZE_MAX, SIZE_MAX, SIZE_MAX}, out).why().code == errc::too_large);
  view.generations = generation_list{std::span{many}.first(65'535)};
  REQUIRE(encode(view, {SIZE_MAX, SIZE_MAX, SIZE_MAX}, out));
  CHECK(*decode(out, view.id, {SIZE_MAX, SIZE_MAX, SIZE_MAX}) == view);
}

TEST_CASE("parts that contradict each other are not encoded", "[engine][envelope]") {
  envelope_view other_size = sample();
  other_size.codec = payload_codec::none;
  other_size.dictionary_id.reset();
  envelope_view raw_with_dictionary = sample();
  raw_with_dictionary.codec = payload_codec::none;
  raw_with_dictionary.raw_bytes = static_cast<std::uint32_t>(raw_with_dictionary.payload.size());
  for (const auto& view : {other_size, raw_with_dictionary}) {
    std::string out = "left over";
    CHECK(encode(view, {}, out).why().code == errc::invalid_argument);
    CHECK(out.empty());
  }
}

TEST_CASE("random bytes are no envelope", "[engine][envelope]") {
  std::mt19937 random{8};
  for (int round = 0; round < 3000; ++round) {
    std::string bytes(random() % 200, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    if (round % 2 == 0) bytes.replace(0, std::min<std::size_t>(bytes.size(), 5), "AICE\1");
    CHECK(decoding(bytes) == errc::corrupt);
    if (bytes.size() >= 80) CHECK(decoding(resummed(bytes)) == errc::corrupt);
  }
}

}  // namespace aicache::envelope_test
