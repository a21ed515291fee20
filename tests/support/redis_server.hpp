#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/program.hpp"

namespace aicache::test {

/// A port of the loopback interface that nobody uses at the moment.
inline std::uint16_t free_port() {
  const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(s, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(s, reinterpret_cast<sockaddr*>(&address), &size);
  close(s);
  return ntohs(address.sin_port);
}

/// A folder that goes away with its owner.
class scratch_folder {
 public:
  scratch_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "aicache-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// A real redis-server of the test's own: free loopback port, own data folder, own socket, killed by its pid.
class redis_server {
 public:
  explicit redis_server(std::vector<std::string> more = {}) : more_(std::move(more)), port_(free_port()) { start(); }

  /// True once it takes connections.
  bool start() {
    std::vector<std::string> words{"/usr/bin/redis-server",
                                   "--port",
                                   std::to_string(port_),
                                   "--bind",
                                   "127.0.0.1",
                                   "--dir",
                                   folder_.path(),
                                   "--unixsocket",
                                   socket(),
                                   "--save",
                                   "",
                                   "--appendonly",
                                   "no"};
    words.insert(words.end(), more_.begin(), more_.end());
    process_ = std::make_unique<program>(std::move(words));
    while (const auto line = process_->line(std::chrono::seconds{10}))
      if (line->find("Ready to accept connections") != std::string::npos) return true;
    return false;
  }
  void kill() { process_.reset(); }
  void signal(int number) const { process_->signal(number); }

  /// What redis-cli prints for a command, given `how` to reach the server besides host and port (such as --user).
  std::string ask(std::vector<std::string> words, std::vector<std::string> how = {}) const {
    std::vector<std::string> all{"/usr/bin/redis-cli", "-h", "127.0.0.1", "-p", std::to_string(port_)};
    all.insert(all.end(), how.begin(), how.end());
    all.insert(all.end(), words.begin(), words.end());
    program cli(std::move(all));
    cli.end(std::chrono::seconds{10});
    const std::string& said = cli.rest();
    return said.substr(0, said.find_last_not_of('\n') + 1);
  }

  std::uint16_t port() const noexcept { return port_; }
  pid_t pid() const noexcept { return process_->pid(); }
  std::string socket() const { return (folder_.path() / "redis.sock").string(); }
  const std::filesystem::path& folder() const noexcept { return folder_.path(); }

 private:
  scratch_folder folder_;
  std::vector<std::string> more_;
  std::uint16_t port_;
  std::unique_ptr<program> process_;
};

}  // namespace aicache::test
