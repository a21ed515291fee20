#pragma once

#include "config/value_text.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <variant>

namespace aicache::config {

/// A value as a source wrote it, before anyone asked whether it fits its key. `typed` tells TOML,
/// where "4" and 4 differ, from the environment and overrides, where everything is text.
struct written {
  /// What no setting takes, a list or a date; the text names it.
  struct unsuitable {
    std::string what;
  };
  using scalar = std::variant<unsuitable, bool, std::int64_t, double, std::string>;
  using table = std::map<std::string, scalar>;

  std::variant<unsuitable, bool, std::int64_t, double, std::string, table> value;
  bool typed = false;
};

/// The written value for people: quoted if it is text, shortened, without control characters.
std::string shown(const written& w);

/// The types that a row of config/keys.def may name.
///
/// Shape      one struct per type. `stored` is the C++ type of the field and `bound` that of the columns min
///            and max; `read` takes any source's spelling, `to_text` gives that of the environment and of
///            overrides, `to_toml` that of a TOML file; `refuse` says why a value is outside its range, and is
///            empty for one inside; `range` describes what is allowed
/// Invariant  read(to_text(v)) == v, and likewise for to_toml, for every v within the range
/// Fails      with a refusal in words; a refusal never repeats the whole value, which may be a secret
namespace type {

struct integer {
  using stored = std::int64_t;
  using bound = stored;
  static parsed<stored> read(const written& w);
  static std::string to_text(stored v);
  static std::string to_toml(stored v);
  static std::string refuse(stored v, bound min, bound max);
  static std::string range(bound min, bound max);
};

/// Bytes: a plain number, or one followed by KiB, MiB, GiB or TiB.
struct size {
  using stored = std::uint64_t;
  using bound = stored;
  static parsed<stored> read(const written& w);
  static std::string to_text(stored v);
  static std::string to_toml(stored v);
  static std::string refuse(stored v, bound min, bound max);
  static std::string range(bound min, bound max);
};

/// A number followed by ms, s, m, h or d. A plain number is refused: nobody could tell its unit.
struct length_of_time {
  using stored = std::chrono::milliseconds;
  using bound = stored;
  static parsed<stored> read(const written& w);
  static std::string to_text(stored v);
  static std::string to_toml(stored v);
  static std::string refuse(stored v, bound min, bound max);
  static std::string range(bound min, bound max);
};

struct real {
  using stored = double;
  using bound = stored;
  static parsed<stored> read(const written& w);
  static std::string to_text(stored v);
  static std::string to_toml(stored v);
  static std::string refuse(stored v, bound min, bound max);
  static std::string range(bound min, bound max);
};

/// true or false, and no other spelling.
struct boolean {
  using stored = bool;
  using bound = stored;
  static parsed<stored> read(const written& w);
  static std::string to_text(stored v);
  static std::string to_toml(stored v);
  static std::string refuse(stored v, bound min, bound max);
  static std::string range(bound min, bound max);
};

/// Printable ASCII; the bounds are those of its length.
struct text {
  using stored = std::string;
  using bound = std::size_t;
  static parsed<stored> read(const written& w);
  static std::string to_text(const stored& v);
  static std::string to_toml(const stored& v);
  static std::string refuse(const stored& v, bound min, bound max);
  static std::string range(bound min, bound max);
};

/// "auto", which is 0 in the field, or a number of things.
struct count_or_auto {
  using stored = std::uint32_t;
  using bound = stored;
  static parsed<stored> read(const written& w);
  static std::string to_text(stored v);
  static std::string to_toml(stored v);
  static std::string refuse(stored v, bound min, bound max);
  static std::string range(bound min, bound max);
};

/// Lengths of time by name: in TOML a table of name = "2h", elsewhere "summarize=2h,qa=30m" or, for an
/// empty table, "none". Names are 1 to 64 letters, digits, and any of _ - . :
struct times_by_name {
  using stored = std::map<std::string, std::chrono::milliseconds>;
  using bound = std::chrono::milliseconds;
  static parsed<stored> read(const written& w);
  static std::string to_text(const stored& v);
  static std::string to_toml(const stored& v);
  static std::string refuse(const stored& v, bound min, bound max);
  static std::string range(bound min, bound max);
};

/// A part of something: "25%" of it, or bytes as a size has them; "none", which is 0, where it has no bound.
struct portion {
  struct stored {
    std::uint64_t bytes = 0;
    std::uint64_t millionths = 0;  ///< of the whole; when not 0, bytes is 0

    std::uint64_t of(std::uint64_t whole) const noexcept {
      // Up to 16 TiB, and so of all that a setting can hold, no product is too large.
      return millionths == 0 ? bytes : whole * millionths / 1'000'000;
    }
    friend bool operator==(const stored&, const stored&) = default;
  };
  using bound = std::uint64_t;  ///< of the bytes
  static parsed<stored> read(const written& w);
  static std::string to_text(stored v);
  static std::string to_toml(stored v);
  static std::string refuse(stored v, bound min, bound max);
  static std::string range(bound min, bound max);
};

/// Portions by name: in TOML a table of name = "25%", elsewhere "acme=25%,initech=64MiB" or, for an empty table, "none".
/// Names are as in times_by_name.
struct portions_by_name {
  using stored = std::map<std::string, portion::stored>;
  using bound = std::uint64_t;
  static parsed<stored> read(const written& w);
  static std::string to_text(const stored& v);
  static std::string to_toml(const stored& v);
  static std::string refuse(const stored& v, bound min, bound max);
  static std::string range(bound min, bound max);
};

/// What a million tokens of a model cost, in millionths of the currency's unit: 3 dollars are 3'000'000.
struct token_price {
  std::uint64_t input = 0;
  std::uint64_t output = 0;

  friend bool operator==(const token_price&, const token_price&) = default;
};

/// Prices of models by name: input and output per million tokens, in TOML a table of name = "3/15", elsewhere
/// "small=0.15/0.6,large*=3/15" or, for an empty table, "none". Names are as in times_by_name, and may also have / and +,
/// and a * at the end for every model whose name begins so.
struct prices_by_name {
  using stored = std::map<std::string, token_price>;
  using bound = std::uint64_t;  ///< of either price, in millionths
  static parsed<stored> read(const written& w);
  static std::string to_text(const stored& v);
  static std::string to_toml(const stored& v);
  static std::string refuse(const stored& v, bound min, bound max);
  static std::string range(bound min, bound max);
};

}  // namespace type
}  // namespace aicache::config
