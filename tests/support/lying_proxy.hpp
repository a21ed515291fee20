#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace aicache::test {

/// What a proxy makes of what the server says. What clients say always passes unchanged.
enum class lie {
  none,
  late,     ///< everything `patience` later
  silence,  ///< nothing any more, and the connection stays
  half,     ///< half of it; later replies follow where the rest should be
  noise,    ///< as many random bytes instead
  giant,    ///< the head of a bulk of a gigabyte instead, and nothing of it
  hang_up,  ///< the first line, then the end of the connection
  twice,    ///< everything twice: whoever counts replies is one off from then on
  flipped,  ///< one bit of it changed, lengths and all
  refuse,   ///< new connections are closed at once, and old ones too
};

/// Stands between a node and a server on the loopback interface, and lies as it is told, from the next bytes on.
///
/// Owner      the test; one thread of its own moves the bytes
class lying_proxy {
 public:
  explicit lying_proxy(std::uint16_t server) : server_(server) {
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    door_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in a = loopback(0);
    socklen_t size = sizeof a;
    bind(door_, reinterpret_cast<sockaddr*>(&a), size);
    getsockname(door_, reinterpret_cast<sockaddr*>(&a), &size);
    port_ = ntohs(a.sin_port);
    listen(door_, 64);
    thread_ = std::thread([this] { serve(); });
  }
  ~lying_proxy() {
    ending_ = true;
    wake();
    thread_.join();
    for (pair& p : pairs_) hang_up(p);
    close(door_);
    close(wake_);
  }
  lying_proxy(const lying_proxy&) = delete;
  lying_proxy& operator=(const lying_proxy&) = delete;

  std::uint16_t port() const noexcept { return port_; }

  /// Lies from now on, in one of `one_in` pieces that arrive from the server, drawn at random.
  void tell(lie what, unsigned one_in = 1, std::chrono::milliseconds patience = std::chrono::milliseconds{0}) {
    one_in_ = one_in;
    patience_ms_ = static_cast<unsigned>(patience.count());
    lie_ = what;
    wake();
  }
  /// How many lies were told so far.
  std::uint64_t lies() const noexcept { return lies_; }

 private:
  using clock = std::chrono::steady_clock;
  struct piece {
    clock::time_point due;
    std::string bytes;
  };
  struct pair {
    int client = -1;
    int server = -1;
    std::string to_server;
    std::list<piece> to_client;
    bool silent = false;
    bool ends = false;  ///< once to_client is written
  };

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
  }
  void wake() const {
    const std::uint64_t one = 1;
    (void)!write(wake_, &one, sizeof one);
  }
  static void hang_up(pair& p) {
    if (p.client >= 0) close(p.client);
    if (p.server >= 0) close(p.server);
    p.client = p.server = -1;
  }

  void serve() {
    while (!ending_) {
      std::vector<pollfd> all{{wake_, POLLIN, 0}, {door_, POLLIN, 0}};
      int timeout = -1;
      const auto now = clock::now();
      for (const pair& p : pairs_) {
        const bool due = !p.to_client.empty() && p.to_client.front().due <= now;
        if (!p.to_client.empty() && !due) {
          const auto ms = std::chrono::ceil<std::chrono::milliseconds>(p.to_client.front().due - now).count();
          timeout = timeout < 0 ? static_cast<int>(ms) : std::min(timeout, static_cast<int>(ms));
        }
        all.push_back({p.client, static_cast<short>(POLLIN | (due ? POLLOUT : 0)), 0});
        all.push_back({p.server, static_cast<short>(POLLIN | (p.to_server.empty() ? 0 : POLLOUT)), 0});
      }
      poll(all.data(), all.size(), timeout);
      std::uint64_t rung = 0;
      (void)!read(wake_, &rung, sizeof rung);
      auto of = all.begin() + 2;
      for (pair& p : pairs_) {
        if (lie_ == lie::refuse) ++lies_, hang_up(p);
        if (p.client >= 0 && (of[0].revents & ~POLLOUT) != 0) from_client(p);
        if (p.client >= 0 && (of[1].revents & ~POLLOUT) != 0) from_server(p);
        if (p.client >= 0) pass_on(p);
        of += 2;
      }
      pairs_.remove_if([](const pair& p) { return p.client < 0; });
      if (all[1].revents != 0) welcome();
    }
  }

  void welcome() {
    const int client = accept4(door_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in a = loopback(server_);
    if (lie_ == lie::refuse || connect(server, reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0) {
      lies_ += lie_ == lie::refuse ? 1 : 0;
      close(client);
      close(server);
      return;
    }
    fcntl(server, F_SETFL, O_NONBLOCK);
    const int at_once = 1;
    for (const int s : {client, server}) setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    pairs_.push_back({client, server, {}, {}, false, false});
  }

  void from_client(pair& p) {
    char bytes[16'384];
    const ssize_t n = recv(p.client, bytes, sizeof bytes, 0);
    if (n > 0) {
      p.to_server.append(bytes, static_cast<std::size_t>(n));
    } else if (n == 0 || errno != EAGAIN) {
      hang_up(p);
    }
  }

  void from_server(pair& p) {
    char bytes[16'384];
    const ssize_t n = recv(p.server, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return hang_up(p);
    if (p.silent || p.ends) return;
    auto due = clock::now();
    std::string said = altered(p, {bytes, static_cast<std::size_t>(n)}, due);
    if (!said.empty()) p.to_client.push_back({due, std::move(said)});
  }

  std::string altered(pair& p, std::string said, clock::time_point& due) {
    const lie what = lie_;
    if (what == lie::none || random_() % one_in_ != 0) return said;
    ++lies_;
    switch (what) {
      case lie::late: due += std::chrono::milliseconds{patience_ms_.load()}; return said;
      case lie::silence: p.silent = true; return {};
      case lie::half: return said.substr(0, said.size() / 2);
      case lie::noise:
        for (char& c : said) c = static_cast<char>(random_());
        return said;
      case lie::giant: p.silent = true; return "$1073741824\r\n";
      case lie::hang_up: p.ends = true; return said.substr(0, said.find('\n') + 1);
      case lie::twice: return said + said;
      case lie::flipped: said[random_() % said.size()] ^= static_cast<char>(1U << (random_() % 8)); return said;
      default: return said;
    }
  }

  static void pass_on(pair& p) {
    if (!p.to_server.empty()) {
      const ssize_t n = send(p.server, p.to_server.data(), p.to_server.size(), MSG_NOSIGNAL);
      if (n > 0) p.to_server.erase(0, static_cast<std::size_t>(n));
      if (n < 0 && errno != EAGAIN) return hang_up(p);
    }
    while (!p.to_client.empty() && p.to_client.front().due <= clock::now()) {
      std::string& bytes = p.to_client.front().bytes;
      const ssize_t n = send(p.client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN) return hang_up(p);
      if (n > 0) bytes.erase(0, static_cast<std::size_t>(n));
      if (!bytes.empty()) return;
      p.to_client.pop_front();
    }
    if (p.ends && p.to_client.empty()) hang_up(p);
  }

  const std::uint16_t server_;
  std::uint16_t port_ = 0;
  int wake_ = -1;
  int door_ = -1;
  std::atomic<lie> lie_{lie::none};
  std::atomic<unsigned> one_in_{1};
  std::atomic<unsigned> patience_ms_{0};
  std::atomic<std::uint64_t> lies_{0};
  std::atomic<bool> ending_{false};
  std::list<pair> pairs_;
  std::mt19937 random_{7};
  std::thread thread_;
};

}  // namespace aicache::test
