#include "engine/legacy/python_number.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "engine/legacy/python_value.hpp"

namespace aicache {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::size_t digits_at(std::string_view text, std::size_t at) noexcept {
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - at;
}

/// Whether a number that no double can hold is too large (and not too small) for one.
bool is_huge(std::string_view number) noexcept {
  const std::size_t e = std::min(number.find_first_of("eE"), number.size());
  const std::string_view digits = number.substr(0, e);
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const std::size_t first = digits.find_first_of("123456789");
  // The power of ten of the first digit that is not zero; the given power is clamped far outside of what a double has.
  const auto place =
      first < point ? static_cast<std::int64_t>(point - first) : -static_cast<std::int64_t>(first - point);
  std::int64_t power = 0;
  const bool negative = e + 1 < number.size() && number[e + 1] == '-';
  for (std::size_t i = e + 1; i < number.size(); ++i)
    if (is_digit(number[i])) power = std::min<std::int64_t>(power * 10 + (number[i] - '0'), INT64_MAX / 16);
  return place + (negative ? -power : power) > 0;
}

}  // namespace

std::size_t json_number_length(std::string_view text, bool& is_integer) noexcept {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t whole = digits_at(text, at);
  if (whole == 0) return 0;
  // A zero begins no longer number; what follows it is for the caller to refuse.
  at += text[at] == '0' ? 1 : whole;
  is_integer = true;
  if (at < text.size() && text[at] == '.') {
    if (const std::size_t fraction = digits_at(text, at + 1)) {
      at += 1 + fraction;
      is_integer = false;
    }
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const std::size_t sign = at + 1 < text.size() && (text[at + 1] == '+' || text[at + 1] == '-') ? 1 : 0;
    if (const std::size_t power = digits_at(text, at + 1 + sign)) {
      at += 1 + sign + power;
      is_integer = false;
    }
  }
  return at;
}

double python_float(std::string_view number) noexcept {
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc::result_out_of_range) return value;
  const double size = is_huge(number) ? std::numeric_limits<double>::infinity() : 0.0;
  return number.starts_with('-') ? -size : size;
}

std::optional<std::string> python_integer(std::string_view number) {
  bool is_integer = false;
  if (json_number_length(number, is_integer) != number.size() || number.empty() || !is_integer) return std::nullopt;
  if (number.size() > python_digits_limit + (number.front() == '-' ? 1 : 0)) return std::nullopt;
  return std::string(number == "-0" ? "0" : number);
}

std::string python_integer_of(std::string_view little_endian) {
  const bool negative = !little_endian.empty() && (static_cast<unsigned char>(little_endian.back()) & 0x80) != 0;
  // Groups of nine decimal digits, the lowest first: times 256, plus the next byte of the magnitude.
  std::vector<std::uint32_t> groups{0};
  std::string magnitude(little_endian);
  if (negative) {
    unsigned carry = 1;
    for (char& c : magnitude) {
      carry += static_cast<unsigned char>(~static_cast<unsigned char>(c));
      c = static_cast<char>(carry & 0xff);
      carry >>= 8;
    }
  }
  for (std::size_t i = magnitude.size(); i-- > 0;) {
    std::uint64_t carry = static_cast<unsigned char>(magnitude[i]);
    for (std::uint32_t& group : groups) {
      carry += std::uint64_t{group} << 8;
      group = static_cast<std::uint32_t>(carry % 1'000'000'000);
      carry /= 1'000'000'000;
    }
    if (carry > 0) groups.push_back(static_cast<std::uint32_t>(carry));
  }
  std::string out = negative ? "-" : "";
  out += std::to_string(groups.back());
  for (std::size_t i = groups.size() - 1; i-- > 0;) {
    const std::string digits = std::to_string(groups[i]);
    out.append(9 - digits.size(), '0');
    out += digits;
  }
  return out;
}

void append_python_float(double number, std::string& out) {
  if (std::isnan(number)) {
    out += "nan";
    return;
  }
  if (std::isinf(number)) {
    out += number < 0 ? "-inf" : "inf";
    return;
  }
  char spelled[40];
  const auto [end, error] = std::to_chars(spelled, spelled + sizeof spelled, number, std::chars_format::scientific);
  const std::string_view text{spelled, static_cast<std::size_t>(end - spelled)};
  const std::size_t e = text.find('e');
  int power = 0;
  std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), end, power);
  if (power < -4 || power >= 16) {
    out += text;
    return;
  }
  if (text.front() == '-') out += '-';
  std::string digits;
  for (const char c : text.substr(0, e))
    if (is_digit(c)) digits += c;
  if (power < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-power - 1), '0');
    out += digits;
    return;
  }
  const auto whole = static_cast<std::size_t>(power) + 1;
  if (digits.size() <= whole) digits.append(whole - digits.size() + 1, '0');
  out.append(digits, 0, whole);
  out += '.';
  out.append(digits, whole);
}

}  // namespace aicache
