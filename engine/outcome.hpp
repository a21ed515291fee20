#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace aicache {

/// Why something could not be done; the rows are in engine/errors.def.
enum class errc : std::uint8_t {
  none = 0,
#define AICACHE_ERROR(name, number, retryable, text) name = number,
#include "engine/errors.def"
#undef AICACHE_ERROR
};

/// The code's name, as logs and reports print it.
constexpr const char* to_string(errc code) noexcept {
  switch (code) {
#define AICACHE_ERROR(name, number, retryable, text) \
  case errc::name: return #name;
#include "engine/errors.def"
#undef AICACHE_ERROR
    case errc::none: break;
  }
  return "none";
}

/// What the code means, in a sentence.
constexpr const char* describe(errc code) noexcept {
  switch (code) {
#define AICACHE_ERROR(name, number, retryable, text) \
  case errc::name: return text;
#include "engine/errors.def"
#undef AICACHE_ERROR
    case errc::none: break;
  }
  return "no error";
}

/// Whether the same call may succeed later, unchanged.
constexpr bool is_retryable(errc code) noexcept {
  switch (code) {
#define AICACHE_ERROR(name, number, retryable, text) \
  case errc::name: return retryable;
#include "engine/errors.def"
#undef AICACHE_ERROR
    case errc::none: break;
  }
  return false;
}

/// A failure: the code to act upon, and a detail for people (never a text, key or secret of a user).
struct fault {
  errc code = errc::internal;
  std::string detail;

  friend bool operator==(const fault&, const fault&) = default;
};

/// A value, or the fault that stands in its place. (C++20 has no std::expected.)
template <class T>
class [[nodiscard]] outcome {
 public:
  outcome(T value) : held_(std::in_place_index<0>, std::move(value)) {}
  outcome(fault why) : held_(std::in_place_index<1>, std::move(why)) {}

  explicit operator bool() const noexcept { return held_.index() == 0; }
  T& operator*() noexcept { return *std::get_if<0>(&held_); }
  const T& operator*() const noexcept { return *std::get_if<0>(&held_); }
  T* operator->() noexcept { return std::get_if<0>(&held_); }
  const T* operator->() const noexcept { return std::get_if<0>(&held_); }
  const fault& why() const noexcept { return *std::get_if<1>(&held_); }

 private:
  std::variant<T, fault> held_;
};

/// Success without a value, or a fault.
template <>
class [[nodiscard]] outcome<void> {
 public:
  outcome() = default;
  outcome(fault why) : why_(std::move(why)) {}

  explicit operator bool() const noexcept { return !why_; }
  const fault& why() const noexcept { return *why_; }

 private:
  std::optional<fault> why_;
};

}  // namespace aicache
