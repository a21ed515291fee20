#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cluster/ranges.hpp"

namespace aicache {

/// A node of a cluster as the others know it.
struct cluster_node {
  std::string name;
  std::string host;
  std::uint16_t port = 0;
  std::uint64_t incarnation = 0;  ///< another one after each start; of two the larger is the younger
  std::uint64_t since = 0;        ///< the epoch in which it came in, or came back

  friend bool operator==(const cluster_node&, const cluster_node&) = default;
};

/// Who belongs to a cluster, and with the pins: who owns what. A higher epoch replaces a lower one.
struct cluster_view {
  std::uint64_t epoch = 0;
  std::vector<cluster_node> nodes;  ///< in the order of their names, each name once
  std::vector<range_pin> pins;

  const cluster_node* find(std::string_view name) const noexcept;
  void sort();
  friend bool operator==(const cluster_view&, const cluster_view&) = default;
};

/// The ranges of one node; none if it is not in the view.
range_set ranges_of(const cluster_view& view, std::string_view name);

/// The owner of each range, as a place in `view.nodes`.
std::vector<std::uint16_t> owners_of(const cluster_view& view);

/// Pins as text, "0-1023=a,2048-2048=b"; empty for none. A text that is no such list is refused.
std::string to_text(const std::vector<range_pin>& pins);
std::optional<std::vector<range_pin>> parse_pins(std::string_view text);

/// Whether a node can be called so: 1 to 64 letters, digits and any of - _ .
bool is_node_name(std::string_view name) noexcept;

/// The first ranges of `from` that make up `share` of all ranges, at least one and at most all that it has, as pins to
/// `to`.
std::vector<range_pin> pins_of_share(const range_set& from, double share, std::string_view to);

}  // namespace aicache
