#include "engine/advice/hit_curve.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

namespace aicache {

double hit_curve::sum_of(const std::array<double, group_count>& groups) noexcept {
  return std::accumulate(groups.begin(), groups.end(), 0.0);
}

std::optional<double> hit_curve::hit_percent(std::size_t size) const noexcept {
  const double all = sum_of(requests);
  if (!(all > 0) || size >= size_count) return std::nullopt;
  return 100 * sum_of(hits[size]) / all;
}

std::optional<predicted_effect> hit_curve::effect_of(std::uint64_t bytes) const noexcept {
  const double all = sum_of(requests);
  if (!(all > 0) || budget == 0 || bytes == 0) return std::nullopt;
  const double place = std::log2(static_cast<double>(bytes) / static_cast<double>(budget)) + present;
  // What was rounded to whole bytes may lie a hair outside.
  constexpr double hair = 1e-3;
  if (place < -hair || place > size_count - 1 + hair) return std::nullopt;
  const double inside = std::clamp(place, 0.0, double{size_count - 1});
  const auto below = std::min(static_cast<std::size_t>(inside), size_count - 2);
  const double upper = inside - static_cast<double>(below);
  std::array<double, group_count> gained;
  for (std::size_t g = 0; g < group_count; ++g)
    gained[g] = hits[below][g] * (1 - upper) + hits[below + 1][g] * upper - hits[present][g];
  const double ratio = sum_of(gained) / all;
  double squares = 0;
  for (std::size_t g = 0; g < group_count; ++g) {
    const double off = gained[g] - ratio * requests[g];
    squares += off * off;
  }
  constexpr double deviations = 2.13;  // of Student's distribution with 15 degrees of freedom, 19 times in 20
  const double deviation = std::sqrt(squares * group_count / (group_count - 1)) / all;
  return predicted_effect{100 * ratio, 100 * deviations * deviation};
}

void hit_curve::merge(const hit_curve& more) noexcept {
  budget += more.budget;
  samples += more.samples;
  for (std::size_t g = 0; g < group_count; ++g) {
    requests[g] += more.requests[g];
    for (std::size_t s = 0; s < size_count; ++s) hits[s][g] += more.hits[s][g];
  }
}

std::string to_json(const hit_curve& c) {
  using nlohmann::json;
  json points = json::array();
  for (std::size_t i = 0; i < hit_curve::size_count; ++i) {
    const auto height = c.hit_percent(i);
    const auto effect = c.effect_of(c.bytes_at(i));
    if (!height || !effect) continue;
    points.push_back(
        {{"bytes", c.bytes_at(i)}, {"hit_percent", *height}, {"points", effect->points}, {"error", effect->error}});
  }
  return json{{"budget", c.budget}, {"samples", c.samples}, {"points", points}}.dump();
}

}  // namespace aicache
