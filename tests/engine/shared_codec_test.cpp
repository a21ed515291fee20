#include "engine/shared/shared_codec.hpp"

#include <catch2/catch.hpp>

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace aicache::shared_codec_test {

namespace {

std::shared_ptr<const key_ring> ring(const std::string& text) {
  auto made = parse_key_ring(text);
  REQUIRE(made);
  return *made;
}

const std::string key_a = std::string(64, 'a'), key_b = std::string(64, 'b');

identity id_of(std::uint8_t first) {
  identity id;
  for (std::size_t i = 0; i < id.digest.size(); ++i) id.digest[i] = static_cast<std::byte>(first + i);
  return id;
}

const std::string wordy = [] {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "the refund was late, number " + std::to_string(i * 7919 % 1000) + ". ";
  return text;
}();

std::string noise(std::size_t size) {
  std::mt19937 random{5};
  std::string bytes(size, '\0');
  for (char& b : bytes) b = static_cast<char>(random());
  return bytes;
}

shared_answer answer_of(std::string_view text, std::string_view attributes = "\1\5\0\0\0model") {
  shared_answer a;
  a.id = id_of(1);
  a.value = blob::make(text, {11, 22, 33, 0}, attributes);
  a.created = {1'700'000'000'000};
  a.expires = {1'700'000'060'000};
  a.born = 42;
  a.tags = {7, UINT64_MAX, 0};
  return a;
}

std::string sealed(shared_codec& by, const shared_answer& a) {
  std::string out = "left over";
  REQUIRE(by.seal(a, out));
  return out;
}

outcome<opened_answer> opened(shared_codec& by, std::string_view bytes, keep_packed packed = keep_packed::no,
                              const identity& expected = id_of(1)) {
  // A copy of exactly this size: a read past the end is seen by the address sanitizer.
  const auto exact = std::make_unique<char[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), exact.get());
  return by.open({exact.get(), bytes.size()}, expected, packed);
}

errc opening(shared_codec& by, std::string_view bytes, keep_packed packed = keep_packed::no,
             const identity& expected = id_of(1)) {
  const auto done = opened(by, bytes, packed, expected);
  return done ? errc::none : done.why().code;
}

std::string_view raw_of(const blob_ref& b) { return {reinterpret_cast<const char*>(b->data()), b->size()}; }

/// That `o` is the answer `a`, whose value is raw, wherever it was packed meanwhile.
void check_same(const shared_answer& a, const opened_answer& o) {
  CHECK(o.created == a.created);
  CHECK(o.expires == a.expires);
  CHECK(o.born == a.born);
  CHECK(o.tags == a.tags);
  REQUIRE(o.value);
  CHECK(o.value->facts() == a.value->facts());
  REQUIRE(o.value->raw_size() == a.value->size());
  CHECK(o.value->dictionary() == 0);
  blob_ref raw = o.value;
  if (o.value->codec() == blob_codec::zstd) {
    raw = blob::make_uninitialised(o.value->raw_size(), o.value->facts());
    zstd_codec zstd{{}};
    REQUIRE(zstd.decompress(o.value->frame(), nullptr, {raw->writable(), raw->size()}));
  }
  CHECK(raw_of(raw) == raw_of(a.value));
  CHECK(raw->text() == a.value->text());
  CHECK(raw->attributes() == a.value->attributes());
}

/// Makes the checksum right again, as whoever may write to Redis can.
std::string resummed(std::string bytes) {
  bytes.resize(bytes.size() - 16);
  const XXH128_hash_t sum = XXH3_128bits(bytes.data(), bytes.size());
  for (const std::uint64_t half : {sum.low64, sum.high64})
    for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(half >> shift);
  return bytes;
}

/// The envelope of a view that only a defective or hostile writer makes.
std::string crafted(const std::function<void(envelope_view&)>& change) {
  static const std::array<std::uint64_t, 1> born{1};
  static const answer_facts facts{1, 2, 3, 4};
  envelope_view view;
  view.id = id_of(1);
  view.generations = generation_list{born};
  view.metadata = {reinterpret_cast<const char*>(&facts), sizeof facts};
  view.payload = "text";
  view.raw_bytes = 4;
  change(view);
  std::string out;
  REQUIRE(encode(view, {}, out));
  return out;
}

}  // namespace

TEST_CASE("an answer comes back as it was sealed, in every shape", "[engine][shared_codec]") {
  std::vector<shared_answer> answers;
  answers.push_back(answer_of("short"));
  answers.push_back(answer_of(wordy));
  answers.push_back(answer_of(noise(5000)));
  answers.push_back(answer_of(std::string(300'000, 'x') + noise(300'000)));
  answers.push_back(answer_of("", ""));
  answers.push_back(answer_of("", wordy));
  answers.push_back(answer_of("no tags, no end"));
  answers.back().tags.clear();
  answers.back().expires = never;
  answers.push_back(answer_of("many tags"));
  answers.back().tags.assign(shared_codec::most_tags, 9);
  for (const auto& keys : {std::shared_ptr<const key_ring>{}, ring("1=" + key_a)}) {
    shared_codec writer{{}, keys};
    shared_codec reader{{}, keys};
    for (const auto& a : answers) {
      const std::string bytes = sealed(writer, a);
      for (const auto packed : {keep_packed::no, keep_packed::yes}) {
        const auto back = opened(reader, bytes, packed);
        REQUIRE(back);
        check_same(a, *back);
        if (packed == keep_packed::no) CHECK(back->value->codec() == blob_codec::raw);
      }
    }
  }
}

TEST_CASE("values are compressed when they are long enough and it pays", "[engine][shared_codec]") {
  auto is_packed = [](shared_codec::options o, const std::string& text) {
    shared_codec c{o};
    const auto back = opened(c, sealed(c, answer_of(text, "")), keep_packed::yes);
    REQUIRE(back);
    return back->value->codec() == blob_codec::zstd;
  };
  shared_codec::options o;
  CHECK(is_packed(o, wordy));
  CHECK_FALSE(is_packed(o, noise(5000)));
  o.min_bytes = wordy.size();
  CHECK(is_packed(o, wordy));
  o.min_bytes = wordy.size() + 1;
  CHECK_FALSE(is_packed(o, wordy));
  o.min_bytes = 0;
  CHECK(is_packed(o, wordy));
  CHECK_FALSE(is_packed(o, ""));
  o.min_gain = 100;
  CHECK_FALSE(is_packed(o, wordy));
}

TEST_CASE("a value that was packed for warm goes to Redis as it is", "[engine][shared_codec]") {
  const shared_answer a = answer_of(wordy);
  zstd_codec zstd{{}};
  std::vector<std::byte> frame;
  REQUIRE(zstd.compress(a.value->bytes(), nullptr, frame));
  shared_answer packed = a;
  packed.value = blob::make_packed(frame, *a.value, 0);
  for (const auto& keys : {std::shared_ptr<const key_ring>{}, ring("1=" + key_a)}) {
    shared_codec c{{}, keys};
    const std::string bytes = sealed(c, packed);
    const auto raw = opened(c, bytes);
    REQUIRE(raw);
    check_same(a, *raw);
    const auto kept = opened(c, bytes, keep_packed::yes);
    REQUIRE(kept);
    check_same(a, *kept);
    CHECK(std::equal(frame.begin(), frame.end(), kept->value->frame().begin(), kept->value->frame().end()));
  }
  packed.value = blob::make_packed(frame, *a.value, 3);
  shared_codec c{{}};
  std::string out = "left over";
  const auto done = c.seal(packed, out);
  REQUIRE_FALSE(done);
  CHECK(done.why().code == errc::invalid_argument);
  CHECK(out.empty());
  packed.value = {};
  CHECK(c.seal(packed, out).why().code == errc::invalid_argument);
}

TEST_CASE("every flipped bit and every cut of an envelope is a miss, encrypted or not", "[engine][shared_codec]") {
  for (const auto& keys : {std::shared_ptr<const key_ring>{}, ring("1=" + key_a)}) {
    shared_codec c{{}, keys};
    for (const auto& a : {answer_of("short"), answer_of(wordy)}) {
      std::string bytes = sealed(c, a);
      for (const auto packed : {keep_packed::no, keep_packed::yes}) {
        for (char& byte : bytes) {
          for (int bit = 0; bit < 8; ++bit) {
            byte = static_cast<char>(byte ^ (1 << bit));
            REQUIRE(opening(c, bytes, packed) == errc::corrupt);
            byte = static_cast<char>(byte ^ (1 << bit));
          }
        }
        for (std::size_t size = 0; size < bytes.size(); ++size)
          REQUIRE(opening(c, bytes.substr(0, size), packed) == errc::corrupt);
        CHECK(opening(c, bytes + '\0', packed) == errc::corrupt);
        CHECK(opening(c, bytes, packed) == errc::none);
      }
    }
  }
}

TEST_CASE("with keys no forged byte is believed, even under a right checksum", "[engine][shared_codec]") {
  shared_codec c{{}, ring("1=" + key_a)};
  for (const auto& a : {answer_of("short"), answer_of(wordy), answer_of("", "")}) {
    std::string bytes = sealed(c, a);
    REQUIRE(resummed(bytes) == bytes);
    for (std::size_t at = 0; at + 16 < bytes.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string forged = bytes;
        forged[at] = static_cast<char>(forged[at] ^ (1 << bit));
        forged = resummed(forged);
        for (const auto packed : {keep_packed::no, keep_packed::yes}) {
          const errc how = opening(c, forged, packed);
          REQUIRE((how == errc::corrupt || how == errc::too_large));  // the size may lie beyond the limit
        }
      }
    }
    for (std::size_t cut = 1; cut + 96 < bytes.size(); cut += 3)
      REQUIRE(opening(c, resummed(bytes.substr(0, bytes.size() - cut))) == errc::corrupt);
  }
}

TEST_CASE("an envelope of a future version is a miss", "[engine][shared_codec]") {
  for (const auto& keys : {std::shared_ptr<const key_ring>{}, ring("1=" + key_a)}) {
    shared_codec c{{}, keys};
    std::string bytes = sealed(c, answer_of(wordy));
    bytes[4] = 2;
    CHECK(opening(c, resummed(bytes)) == errc::corrupt);
  }
}

TEST_CASE("another tenant's answer is not believed under this one's key", "[engine][shared_codec]") {
  for (const auto& keys : {std::shared_ptr<const key_ring>{}, ring("1=" + key_a)}) {
    shared_codec c{{}, keys};
    const std::string bytes = sealed(c, answer_of(wordy));
    for (const auto packed : {keep_packed::no, keep_packed::yes})
      CHECK(opening(c, bytes, packed, id_of(2)) == errc::corrupt);
  }
  // Rewriting the identity, too, helps only where nothing is encrypted.
  shared_codec c{{}, ring("1=" + key_a)};
  std::string bytes = sealed(c, answer_of(wordy));
  std::memcpy(bytes.data() + 24, id_of(2).digest.data(), 32);
  CHECK(opening(c, resummed(bytes), keep_packed::no, id_of(2)) == errc::corrupt);
}

TEST_CASE("keys on one side only make every answer a miss", "[engine][shared_codec]") {
  shared_codec plain{{}};
  shared_codec encrypting{{}, ring("1=" + key_a)};
  const shared_answer a = answer_of(wordy);
  for (const auto packed : {keep_packed::no, keep_packed::yes}) {
    CHECK(opening(encrypting, sealed(plain, a), packed) == errc::corrupt);
    CHECK(opening(plain, sealed(encrypting, a), packed) == errc::corrupt);
  }
}

TEST_CASE("an unknown key, and another under a known number, open nothing", "[engine][shared_codec]") {
  shared_codec writer{{}, ring("1=" + key_a)};
  const std::string bytes = sealed(writer, answer_of(wordy));
  for (const std::string& keys : {"2=" + key_a, "1=" + key_b, "1=" + key_b + ",2=" + key_a}) {
    shared_codec reader{{}, ring(keys)};
    CHECK(opening(reader, bytes) == errc::corrupt);
    CHECK(opening(reader, bytes, keep_packed::yes) == errc::corrupt);
  }
}

TEST_CASE("keys rotate under load, and nothing is lost or wrong", "[engine][shared_codec]") {
  const auto first = ring("1=" + key_a), both = ring("1=" + key_a + "\n2=" + key_b), second = ring("2=" + key_b);
  shared_codec c{{}, first};
  const shared_answer a = answer_of(wordy), b = answer_of("short");
  const std::string old = sealed(c, a);
  c.use(both);
  const std::string fresh = sealed(c, b);
  shared_codec reader{{}, both};
  for (int round = 0; round < 3; ++round) {
    for (shared_codec* by : {&c, &reader}) {
      const auto back = opened(*by, old);
      REQUIRE(back);
      check_same(a, *back);
      const auto next = opened(*by, fresh);
      REQUIRE(next);
      check_same(b, *next);
    }
  }
  c.use(second);
  CHECK(opening(c, old) == errc::corrupt);
  CHECK(opening(c, fresh) == errc::none);
  c.use(nullptr);
  CHECK(opening(c, fresh) == errc::corrupt);
  CHECK(opening(c, sealed(c, a)) == errc::none);
}

TEST_CASE("no text shows in what is encrypted, and no two envelopes are alike", "[engine][shared_codec]") {
  shared_codec c{{}, ring("1=" + key_a)};
  const std::string secret = "account 4929 of Ms Example";
  for (const std::string& text : {secret, secret + wordy, noise(900) + secret}) {
    const shared_answer a = answer_of(text);
    const std::string bytes = sealed(c, a);
    for (std::size_t at = 0; at + 5 <= secret.size(); ++at)
      CHECK(bytes.find(secret.substr(at, 5)) == std::string::npos);
    CHECK(bytes.find("model") == std::string::npos);
    CHECK(sealed(c, a) != bytes);
  }
}

TEST_CASE("values and tags over their limit are refused, both ways", "[engine][shared_codec]") {
  shared_codec::options o;
  o.largest = 1000;
  shared_codec tight{o}, wide{{}};
  std::string out = "left over";
  CHECK(tight.seal(answer_of(std::string(1000, 'x'), ""), out));
  CHECK(opening(tight, out) == errc::none);
  const shared_answer large = answer_of(std::string(1001, 'x'), "");
  CHECK(tight.seal(large, out).why().code == errc::too_large);
  CHECK(out.empty());
  CHECK(opening(tight, sealed(wide, large)) == errc::too_large);
  CHECK(opening(tight, sealed(wide, large), keep_packed::yes) == errc::too_large);
  shared_answer tagged = answer_of("tagged");
  tagged.tags.assign(shared_codec::most_tags + 1, 1);
  CHECK(wide.seal(tagged, out).why().code == errc::too_large);
}

TEST_CASE("a sound envelope that holds no shared answer is corrupt", "[engine][shared_codec]") {
  shared_codec c{{}};
  CHECK(opening(c, crafted([](envelope_view&) {})) == errc::none);
  CHECK(opening(c, crafted([](envelope_view& v) { v.generations = {}; })) == errc::corrupt);
  CHECK(opening(c, crafted([](envelope_view& v) { v.metadata.remove_suffix(1); })) == errc::corrupt);
  CHECK(opening(c, crafted([](envelope_view& v) { v.metadata = {}; })) == errc::corrupt);
  CHECK(opening(c, crafted([](envelope_view& v) {
                  v.raw_bytes = 3;  // less than the text
                  v.payload = "abc";
                })) == errc::corrupt);
  auto packed = [](envelope_view& v) {
    v.codec = payload_codec::zstd;
    v.raw_bytes = 400;
    v.payload = "not a frame";
  };
  CHECK(opening(c, crafted(packed)) == errc::corrupt);
  CHECK(opening(c, crafted([&](envelope_view& v) {
                  packed(v);
                  v.dictionary_id = 5;
                })) == errc::corrupt);
  // Its size is sound and nobody looked into it: whoever unpacks it finds out.
  const auto kept = opened(c, crafted(packed), keep_packed::yes);
  REQUIRE(kept);
  CHECK(kept->value->raw_size() == 400);
  zstd_codec zstd{{}};
  std::vector<std::byte> room(400);
  CHECK_FALSE(zstd.decompress(kept->value->frame(), nullptr, room));
}

TEST_CASE("a frame that unpacks to another size than recorded is corrupt", "[engine][shared_codec]") {
  zstd_codec zstd{{}};
  std::vector<std::byte> frame;
  REQUIRE(zstd.compress(std::as_bytes(std::span{wordy}), nullptr, frame));
  shared_codec c{{}};
  for (const int off : {-1, 0, 1, 100'000}) {
    const std::string bytes = crafted([&](envelope_view& v) {
      v.codec = payload_codec::zstd;
      v.raw_bytes = static_cast<std::uint32_t>(static_cast<int>(wordy.size()) + off);
      v.payload = {reinterpret_cast<const char*>(frame.data()), frame.size()};
    });
    CHECK(opening(c, bytes) == (off == 0 ? errc::none : errc::corrupt));
  }
}

TEST_CASE("a large value leaves no large memory behind, but zstd's own", "[engine][shared_codec]") {
  const std::string large = noise(4 << 20) + std::string(4 << 20, 'x');
  zstd_codec zstd{{3}};
  std::vector<std::byte> frame, raw(large.size());
  REQUIRE(zstd.compress(std::as_bytes(std::span{large}), nullptr, frame));
  REQUIRE(zstd.decompress(frame, nullptr, raw));
  shared_codec c{{}, ring("1=" + key_a)};
  REQUIRE(opening(c, sealed(c, answer_of(large, ""))) == errc::none);
  CHECK(c.bytes() <= zstd.bytes() + (1 << 20));
}

}  // namespace aicache::shared_codec_test
