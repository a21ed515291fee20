#include "engine/legacy/python_repr.hpp"

#include <string_view>

#include "engine/legacy/python_number.hpp"
#include "engine/legacy/python_text.hpp"

namespace aicache {
namespace {

using kind = python_value::kind;

char quote_for(std::string_view text) noexcept {
  return text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos ? '"' : '\'';
}

void append_hex(char32_t value, char letter, int digits, std::string& out) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '\\';
  out += letter;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += hex[(value >> shift) & 15];
}

/// What texts and bytes have in common; false for what must be looked at further.
bool append_ascii(char32_t c, char quote, std::string& out) {
  switch (c) {
    case '\n': out += "\\n"; return true;
    case '\r': out += "\\r"; return true;
    case '\t': out += "\\t"; return true;
    default: break;
  }
  if (c == '\\' || c == static_cast<char32_t>(quote)) out += '\\';
  if (c < 0x20 || c == 0x7f) {
    append_hex(c, 'x', 2, out);
  } else if (c < 0x7f) {
    out += static_cast<char>(c);
  } else {
    return false;
  }
  return true;
}

void append_text(std::string_view text, std::string& out) {
  const char quote = quote_for(text);
  out += quote;
  for (std::size_t at = 0; at < text.size();) {
    const code_point c = code_point_at(text, at, lone_surrogates::taken);
    if (append_ascii(c.value, quote, out)) {
      at += 1;
      continue;
    }
    if (is_python_printable(c.value)) {
      out += text.substr(at, c.length);
    } else if (c.value <= 0xff) {
      append_hex(c.value, 'x', 2, out);
    } else if (c.value <= 0xffff) {
      append_hex(c.value, 'u', 4, out);
    } else {
      append_hex(c.value, 'U', 8, out);
    }
    at += c.length;
  }
  out += quote;
}

void append_bytes(std::string_view bytes, std::string& out) {
  const char quote = quote_for(bytes);
  out += 'b';
  out += quote;
  for (const char b : bytes) {
    const char32_t value = static_cast<unsigned char>(b);
    if (!append_ascii(value, quote, out)) append_hex(value, 'x', 2, out);
  }
  out += quote;
}

void append_elements(const python_value& value, std::string_view open, std::string_view close, std::string& out) {
  out += open;
  for (std::size_t i = 0; i < value.elements.size(); ++i) {
    if (i > 0) out += value.what == kind::dict && i % 2 == 1 ? ": " : ", ";
    append_python_repr(value.elements[i], out);
  }
  out += close;
}

}  // namespace

void append_python_repr(const python_value& value, std::string& out) {
  switch (value.what) {
    case kind::none: out += "None"; return;
    case kind::boolean: out += value.truth ? "True" : "False"; return;
    case kind::integer: out += value.text; return;
    case kind::floating: append_python_float(value.number, out); return;
    case kind::text: append_text(value.text, out); return;
    case kind::bytes: append_bytes(value.text, out); return;
    case kind::list: append_elements(value, "[", "]", out); return;
    case kind::tuple: append_elements(value, "(", value.elements.size() == 1 ? ",)" : ")", out); return;
    case kind::dict: append_elements(value, "{", "}", out); return;
    case kind::set:
      if (value.elements.empty()) {
        out += "set()";
      } else {
        append_elements(value, "{", "}", out);
      }
      return;
    case kind::frozenset:
      if (value.elements.empty()) {
        out += "frozenset()";
      } else {
        append_elements(value, "frozenset({", "})", out);
      }
      return;
  }
}

void append_python_str(const python_value& value, std::string& out) {
  if (value.what == kind::text) {
    out += value.text;
  } else {
    append_python_repr(value, out);
  }
}

}  // namespace aicache
