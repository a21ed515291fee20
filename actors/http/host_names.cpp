#include "actors/http/host_names.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace aicache::http {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c;
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

bool is_port(std::string_view text) {
  return text.size() <= 5 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_address(int family, const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(family, text.c_str(), bytes) == 1;
}

}  // namespace

host_names::host_names(std::string_view names, std::string_view own) : names_{"localhost"} {
  if (!own.empty()) names_.push_back(lower(own));
  for (std::size_t at = 0; at <= names.size();) {
    const auto end = std::min(names.find(',', at), names.size());
    const std::string name = lower(trimmed(names.substr(at, end - at)));
    if (name == "*") all_ = true;
    if (!name.empty()) names_.push_back(name);
    at = end + 1;
  }
}

bool host_names::knows(std::string_view header) const {
  const std::string_view host = trimmed(header);
  if (all_ || host.empty()) return true;
  if (host.front() == '[') {
    const auto end = host.find(']');
    if (end == std::string_view::npos) return false;
    const std::string_view rest = host.substr(end + 1);
    if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return false;
    return is_address(AF_INET6, std::string(host.substr(1, end - 1)));
  }
  const auto colon = host.find(':');
  if (colon != std::string_view::npos && !is_port(host.substr(colon + 1))) return false;
  std::string name = lower(host.substr(0, colon));
  if (name.ends_with('.')) name.pop_back();
  return is_address(AF_INET, name) || std::find(names_.begin(), names_.end(), name) != names_.end();
}

}  // namespace aicache::http
