#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/outcome.hpp"

namespace aicache {

/// A key of AES-256.
using cipher_key = std::array<std::byte, 32>;

/// The keys that answers are encrypted with, by number.
///
/// Shape      one of them, the active one, encrypts; all decrypt. To rotate: a ring with a new key behind the old ones
///            for every reader first, then for the writers; the old key may go once what it sealed has expired
/// Units      numbers run from 1 to 2^32-1
/// Owner      immutable; shared by all codecs of a node, on any thread
/// Invariant  never empty; no two keys share a number; the keys are wiped from memory with the ring
class key_ring {
 public:
  ~key_ring();
  key_ring(const key_ring&) = delete;
  key_ring& operator=(const key_ring&) = delete;

  /// The number of the key that encrypts: the last that was listed.
  std::uint32_t active() const noexcept { return entries_.back().id; }
  /// Null when there is no such key.
  const cipher_key* find(std::uint64_t id) const noexcept;
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  friend outcome<std::shared_ptr<const key_ring>> parse_key_ring(std::string_view text);
  key_ring() = default;

  struct entry {
    std::uint32_t id = 0;
    cipher_key key{};
  };
  std::vector<entry> entries_;  // as listed; never grows past what was reserved, which would leave copies behind
};

/// Reads keys, each written `number=64 hexadecimal digits`, divided by line ends or commas; blank lines and what follows
/// a '#' are skipped. `text` stays the caller's, to be wiped.
/// Fails: invalid_argument, saying the line and the rule, and never anything of what stands there.
outcome<std::shared_ptr<const key_ring>> parse_key_ring(std::string_view text);

}  // namespace aicache
