#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace aicache::test {

/// A server on loopback that says the same to everybody who comes, whatever they say, and then hangs up or waits.
class liar {
 public:
  liar(std::string says, bool hangs_up) : says_(std::move(says)), hangs_up_(hangs_up) {
    socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(socket_, reinterpret_cast<sockaddr*>(&address), size);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    listen(socket_, 16);
    thread_ = std::thread([this] { serve(); });
  }
  ~liar() {
    shutdown(socket_, SHUT_RDWR);
    thread_.join();
    close(socket_);
  }
  std::uint16_t port() const noexcept { return port_; }

 private:
  void serve() {
    std::vector<int> kept;
    for (;;) {
      const int peer = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) break;
      char heard[256];
      if (recv(peer, heard, sizeof heard, 0) > 0) (void)!::send(peer, says_.data(), says_.size(), MSG_NOSIGNAL);
      if (hangs_up_) {
        close(peer);
      } else {
        kept.push_back(peer);
      }
    }
    for (int peer : kept) close(peer);
  }

  std::string says_;
  bool hangs_up_;
  int socket_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace aicache::test
