#include "engine/codec/key_ring.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>

namespace aicache {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t\r";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Cuts off what stands before the first `divider`, which goes too.
std::string_view next_piece(std::string_view& rest, char divider) noexcept {
  const std::size_t end = std::min(rest.find(divider), rest.size());
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

int value_of(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

bool parse_key(std::string_view digits, cipher_key& out) noexcept {
  if (digits.size() != 2 * out.size()) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = value_of(digits[2 * i]);
    const int low = value_of(digits[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::byte>(high << 4 | low);
  }
  return true;
}

fault broken(std::size_t line, const char* rule) {
  return {errc::invalid_argument, "keys, line " + std::to_string(line) + ": " + rule};
}

}  // namespace

key_ring::~key_ring() { OPENSSL_cleanse(entries_.data(), entries_.size() * sizeof(entry)); }

const cipher_key* key_ring::find(std::uint64_t id) const noexcept {
  for (const entry& e : entries_)
    if (e.id == id) return &e.key;
  return nullptr;
}

outcome<std::shared_ptr<const key_ring>> parse_key_ring(std::string_view text) {
  std::shared_ptr<key_ring> ring{new key_ring};
  ring->entries_.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), '=')));
  for (std::size_t line = 1; !text.empty(); ++line) {
    std::string_view rest = next_piece(text, '\n');
    rest = trimmed(rest.substr(0, rest.find('#')));
    while (!rest.empty()) {
      const bool another_follows = rest.find(',') != std::string_view::npos;
      std::string_view written = trimmed(next_piece(rest, ','));
      if (another_follows && trimmed(rest).empty()) return broken(line, "nothing follows the comma");
      if (written.find('=') == std::string_view::npos)
        return broken(line, "a key is written as its number, '=' and 64 hexadecimal digits");
      const std::string_view number = trimmed(next_piece(written, '='));
      std::uint32_t id = 0;
      const auto read = std::from_chars(number.data(), number.data() + number.size(), id);
      if (read.ec != std::errc{} || read.ptr != number.data() + number.size() || id == 0)
        return broken(line, "a key's number is a whole number from 1 to 4294967295");
      if (ring->find(id) != nullptr) return broken(line, "the number stands for another key already");
      ring->entries_.emplace_back().id = id;
      if (!parse_key(trimmed(written), ring->entries_.back().key))
        return broken(line, "a key has exactly 64 hexadecimal digits");
    }
  }
  if (ring->entries_.empty()) return fault{errc::invalid_argument, "keys: none is given"};
  return std::shared_ptr<const key_ring>{std::move(ring)};
}

}  // namespace aicache
