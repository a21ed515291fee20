#include "engine/client/node_address.hpp"

#include <algorithm>
#include <charconv>

namespace aicache {

std::string node_address::printable() const {
  const bool bracketed = host.find(':') != std::string::npos;
  return (bracketed ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

outcome<node_address> parse_node_address(std::string_view text, std::uint16_t usual_port) {
  const auto wrong = [text](const char* why) {
    return fault{errc::invalid_argument,
                 "\"" + std::string(text) + "\" is no address of a node: " + why + "; HOST:PORT, or [IPv6]:PORT"};
  };
  const bool bracketed = text.starts_with('[');
  const auto close = bracketed ? text.find(']') : 0;
  if (close == std::string_view::npos) return wrong("the bracket is not closed");
  const auto colon = text.find(':', close);
  node_address a;
  a.host = bracketed ? text.substr(1, close - 1) : text.substr(0, colon);
  a.port = usual_port;
  if (a.host.empty()) return wrong("the host is missing");
  if (bracketed && close + 1 != std::min(colon, text.size())) return wrong("a colon must follow the bracket");
  if (!bracketed && colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos)
    return wrong("an IPv6 address stands in brackets");
  if (std::any_of(a.host.begin(), a.host.end(), [](unsigned char c) { return c <= ' '; }))
    return wrong("the host holds a blank");
  if (colon == std::string_view::npos) {
    if (usual_port == 0) return wrong("the port is missing");
    return a;
  }
  const char* const end = text.data() + text.size();
  const auto [stop, why] = std::from_chars(text.data() + colon + 1, end, a.port);
  if (why != std::errc{} || stop != end || a.port == 0) return wrong("the port is a number from 1 to 65535");
  return a;
}

outcome<std::vector<node_address>> parse_node_addresses(std::string_view text, std::uint16_t usual_port) {
  std::vector<node_address> all;
  for (;;) {
    const auto comma = std::min(text.find(','), text.size());
    auto one = parse_node_address(text.substr(0, comma), usual_port);
    if (!one) return one.why();
    if (std::find(all.begin(), all.end(), *one) == all.end()) all.push_back(std::move(*one));
    if (comma == text.size()) return all;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace aicache
