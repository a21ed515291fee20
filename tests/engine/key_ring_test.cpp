#include "engine/codec/key_ring.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace aicache::key_ring_test {

namespace {

const std::string ones(64, '1');
const std::string digits = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

std::shared_ptr<const key_ring> parsed(const std::string& text) {
  auto ring = parse_key_ring(text);
  REQUIRE(ring);
  return *ring;
}

std::string refusal(const std::string& text) {
  const auto ring = parse_key_ring(text);
  REQUIRE_FALSE(ring);
  CHECK(ring.why().code == errc::invalid_argument);
  return ring.why().detail;
}

}  // namespace

TEST_CASE("keys are read from lines and commas, and the last is the active one", "[engine][key_ring]") {
  const auto ring = parsed("# of the first quarter\n\n 1=" + ones + "\r\n4294967295 = " + digits +
                           " # newer\n\t\n7=" + ones + "," + "3=" + digits);
  CHECK(ring->size() == 4);
  CHECK(ring->active() == 3);
  REQUIRE(ring->find(1));
  CHECK(ring->find(1)->front() == std::byte{0x11});
  REQUIRE(ring->find(UINT32_MAX));
  for (std::size_t i = 0; i < 32; ++i) CHECK((*ring->find(UINT32_MAX))[i] == static_cast<std::byte>(i));
  CHECK(*ring->find(3) == *ring->find(UINT32_MAX));
  CHECK(ring->find(0) == nullptr);
  CHECK(ring->find(2) == nullptr);
  CHECK(ring->find((1ULL << 32) + 1) == nullptr);
}

TEST_CASE("what is no list of keys is refused by line and rule", "[engine][key_ring]") {
  CHECK(refusal("") == "keys: none is given");
  CHECK(refusal("\n # 1=" + ones + "\n") == "keys: none is given");
  const std::string form = "keys, line 1: a key is written as its number, '=' and 64 hexadecimal digits";
  CHECK(refusal(ones) == form);
  CHECK(refusal("," + digits) == form);
  CHECK(refusal("1=" + ones + ",,2=" + digits) == form);
  CHECK(refusal("1=" + ones + ",") == "keys, line 1: nothing follows the comma");
  for (const char* number : {"", "0", "-1", "+1", "4294967296", "1.0", "0x1", "one", "1 2", "99999999999999999999"}) {
    CHECK(refusal("1=" + ones + "\n" + number + "=" + digits) ==
          "keys, line 2: a key's number is a whole number from 1 to 4294967295");
  }
  for (const std::string& key : {std::string{}, ones.substr(1), ones + "1", "g" + ones.substr(1),
                                 ones.substr(0, 63) + "=", ones.substr(0, 31) + "  " + ones.substr(0, 31)}) {
    CHECK(refusal("\n\n1=" + key) == "keys, line 3: a key has exactly 64 hexadecimal digits");
  }
  CHECK(refusal("1=" + ones + "\n2=" + ones + ",01=" + digits) ==
        "keys, line 2: the number stands for another key already");
}

TEST_CASE("a refusal quotes nothing of a key, wherever the mistake is", "[engine][key_ring]") {
  const std::string sound = "12=" + digits + "\n13=" + digits;
  for (std::size_t at = 0; at < sound.size(); ++at) {
    for (const char wrong : {'x', '=', ',', ' ', '\n', '#', '\0'}) {
      std::string text = sound;
      text[at] = wrong;
      const auto ring = parse_key_ring(text);
      if (ring) continue;
      for (std::size_t from = 0; from + 6 <= digits.size(); ++from)
        REQUIRE(ring.why().detail.find(digits.substr(from, 6)) == std::string::npos);
    }
  }
}

}  // namespace aicache::key_ring_test
