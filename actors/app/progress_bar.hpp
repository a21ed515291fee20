#pragma once

#include <chrono>
#include <string>

namespace aicache::app {

/// One line on standard error that tells how far a long command is; nothing where that is no terminal.
class progress_bar {
 public:
  progress_bar();
  ~progress_bar() { clear(); }
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;

  /// `share` is 0 to 1; 0 where the end is not known. Drawn ten times a second at most.
  void show(double share, const std::string& text);
  /// Takes the line away.
  void clear();

 private:
  bool on_terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace aicache::app
