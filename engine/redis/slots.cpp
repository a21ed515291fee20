#include "engine/redis/slots.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace aicache {

namespace {

constexpr std::array<std::uint16_t, 256> crc_table = [] {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000U) != 0 ? (crc << 1) ^ 0x1021U : crc << 1;
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}();

}  // namespace

std::uint16_t crc16(std::string_view bytes) noexcept {
  unsigned crc = 0;
  for (char c : bytes) crc = (crc << 8) ^ crc_table[((crc >> 8) ^ static_cast<unsigned char>(c)) & 0xffU];
  return static_cast<std::uint16_t>(crc);
}

std::uint16_t slot_of(std::string_view key) noexcept {
  if (const auto open = key.find('{'); open != std::string_view::npos) {
    const auto close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1) key = key.substr(open + 1, close - open - 1);
  }
  return crc16(key) % slot_count;
}

std::uint16_t slot_map::master(std::string_view address) {
  const auto known = std::find(addresses_.begin(), addresses_.end(), address);
  if (known != addresses_.end()) return static_cast<std::uint16_t>(known - addresses_.begin());
  addresses_.emplace_back(address);
  return static_cast<std::uint16_t>(addresses_.size() - 1);
}

void slot_map::assign(std::uint16_t first, std::uint16_t last, std::uint16_t to) noexcept {
  for (std::uint32_t slot = first; slot <= last && slot < slot_count; ++slot) owners_[slot] = to;
}

void slot_map::clear() noexcept { std::fill(owners_.begin(), owners_.end(), nobody); }

bool slot_map::complete() const noexcept { return std::find(owners_.begin(), owners_.end(), nobody) == owners_.end(); }

bool parse_redirection(std::string_view error, redirection& out) {
  redirection r;
  if (error.starts_with("ASK ")) {
    r.ask = true;
    error.remove_prefix(4);
  } else if (error.starts_with("MOVED ")) {
    error.remove_prefix(6);
  } else {
    return false;
  }
  const auto space = error.find(' ');
  if (space == std::string_view::npos) return false;
  const char* end = error.data() + space;
  const auto [stop, why] = std::from_chars(error.data(), end, r.slot);
  if (why != std::errc{} || stop != end || r.slot >= slot_count) return false;
  const std::string_view address = error.substr(space + 1);
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == address.size()) return false;
  std::uint16_t port = 0;
  const char* last = address.data() + address.size();
  const auto [port_stop, port_why] = std::from_chars(address.data() + colon + 1, last, port);
  if (port_why != std::errc{} || port_stop != last || port == 0) return false;
  r.address = address;
  out = std::move(r);
  return true;
}

}  // namespace aicache
