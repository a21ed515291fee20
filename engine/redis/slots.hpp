#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aicache {

/// Redis Cluster's number of hash slots.
inline constexpr std::uint16_t slot_count = 16'384;

/// CRC-16/XMODEM, as Redis Cluster specifies it (polynomial 0x1021, start 0, not reflected).
std::uint16_t crc16(std::string_view bytes) noexcept;

/// The slot of a key: of what stands between its first '{' and the next '}', if that is not empty, else of all of it.
std::uint16_t slot_of(std::string_view key) noexcept;

/// Which master serves which slots.
///
/// Owner      whoever routes commands of one cluster
/// Invariant  a slot has at most one master; masters are numbered as they appear and keep their numbers
class slot_map {
 public:
  static constexpr std::uint16_t nobody = UINT16_MAX;

  /// A master's address, "host:port".
  std::uint16_t master(std::string_view address);

  void assign(std::uint16_t first, std::uint16_t last, std::uint16_t to) noexcept;

  /// Forgets all assignments, but no numbers: a new picture follows.
  void clear() noexcept;

  std::uint16_t owner(std::uint16_t slot) const noexcept { return owners_[slot]; }
  const std::vector<std::string>& addresses() const noexcept { return addresses_; }
  /// Whether every slot has a master.
  bool complete() const noexcept;

 private:
  std::vector<std::uint16_t> owners_ = std::vector<std::uint16_t>(slot_count, nobody);
  std::vector<std::string> addresses_;
};

/// What a MOVED or ASK error says.
struct redirection {
  bool ask = false;  ///< only this time, and behind ASKING
  std::uint16_t slot = 0;
  std::string address;  ///< "host:port"; an empty host means the one that answered

  friend bool operator==(const redirection&, const redirection&) = default;
};

/// Reads "MOVED 3999 127.0.0.1:6381" or "ASK …"; false when it is neither, or does not parse.
bool parse_redirection(std::string_view error, redirection& out);

}  // namespace aicache
