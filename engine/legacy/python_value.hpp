#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aicache {

/// How deep values may nest, the outermost being the first level. Python itself gives up near a thousand; no answer of
/// a model comes near this.
inline constexpr std::size_t python_depth_limit = 128;

/// An integer of more digits is refused, as Python refuses to print it.
inline constexpr std::size_t python_digits_limit = 4300;

/// What a reader of foreign values may spend. What it returns keeps to it; room that vectors hold in reserve, and what
/// is needed on the way, may double that.
struct python_limits {
  std::size_t memory_bytes = std::size_t{256} << 20;  ///< of values and their texts
};

/// A value of Python's that is data: what its json and pickle modules carry between processes.
///
/// Shape      `text` is that of a text (UTF-8; a lone surrogate, which Python's strings may hold, stands as the three
///            bytes that its number would have), of bytes as they are, or of an integer: its decimal digits, without
///            leading zeros, whatever its size. `elements` are a container's; a dict's are key, value, key, value and
///            so on, in its own order
/// Invariant  nested at most python_depth_limit deep, so whoever walks it may do so recursively
struct python_value {
  enum class kind : std::uint8_t { none, boolean, integer, floating, text, bytes, list, tuple, dict, set, frozenset };

  kind what = kind::none;
  bool truth = false;  ///< of a boolean
  double number = 0;   ///< of a floating
  std::string text;
  std::vector<python_value> elements;

  python_value() = default;
  explicit python_value(kind k) : what(k) {}
  python_value(kind k, std::string t) : what(k), text(std::move(t)) {}

  static python_value of(bool truth) {
    python_value v(kind::boolean);
    v.truth = truth;
    return v;
  }
  static python_value of(double number) {
    python_value v(kind::floating);
    v.number = number;
    return v;
  }

  /// What Python's `if` makes of it.
  bool is_truthy() const noexcept {
    switch (what) {
      case kind::none: return false;
      case kind::boolean: return truth;
      case kind::integer: return text != "0";
      case kind::floating: return number != 0;
      case kind::text:
      case kind::bytes: return !text.empty();
      default: return !elements.empty();
    }
  }

  /// The value that a dict has under this name; null when it has none, or is no dict.
  const python_value* member(std::string_view name) const noexcept {
    if (what != kind::dict) return nullptr;
    for (std::size_t i = 0; i + 1 < elements.size(); i += 2)
      if (elements[i].what == kind::text && elements[i].text == name) return &elements[i + 1];
    return nullptr;
  }
};

}  // namespace aicache
