#include "engine/redis/address.hpp"

#include <charconv>

namespace aicache {

namespace {

template <class Number>
bool parse_number(std::string_view text, Number& out) {
  const char* end = text.data() + text.size();
  const auto [stop, why] = std::from_chars(text.data(), end, out);
  return !text.empty() && why == std::errc{} && stop == end;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool percent_decode(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return false;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return false;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return true;
}

fault bad(const char* what) { return {errc::invalid_argument, std::string("a Redis URL ") + what}; }

}  // namespace

std::string redis_address::printable() const {
  std::string out = transport == redis_transport::tls   ? "rediss://"
                    : transport == redis_transport::tcp ? "redis://"
                                                        : "unix://";
  if (!user.empty() || !password.empty()) out.append(user).append(password.empty() ? "@" : ":***@");
  if (transport == redis_transport::unix_socket)
    return out.append(path).append("?db=").append(std::to_string(database));
  const bool bracketed = host.find(':') != std::string::npos;
  out.append(bracketed ? "[" : "").append(host).append(bracketed ? "]:" : ":").append(std::to_string(port));
  return out.append("/").append(std::to_string(database));
}

outcome<redis_address> parse_redis_url(std::string_view url) {
  redis_address a;
  if (url.starts_with("redis://")) {
    url.remove_prefix(8);
  } else if (url.starts_with("rediss://")) {
    a.transport = redis_transport::tls;
    url.remove_prefix(9);
  } else if (url.starts_with("unix://")) {
    a.transport = redis_transport::unix_socket;
    url.remove_prefix(7);
  } else {
    return bad("must begin with redis://, rediss:// or unix://");
  }
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    const std::string_view who = url.substr(0, at);
    const auto colon = who.find(':');
    if (!percent_decode(who.substr(0, colon), a.user)) return bad("has a broken % in its user");
    if (colon != std::string_view::npos && !percent_decode(who.substr(colon + 1), a.password))
      return bad("has a broken % in its password");
    url.remove_prefix(at + 1);
  }
  if (a.transport == redis_transport::unix_socket) {
    const auto query = url.find("?db=");
    a.path = url.substr(0, query);
    if (a.path.empty() || a.path.front() != '/') return bad("must name a socket by its absolute path");
    if (query != std::string_view::npos && !parse_number(url.substr(query + 4), a.database))
      return bad("has a database that is no number");
    return a;
  }
  if (const auto slash = url.find('/'); slash != std::string_view::npos) {
    const std::string_view database = url.substr(slash + 1);
    if (!database.empty() && !parse_number(database, a.database)) return bad("has a database that is no number");
    url = url.substr(0, slash);
  }
  std::string_view port;
  if (url.starts_with("[")) {
    const auto close = url.find(']');
    if (close == std::string_view::npos) return bad("has an address whose bracket does not close");
    a.host = url.substr(1, close - 1);
    port = url.substr(close + 1);
    if (!port.empty() && port.front() != ':') return bad("has something between address and port");
  } else {
    const auto colon = url.find(':');
    a.host = url.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view{} : url.substr(colon);
  }
  if (a.host.empty()) return bad("must name a host");
  if (!port.empty() && (!parse_number(port.substr(1), a.port) || a.port == 0)) return bad("has a port that is none");
  return a;
}

}  // namespace aicache
