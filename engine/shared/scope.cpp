#include "engine/shared/scope.hpp"

#include <xxhash.h>

namespace aicache {
namespace {

key128 hash_of(std::string_view bytes, std::uint64_t seed) noexcept {
  const XXH128_hash_t h = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {h.high64, h.low64};
}

void append_hex(std::uint64_t word, std::string& out) {
  static constexpr char hex[] = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back(hex[(word >> shift) & 15]);
}

bool parse_hex(std::string_view text, std::uint64_t& out) noexcept {
  out = 0;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return false;
    out = out << 4 | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return true;
}

}  // namespace

scope scope_of_tenant(std::string_view tenant) noexcept { return {scope_kind::tenant, hash_of(tenant, 0)}; }

scope scope_of_operation(std::string_view operation) noexcept { return {scope_kind::operation, hash_of(operation, 0)}; }

std::uint64_t tag_hash(std::string_view tenant, std::string_view tag) noexcept {
  return hash_of(tag, hash_of(tenant, 0).lo).lo;
}

std::uint64_t generic_tag(std::string_view tenant) noexcept {
  // Seeded by the other half of the tenant's hash than tags are.
  return hash_of("generic entries", hash_of(tenant, 0).hi).hi;
}

std::string to_text(const scope& s) {
  std::string text(1, static_cast<char>(s.kind));
  if (s.kind == scope_kind::everything) return text;
  append_hex(s.name.hi, text);
  append_hex(s.name.lo, text);
  return text;
}

bool parse_scope(std::string_view text, scope& out) noexcept {
  if (text == "e") {
    out = {};
    return true;
  }
  if (text.size() != 33) return false;
  const auto kind = static_cast<scope_kind>(text[0]);
  if (kind != scope_kind::tenant && kind != scope_kind::operation && kind != scope_kind::tag && kind != scope_kind::key)
    return false;
  out.kind = kind;
  return parse_hex(text.substr(1, 16), out.name.hi) && parse_hex(text.substr(17), out.name.lo);
}

}  // namespace aicache
