#include "engine/codec/dictionary_trainer.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace aicache::dictionary_trainer_test {

namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span{text}); }

training_samples samples_of(const std::vector<std::string>& texts) {
  training_samples all;
  for (const auto& text : texts) {
    const auto bytes = bytes_of(text);
    all.joined.insert(all.joined.end(), bytes.begin(), bytes.end());
    all.sizes.push_back(text.size());
  }
  return all;
}

std::vector<std::string> texts_of(const training_samples& samples) {
  std::vector<std::string> texts;
  std::size_t at = 0;
  for (const std::size_t size : samples.sizes) {
    texts.emplace_back(reinterpret_cast<const char*>(samples.joined.data()) + at, size);
    at += size;
  }
  CHECK(at == samples.joined.size());
  return texts;
}

std::vector<std::string> records(std::size_t n) {
  std::mt19937 random{1};
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < n; ++i) {
    texts.push_back(R"({"status":"completed","model":"large","score":)" + std::to_string(random()) +
                    R"(,"label":"positive"})");
  }
  return texts;
}

}  // namespace

TEST_CASE("until it is full a trainer keeps every answer", "[engine][trainer]") {
  dictionary_trainer trainer{{3, 300, 1}};
  for (const char* text : {"one", "two", "three"}) trainer.offer(bytes_of(text));
  CHECK(texts_of(trainer.samples()) == std::vector<std::string>{"one", "two", "three"});
  CHECK(trainer.kept() == 3);
  CHECK(trainer.offered() == 3);
}

TEST_CASE("a trainer never holds more answers or bytes than it may", "[engine][trainer]") {
  std::mt19937 random{2};
  dictionary_trainer trainer{{10, 1000, 1}};
  for (int i = 0; i < 2000; ++i) {
    trainer.offer(bytes_of(std::string(random() % 400, 'a')));
    CHECK(trainer.kept() <= 10);
    CHECK(trainer.samples().joined.size() <= 1000);
    CHECK(trainer.bytes() <= 1000 + 16 * sizeof(std::vector<std::byte>));
  }
  const auto kept = trainer.samples();
  CHECK(std::ranges::all_of(kept.sizes, [](std::size_t size) { return size > 0 && size <= 100; }));
}

TEST_CASE("a long answer is kept by its beginning", "[engine][trainer]") {
  dictionary_trainer trainer{{2, 8, 1}};
  trainer.offer(bytes_of("abcdefgh"));
  CHECK(texts_of(trainer.samples()) == std::vector<std::string>{"abcd"});
}

TEST_CASE("empty answers and a trainer without room are no harm", "[engine][trainer]") {
  for (const sampling_options& options :
       {sampling_options{0, 100, 1}, sampling_options{10, 0, 1}, sampling_options{10, 9, 1}}) {
    dictionary_trainer trainer{options};
    trainer.offer(bytes_of("abc"));
    trainer.offer({});
    CHECK(trainer.kept() == 0);
    CHECK(trainer.samples().joined.empty());
  }
}

TEST_CASE("early and late answers have the same chance to be kept", "[engine][trainer]") {
  constexpr std::uint32_t offers = 1000;
  constexpr std::uint32_t room = 50;
  constexpr std::uint32_t rounds = 200;
  std::vector<std::uint32_t> kept_of_tenth(10);
  for (std::uint32_t seed = 0; seed < rounds; ++seed) {
    dictionary_trainer trainer{{room, room * sizeof(std::uint32_t), seed}};
    for (std::uint32_t i = 0; i < offers; ++i) trainer.offer(std::as_bytes(std::span{&i, 1}));
    for (const auto& text : texts_of(trainer.samples())) {
      std::uint32_t i;
      std::memcpy(&i, text.data(), sizeof i);
      ++kept_of_tenth[i / (offers / 10)];
    }
  }
  // 1,000 are expected of each tenth, with a deviation of about 30.
  for (const auto kept : kept_of_tenth) {
    CHECK(kept > 850);
    CHECK(kept < 1150);
  }
}

TEST_CASE("one seed, one sample; another seed, another sample", "[engine][trainer]") {
  auto sampled = [](std::uint64_t seed) {
    dictionary_trainer trainer{{20, 20'000, seed}};
    for (const auto& text : records(500)) trainer.offer(bytes_of(text));
    return texts_of(trainer.samples());
  };
  CHECK(sampled(1) == sampled(1));
  CHECK(sampled(1) != sampled(2));
}

TEST_CASE("training is a function of the samples", "[engine][trainer]") {
  const auto samples = samples_of(records(500));
  const auto first = train(samples, 2048, 1);
  const auto second = train(samples, 2048, 1);
  REQUIRE((first && second));
  CHECK((*first)->id() == (*second)->id());
  CHECK((*first)->content().size() <= 2048);
}

TEST_CASE("too few or worthless samples are refused", "[engine][trainer]") {
  std::mt19937 random{3};
  std::vector<std::string> noise;
  for (int i = 0; i < 200; ++i) {
    noise.emplace_back(100, '\0');
    for (char& c : noise.back()) c = static_cast<char>(random());
  }
  const std::vector<std::vector<std::string>> worthless{{},
                                                        {""},
                                                        {"a"},
                                                        records(1),
                                                        records(3),
                                                        std::vector<std::string>(1000, ""),
                                                        std::vector<std::string>(1000, "a"),
                                                        std::vector<std::string>(5, std::string(7, 'x')),
                                                        noise};
  for (std::size_t i = 0; i < worthless.size(); ++i) {
    INFO("samples " << i);
    const auto done = train(samples_of(worthless[i]), 2048, 1);
    REQUIRE_FALSE(done);
    CHECK(done.why().code == errc::invalid_argument);
  }
}

TEST_CASE("samples all alike either train or are refused, but do not break the trainer", "[engine][trainer]") {
  for (const std::size_t size : {8, 100, 1000}) {
    const auto done = train(samples_of(std::vector<std::string>(300, std::string(size, 'x'))), 2048, 1);
    if (!done) CHECK(done.why().code == errc::invalid_argument);
  }
}

TEST_CASE("sizes that do not add up are refused", "[engine][trainer]") {
  auto samples = samples_of(records(300));
  auto more = samples;
  more.sizes.push_back(1);
  auto less = samples;
  less.sizes.pop_back();
  auto wrapping = samples;
  wrapping.sizes[0] = SIZE_MAX;
  wrapping.sizes[1] += samples.sizes[0] + 1;
  for (const auto& bad : {more, less, wrapping}) CHECK(train(bad, 2048, 1).why().code == errc::invalid_argument);
}

TEST_CASE("a dictionary too small to be one is refused", "[engine][trainer]") {
  for (const std::size_t bytes : {0, 1, 255}) {
    CHECK(train(samples_of(records(300)), bytes, 1).why().code == errc::invalid_argument);
  }
}

}  // namespace aicache::dictionary_trainer_test
