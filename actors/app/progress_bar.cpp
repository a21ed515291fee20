#include "actors/app/progress_bar.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace aicache::app {

namespace {
constexpr std::chrono::milliseconds between_drawings{100};
constexpr std::size_t width = 30;
}  // namespace

progress_bar::progress_bar() : on_terminal_(::isatty(STDERR_FILENO) == 1) {}

void progress_bar::show(double share, const std::string& text) {
  if (!on_terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + between_drawings;
  drawn_ = true;
  const auto filled = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(width));
  const std::string bar = std::string(filled, '#') + std::string(width - filled, '-');
  std::fprintf(stderr, "\r\x1b[K[%s] %s", bar.c_str(), text.c_str());
  std::fflush(stderr);
}

void progress_bar::clear() {
  if (!drawn_) return;
  drawn_ = false;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
}

}  // namespace aicache::app
