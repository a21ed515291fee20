#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aicache::test {

/// What came back over one connection, until its other side closed it.
struct http_answer {
  int status = 0;  ///< 0: nothing that is HTTP
  std::map<std::string, std::string> headers;
  std::string body;

  std::string header(const std::string& name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? "" : at->second;
  }
};

/// One connection to a port of this machine, byte by byte as a test wants it.
class http_connection {
 public:
  static constexpr std::chrono::seconds patience{20};

  explicit http_connection(std::uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("nobody listens on port " + std::to_string(port));
  }
  ~http_connection() { close(socket_); }
  http_connection(const http_connection&) = delete;
  http_connection& operator=(const http_connection&) = delete;

  /// False when the other side has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  /// All that comes until the other side closes, or patience ends.
  std::string rest() {
    const auto until = std::chrono::steady_clock::now() + patience;
    std::string all;
    for (char bytes[4096];;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      pollfd p{socket_, POLLIN, 0};
      if (left.count() <= 0 || poll(&p, 1, static_cast<int>(left.count())) != 1) return all;
      const ssize_t n = recv(socket_, bytes, sizeof bytes, 0);
      if (n <= 0) return all;
      all.append(bytes, static_cast<std::size_t>(n));
    }
  }

  http_answer answer() { return parsed(rest()); }

  static http_answer parsed(const std::string& text) {
    http_answer a;
    const auto end = text.find("\r\n\r\n");
    if (!text.starts_with("HTTP/1.1 ") || end == std::string::npos) return a;
    a.status = std::atoi(text.c_str() + 9);
    a.body = text.substr(end + 4);
    for (auto at = text.find("\r\n"); at < end;) {
      const auto next = text.find("\r\n", at + 2);
      const std::string line = text.substr(at + 2, next - at - 2);
      if (const auto colon = line.find(": "); colon != std::string::npos)
        a.headers[line.substr(0, colon)] = line.substr(colon + 2);
      at = next;
    }
    return a;
  }

 private:
  int socket_;
};

/// One request and its answer. `more` are header lines, each without its end.
inline http_answer ask_http(std::uint16_t port, const std::string& method, const std::string& path,
                            const std::vector<std::string>& more = {}, const std::string& body = {}) {
  http_connection c(port);
  std::string text = method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  for (const std::string& line : more) text += line + "\r\n";
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  c.send(text + "\r\n" + body);
  return c.answer();
}

/// Prometheus's text format as series and their values; throws for a line that is none, and for a series that comes twice.
inline std::map<std::string, double> series_of(const std::string& text) {
  std::map<std::string, double> all;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.empty() || line.starts_with("#")) continue;
    const auto space = line.rfind(' ');
    if (space == std::string::npos) throw std::runtime_error("no series: " + line);
    if (!all.emplace(line.substr(0, space), std::stod(line.substr(space + 1))).second)
      throw std::runtime_error("twice: " + line);
  }
  return all;
}

}  // namespace aicache::test
