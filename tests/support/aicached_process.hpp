#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/program.hpp"

namespace aicache::test {

/// Asks again and again until it is so; false when it is not within `patience`.
template <class Condition>
bool eventually(Condition is_so, std::chrono::milliseconds patience = std::chrono::seconds{10}) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

/// A real node on a free port, small unless told otherwise, with settings as `aicached --set` takes them.
class aicached_process {
 public:
  static constexpr std::chrono::seconds patience{30};

  /// Returns once the node is ready. Throws when it does not get ready, with its log. `file` is one of settings.
  explicit aicached_process(std::vector<std::string> settings, const std::string& file = {})
      : process_(words(std::move(settings), file)) {
    const auto line = process_.line(patience);
    const std::string begin = "ready caf=127.0.0.1:";
    if (!line || !line->starts_with(begin)) throw std::runtime_error("a node that is not ready: " + log());
    port_ = static_cast<std::uint16_t>(std::stoi(line->substr(begin.size())));
    const std::string http = " http=127.0.0.1:";
    if (const auto at = line->find(http); at != std::string::npos)
      http_port_ = static_cast<std::uint16_t>(std::stoi(line->substr(at + http.size())));
  }

  /// The command line of a node with these settings. It serves HTTP only where they say something of it.
  static std::vector<std::string> words(std::vector<std::string> settings, const std::string& file = {}) {
    std::vector<std::string> all{AICACHE_BINARY_DIR "/aicached"};
    if (!file.empty()) all.insert(all.end(), {"--config", file});
    const auto has = [&](const char* begin) {
      return std::any_of(settings.begin(), settings.end(), [&](const std::string& s) { return s.starts_with(begin); });
    };
    if (!has("http.port=")) settings.insert(settings.begin(), has("http.") ? "http.port=0" : "http.enabled=false");
    if (!has("node.port=")) settings.insert(settings.begin(), "node.port=0");
    if (!has("memory.budget=")) settings.push_back("memory.budget=32MiB");
    for (std::string& s : settings) {
      all.push_back("--set");
      all.push_back(std::move(s));
    }
    return all;
  }

  std::uint16_t port() const noexcept { return port_; }
  /// 0 when it serves none.
  std::uint16_t http_port() const noexcept { return http_port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  pid_t pid() const noexcept { return process_.pid(); }
  void signal(int number) const { process_.signal(number); }
  /// Its exit code, if it ends by itself.
  std::optional<int> end() { return process_.end(patience); }
  /// The orderly end: what is still to be written to Redis is written, as far as the drain time allows. The exit code.
  int drain() {
    signal(SIGTERM);
    return process_.end(patience).value_or(-1);
  }
  /// What the node has logged so far.
  const std::string& log() { return process_.errors_so_far(); }

 private:
  program process_;
  std::uint16_t port_ = 0;
  std::uint16_t http_port_ = 0;
};

}  // namespace aicache::test
