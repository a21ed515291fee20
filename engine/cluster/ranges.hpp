#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/key.hpp"

namespace aicache {

/// The key hash is cut into so many ranges, of which each belongs to one node of a cluster. Many small ones, so that
/// nodes get equal shares and a node that comes or goes moves its own share and nothing else.
inline constexpr std::uint32_t range_count = 4'096;

constexpr std::uint16_t range_of(const key128& k) noexcept { return static_cast<std::uint16_t>(k.hi >> 52); }

/// Some of them.
using range_set = std::bitset<range_count>;

/// Ranges that an operator gave to a node: first to last, both included.
struct range_pin {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  std::string member;  ///< its name

  friend bool operator==(const range_pin&, const range_pin&) = default;
};

/// The owner of each range, as a place in `members`: the one whose weight for the range is highest (rendezvous hashing:
/// Thaler and Ravishankar, 1998). A pin to a member that is there comes first, the last pin before earlier ones.
///
/// Shape      `range_count` places; depends on the names alone, not on their order or on who was there before
/// Units      with n members each owns 1/n of the ranges, give or take 1.6 % of all (one deviation, at n = 2)
/// Fails      no members: an empty list
/// Cost       O(range_count x members), some 10 us a member
std::vector<std::uint16_t> assign_ranges(std::span<const std::string> members, std::span<const range_pin> pins = {});

}  // namespace aicache
