#include "engine/codec/cipher.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <set>
#include <string>
#include <vector>

namespace aicache::cipher_test {

namespace {

std::shared_ptr<const key_ring> ring(const std::string& text) {
  auto made = parse_key_ring(text);
  REQUIRE(made);
  return *made;
}

std::string key_of(char digit) { return std::string(64, digit); }

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span{text}); }

std::vector<std::byte> from_hex(std::string_view digits) {
  std::vector<std::byte> out;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    out.push_back(static_cast<std::byte>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16)));
  return out;
}

struct message {
  payload_seal seal;
  std::vector<std::byte> payload;
};

message encrypted(cipher& by, std::string_view head, std::string_view plain) {
  auto begun = by.begin();
  REQUIRE(begun);
  message m{*begun, std::vector<std::byte>(plain.size())};
  REQUIRE(by.encrypt(m.seal, bytes_of(head), bytes_of(plain), m.payload.data()));
  return m;
}

errc decrypting(cipher& by, std::string_view head, const message& m, std::string& plain) {
  plain.assign(m.payload.size(), '?');
  const auto done = by.decrypt(m.seal, bytes_of(head), m.payload, reinterpret_cast<std::byte*>(plain.data()));
  return done ? errc::none : done.why().code;
}

}  // namespace

// Test case 16 of McGrew and Viega, "The Galois/Counter Mode of Operation": what others encrypt, we decrypt.
TEST_CASE("the cipher is AES-256-GCM: a published example", "[engine][cipher]") {
  cipher c{ring("1=feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")};
  payload_seal seal;
  seal.key_id = 1;
  std::memcpy(seal.nonce.data(), from_hex("cafebabefacedbaddecaf888").data(), seal.nonce.size());
  const auto head = from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const auto plain = from_hex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  std::vector<std::byte> out(plain.size());
  REQUIRE(c.encrypt(seal, head, plain, out.data()));
  CHECK(out == from_hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"));
  CHECK(std::vector<std::byte>(seal.tag.begin(), seal.tag.end()) == from_hex("76fc6ece0f4e1768cddf8853bb2d551b"));
  std::vector<std::byte> back(plain.size());
  REQUIRE(c.decrypt(seal, head, out, back.data()));
  CHECK(back == plain);
}

TEST_CASE("what was encrypted is decrypted by any cipher that has the key, also in place", "[engine][cipher]") {
  cipher writer{ring("1=" + key_of('a'))};
  cipher reader{ring("2=" + key_of('b') + ",1=" + key_of('a'))};
  std::string plain;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{16}, std::size_t{1000}, std::size_t{100'000}}) {
    for (const char* head : {"", "head"}) {
      const std::string text(size, 't');
      message m = encrypted(writer, head, text);
      CHECK(m.seal.key_id == 1);
      CHECK(decrypting(reader, head, m, plain) == errc::none);
      CHECK(plain == text);
      REQUIRE(reader.decrypt(m.seal, bytes_of(head), m.payload, m.payload.data()));
      CHECK(std::string(reinterpret_cast<const char*>(m.payload.data()), size) == text);
    }
  }
}

TEST_CASE("anything that is not as it was encrypted is corrupt, and nothing of it is left", "[engine][cipher]") {
  cipher c{ring("1=" + key_of('a'))};
  const std::string head = "the head", text = "the payload of an answer";
  const message sound = encrypted(c, head, text);
  std::string plain;
  auto refused = [&](std::string_view h, const message& m) {
    CHECK(decrypting(c, h, m, plain) == errc::corrupt);
    CHECK(plain == std::string(plain.size(), '\0'));
  };
  for (std::size_t i = 0; i < sound.payload.size(); ++i) {
    message m = sound;
    m.payload[i] ^= std::byte{1};
    refused(head, m);
  }
  for (std::size_t i = 0; i < 16; ++i) {
    message m = sound;
    m.seal.tag[i] ^= std::byte{0x80};
    refused(head, m);
  }
  for (std::size_t i = 0; i < 12; ++i) {
    message m = sound;
    m.seal.nonce[i] ^= std::byte{1};
    refused(head, m);
  }
  message shorter = sound;
  shorter.payload.pop_back();
  refused(head, shorter);
  refused("another head", sound);
  refused("", sound);
  CHECK(decrypting(c, head, sound, plain) == errc::none);
  CHECK(plain == text);
}

TEST_CASE("an unknown key, and another key of the same number, decrypt nothing", "[engine][cipher]") {
  cipher writer{ring("1=" + key_of('a'))};
  const message m = encrypted(writer, "", "text");
  std::string plain;
  cipher other_number{ring("2=" + key_of('a'))};
  CHECK(decrypting(other_number, "", m, plain) == errc::corrupt);
  cipher other_key{ring("1=" + key_of('b'))};
  CHECK(decrypting(other_key, "", m, plain) == errc::corrupt);
  cipher no_key;
  CHECK(decrypting(no_key, "", m, plain) == errc::corrupt);
  const auto begun = no_key.begin();
  REQUIRE_FALSE(begun);
  CHECK(begun.why().code == errc::internal);
}

TEST_CASE("a new ring counts at once, in both directions", "[engine][cipher]") {
  cipher c{ring("1=" + key_of('a'))};
  const message old = encrypted(c, "", "old");
  std::string plain;
  REQUIRE(decrypting(c, "", old, plain) == errc::none);
  c.use(ring("1=" + key_of('a') + ",2=" + key_of('b')));
  const message fresh = encrypted(c, "", "new");
  CHECK(fresh.seal.key_id == 2);
  for (int round = 0; round < 3; ++round) {
    CHECK(decrypting(c, "", old, plain) == errc::none);
    CHECK(plain == "old");
    CHECK(decrypting(c, "", fresh, plain) == errc::none);
    CHECK(plain == "new");
  }
  c.use(ring("1=" + key_of('c')));  // the number stands for another key now
  CHECK(decrypting(c, "", old, plain) == errc::corrupt);
  CHECK(decrypting(c, "", fresh, plain) == errc::corrupt);
  const message third = encrypted(c, "", "third");
  CHECK(decrypting(c, "", third, plain) == errc::none);
  c.use(nullptr);
  CHECK(decrypting(c, "", third, plain) == errc::corrupt);
}

TEST_CASE("no nonce comes twice, across rings and ciphers", "[engine][cipher]") {
  std::set<std::array<std::byte, 12>> seen;
  for (int object = 0; object < 4; ++object) {
    cipher c{ring("1=" + key_of('a'))};
    for (int i = 0; i < 70'000; ++i) {
      if (i == 500) c.use(ring("2=" + key_of('b')));
      const auto begun = c.begin();
      REQUIRE(begun);
      REQUIRE(seen.insert(begun->nonce).second);
    }
  }
}

}  // namespace aicache::cipher_test
