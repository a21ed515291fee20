#pragma once

#include <chrono>
#include <cstdint>

namespace aicache::config {

/// Spellings of sizes (in bytes) and lengths of time (in milliseconds) for config/keys.def.
consteval std::uint64_t operator""_bytes(unsigned long long n) { return n; }
consteval std::uint64_t operator""_KiB(unsigned long long n) { return n << 10; }
consteval std::uint64_t operator""_MiB(unsigned long long n) { return n << 20; }
consteval std::uint64_t operator""_GiB(unsigned long long n) { return n << 30; }
consteval std::uint64_t operator""_TiB(unsigned long long n) { return n << 40; }

consteval std::chrono::milliseconds operator""_ms(unsigned long long n) {
  return std::chrono::milliseconds{static_cast<std::int64_t>(n)};
}
consteval std::chrono::milliseconds operator""_s(unsigned long long n) {
  return std::chrono::seconds{static_cast<std::int64_t>(n)};
}
consteval std::chrono::milliseconds operator""_m(unsigned long long n) {
  return std::chrono::minutes{static_cast<std::int64_t>(n)};
}
consteval std::chrono::milliseconds operator""_h(unsigned long long n) {
  return std::chrono::hours{static_cast<std::int64_t>(n)};
}
consteval std::chrono::milliseconds operator""_d(unsigned long long n) {
  return std::chrono::days{static_cast<std::int64_t>(n)};
}

}  // namespace aicache::config
