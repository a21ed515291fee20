#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace aicache::test {

/// A running program: its output is read through pipes, and its end is awaited with a deadline. Only its own process id
/// is ever signalled.
///
/// Invariant  it never outlives the test: its owner kills it, and the kernel does when the test's process is killed, or
///            when the thread that started it ends (so it is started by one that stays, such as the main thread)
class program {
 public:
  /// Starts `words[0]` with the rest as arguments, and with `environment` (NAME=value) in place of ours; only what is
  /// said to sanitizers passes on, for the same leaks of libraries are known wherever they show.
  explicit program(std::vector<std::string> words, std::vector<std::string> environment = {}) {
    out_ = open_pipe();
    err_ = open_pipe();
    for (const char* name : {"ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"})
      if (const char* said = std::getenv(name)) environment.push_back(std::string(name) + '=' + said);
    std::vector<char*> argv = pointers(words);
    std::vector<char*> env = pointers(environment);
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ == 0) {
      // Between fork and exec only calls that need no lock: the test may have threads.
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() == parent && dup2(out_.second, STDOUT_FILENO) >= 0 && dup2(err_.second, STDERR_FILENO) >= 0)
        execve(argv[0], argv.data(), env.data());
      _exit(127);
    }
    close(out_.second);
    close(err_.second);
    if (pid_ > 0) alive_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  }
  ~program() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    if (alive_ >= 0) close(alive_);
    close(out_.first);
    close(err_.first);
  }
  program(const program&) = delete;
  program& operator=(const program&) = delete;

  pid_t pid() const noexcept { return pid_; }
  void signal(int number) const {
    if (pid_ > 0) kill(pid_, number);
  }

  /// The next line of standard output, without its end; nothing when none comes in time.
  std::optional<std::string> line(std::chrono::milliseconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (text_.find('\n') == std::string::npos)
      if (!read_some(out_.first, text_, until)) return std::nullopt;
    const auto end = text_.find('\n');
    std::string first = text_.substr(0, end);
    text_.erase(0, end + 1);
    return first;
  }

  /// What standard error holds so far.
  const std::string& errors_so_far() {
    while (read_some(err_.first, errors_, std::chrono::steady_clock::now())) {
    }
    return errors_;
  }

  /// The exit code (128 and more: the signal that ended it), or nothing when it lives on. Reads both outputs to their
  /// ends first.
  std::optional<int> end(std::chrono::milliseconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    // Both in turn: a program that waits for room in one of them would never end the other.
    for (bool out = true, err = true; (out || err) && left(until) > 0;) {
      pollfd both[2] = {{out ? out_.first : -1, POLLIN, 0}, {err ? err_.first : -1, POLLIN, 0}};
      if (poll(both, 2, left(until)) < 1) break;
      if (both[0].revents != 0) out = read_some(out_.first, text_, until);
      if (both[1].revents != 0) err = read_some(err_.first, errors_, until);
    }
    pollfd p{alive_, POLLIN, 0};
    if (poll(&p, 1, left(until)) != 1) return std::nullopt;
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  /// What is left of standard output after line(), and standard error; complete once end() has returned.
  const std::string& rest() const noexcept { return text_; }
  const std::string& errors() const noexcept { return errors_; }

 private:
  using point = std::chrono::steady_clock::time_point;

  static std::pair<int, int> open_pipe() {
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) != 0) return {-1, -1};
    return {ends[0], ends[1]};
  }
  static std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> all;
    for (std::string& w : words) all.push_back(w.data());
    all.push_back(nullptr);
    return all;
  }
  static int left(point until) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    return ms.count() > 0 ? static_cast<int>(ms.count()) : 0;
  }
  static bool read_some(int from, std::string& to, point until) {
    pollfd p{from, POLLIN, 0};
    if (poll(&p, 1, left(until)) != 1) return false;
    char bytes[4096];
    const ssize_t n = read(from, bytes, sizeof bytes);
    if (n <= 0) return false;
    to.append(bytes, static_cast<std::size_t>(n));
    return true;
  }

  pid_t pid_ = -1;
  int alive_ = -1;
  std::pair<int, int> out_{-1, -1};
  std::pair<int, int> err_{-1, -1};
  std::string text_;
  std::string errors_;
};

}  // namespace aicache::test
