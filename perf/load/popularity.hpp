#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/outcome.hpp"

namespace aicache::perf {

/// Which requests are made how often: "sequential" takes the lines in their order, again and again; "zipf:S" draws the
/// line of rank r with a probability like 1 / r^S, the ranks being a permutation by the seed.
class popularity {
 public:
  /// Fails: invalid_argument, with what it should be.
  static outcome<popularity> parse(const std::string& text);

  /// The places of `requests` picks among `lines`.
  std::vector<std::uint32_t> picks(std::uint64_t requests, std::size_t lines, std::uint64_t seed) const;

  std::string text() const;

 private:
  double skew_ = -1;  // below zero: sequential
};

}  // namespace aicache::perf
