#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/codec/zstd_codec.hpp"
#include "engine/outcome.hpp"

namespace aicache {

/// How much of an operation's answers is kept for training.
struct sampling_options {
  std::size_t samples = 1000;
  std::size_t bytes = std::size_t{1} << 20;  ///< of all samples; a longer one is cut to its share of this
  std::uint64_t seed = 1;
};

/// Samples in the form that the trainer takes: their bytes joined, and the size of each.
struct training_samples {
  std::vector<std::byte> joined;
  std::vector<std::size_t> sizes;
};

/// Keeps a fair sample of one operation's answers, to train a dictionary from.
///
/// Shape      a reservoir (Vitter 1985, algorithm R): of all that was offered, each is kept with the same chance, so
///            that late answers count as much as early ones. A long answer is cut: what answers share comes first
///            in them
/// Owner      one shard actor; not thread-safe. The seed decides everything
/// Invariant  never holds more than `samples` of them nor more than `bytes` of answers
/// Cost       one multiplication per offer once the reservoir is full, a copy when the offer is taken
class dictionary_trainer {
 public:
  explicit dictionary_trainer(sampling_options options);

  void offer(std::span<const std::byte> answer);

  std::uint64_t offered() const noexcept { return offered_; }
  std::size_t kept() const noexcept { return kept_.size(); }

  /// A copy of the samples, for a worker to train from; the reservoir stays.
  training_samples samples() const;

  /// The memory that it holds.
  std::size_t bytes() const noexcept;

 private:
  sampling_options options_;
  std::uint64_t random_;
  std::uint64_t offered_ = 0;
  std::vector<std::vector<std::byte>> kept_;
};

/// Trains a dictionary: a pure function, slow enough (tens of milliseconds) to belong on a worker.
///
/// Shape      zstd's fast COVER trainer with its search for parameters, then the dictionary is judged: by packing the
///            samples with and without it
/// Units      dictionary_bytes is the most that the content may have; level is the one of compression with it
/// Fails      invalid_argument: sizes that do not add up; samples too few or too much alike for the trainer; a
///            dictionary that packs the samples no better than none does, its own bytes not counted
outcome<std::shared_ptr<const dictionary>> train(const training_samples& samples, std::size_t dictionary_bytes,
                                                 int level);

}  // namespace aicache
