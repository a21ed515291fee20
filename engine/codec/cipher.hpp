#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "engine/codec/key_ring.hpp"
#include "engine/outcome.hpp"

struct evp_cipher_ctx_st;

namespace aicache {

/// What one encryption leaves behind for its decryption.
struct payload_seal {
  std::uint64_t key_id = 0;
  std::array<std::byte, 12> nonce{};  ///< used once under a key, ever
  std::array<std::byte, 16> tag{};    ///< proves head and payload; all zero before the encryption

  friend bool operator==(const payload_seal&, const payload_seal&) = default;
};

/// Encrypts and decrypts payloads.
///
/// Shape      AES-256-GCM (NIST SP 800-38D) of OpenSSL, one context for each direction, made and keyed at first use
/// Owner      one actor or thread; not thread-safe. The ring is shared and may be replaced at any time
/// Fails      begin, encrypt: internal when OpenSSL refuses, overloaded when it has no memory; nothing is ever left in
///            plain instead. decrypt: corrupt when the key is unknown, or anything is not as it was encrypted
/// Invariant  no nonce is used twice under one key: it is a 96-bit number that starts at random in each cipher and
///            counts from there. Two ciphers collide only when their stretches overlap: for Q ciphers (shards of all
///            nodes and of all their restarts) that sealed N payloads together the chance is below Q*N/2^96, for 2^16
///            and 2^48 one in 2^32. Random nonces would be worn out after 2^32 payloads. Rotate the key long before N
/// Cost       about half a microsecond and a pass over the bytes at some GB/s; perf/shared_bench.cpp measures it
class cipher {
 public:
  /// A null ring encrypts nothing and decrypts nothing.
  explicit cipher(std::shared_ptr<const key_ring> keys = nullptr);
  ~cipher();
  cipher(const cipher&) = delete;
  cipher& operator=(const cipher&) = delete;

  void use(std::shared_ptr<const key_ring> keys);
  const std::shared_ptr<const key_ring>& keys() const noexcept { return keys_; }

  /// The active key's number, and a fresh nonce, for one call of encrypt. They belong into the head.
  outcome<payload_seal> begin();

  /// Encrypts `plain` to `out`, where as many bytes have room, and sets `seal.tag`, which covers `head` too. `out` may be
  /// where `plain` is.
  outcome<void> encrypt(payload_seal& seal, std::span<const std::byte> head, std::span<const std::byte> plain,
                        std::byte* out);

  /// The way back. After a fault nothing is left at `out`.
  outcome<void> decrypt(const payload_seal& seal, std::span<const std::byte> head, std::span<const std::byte> encrypted,
                        std::byte* out);

 private:
  struct free_context {
    void operator()(evp_cipher_ctx_st* context) const noexcept;
  };
  struct direction {
    std::unique_ptr<evp_cipher_ctx_st, free_context> context;
    std::uint64_t key_id = 0;  // of the key that the context holds; 0: none
  };
  outcome<void> arm(direction& d, bool encrypts, const payload_seal& seal);

  std::shared_ptr<const key_ring> keys_;
  direction encryption_;
  direction decryption_;
  std::array<std::byte, 12> next_nonce_{};
  bool has_nonce_ = false;
};

}  // namespace aicache
