#include "engine/degradation/level.hpp"

namespace aicache {

std::optional<degradation::change> degradation::move_to(service_level to, std::string_view why) noexcept {
  if (to == level_) return std::nullopt;
  const change made{level_, to, why};
  level_ = to;
  return made;
}

// The highest level whose condition still holds, when one has ended.
std::optional<degradation::change> degradation::settle_down() noexcept {
  if (level_ == service_level::draining || is_pressed_) return std::nullopt;
  const bool was_pressed = level_ == service_level::shedding;
  if (is_away_)
    return move_to(service_level::memory_only, "the pressure is gone, and the shared tier cannot be reached");
  return move_to(service_level::normal, was_pressed ? "the pressure is gone" : "the shared tier is back");
}

std::optional<degradation::change> degradation::shared_tier(bool reachable, instant now) noexcept {
  if (reachable) {
    if (is_away_ && !back_since_) back_since_ = now;
    return tick(now);
  }
  is_away_ = true;
  back_since_.reset();
  if (level_ != service_level::normal) return std::nullopt;
  return move_to(service_level::memory_only, "the shared tier cannot be reached");
}

std::optional<degradation::change> degradation::pressure(duration lag, double waiting, instant now) noexcept {
  const bool is_late = lag > options_.shed_lag;
  const bool is_over = is_late || waiting > options_.shed_waiting;
  const bool is_second = is_over && was_over_;
  was_over_ = is_over;
  if (!is_pressed_) {
    is_pressed_ = is_second;
    calm_since_.reset();
    if (!is_pressed_ || level_ == service_level::draining) return tick(now);
    return move_to(service_level::shedding, is_late ? "messages wait too long" : "too much waits");
  }
  if (lag * 2 < options_.shed_lag && waiting * 2 < options_.shed_waiting) {
    if (!calm_since_) calm_since_ = now;
    is_pressed_ = now - *calm_since_ < options_.settle;
  } else {
    calm_since_.reset();
  }
  return tick(now);
}

std::optional<degradation::change> degradation::tick(instant now) noexcept {
  if (back_since_ && now - *back_since_ >= options_.settle) {
    is_away_ = false;
    back_since_.reset();
  }
  return settle_down();
}

std::optional<degradation::change> degradation::drain() noexcept {
  return move_to(service_level::draining, "the node is told to stop");
}

}  // namespace aicache
