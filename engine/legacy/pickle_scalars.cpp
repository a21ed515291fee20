// What a pickle's opcodes carry: the bytes behind them, and the plain values that they make of those.
#include <bit>
#include <limits>
#include <optional>
#include <utility>

#include "engine/legacy/pickle_machine.hpp"
#include "engine/legacy/python_number.hpp"
#include "engine/legacy/python_text.hpp"

namespace aicache {
namespace {

constexpr std::size_t longest_integer = 255;

/// The value of `digits` hexadecimal digits at the start of `text`.
std::optional<char32_t> hex_at(std::string_view text, std::size_t digits) noexcept {
  if (text.size() < digits) return std::nullopt;
  char32_t value = 0;
  for (const char c : text.substr(0, digits)) {
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    const std::size_t digit = std::string_view("0123456789abcdef").find(lower);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value * 16 + static_cast<char32_t>(digit);
  }
  return value;
}

}  // namespace

// -- the bytes ---------------------------------------------------------------

bool pickle_machine::take(std::size_t count, std::string_view& out) {
  if (count > bytes_.size() - at_) return refuse("the pickle ends too early");
  out = bytes_.substr(at_, count);
  at_ += count;
  return true;
}

bool pickle_machine::take_number(std::size_t width, std::uint64_t& out) {
  std::string_view little_endian;
  if (!take(width, little_endian)) return false;
  out = 0;
  for (std::size_t i = width; i-- > 0;) out = out << 8 | static_cast<unsigned char>(little_endian[i]);
  return true;
}

bool pickle_machine::take_counted(std::size_t width, std::string_view& out) {
  std::uint64_t count = 0;
  return take_number(width, count) && take(count, out);
}

bool pickle_machine::take_line(std::string_view& out) {
  const std::size_t end = bytes_.find('\n', at_);
  if (end == std::string_view::npos) return refuse("a line without its end");
  out = bytes_.substr(at_, end - at_);
  at_ = end + 1;
  return true;
}

bool pickle_machine::take_index(std::uint64_t& out) {
  std::string_view line;
  if (!take_line(line)) return false;
  if (line.empty() || line.size() > 18 || line.find_first_not_of("0123456789") != std::string_view::npos)
    return refuse("a place in the memo that is no number");
  out = 0;
  for (const char digit : line) out = out * 10 + static_cast<std::uint64_t>(digit - '0');
  return true;
}

// -- values ------------------------------------------------------------------

bool pickle_machine::keep(std::string text, std::string_view& out) {
  if (!charge(sizeof(std::string) + text.size())) return false;
  out = kept_.emplace_back(std::move(text));
  return true;
}

bool pickle_machine::push_integer(std::string digits) {
  pickle_node node;
  node.what = kind::integer;
  return keep(std::move(digits), node.text) && push(std::move(node));
}

bool pickle_machine::push_integer_line(bool is_long) {
  std::string_view line;
  if (!take_line(line)) return false;
  if (!is_long && (line == "00" || line == "01")) {
    pickle_node node;
    node.what = kind::boolean;
    node.truth = line == "01";
    return push(std::move(node));
  }
  if (is_long && line.ends_with('L')) line.remove_suffix(1);
  if (line.size() > python_digits_limit + (line.starts_with('-') ? 1 : 0))
    return refuse("an integer of too many digits", errc::too_large);
  auto digits = python_integer(line);
  if (!digits) return refuse("an integer that is none");
  return push_integer(std::move(*digits));
}

bool pickle_machine::push_float_line() {
  std::string_view line;
  if (!take_line(line)) return false;
  pickle_node node;
  node.what = kind::floating;
  bool is_integer = false;
  if (line == "nan") {
    node.number = std::numeric_limits<double>::quiet_NaN();
  } else if (line == "inf" || line == "-inf") {
    node.number = line == "inf" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
  } else if (!line.empty() && json_number_length(line, is_integer) == line.size()) {
    node.number = python_float(line);
  } else {
    return refuse("a float that is none");
  }
  return push(std::move(node));
}

bool pickle_machine::push_text(std::string_view text) {
  if (!is_utf8(text, lone_surrogates::taken)) return refuse("a text that is not UTF-8");
  pickle_node node;
  node.what = kind::text;
  node.text = text;
  return push(std::move(node));
}

/// A str of Python 2, which Python 3 reads as ASCII.
bool pickle_machine::push_ascii(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= 0x80) return refuse("a text of Python 2 that is not ASCII");
  return push_text(text);
}

/// The same as its repr; the escapes are those that Python 2 wrote.
bool pickle_machine::push_quoted_line() {
  std::string_view line;
  if (!take_line(line)) return false;
  if (line.size() < 2 || (line.front() != '\'' && line.front() != '"') || line.back() != line.front())
    return refuse("a text without its quotes");
  line = line.substr(1, line.size() - 2);
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      text += line[i];
      continue;
    }
    static constexpr std::string_view letters = "\\'\"nrt";
    static constexpr std::string_view meanings = "\\'\"\n\r\t";
    const std::string_view rest = line.substr(i + 1);
    const std::size_t which = rest.empty() ? std::string_view::npos : letters.find(rest.front());
    const auto code = rest.starts_with('x') ? hex_at(rest.substr(1), 2) : std::nullopt;
    if (which == std::string_view::npos && !code) return refuse("an escape that Python 2 did not write");
    text += code ? static_cast<char>(*code) : meanings[which];
    i += code ? 3 : 1;
  }
  std::string_view kept;
  return keep(std::move(text), kept) && push_ascii(kept);
}

/// Python's raw-unicode-escape: Latin-1, but for \uxxxx and \Uxxxxxxxx.
bool pickle_machine::push_escaped_line() {
  std::string_view line;
  if (!take_line(line)) return false;
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char next = line[i] == '\\' && i + 1 < line.size() ? line[i + 1] : '\0';
    if (next == 'u' || next == 'U') {
      const std::size_t digits = next == 'u' ? 4 : 8;
      const auto code = hex_at(line.substr(i + 2), digits);
      if (!code || *code > 0x10ffff) return refuse("an escape that is none");
      append_utf8(*code, text);
      i += 1 + digits;
      continue;
    }
    append_utf8(static_cast<unsigned char>(line[i]), text);
    // A backslash and what follows it go together: the second of two does not begin an escape.
    if (line[i] == '\\' && i + 1 < line.size()) append_utf8(static_cast<unsigned char>(line[++i]), text);
  }
  std::string_view kept;
  return keep(std::move(text), kept) && push_text(kept);
}

bool pickle_machine::push_bytes(std::string_view bytes) {
  pickle_node node;
  node.what = kind::bytes;
  node.text = bytes;
  return push(std::move(node));
}

bool pickle_machine::step_scalar(pickle_opcode opcode) {
  std::string_view bytes;
  std::uint64_t given = 0;
  pickle_node node;
  switch (opcode) {
    case pickle_opcode::none: return push(std::move(node));
    case pickle_opcode::new_true:
    case pickle_opcode::new_false:
      node.what = kind::boolean;
      node.truth = opcode == pickle_opcode::new_true;
      return push(std::move(node));
    case pickle_opcode::int1: return take_number(1, given) && push_integer(std::to_string(given));
    case pickle_opcode::int2: return take_number(2, given) && push_integer(std::to_string(given));
    case pickle_opcode::int4:
      return take_number(4, given) && push_integer(std::to_string(static_cast<std::int32_t>(given)));
    case pickle_opcode::int_line: return push_integer_line(false);
    case pickle_opcode::long_line: return push_integer_line(true);
    case pickle_opcode::long1: return take_counted(1, bytes) && push_integer(python_integer_of(bytes));
    case pickle_opcode::long4:
      if (!take_counted(4, bytes)) return false;
      if (bytes.size() > longest_integer) return refuse("an integer of too many bytes", errc::too_large);
      return push_integer(python_integer_of(bytes));
    case pickle_opcode::float_line: return push_float_line();
    case pickle_opcode::float8:
      if (!take_number(8, given)) return false;
      node.what = kind::floating;
      node.number = std::bit_cast<double>(__builtin_bswap64(given));
      return push(std::move(node));
    case pickle_opcode::text_line: return push_escaped_line();
    case pickle_opcode::text1: return take_counted(1, bytes) && push_text(bytes);
    case pickle_opcode::text4: return take_counted(4, bytes) && push_text(bytes);
    case pickle_opcode::text8: return take_counted(8, bytes) && push_text(bytes);
    case pickle_opcode::old_text_line: return push_quoted_line();
    case pickle_opcode::old_text1: return take_counted(1, bytes) && push_ascii(bytes);
    case pickle_opcode::old_text4: return take_counted(4, bytes) && push_ascii(bytes);
    case pickle_opcode::bytes1: return take_counted(1, bytes) && push_bytes(bytes);
    case pickle_opcode::bytes4: return take_counted(4, bytes) && push_bytes(bytes);
    case pickle_opcode::bytes8: return take_counted(8, bytes) && push_bytes(bytes);
    default: return refuse("no such opcode");
  }
}

}  // namespace aicache
