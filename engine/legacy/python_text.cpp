#include "engine/legacy/python_text.hpp"

#include <utf8proc.h>

namespace aicache {
namespace {

unsigned char byte_at(std::string_view text, std::size_t at) noexcept { return static_cast<unsigned char>(text[at]); }

}  // namespace

code_point code_point_at(std::string_view text, std::size_t at, lone_surrogates surrogates) noexcept {
  const unsigned char first = byte_at(text, at);
  if (first < 0x80) return {first, 1};
  const std::string_view rest = text.substr(at, 4);
  utf8proc_int32_t value = -1;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(rest.data()),
                                       static_cast<utf8proc_ssize_t>(rest.size()), &value);
  if (length > 0) return {static_cast<char32_t>(value), static_cast<std::size_t>(length)};
  if (surrogates == lone_surrogates::refused || first != 0xed || rest.size() < 3) return {};
  const unsigned char second = byte_at(rest, 1);
  const unsigned char third = byte_at(rest, 2);
  if ((second & 0xe0) != 0xa0 || (third & 0xc0) != 0x80) return {};
  return {0xd000U | (second & 0x3fU) << 6 | (third & 0x3fU), 3};
}

bool is_utf8(std::string_view text, lone_surrogates surrogates) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const code_point c = code_point_at(text, at, surrogates);
    if (c.length == 0) return false;
    at += c.length;
  }
  return true;
}

void append_utf8(char32_t value, std::string& out) {
  utf8proc_uint8_t bytes[4];
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(value), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

std::optional<text_measure> measure_text(std::string_view text) noexcept {
  text_measure measured;
  bool in_word = false;
  for (std::size_t at = 0; at < text.size();) {
    const code_point c = code_point_at(text, at, lone_surrogates::refused);
    if (c.length == 0) return std::nullopt;
    at += c.length;
    ++measured.code_points;
    const bool space = is_python_space(c.value);
    if (!space && !in_word) ++measured.words;
    in_word = !space;
  }
  return measured;
}

bool is_python_space(char32_t value) noexcept {
  if (value < 0x80) return value == ' ' || (value >= 0x09 && value <= 0x0d) || (value >= 0x1c && value <= 0x1f);
  return value == 0x85 || value == 0xa0 || value == 0x1680 || (value >= 0x2000 && value <= 0x200a) || value == 0x2028 ||
         value == 0x2029 || value == 0x202f || value == 0x205f || value == 0x3000;
}

bool is_python_printable(char32_t value) noexcept {
  if (value == ' ') return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(value))) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return false;
    default: return true;
  }
}

}  // namespace aicache
