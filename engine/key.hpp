#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace aicache {

/// The part of an identity that memory keeps: its first 128 bits. SHA-256 output is uniform, so
/// `hi` and `lo` serve as hashes as they are.
///
/// Use of the bits: `hi` chooses the shard (contiguous ranges); `lo` places the entry in the shard's
/// index; `sample_hash` (a mix of both) chooses what the eviction shadows see. Three independent
/// uses, because a shard's keys share the top bits of `hi`.
struct key128 {
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;

  friend auto operator<=>(const key128&, const key128&) = default;
};

/// A hash of a key that is independent of both the shard and the place in the index (the finaliser of
/// MurmurHash3 over a combination of the halves).
constexpr std::uint64_t sample_hash(const key128& k) noexcept {
  std::uint64_t x = k.hi * 0x9e3779b97f4a7c15ULL + k.lo;
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

/// The whole name of a cached answer: SHA-256 over the canonical form of a request. Two requests have
/// one identity exactly when they mean the same; the tenant is part of it.
struct identity {
  std::array<std::byte, 32> digest{};

  friend bool operator==(const identity&, const identity&) = default;

  /// The first 128 bits, read as two big-endian numbers.
  key128 key() const noexcept {
    auto word = [this](std::size_t at) {
      std::uint64_t w;
      std::memcpy(&w, digest.data() + at, sizeof w);
      return __builtin_bswap64(w);
    };
    return {word(0), word(8)};
  }

  /// 64 lower-case hexadecimal digits.
  std::string hex() const {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(64);
    for (std::byte b : digest) {
      out.push_back(digits[std::to_integer<unsigned>(b) >> 4]);
      out.push_back(digits[std::to_integer<unsigned>(b) & 15]);
    }
    return out;
  }
};

/// The shard that owns a key, when the 64-bit hash space is cut into `shards` equal ranges.
constexpr std::uint32_t shard_of(const key128& k, std::uint32_t shards) noexcept {
  return static_cast<std::uint32_t>((static_cast<unsigned __int128>(k.hi) * shards) >> 64);
}

}  // namespace aicache
