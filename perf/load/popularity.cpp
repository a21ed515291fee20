#include "perf/load/popularity.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <random>

namespace aicache::perf {

namespace {
constexpr double steepest = 10;
}

outcome<popularity> popularity::parse(const std::string& text) {
  popularity p;
  if (text == "sequential") return p;
  constexpr std::string_view prefix = "zipf:";
  const char* end = text.data() + text.size();
  if (text.starts_with(prefix)) {
    const auto [at, why] = std::from_chars(text.data() + prefix.size(), end, p.skew_);
    if (why == std::errc{} && at == end && p.skew_ >= 0 && p.skew_ <= steepest) return p;
  }
  return fault{errc::invalid_argument, "\"" + text + "\" is neither sequential nor zipf: and a number from 0 to 10"};
}

std::vector<std::uint32_t> popularity::picks(std::uint64_t requests, std::size_t lines, std::uint64_t seed) const {
  std::vector<std::uint32_t> all(requests);
  if (skew_ < 0) {
    for (std::uint64_t i = 0; i < requests; ++i) all[i] = static_cast<std::uint32_t>(i % lines);
    return all;
  }
  std::mt19937_64 random(seed);
  std::vector<std::uint32_t> line_of_rank(lines);
  std::iota(line_of_rank.begin(), line_of_rank.end(), 0U);
  std::shuffle(line_of_rank.begin(), line_of_rank.end(), random);
  std::vector<double> below(lines);
  double sum = 0;
  for (std::size_t r = 0; r < lines; ++r) below[r] = sum += std::pow(static_cast<double>(r + 1), -skew_);
  for (std::uint32_t& pick : all) {
    const double drawn = static_cast<double>(random() >> 11) * 0x1p-53 * sum;
    const auto rank = std::upper_bound(below.begin(), below.end() - 1, drawn) - below.begin();
    pick = line_of_rank[static_cast<std::size_t>(rank)];
  }
  return all;
}

std::string popularity::text() const {
  if (skew_ < 0) return "sequential";
  std::string number = std::to_string(skew_);
  number.erase(number.find_last_not_of('0') + 1);
  return "zipf:" + (number.ends_with('.') ? number + "0" : number);
}

}  // namespace aicache::perf
