#include "actors/transport/reach.hpp"

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

// The first of the host's addresses that takes the connection.
outcome<int> connected(const std::string& host, std::uint16_t port, clock::time_point until) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int why = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found); why != 0)
    return fault{errc::unavailable, gai_strerror(why)};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, freeaddrinfo);
  int why = 0;
  for (const addrinfo* at = all.get(); at != nullptr; at = at->ai_next) {
    close_socket s{::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol)};
    why = s.socket < 0 || ::connect(s.socket, at->ai_addr, at->ai_addrlen) != 0 ? errno : 0;
    if (s.socket >= 0 && why == EINPROGRESS) {
      socklen_t size = sizeof why;
      if (!is_ready(s.socket, POLLOUT, until)) {
        why = ETIMEDOUT;
      } else if (getsockopt(s.socket, SOL_SOCKET, SO_ERROR, &why, &size) != 0) {
        why = errno;
      }
    }
    if (why == 0) return std::exchange(s.socket, -1);
  }
  return fault{why == ETIMEDOUT ? errc::deadline : errc::unavailable, std::strerror(why)};
}

// Nothing, once both ends have proved who they are.
outcome<void> introduced(session& talk, int socket, clock::time_point until) {
  for (;;) {
    const auto p = talk.shake_hands();
    if (p == session::progress::done) return {};
    if (p == session::progress::failed) return fault{errc::unavailable, "TLS: " + talk.why()};
    if (!is_ready(socket, p == session::progress::wants_read ? POLLIN : POLLOUT, until))
      return fault{errc::deadline, "TLS: it does not say in time who it is"};
  }
}

}  // namespace

outcome<caf::io::scribe_ptr> reach(caf::actor_system& system, const std::string& host, std::uint16_t port,
                                   const std::shared_ptr<const tls::credentials>& ours, duration patience) {
  const auto until = clock::now() + patience;
  const auto made = connected(host, port, until);
  if (!made) return made.why();
  close_socket s{*made};
  if (!ours) return system.middleman().backend().new_scribe(std::exchange(s.socket, -1));
  caf::io::network::keepalive(s.socket, true);
  auto talk = session::dialling(ours, s.socket, host);
  if (const auto known = introduced(*talk, s.socket, until); !known) return known.why();
  return tls::make_scribe(system, std::move(talk), std::exchange(s.socket, -1));
}

}  // namespace aicache
