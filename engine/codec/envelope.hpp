#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/codec/cipher.hpp"
#include "engine/key.hpp"
#include "engine/outcome.hpp"
#include "engine/types.hpp"

namespace aicache {

/// A list of generations as it lies in an envelope, at any alignment: a view, not a copy.
class generation_list {
 public:
  generation_list() = default;
  explicit generation_list(std::span<const std::uint64_t> numbers) noexcept : bytes_(std::as_bytes(numbers)) {}
  /// `bytes` must be a multiple of eight long; the numbers are little-endian.
  explicit generation_list(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  std::size_t size() const noexcept { return bytes_.size() / sizeof(std::uint64_t); }
  std::uint64_t operator[](std::size_t at) const noexcept {
    std::uint64_t number;
    std::memcpy(&number, bytes_.data() + at * sizeof number, sizeof number);
    return number;
  }
  std::span<const std::byte> bytes() const noexcept { return bytes_; }

  friend bool operator==(const generation_list& a, const generation_list& b) noexcept {
    return a.size() == b.size() &&
           (a.bytes_.empty() || std::memcmp(a.bytes_.data(), b.bytes_.data(), a.bytes_.size()) == 0);
  }

 private:
  std::span<const std::byte> bytes_;
};

/// How a payload is packed.
enum class payload_codec : std::uint8_t { none = 0, zstd = 1 };

/// What an envelope says, looking into the bytes it was decoded from: valid as long as they are.
struct envelope_view {
  identity id;
  instant created;
  instant expires = never;
  payload_codec codec = payload_codec::none;
  std::optional<std::uint64_t> dictionary_id;  ///< of the dictionary that a zstd payload was packed with
  generation_list generations;                 ///< the invalidation counters that held when the answer was stored
  std::string_view metadata;                   ///< opaque
  std::uint32_t raw_bytes = 0;                 ///< of the payload when unpacked
  std::optional<payload_seal> seal;            ///< of an encrypted payload
  std::string_view payload;                    ///< as it lies there: packed perhaps, then encrypted perhaps

  friend bool operator==(const envelope_view&, const envelope_view&) = default;
};

/// The most that an envelope may hold, writing and reading.
struct envelope_limits {
  std::size_t raw_bytes = std::size_t{64} << 20;
  std::size_t metadata_bytes = std::size_t{64} << 10;
  std::size_t generations = 64;
};

/// The stored form of an answer, outside of a shard's memory: in Redis, in snapshots.
///
///      0  magic        4  "AICE"
///      4  version      1  1
///      5  flags        1  bits 0-1 codec (0 none, 1 zstd); bit 2 a dictionary id follows; bits 4-5 cipher (0 none,
///                        1 AES-256-GCM); the rest 0
///      6  generations  2  how many
///      8  created      8  ms since the Unix epoch, signed
///     16  expires      8  the same; 7fffffffffffffff for never
///     24  identity    32  SHA-256
///     56  raw size     4  of the payload when unpacked
///     60  metadata     4  its size
///     64  dictionary   8  its id; only with bit 2
///      .  generations  8  each
///      .  metadata
///      .  key id       8  only with a cipher
///      .  nonce       12  only with a cipher
///      .  payload         all that is left
///      .  tag         16  only with a cipher, which authenticates everything before the payload with it
///    end  checksum    16  XXH3-128 of everything before, its low half first
///
/// Shape      numbers are little-endian; a worked example is in the test of that name
/// Fails      encode: too_large over a limit; invalid_argument when the parts contradict each other (unpacked payload of
///            another size than raw_bytes, dictionary without zstd). decode: corrupt when a byte is not as it was
///            written, is missing or too much, another version or cipher, or the identity of another request;
///            too_large when sound but over a limit. Neither reads past its input
/// Invariant  decode(encode(view)) is that view; the checksum finds damage, not forgery: whoever may write to Redis is
///            trusted, or the payload is encrypted and the seal verified by whoever has the key
/// Cost       one pass over the bytes; decode copies nothing and takes no memory unless it fails
outcome<void> encode(const envelope_view& view, const envelope_limits& limits, std::string& out);
outcome<envelope_view> decode(std::string_view bytes, const identity& expected, const envelope_limits& limits);

/// The same in two steps, for who makes the payload in its place: encode_head writes everything before the payload (of
/// which it looks at the size only); the caller appends the payload; encode_tail writes what follows.
outcome<void> encode_head(const envelope_view& view, const envelope_limits& limits, std::string& out);
void encode_tail(const envelope_view& view, std::string& out);

/// What comes before the payload of an envelope that was decoded from `bytes`: what its seal covers beside it.
inline std::string_view head_of(std::string_view bytes, const envelope_view& decoded) noexcept {
  return bytes.substr(0, static_cast<std::size_t>(decoded.payload.data() - bytes.data()));
}

}  // namespace aicache
