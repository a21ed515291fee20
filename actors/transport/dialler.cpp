#include "actors/transport/dialler.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <caf/io/middleman.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <chrono>
#include <cstring>
#include <utility>

#include "actors/transport/scribe.hpp"
#include "actors/transport/session.hpp"

namespace aicache {

namespace {

using clock = std::chrono::steady_clock;
using tls::session;

struct close_socket {
  int socket = -1;
  ~close_socket() {
    if (socket >= 0) ::close(socket);
  }
};

// Whether the socket is ready before the time is over.
bool is_ready(int socket, short what, clock::time_point until) {
  pollfd p{socket, what, 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
    const int found = poll(&p, 1, static_cast<int>(std::max<std::int64_t>(0, left)));
    if (found >= 0 || errno != EINTR) return found > 0;
  }
}

caf::error no_answer(const std::string& host, std::uint16_t port) {
  return caf::make_error(caf::sec::connection_timeout, host, port);
}

caf::error refused(const std::string& why, const std::string& host, std::uint16_t port) {
  return caf::make_error(caf::sec::cannot_connect_to_node, why, host, port);
}

// The first of the host's addresses that takes the connection.
caf::expected<int> connected(const std::string& host, std::uint16_t port, clock::time_point until) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int why = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found); why != 0)
    return refused(gai_strerror(why), host, port);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, freeaddrinfo);
  caf::error last = refused("no address", host, port);
  for (const addrinfo* at = all.get(); at != nullptr; at = at->ai_next) {
    close_socket s{::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol)};
    int why = errno;
    if (s.socket >= 0) {
      why = ::connect(s.socket, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
      if (why == EINPROGRESS) {
        if (!is_ready(s.socket, POLLOUT, until)) {
          last = no_answer(host, port);
          continue;
        }
        socklen_t size = sizeof why;
        if (getsockopt(s.socket, SOL_SOCKET, SO_ERROR, &why, &size) != 0) why = errno;
      }
      if (why == 0) return std::exchange(s.socket, -1);
    }
    last = refused(std::strerror(why), host, port);
  }
  return last;
}

}  // namespace

dialler::dialler(caf::actor_config& how, caf::actor broker, std::shared_ptr<const tls::credentials> ours,
                 duration patience)
    : middleman_actor_impl(how, std::move(broker)), ours_(std::move(ours)), patience_(patience) {}

const char* dialler::name() const { return "aicache.dialler"; }

caf::expected<caf::io::scribe_ptr> dialler::connect(const std::string& host, std::uint16_t port) {
  const auto until = clock::now() + patience_;
  auto made = connected(host, port, until);
  if (!made) return std::move(made.error());
  close_socket s{*made};
  caf::io::network::keepalive(s.socket, true);
  if (!ours_) return system().middleman().backend().new_scribe(std::exchange(s.socket, -1));
  auto talk = session::dialling(ours_, s.socket, host);
  for (;;) {
    const auto p = talk->shake_hands();
    if (p == session::progress::done) break;
    if (p == session::progress::failed) return refused("TLS: " + talk->why(), host, port);
    if (!is_ready(s.socket, p == session::progress::wants_read ? POLLIN : POLLOUT, until)) return no_answer(host, port);
  }
  return tls::make_scribe(system(), std::move(talk), std::exchange(s.socket, -1));
}

caf::expected<caf::io::doorman_ptr> dialler::open(std::uint16_t port, const char*, bool) {
  return caf::make_error(caf::sec::cannot_open_port, "nodes are published by aicache::publish", port);
}

}  // namespace aicache
