#include "config/value_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <system_error>
#include <utility>

namespace aicache::config {
namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

// Largest first, so that the first one that divides a value is the one to print it in.
constexpr std::array size_units{unit{"TiB", 1ULL << 40}, unit{"GiB", 1ULL << 30}, unit{"MiB", 1ULL << 20},
                                unit{"KiB", 1ULL << 10}, unit{"", 1}};
constexpr std::array time_units{unit{"d", 86'400'000}, unit{"h", 3'600'000}, unit{"m", 60'000}, unit{"s", 1'000},
                                unit{"ms", 1}};

constexpr std::size_t longest_shown = 64;

template <class T>
parsed<T> refused(std::string why) {
  return {std::nullopt, std::move(why)};
}

/// "64MiB" as 64 * 2^20, for any table of units.
template <std::size_t Count>
parsed<std::uint64_t> with_unit(std::string_view text, const std::array<unit, Count>& units) {
  if (text.empty()) return refused<std::uint64_t>("is empty");
  if (text.front() == '-') return refused<std::uint64_t>("is negative");
  const std::size_t length = std::min(text.find_first_not_of("0123456789"), text.size());
  if (length == 0) return refused<std::uint64_t>("does not start with a number");
  const std::string_view suffix = text.substr(length);
  if (suffix.starts_with('.')) return refused<std::uint64_t>("is not a whole number");
  for (const auto& [name, factor] : units) {
    if (name != suffix) continue;
    std::uint64_t number = 0;
    std::uint64_t product = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + length, number);
    if (error != std::errc{} || __builtin_mul_overflow(number, factor, &product))
      return refused<std::uint64_t>("is more than can be counted");
    return {product, {}};
  }
  if (suffix.empty()) return refused<std::uint64_t>("has no unit");
  return refused<std::uint64_t>("has an unknown unit, " + in_short_quotes(suffix));
}

template <std::size_t Count>
std::string in_largest_unit(std::uint64_t value, const std::array<unit, Count>& units) {
  if (value == 0) return std::string("0").append(units.back().name);
  std::size_t at = 0;
  while (value % units[at].factor != 0) ++at;
  return std::to_string(value / units[at].factor) + std::string(units[at].name);
}

}  // namespace

parsed<std::uint64_t> read_size(std::string_view text) { return with_unit(text, size_units); }

parsed<std::chrono::milliseconds> read_time(std::string_view text) {
  auto count = with_unit(text, time_units);
  if (!count.value) return refused<std::chrono::milliseconds>(std::move(count.refusal));
  if (*count.value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return refused<std::chrono::milliseconds>("is more than can be counted");
  return {std::chrono::milliseconds{static_cast<std::int64_t>(*count.value)}, {}};
}

parsed<std::int64_t> read_whole_number(std::string_view text) {
  if (text.empty()) return refused<std::int64_t>("is empty");
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) return refused<std::int64_t>("is more than can be counted");
  if (error != std::errc{} || end != text.data() + text.size()) return refused<std::int64_t>("is not a whole number");
  return {number, {}};
}

std::string spell_size(std::uint64_t bytes) { return in_largest_unit(bytes, size_units); }

std::string spell_time(std::chrono::milliseconds time) {
  if (time.count() >= 0) return in_largest_unit(static_cast<std::uint64_t>(time.count()), time_units);
  const std::uint64_t below_zero = std::uint64_t{0} - static_cast<std::uint64_t>(time.count());
  return std::string("-").append(in_largest_unit(below_zero, time_units));
}

std::string in_quotes(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
    } else {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
  }
  return out + '"';
}

std::string in_short_quotes(std::string_view text) {
  if (text.size() <= longest_shown) return in_quotes(text);
  return in_quotes(text.substr(0, longest_shown)) + "...";
}

}  // namespace aicache::config
