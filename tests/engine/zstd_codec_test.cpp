#include "engine/codec/zstd_codec.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/codec/dictionary_trainer.hpp"

namespace aicache::zstd_codec_test {

namespace {

using byte_vector = std::vector<std::byte>;

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span{text}); }

std::string json_answer(std::mt19937& random) {
  static const std::vector<std::string> words{"market", "growth", "customer", "delayed", "strong", "in", "the", "and"};
  std::string text = R"({"status":"completed","operation":"summarize","usage":{"tokens":)" +
                     std::to_string(random() % 900) + R"(},"result":")";
  while (text.size() < 200) text += words[random() % words.size()] + " ";
  return text + "\"}";
}

training_samples answers(std::size_t n, unsigned seed = 1) {
  std::mt19937 random{seed};
  dictionary_trainer trainer{{n, n * 1000, seed}};
  for (std::size_t i = 0; i < n; ++i) trainer.offer(bytes_of(json_answer(random)));
  return trainer.samples();
}

std::shared_ptr<const dictionary> trained(unsigned seed = 1) {
  auto done = train(answers(400, seed), 4096, 1);
  REQUIRE(done);
  return *done;
}

byte_vector compressed(zstd_codec& codec, const std::string& text, const dictionary* shared) {
  byte_vector packed;
  REQUIRE(codec.compress(bytes_of(text), shared, packed));
  return packed;
}

/// Unpacks into a room of its own, so that the address sanitizer sees a byte read or written beside it.
outcome<std::string> unpacked(zstd_codec& codec, std::span<const std::byte> packed, const dictionary* shared,
                              std::size_t raw_bytes) {
  const auto exact = std::make_unique<std::byte[]>(packed.size());
  std::copy(packed.begin(), packed.end(), exact.get());
  const auto room = std::make_unique<std::byte[]>(raw_bytes);
  if (auto done = codec.decompress({exact.get(), packed.size()}, shared, {room.get(), raw_bytes}); !done) {
    return done.why();
  }
  return std::string{reinterpret_cast<const char*>(room.get()), raw_bytes};
}

}  // namespace

TEST_CASE("what was packed is unpacked, of any size and level", "[engine][zstd]") {
  std::mt19937 random{1};
  for (const int level : {-5, 1, 3, 9}) {
    zstd_codec codec{{level}};
    for (const std::size_t size : {60, 255, 256, 257, 1000, 65'791, 65'792, 300'000}) {
      std::string text;
      while (text.size() < size) text += json_answer(random);
      text.resize(size);
      INFO(size << " bytes at level " << level);
      const auto packed = compressed(codec, text + text, nullptr);
      CHECK(packed.size() < 2 * size);
      const auto back = unpacked(codec, packed, nullptr, 2 * size);
      REQUIRE(back);
      CHECK(*back == text + text);
    }
  }
}

TEST_CASE("what would save nothing is not packed", "[engine][zstd]") {
  zstd_codec codec{{}};
  std::mt19937 random{2};
  std::string noise(1000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  for (const std::string& text : {std::string{}, std::string{"a"}, std::string{"ab"}, std::string{"abcdefgh"}, noise}) {
    byte_vector packed{std::byte{1}};
    CHECK_FALSE(codec.compress(bytes_of(text), nullptr, packed));
    CHECK(packed.empty());
  }
  // And the codec serves on after it.
  CHECK(*unpacked(codec, compressed(codec, std::string(500, 'a'), nullptr), nullptr, 500) == std::string(500, 'a'));
}

TEST_CASE("a dictionary packs small answers to less than half of what zstd alone makes of them", "[engine][zstd]") {
  const auto shared = trained();
  zstd_codec codec{{}};
  std::mt19937 random{77};
  std::size_t alone = 0;
  std::size_t with = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string text = json_answer(random);
    alone += compressed(codec, text, nullptr).size();
    const auto packed = compressed(codec, text, shared.get());
    with += packed.size();
    CHECK(*unpacked(codec, packed, shared.get(), text.size()) == text);
  }
  CHECK(with * 2 < alone);
}

TEST_CASE("one codec serves values with several dictionaries and none in any order", "[engine][zstd]") {
  const auto first = trained(1);
  const auto second =
      *dictionary::make(bytes_of(std::string(300, 'q').append(R"({"status":"completed","operation":)")), 3);
  zstd_codec codec{{}};
  std::mt19937 random{3};
  for (int i = 0; i < 60; ++i) {
    const dictionary* shared = std::vector<const dictionary*>{nullptr, first.get(), second.get()}[random() % 3];
    const std::string text = json_answer(random);
    const auto packed = compressed(codec, text, shared);
    CHECK(*unpacked(codec, packed, shared, text.size()) == text);
    zstd_codec other{{}};
    CHECK(compressed(other, text, shared) == packed);
  }
}

TEST_CASE("a frame does not unpack to the value without its dictionary", "[engine][zstd]") {
  const auto shared = trained();
  zstd_codec codec{{}};
  std::mt19937 random{4};
  for (int i = 0; i < 20; ++i) {
    const std::string text = json_answer(random);
    const auto packed = compressed(codec, text, shared.get());
    const auto back = unpacked(codec, packed, nullptr, text.size());
    CHECK((!back || *back != text));
  }
}

TEST_CASE("a value of another size than recorded is corrupt", "[engine][zstd]") {
  zstd_codec codec{{}};
  const std::string text(1000, 'a');
  const auto packed = compressed(codec, text, nullptr);
  for (const std::size_t size : {0, 1, 500, 999, 1001, 2000, 100'000}) {
    const auto back = unpacked(codec, packed, nullptr, size);
    REQUIRE_FALSE(back);
    CHECK(back.why().code == errc::corrupt);
  }
  CHECK(*unpacked(codec, packed, nullptr, 1000) == text);
}

TEST_CASE("a frame cut short is corrupt", "[engine][zstd]") {
  zstd_codec codec{{}};
  std::mt19937 random{5};
  const std::string text = json_answer(random) + json_answer(random);
  for (const auto& shared : {std::shared_ptr<const dictionary>{}, trained()}) {
    const auto packed = compressed(codec, text, shared.get());
    for (std::size_t size = 0; size < packed.size(); ++size) {
      const auto back = unpacked(codec, std::span{packed}.first(size), shared.get(), text.size());
      REQUIRE_FALSE(back);
      CHECK(back.why().code == errc::corrupt);
    }
  }
}

TEST_CASE("damaged frames are refused or unpack to the size asked for, never beyond", "[engine][zstd]") {
  zstd_codec codec{{}};
  std::mt19937 random{6};
  const auto shared = trained();
  const std::string text = json_answer(random);
  const auto packed = compressed(codec, text, shared.get());
  for (int round = 0; round < 4000; ++round) {
    auto damaged = packed;
    for (auto n = 1 + random() % 4; n > 0; --n) damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    if (random() % 4 == 0) damaged.resize(random() % 400, std::byte{0x5a});
    const auto back = unpacked(codec, damaged, shared.get(), text.size());
    if (!back) CHECK(back.why().code == errc::corrupt);
  }
  CHECK(*unpacked(codec, packed, shared.get(), text.size()) == text);
}

TEST_CASE("frames of other makers are refused", "[engine][zstd]") {
  zstd_codec codec{{}};
  const std::string magic{"\x28\xb5\x2f\xfd\x00\x00\x01\x00\x00", 9};
  const std::string legacy{"\x25\xb5\x2f\xfd\x00\x00\x01\x00\x00", 9};
  const std::string skippable{"\x50\x2a\x4d\x18\x00\x00\x00\x00", 8};
  for (const auto& frame : {magic, legacy, skippable, std::string{}}) {
    for (const std::size_t size : {0, 10}) {
      CHECK(unpacked(codec, bytes_of(frame), nullptr, size).why().code == errc::corrupt);
    }
  }
}

TEST_CASE("a frame that claims a huge window takes no memory for it", "[engine][zstd]") {
  zstd_codec codec{{}};
  const std::string text(1000, 'a');
  auto packed = compressed(codec, text, nullptr);
  (void)unpacked(codec, packed, nullptr, text.size());
  const std::size_t before = codec.bytes();
  packed[1] = std::byte{0xff};  // the window descriptor
  (void)unpacked(codec, packed, nullptr, text.size());
  CHECK(codec.bytes() == before);
}

TEST_CASE("a codec takes memory only when it is used, and reports it", "[engine][zstd]") {
  zstd_codec codec{{}};
  CHECK(codec.bytes() == 0);
  const auto packed = compressed(codec, std::string(1000, 'a'), nullptr);
  const std::size_t compressing = codec.bytes();
  CHECK(compressing > 0);
  CHECK(unpacked(codec, packed, nullptr, 1000));
  CHECK(codec.bytes() > compressing);
}

TEST_CASE("a dictionary is named by its content", "[engine][zstd]") {
  const std::string content = "the quick brown fox";
  const auto first = dictionary::make(bytes_of(content), 1);
  const auto second = dictionary::make(bytes_of(content), 9);
  const auto other = dictionary::make(bytes_of(content + "x"), 1);
  REQUIRE((first && second && other));
  CHECK((*first)->id() == (*second)->id());
  CHECK((*first)->id() != (*other)->id());
  CHECK((*first)->id() == 0x150018d41c31b193ULL);
  CHECK(std::ranges::equal((*first)->content(), bytes_of(content)));
  CHECK((*first)->bytes() > content.size());
}

TEST_CASE("a dictionary without content or with a damaged one is refused", "[engine][zstd]") {
  CHECK(dictionary::make({}, 1).why().code == errc::invalid_argument);
  const auto sound = trained();
  byte_vector damaged{sound->content().begin(), sound->content().end()};
  std::fill(damaged.begin() + 8, damaged.begin() + 60, std::byte{0xff});
  CHECK(dictionary::make(damaged, 1).why().code == errc::invalid_argument);
}

}  // namespace aicache::zstd_codec_test
