#include "actors/http/server.hpp"

#include <civetweb.h>
#include <netdb.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <exception>
#include <future>
#include <string_view>
#include <utility>

namespace aicache::http {

namespace {

using clock = std::chrono::steady_clock;

// A browser may run nothing, show nothing and ask nobody but this node.
constexpr std::string_view guards =
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Connection: close\r\n";

std::string date() {
  char text[40];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  const auto n = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text, n};
}

std::string text_of(const reply& r, bool with_body) {
  std::string out = "HTTP/1.1 " + std::to_string(r.status) + ' ' + phrase(r.status) + "\r\nDate: " + date() + "\r\n";
  out += guards;
  bool cached = false;
  for (const auto& [name, value] : r.headers) {
    cached = cached || name == "Cache-Control";
    out += name + ": " + value + "\r\n";
  }
  if (!cached) out += "Cache-Control: no-store\r\n";
  if (!r.type.empty()) out += "Content-Type: " + r.type + "\r\n";
  // Neither has a body, so neither has a length.
  if (r.status != 204 && r.status != 304) out += "Content-Length: " + std::to_string(r.body.size()) + "\r\n";
  out += "\r\n";
  if (with_body) out += r.body;
  return out;
}

// Byte by byte: within a longer piece the library would wait anew for each byte of a caller who sends them one by one.
outcome<std::string> read_body(mg_connection* c, std::uint64_t announced, std::size_t at_most,
                               clock::time_point until) {
  std::string body;
  char byte = 0;
  int n = 0;
  while ((n = mg_read(c, &byte, 1)) == 1) {
    if (body.size() == at_most)
      return fault{errc::too_large, "a body may have " + std::to_string(at_most) + " bytes; see http.body_bytes"};
    body += byte;
    if (clock::now() >= until) break;
  }
  if (clock::now() >= until) return fault{errc::deadline, "the body did not arrive in time; see http.timeout"};
  if (n < 0 || body.size() < announced) return fault{errc::invalid_argument, "the body broke off"};
  return body;
}

std::string header(const mg_connection* c, const char* name) {
  const char* value = mg_get_header(c, name);
  return value ? value : "";
}

// In pieces, for the same reason: who reads too slowly is let go of.
void send(mg_connection* c, const reply& r, bool with_body, duration time) {
  constexpr std::size_t piece = 16 << 10;
  const std::string text = text_of(r, with_body);
  const auto until = clock::now() + time;
  for (std::string_view left = text; !left.empty() && clock::now() < until;) {
    const int n = mg_write(c, left.data(), std::min(piece, left.size()));
    if (n <= 0) break;
    left.remove_prefix(static_cast<std::size_t>(n));
  }
  mg_disable_connection_keep_alive(c);
}

// The library waits for connections two seconds at a time, and looks only then whether it shall stop: one wakes it.
void knock(const std::string& host, std::uint16_t port) {
  addrinfo* to = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), nullptr, &to) != 0) return;
  const int door = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (door >= 0) {
    (void)connect(door, to->ai_addr, to->ai_addrlen);
    close(door);
  }
  freeaddrinfo(to);
}

}  // namespace

struct server::callbacks {
  static server& of(const mg_connection* c) { return *static_cast<server*>(mg_get_user_data(mg_get_context(c))); }

  static int request(mg_connection* c) {
    const mg_request_info* info = mg_get_request_info(c);
    const server& self = of(c);
    try {
      query q{info->request_method, info->local_uri, info->remote_addr};
      q.authorization = header(c, "Authorization");
      q.host = header(c, "Host");
      q.if_none_match = header(c, "If-None-Match");
      q.announced_bytes = info->content_length > 0 ? static_cast<std::uint64_t>(info->content_length) : 0;
      const auto until = clock::now() + self.timeout_;
      q.body = [&](std::size_t at_most) { return read_body(c, q.announced_bytes, at_most, until); };
      const reply r = self.handler_(q);
      send(c, r, q.method != "HEAD", self.timeout_);
      return r.status;
    } catch (const std::exception& e) {
      spdlog::error("http: {}", e.what());
      send(c, problem(500, "this request met a defect of the node; its log says more"), true, self.timeout_);
      return 500;
    }
  }

  // What never became a request: the library tells the status.
  static int error(mg_connection* c, int status, const char* what) {
    send(c, problem(status, what ? what : ""), true, of(c).timeout_);
    return 0;
  }

  static int log(const mg_connection*, const char* what) {
    // Whoever can connect can make it say things: not for the log of every day.
    spdlog::debug("http: {}", what);
    return 1;
  }
};

outcome<std::unique_ptr<server>> server::start(const server_options& o, handler h) {
  std::unique_ptr<server> s(new server(std::move(h)));
  s->host_ = o.host;
  s->timeout_ = o.timeout;
  mg_init_library(MG_FEATURES_DEFAULT);
  const bool v6 = o.host.find(':') != std::string::npos;
  const std::string address = (v6 ? "[" + o.host + "]" : o.host) + ":" + std::to_string(o.port);
  const std::string connections = std::to_string(o.connections);
  const std::string timeout = std::to_string(o.timeout.count());
  // No path of ours has anything to decode, and one that was decoded would end where it has a byte of zero.
  const char* settings[] = {"listening_ports",
                            address.c_str(),
                            "num_threads",
                            connections.c_str(),
                            "request_timeout_ms",
                            timeout.c_str(),
                            "max_request_size",
                            "16384",
                            "decode_url",
                            "no",
                            "enable_keep_alive",
                            "no",
                            "enable_directory_listing",
                            "no",
                            nullptr};
  mg_callbacks calls{};
  calls.begin_request = callbacks::request;
  calls.http_error = callbacks::error;
  calls.log_message = callbacks::log;
  mg_init_data init{&calls, s.get(), settings};
  char text[256] = "";
  unsigned code = 0;
  mg_error_data why{&code, text, sizeof text};
  mg_context* context = mg_start2(&init, &why);
  if (!context) {
    mg_exit_library();
    return fault{errc::unavailable, text[0] != '\0' ? text : "the address cannot be bound"};
  }
  s->context_ = context;
  mg_server_port bound{};
  if (mg_get_server_ports(context, 1, &bound) == 1) s->port_ = static_cast<std::uint16_t>(bound.port);
  return s;
}

server::~server() {
  if (!context_) return;
  const auto stopped = std::async(std::launch::async, mg_stop, static_cast<mg_context*>(context_));
  while (stopped.wait_for(std::chrono::milliseconds(10)) != std::future_status::ready) knock(host_, port_);
  mg_exit_library();
}

}  // namespace aicache::http
