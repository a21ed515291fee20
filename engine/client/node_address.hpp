#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/outcome.hpp"

namespace aicache {

/// Where a node is reached.
struct node_address {
  std::string host;
  std::uint16_t port = 0;

  /// "host:port", with brackets around an IPv6 address.
  std::string printable() const;
  friend bool operator==(const node_address&, const node_address&) = default;
};

/// Reads "host:port" or "[IPv6]:port"; where the port is left out it is `usual_port`, unless that is 0.
/// Fails: invalid_argument, and the detail quotes what was given.
outcome<node_address> parse_node_address(std::string_view text, std::uint16_t usual_port = 0);

/// Reads several with commas between them, each named once. Fails: as for one, and for none at all.
outcome<std::vector<node_address>> parse_node_addresses(std::string_view text, std::uint16_t usual_port = 0);

}  // namespace aicache
