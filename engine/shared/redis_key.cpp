#include "engine/shared/redis_key.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace aicache {
namespace {

constexpr char digits[] = "0123456789abcdef";

bool stays(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

void append_part(std::string_view name, std::string& out) {
  if (std::all_of(name.begin(), name.end(), stays)) {
    out += name;
    return;
  }
  for (const char c : name) {
    if (stays(c)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    }
  }
}

int value_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool read_part(std::string_view part, std::string& name) {
  name.clear();
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '%') {
      if (!stays(part[i])) return false;
      name.push_back(part[i]);
      continue;
    }
    if (part.size() - i < 3) return false;
    const int high = value_of(part[i + 1]);
    const int low = value_of(part[i + 2]);
    if (high < 0 || low < 0) return false;
    name.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  return true;
}

}  // namespace

std::string key_part(std::string_view name) {
  std::string out;
  append_part(name, out);
  return out;
}

std::string redis_key(std::string_view prefix, std::string_view tenant, std::string_view operation,
                      const identity& id) {
  std::string key;
  key.reserve(prefix.size() + tenant.size() + operation.size() + 3 + 2 * id.digest.size());
  key += prefix;
  key.push_back(':');
  append_part(tenant, key);
  key.push_back(':');
  append_part(operation, key);
  key.push_back(':');
  const std::size_t hex = key.size();
  key.resize(hex + 2 * id.digest.size());
  char* to = key.data() + hex;
  for (const std::byte b : id.digest) {
    *to++ = digits[std::to_integer<unsigned>(b) >> 4];
    *to++ = digits[std::to_integer<unsigned>(b) & 15];
  }
  return key;
}

std::string redis_pattern(std::string_view prefix, std::optional<std::string_view> tenant,
                          std::optional<std::string_view> operation) {
  std::string pattern(prefix);
  pattern.push_back(':');
  pattern += tenant ? key_part(*tenant) : "*";
  pattern.push_back(':');
  pattern += operation ? key_part(*operation) : "*";
  return pattern + ":*";
}

bool parse_redis_key(std::string_view prefix, std::string_view key, redis_key_parts& out) {
  if (!key.starts_with(prefix) || key.size() == prefix.size() || key[prefix.size()] != ':') return false;
  const std::string_view rest = key.substr(prefix.size() + 1);
  const std::size_t first = rest.find(':');
  const std::size_t last = rest.rfind(':');
  if (first == std::string_view::npos || first == last || rest.size() - last - 1 != 2 * out.id.digest.size()) {
    return false;
  }
  return read_part(rest.substr(0, first), out.tenant) &&
         read_part(rest.substr(first + 1, last - first - 1), out.operation) && identity_of_key(key, out.id);
}

bool identity_of_key(std::string_view key, identity& out) noexcept {
  const std::size_t hex = 2 * out.digest.size();
  if (key.size() <= hex || key[key.size() - hex - 1] != ':') return false;
  key.remove_prefix(key.size() - hex);
  for (std::size_t i = 0; i < out.digest.size(); ++i) {
    const int high = value_of(key[2 * i]);
    const int low = value_of(key[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out.digest[i] = static_cast<std::byte>(high << 4 | low);
  }
  return true;
}

}  // namespace aicache
