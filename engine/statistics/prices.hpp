#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "engine/outcome.hpp"

namespace aicache {

/// Exact money: trillionths of a unit of the currency, which is what one token costs at a whole number of millionths
/// per million tokens. Nothing is rounded until it is shown.
struct money {
  unsigned __int128 trillionths = 0;

  money& operator+=(const money& more) noexcept {
    trillionths += more.trillionths;
    return *this;
  }

  /// Millionths of the unit, rounded to the nearest; the largest number when they do not fit.
  std::uint64_t millionths() const noexcept {
    const unsigned __int128 rounded = trillionths / 1'000'000 + (trillionths % 1'000'000 >= 500'000 ? 1 : 0);
    return rounded > UINT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(rounded);
  }

  friend bool operator==(const money& a, const money& b) noexcept { return a.trillionths == b.trillionths; }
};

/// What a million tokens of one model cost, in millionths of the currency's unit: 3 dollars are 3'000'000.
struct price {
  std::uint64_t input = 0;
  std::uint64_t output = 0;

  money of(std::uint64_t input_tokens, std::uint64_t output_tokens) const noexcept {
    using wide = unsigned __int128;
    return {wide{input_tokens} * input + wide{output_tokens} * output};
  }
  friend bool operator==(const price&, const price&) = default;
};

/// What models cost. A name that ends in '*' stands for every model that begins so; the exact name is preferred, then
/// the longest beginning.
///
/// Owner      whoever holds it; a plain value
/// Fails      set: invalid_argument for an empty name, or a price over `most` (sums could not be exact)
/// Cost       find: a look-up, and one step for each letter of the name
class price_table {
 public:
  static constexpr std::uint64_t most = 1'000'000'000'000'000;  ///< a thousand million units per million tokens

  price_table() = default;
  explicit price_table(std::string currency) : currency_(std::move(currency)) {}

  outcome<void> set(std::string_view model, price p);

  /// Null for a model whose price is not known.
  const price* find(std::string_view model) const noexcept;

  const std::string& currency() const noexcept { return currency_; }
  std::size_t size() const noexcept { return exact_.size() + beginnings_.size(); }

 private:
  std::string currency_ = "USD";
  std::map<std::string, price, std::less<>> exact_;
  std::map<std::string, price, std::less<>> beginnings_;
};

}  // namespace aicache
