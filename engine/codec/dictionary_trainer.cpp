#include "engine/codec/dictionary_trainer.hpp"

#include <zdict.h>

#include <algorithm>
#include <numeric>

namespace aicache {
namespace {

/// SplitMix64 (Steele, Lea, Flood 2014): a state of one word, and any seed will do.
std::uint64_t next_random(std::uint64_t& state) noexcept {
  std::uint64_t z = state += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

/// What values take when packed one by one, as they would be stored.
std::size_t packed_bytes(std::span<const std::byte> joined, std::span<const std::size_t> sizes,
                         const dictionary* shared, int level) {
  zstd_codec codec{{level}};
  std::vector<std::byte> packed;
  std::size_t sum = 0;
  for (const std::size_t size : sizes) {
    sum += codec.compress(joined.first(size), shared, packed) ? packed.size() : size;
    joined = joined.subspan(size);
  }
  return sum;
}

// Of the samples, the share that judges the dictionary: it would pack those that it was made from too well.
constexpr std::size_t one_judge_in = 5;

}  // namespace

dictionary_trainer::dictionary_trainer(sampling_options options) : options_(options), random_(options.seed) {}

void dictionary_trainer::offer(std::span<const std::byte> answer) {
  const std::size_t share = options_.samples == 0 ? 0 : options_.bytes / options_.samples;
  const std::span sample = answer.first(std::min(answer.size(), share));
  if (sample.empty()) return;
  ++offered_;
  if (kept_.size() < options_.samples) {
    kept_.emplace_back(sample.begin(), sample.end());
    return;
  }
  const auto place =
      static_cast<std::uint64_t>((static_cast<unsigned __int128>(next_random(random_)) * offered_) >> 64);
  if (place < kept_.size()) kept_[place].assign(sample.begin(), sample.end());
}

training_samples dictionary_trainer::samples() const {
  training_samples all;
  all.sizes.reserve(kept_.size());
  for (const auto& sample : kept_) {
    all.joined.insert(all.joined.end(), sample.begin(), sample.end());
    all.sizes.push_back(sample.size());
  }
  return all;
}

std::size_t dictionary_trainer::bytes() const noexcept {
  return std::accumulate(kept_.begin(), kept_.end(), kept_.capacity() * sizeof kept_[0],
                         [](std::size_t sum, const auto& sample) { return sum + sample.capacity(); });
}

outcome<std::shared_ptr<const dictionary>> train(const training_samples& samples, std::size_t dictionary_bytes,
                                                 int level) {
  std::size_t left = samples.joined.size();
  for (const std::size_t size : samples.sizes) {
    if (size > left) return fault{errc::invalid_argument, "the sizes of the samples exceed their bytes"};
    left -= size;
  }
  if (left != 0 || samples.sizes.size() > UINT32_MAX) {
    return fault{errc::invalid_argument, "the sizes of the samples do not add up to their bytes"};
  }
  const std::size_t judges = samples.sizes.size() / one_judge_in;
  const auto taught = std::span{samples.sizes}.first(samples.sizes.size() - judges);
  const auto judging = std::span{samples.sizes}.last(judges);
  const std::size_t taught_bytes = std::accumulate(taught.begin(), taught.end(), std::size_t{0});
  std::vector<std::byte> content(dictionary_bytes);
  // This searches for the best segment length. A fixed one trains five times faster, but which one is best differs
  // from data to data, and the wrong one halves the ratio.
  const std::size_t size = ZDICT_trainFromBuffer(content.data(), content.size(), samples.joined.data(), taught.data(),
                                                 static_cast<unsigned>(taught.size()));
  if (ZDICT_isError(size)) return fault{errc::invalid_argument, ZDICT_getErrorName(size)};
  auto made = dictionary::make(std::span{content}.first(size), level);
  if (!made) return made;
  const auto judged = std::span{samples.joined}.subspan(taught_bytes);
  if (packed_bytes(judged, judging, made->get(), level) >= packed_bytes(judged, judging, nullptr, level)) {
    return fault{errc::invalid_argument, "the dictionary saves nothing"};
  }
  return made;
}

}  // namespace aicache
