#include "engine/codec/envelope_head.hpp"

#include <cstring>

namespace aicache {
namespace {

// Where things stand in an envelope.
constexpr std::size_t version_at = 4;
constexpr std::size_t flags_at = 5;
constexpr std::size_t count_at = 6;
constexpr std::size_t expires_at = 16;
constexpr std::size_t identity_at = 24;
constexpr std::size_t fixed_bytes = 64;
constexpr char has_dictionary_bit = 0x04;

template <class Number>
Number number_at(std::string_view bytes, std::size_t at) noexcept {
  Number n;
  std::memcpy(&n, bytes.data() + at, sizeof n);
  return n;
}

}  // namespace

bool read_envelope_head(std::string_view start, envelope_head& out) noexcept {
  if (start.size() < fixed_bytes || !start.starts_with("AICE") || start[version_at] != 1) return false;
  const std::size_t list_at = fixed_bytes + ((start[flags_at] & has_dictionary_bit) != 0 ? sizeof(std::uint64_t) : 0);
  const std::size_t list_bytes = number_at<std::uint16_t>(start, count_at) * sizeof(std::uint64_t);
  if (start.size() < list_at + list_bytes) return false;
  out.expires = {number_at<std::int64_t>(start, expires_at)};
  std::memcpy(out.id.digest.data(), start.data() + identity_at, out.id.digest.size());
  out.generations = generation_list{std::as_bytes(std::span{start.substr(list_at, list_bytes)})};
  return true;
}

}  // namespace aicache
