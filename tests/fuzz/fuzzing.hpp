#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

// libFuzzer's own; declared here because its header is not installed.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace aicache::fuzz {

/// A claim of the code under test; when it does not hold, libFuzzer keeps the input.
inline void require(bool holds, const char* claim) {
  if (holds) return;
  std::fprintf(stderr, "broken claim: %s\n", claim);
  std::abort();
}

/// Lets libFuzzer change `text`, which may grow up to `most` bytes.
inline void mutate(std::string& text, std::size_t most) {
  const std::size_t size = text.size();
  text.resize(most);
  text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), std::min(size, most), most));
}

/// A number below `bound`.
inline std::size_t below(std::minstd_rand& random, std::size_t bound) { return random() % bound; }

/// Gives an input back to libFuzzer.
inline std::size_t give(const std::string& input, std::uint8_t* data, std::size_t max_size) {
  const std::size_t size = std::min(input.size(), max_size);
  input.copy(reinterpret_cast<char*>(data), size);
  return size;
}

}  // namespace aicache::fuzz
