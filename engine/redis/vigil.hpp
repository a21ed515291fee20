#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace aicache {

/// Whether a thread that waits for something should look for it again and again for a moment, or sleep at once. To be
/// woken takes longer than most of what is waited for here (a reply of Redis on the same machine, the next request of
/// a caller who waits for this one), but who looks in vain takes time from others. So it is tried; each time in vain
/// doubles how often it is not tried (the halt polling of Linux's KVM adapts its time in the same way).
///
/// Shape      expect() says what comes next; while lasts() the thread looks, else it sleeps until it is woken
/// Units      nanoseconds of any clock that only goes forward
/// Owner      the thread that waits
/// Cost       looking in vain takes at most `longest` each time, and seldom more than a 64th of the times
class vigil {
 public:
  using time = std::chrono::nanoseconds;
  /// What is waited for. One says nothing about another: a server may answer soon and callers ask seldom.
  enum class event : std::uint8_t { reply, request };

  /// Zero: it always sleeps.
  explicit vigil(time longest) noexcept : longest_(longest) {}

  /// What was expected last has come, or something else has; now this is expected.
  void expect(event what, time now) noexcept {
    if (looking_) habits_[index(what_)].skip = 0;
    what_ = what;
    habit& h = habits_[index(what)];
    looking_ = longest_ > time{0} && h.left == 0;
    if (!looking_ && h.left > 0) --h.left;
    until_ = now + longest_;
  }

  /// False: it is time to sleep.
  bool lasts(time now) noexcept {
    if (looking_ && now >= until_) in_vain();
    return looking_;
  }

  /// Others want the processor: they shall have it.
  void disturbed() noexcept {
    if (looking_) in_vain();
  }

 private:
  struct habit {
    std::uint32_t skip = 0;  // how many times to sleep at once after one in vain
    std::uint32_t left = 0;
  };
  static constexpr std::uint32_t most_skipped = 63;
  static constexpr std::size_t index(event e) noexcept { return static_cast<std::size_t>(e); }

  void in_vain() noexcept {
    looking_ = false;
    habit& h = habits_[index(what_)];
    h.left = h.skip = std::min(most_skipped, 2 * h.skip + 1);
  }

  time longest_;
  time until_{0};
  event what_ = event::reply;
  bool looking_ = false;
  std::array<habit, 2> habits_{};
};

}  // namespace aicache
