#include "engine/legacy/python_json.hpp"

#include <cmath>
#include <limits>
#include <unordered_map>
#include <utility>

#include "engine/legacy/python_number.hpp"
#include "engine/legacy/python_text.hpp"

namespace aicache {
namespace {

using kind = python_value::kind;

/// A descent over the text; a false leaves in `why()` what was wrong first.
class json_reader {
 public:
  json_reader(std::string_view text, std::size_t memory, repeated_names names)
      : text_(text), memory_(memory), names_(names) {}

  bool whole(python_value& out) {
    skip_blanks();
    if (!value(out, 1)) return false;
    skip_blanks();
    return at_ == text_.size() || refuse("something follows the value");
  }

  const fault& why() const noexcept { return why_; }

 private:
  bool refuse(const char* what, errc code = errc::invalid_argument) {
    if (why_.code == errc::none) why_ = {code, std::string(what) + " at byte " + std::to_string(at_)};
    return false;
  }
  bool charge(std::size_t bytes) {
    if (bytes > memory_) return refuse("more memory than allowed", errc::too_large);
    memory_ -= bytes;
    return true;
  }
  bool sees(char c) const noexcept { return at_ < text_.size() && text_[at_] == c; }
  bool takes(char c) noexcept {
    if (!sees(c)) return false;
    ++at_;
    return true;
  }
  bool takes(std::string_view word) noexcept {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void skip_blanks() noexcept {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }

  bool value(python_value& out, std::size_t depth) {
    if (depth > python_depth_limit) return refuse("nested too deeply", errc::too_large);
    if (!charge(sizeof(python_value))) return false;
    if (takes('"')) {
      out.what = kind::text;
      return text(out.text);
    }
    if (takes('{')) return object(out, depth);
    if (takes('[')) return array(out, depth);
    return literal(out) || number(out);
  }

  bool literal(python_value& out) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (takes("null")) {
      out = python_value{};
    } else if (takes("true")) {
      out = python_value::of(true);
    } else if (takes("false")) {
      out = python_value::of(false);
    } else if (takes("NaN")) {
      out = python_value::of(std::numeric_limits<double>::quiet_NaN());
    } else if (takes("Infinity")) {
      out = python_value::of(infinity);
    } else if (takes("-Infinity")) {
      out = python_value::of(-infinity);
    } else {
      return false;
    }
    return true;
  }

  bool number(python_value& out) {
    bool is_integer = false;
    const std::size_t length = json_number_length(text_.substr(at_), is_integer);
    if (length == 0) return refuse("no JSON value");
    const std::string_view spelled = text_.substr(at_, length);
    if (is_integer) {
      auto digits = python_integer(spelled);
      if (!digits) return refuse("an integer of too many digits", errc::too_large);
      if (!charge(digits->size())) return false;
      out = python_value(kind::integer, std::move(*digits));
    } else {
      out = python_value::of(python_float(spelled));
    }
    at_ += length;
    return true;
  }

  bool text(std::string& out) {
    const std::size_t begin = at_;
    while (!takes('"')) {
      if (at_ == text_.size()) return refuse("a text without its end");
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return refuse("a control character in a text");
      if (takes('\\')) {
        if (!escape(out)) return false;
        continue;
      }
      const code_point c = code_point_at(text_, at_, lone_surrogates::refused);
      if (c.length == 0) return refuse("bytes that are not UTF-8");
      out += text_.substr(at_, c.length);
      at_ += c.length;
    }
    return charge(at_ - begin);
  }

  bool escape(std::string& out) {
    static constexpr std::string_view letters = "\"\\/bfnrt";
    static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    if (at_ == text_.size()) return refuse("a text without its end");
    if (const std::size_t which = letters.find(text_[at_]); which != std::string_view::npos) {
      ++at_;
      out += meanings[which];
      return true;
    }
    char32_t high = 0;
    if (!takes('u') || !hex(high)) return refuse("an escape that JSON does not have");
    if (high >= 0xd800 && high < 0xdc00) {
      const std::size_t before = at_;
      char32_t low = 0;
      if (takes("\\u") && hex(low) && low >= 0xdc00 && low < 0xe000) {
        append_utf8(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), out);
        return true;
      }
      at_ = before;
    }
    append_utf8(high, out);
    return true;
  }

  bool hex(char32_t& out) noexcept {
    if (text_.size() - at_ < 4) return false;
    for (int i = 0; i < 4; ++i, ++at_) {
      static constexpr std::string_view digits = "0123456789abcdef";
      const char c = text_[at_];
      const std::size_t digit = digits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
      if (digit == std::string_view::npos) return false;
      out = out * 16 + static_cast<char32_t>(digit);
    }
    return true;
  }

  bool array(python_value& out, std::size_t depth) {
    out.what = kind::list;
    skip_blanks();
    if (takes(']')) return true;
    do {
      skip_blanks();
      if (!value(out.elements.emplace_back(), depth + 1)) return false;
      skip_blanks();
    } while (takes(','));
    return takes(']') || refuse("an array without its end");
  }

  bool object(python_value& out, std::size_t depth) {
    out.what = kind::dict;
    skip_blanks();
    if (takes('}')) return true;
    do {
      skip_blanks();
      if (!sees('"')) return refuse("a member without a name");
      if (!value(out.elements.emplace_back(), depth + 1)) return false;
      skip_blanks();
      if (!takes(':')) return refuse("a name without a value");
      skip_blanks();
      if (!value(out.elements.emplace_back(), depth + 1)) return false;
      skip_blanks();
    } while (takes(','));
    if (!takes('}')) return refuse("an object without its end");
    return keep_last_of_each_name(out.elements);
  }

  bool keep_last_of_each_name(std::vector<python_value>& members) {
    std::unordered_map<std::string_view, std::size_t> places;
    bool twice = false;
    for (std::size_t i = 0; i < members.size(); i += 2) twice |= !places.try_emplace(members[i].text, i).second;
    if (!twice) return true;
    if (names_ == repeated_names::refused) return refuse("two members of one name");
    for (std::size_t i = 0; i < members.size(); i += 2)
      if (const std::size_t first = places.at(members[i].text); first != i)
        members[first + 1] = std::move(members[i + 1]);
    std::vector<python_value> kept;
    for (std::size_t i = 0; i < members.size(); i += 2) {
      const auto place = places.find(members[i].text);
      if (place == places.end() || place->second != i) continue;
      places.erase(place);  // before its name, which it looks at, moves away
      kept.push_back(std::move(members[i]));
      kept.push_back(std::move(members[i + 1]));
    }
    members = std::move(kept);
    return true;
  }

  std::string_view text_;
  std::size_t memory_;
  repeated_names names_;
  std::size_t at_ = 0;
  fault why_{errc::none, {}};
};

}  // namespace

outcome<python_value> read_python_json(std::string_view text, const python_limits& limits, repeated_names names) {
  json_reader reader(text, limits.memory_bytes, names);
  python_value out;
  if (!reader.whole(out)) return reader.why();
  return out;
}

void append_json_text(std::string_view text, std::string& out) {
  static constexpr char hex[] = "0123456789abcdef";
  static constexpr std::string_view meanings = "\"\\\b\f\n\r\t";
  static constexpr std::string_view letters = "\"\\bfnrt";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (const std::size_t which = meanings.find(c); which != std::string_view::npos) {
      out += '\\';
      out += letters[which];
    } else if (byte < 0x20) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

namespace {

bool write_json(const python_value& value, std::string& out) {
  switch (value.what) {
    case kind::none: out += "null"; return true;
    case kind::boolean: out += value.truth ? "true" : "false"; return true;
    case kind::integer: out += value.text; return true;
    case kind::floating:
      if (!std::isfinite(value.number)) return false;
      append_python_float(value.number, out);
      return true;
    case kind::text:
      if (!is_utf8(value.text, lone_surrogates::refused)) return false;
      append_json_text(value.text, out);
      return true;
    case kind::list:
    case kind::tuple:
      out += '[';
      for (const python_value& e : value.elements) {
        if (&e != &value.elements.front()) out += ',';
        if (!write_json(e, out)) return false;
      }
      out += ']';
      return true;
    case kind::dict:
      out += '{';
      for (std::size_t i = 0; i < value.elements.size(); i += 2) {
        if (value.elements[i].what != kind::text) return false;
        if (i > 0) out += ',';
        if (!write_json(value.elements[i], out)) return false;
        out += ':';
        if (!write_json(value.elements[i + 1], out)) return false;
      }
      out += '}';
      return true;
    case kind::bytes:
    case kind::set:
    case kind::frozenset: break;
  }
  return false;
}

}  // namespace

bool append_json(const python_value& value, std::string& out) {
  const std::size_t before = out.size();
  if (write_json(value, out)) return true;
  out.resize(before);
  return false;
}

}  // namespace aicache
