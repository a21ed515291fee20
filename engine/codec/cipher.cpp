#include "engine/codec/cipher.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <climits>
#include <utility>

namespace aicache {
namespace {

const unsigned char* as_openssl(const std::byte* bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes);
}
unsigned char* as_openssl(std::byte* bytes) noexcept { return reinterpret_cast<unsigned char*>(bytes); }

/// OpenSSL counts in int.
bool is_countable(std::span<const std::byte> bytes) noexcept { return bytes.size() <= INT_MAX; }

/// Feeds the head, which is only authenticated, and the payload; either may be empty.
bool feed(evp_cipher_ctx_st* context, std::span<const std::byte> head, std::span<const std::byte> payload,
          std::byte* out) noexcept {
  int done = 0;
  if (!head.empty() &&
      EVP_CipherUpdate(context, nullptr, &done, as_openssl(head.data()), static_cast<int>(head.size())) != 1)
    return false;
  return payload.empty() || EVP_CipherUpdate(context, as_openssl(out), &done, as_openssl(payload.data()),
                                             static_cast<int>(payload.size())) == 1;
}

/// GCM holds nothing back, but asks for a place.
bool finish(evp_cipher_ctx_st* context) noexcept {
  unsigned char nothing[16];
  int done = 0;
  return EVP_CipherFinal_ex(context, nothing, &done) == 1;
}

}  // namespace

void cipher::free_context::operator()(evp_cipher_ctx_st* context) const noexcept { EVP_CIPHER_CTX_free(context); }

cipher::cipher(std::shared_ptr<const key_ring> keys) : keys_(std::move(keys)) {}
cipher::~cipher() = default;

void cipher::use(std::shared_ptr<const key_ring> keys) {
  keys_ = std::move(keys);
  // A number may stand for another key now; and keys that are gone from the ring are to be gone altogether.
  encryption_ = {};
  decryption_ = {};
}

outcome<payload_seal> cipher::begin() {
  if (!keys_) return fault{errc::internal, "encryption without a key"};
  if (!has_nonce_) {
    if (RAND_bytes(as_openssl(next_nonce_.data()), static_cast<int>(next_nonce_.size())) != 1)
      return fault{errc::internal, "no random bytes"};
    has_nonce_ = true;
  }
  payload_seal seal;
  seal.key_id = keys_->active();
  seal.nonce = next_nonce_;
  for (std::byte& b : next_nonce_) {
    b = static_cast<std::byte>(std::to_integer<unsigned>(b) + 1);
    if (b != std::byte{0}) break;  // else it carries
  }
  return seal;
}

outcome<void> cipher::arm(direction& d, bool encrypts, const payload_seal& seal) {
  if (!d.context) {
    d.context.reset(EVP_CIPHER_CTX_new());
    if (!d.context) return fault{errc::overloaded, "no memory for encryption"};
  }
  const auto* nonce = as_openssl(seal.nonce.data());
  const int way = encrypts ? 1 : 0;
  if (d.key_id != seal.key_id) {
    const cipher_key* key = keys_ ? keys_->find(seal.key_id) : nullptr;
    if (key == nullptr) return fault{errc::corrupt, "encrypted with a key unknown here"};
    d.key_id = 0;
    if (EVP_CipherInit_ex(d.context.get(), EVP_aes_256_gcm(), nullptr, as_openssl(key->data()), nonce, way) != 1)
      return fault{errc::internal, "OpenSSL refuses AES-256-GCM"};
    d.key_id = seal.key_id;
  } else if (EVP_CipherInit_ex(d.context.get(), nullptr, nullptr, nullptr, nonce, way) != 1) {
    return fault{errc::internal, "OpenSSL refuses a nonce"};
  }
  return {};
}

outcome<void> cipher::encrypt(payload_seal& seal, std::span<const std::byte> head, std::span<const std::byte> plain,
                              std::byte* out) {
  if (!is_countable(head) || !is_countable(plain)) return fault{errc::too_large, "encryption"};
  if (auto armed = arm(encryption_, true, seal); !armed) return armed;
  auto* const context = encryption_.context.get();
  if (!feed(context, head, plain, out) || !finish(context) ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(seal.tag.size()), seal.tag.data()) != 1) {
    OPENSSL_cleanse(out, plain.size());
    return fault{errc::internal, "OpenSSL does not encrypt"};
  }
  return {};
}

outcome<void> cipher::decrypt(const payload_seal& seal, std::span<const std::byte> head,
                              std::span<const std::byte> encrypted, std::byte* out) {
  if (!is_countable(head) || !is_countable(encrypted)) return fault{errc::too_large, "decryption"};
  if (auto armed = arm(decryption_, false, seal); !armed) return armed;
  auto* const context = decryption_.context.get();
  auto tag = seal.tag;
  if (EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()), tag.data()) != 1 ||
      !feed(context, head, encrypted, out) || !finish(context)) {
    if (!encrypted.empty()) OPENSSL_cleanse(out, encrypted.size());
    return fault{errc::corrupt, "encrypted bytes that do not verify"};
  }
  return {};
}

}  // namespace aicache
