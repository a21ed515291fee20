#include "engine/identity/canonical_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace aicache {
namespace {

constexpr std::size_t written_out_digits = 20;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool continues_number(char c) noexcept {
  return is_digit(c) || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
}

fault refusal(const char* why) { return {errc::invalid_argument, why}; }

/// A JSON number's parts, as spelled.
struct number_parts {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
  bool power_negative = false;
  std::string_view power;
  std::size_t length = 0;
};

std::string_view digits_at(std::string_view text, std::size_t at) noexcept {
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  return text.substr(at, end - at);
}

/// The number that `text` begins with, by the grammar of RFC 8259 section 6.
std::optional<number_parts> split_number(std::string_view text) noexcept {
  number_parts n;
  std::size_t at = 0;
  auto sees = [&](char c) { return at < text.size() && text[at] == c; };
  if (sees('-')) n.negative = true, ++at;
  n.whole = digits_at(text, at);
  at += n.whole.size();
  if (n.whole.empty() || (n.whole.size() > 1 && n.whole.front() == '0')) return std::nullopt;
  if (sees('.')) {
    n.fraction = digits_at(text, ++at);
    at += n.fraction.size();
    if (n.fraction.empty()) return std::nullopt;
  }
  if (sees('e') || sees('E')) {
    ++at;
    n.power_negative = sees('-');
    if (sees('-') || sees('+')) ++at;
    n.power = digits_at(text, at);
    at += n.power.size();
    if (n.power.empty()) return std::nullopt;
  }
  // What follows must end the number: the stand-in put in its place would otherwise grow into another one.
  if (at < text.size() && continues_number(text[at])) return std::nullopt;
  n.length = at;
  return n;
}

/// Appends the canonical spelling; false when the power of ten is over the limit.
bool append_canonical(const number_parts& n, std::string& out) {
  std::int64_t power = 0;
  if (!n.power.empty()) {
    const auto [end, error] = std::from_chars(n.power.data(), n.power.data() + n.power.size(), power);
    // Half the range leaves room for the shift by the digits themselves.
    if (error != std::errc{} || power > INT64_MAX / 2) return false;
    if (n.power_negative) power = -power;
  }
  std::string digits{n.whole};
  digits += n.fraction;
  power -= static_cast<std::int64_t>(n.fraction.size());
  const std::size_t last = digits.find_last_not_of('0');
  if (last == std::string::npos) {
    out += '0';
    return true;
  }
  power += static_cast<std::int64_t>(digits.size() - 1 - last);
  digits.resize(last + 1);
  digits.erase(0, digits.find_first_not_of('0'));
  if (power > json_exponent_limit || power < -json_exponent_limit) return false;
  if (n.negative) out += '-';
  out += digits;
  if (power >= 0 && digits.size() + static_cast<std::size_t>(power) <= written_out_digits) {
    out.append(static_cast<std::size_t>(power), '0');
  } else {
    out += 'e';
    out += std::to_string(power);
  }
  return true;
}

void append_quoted(std::string_view text, std::string& out) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  out += '"';
}

/// The canonical numbers of a text in their order, and the text with a `0` in the place of each: the
/// parser turns numbers into doubles, and refuses those that do not fit one.
struct lifted_numbers {
  std::string text;
  std::string spelled;
  std::vector<std::size_t> ends;
};

outcome<void> lift_numbers(std::string_view text, lifted_numbers& out) {
  out.text.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = 1;
    if (text[at] == '"') {
      while (at + length < text.size() && text[at + length] != '"') length += text[at + length] == '\\' ? 2 : 1;
      length = std::min(length + 1, text.size() - at);
    } else if (text[at] == '-' || is_digit(text[at])) {
      const std::optional<number_parts> number = split_number(text.substr(at));
      if (!number) return refusal("options hold a malformed number");
      if (!append_canonical(*number, out.spelled)) return refusal("options hold a number with too large an exponent");
      out.ends.push_back(out.spelled.size());
      out.text += '0';
      at += number->length;
      continue;
    }
    out.text += text.substr(at, length);
    at += length;
  }
  return {};
}

/// Receives the parser's events and writes the canonical text.
///
/// Shape      the values of an open object are written behind one another in `written_`; when it closes they
///            are put in the order of their names
/// Fails      an event that returns false ends the parse; `why()` says what was wrong
class canonical_writer {
 public:
  explicit canonical_writer(const lifted_numbers& numbers) : numbers_(numbers) {
    written_.reserve(numbers.text.size() + numbers.spelled.size());
  }

  const std::string& written() const noexcept { return written_; }
  const char* why() const noexcept { return why_; }

  bool null() { return literal("null"); }
  bool boolean(bool value) { return literal(value ? "true" : "false"); }
  bool number_integer(std::int64_t) { return number(); }
  bool number_unsigned(std::uint64_t) { return number(); }
  bool number_float(double, const std::string&) { return number(); }
  bool string(std::string& text) {
    if (!open_value()) return false;
    append_quoted(text, written_);
    return true;
  }
  bool binary(nlohmann::json::binary_t&) { return refuse("options hold a value that JSON does not have"); }
  bool start_object(std::size_t) {
    if (!frames_.empty() && !open_value()) return false;
    return open_frame(true);
  }
  bool key(std::string& name) {
    members_.push_back({std::move(name), written_.size(), 0});
    return true;
  }
  bool end_object() {
    const frame closed = frames_.back();
    frames_.pop_back();
    const auto first = members_.begin() + static_cast<std::ptrdiff_t>(closed.first_member);
    for (auto m = first; m != members_.end(); ++m) m->end = m + 1 == members_.end() ? written_.size() : (m + 1)->begin;
    std::sort(first, members_.end(), [](const member& a, const member& b) { return a.name < b.name; });
    if (std::adjacent_find(first, members_.end(), [](const member& a, const member& b) { return a.name == b.name; }) !=
        members_.end()) {
      return refuse("options hold two members of one name");
    }
    ordered_ = "{";
    for (auto m = first; m != members_.end(); ++m) {
      if (m != first) ordered_ += ',';
      append_quoted(m->name, ordered_);
      ordered_ += ':';
      ordered_.append(written_, m->begin, m->end - m->begin);
    }
    ordered_ += '}';
    written_.replace(closed.begin, std::string::npos, ordered_);
    members_.erase(first, members_.end());
    return true;
  }
  bool start_array(std::size_t) {
    if (!open_value() || !open_frame(false)) return false;
    written_ += '[';
    return true;
  }
  bool end_array() {
    frames_.pop_back();
    written_ += ']';
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) {
    return refuse("options are not JSON in UTF-8");
  }

 private:
  struct frame {
    bool is_object;
    bool has_elements;
    std::size_t begin;
    std::size_t first_member;
  };
  struct member {
    std::string name;
    std::size_t begin;
    std::size_t end;
  };

  bool refuse(const char* why) {
    why_ = why;
    return false;
  }
  bool open_value() {
    if (frames_.empty()) return refuse("options are not a JSON object");
    frame& top = frames_.back();
    if (!top.is_object && std::exchange(top.has_elements, true)) written_ += ',';
    return true;
  }
  bool open_frame(bool is_object) {
    if (frames_.size() == json_depth_limit) return refuse("options nest too deeply");
    frames_.push_back({is_object, false, written_.size(), members_.size()});
    return true;
  }
  bool literal(std::string_view text) {
    if (!open_value()) return false;
    written_ += text;
    return true;
  }
  bool number() {
    const std::size_t begin = numbers_taken_ == 0 ? 0 : numbers_.ends[numbers_taken_ - 1];
    const std::size_t end = numbers_.ends[numbers_taken_++];
    return literal(std::string_view{numbers_.spelled}.substr(begin, end - begin));
  }

  const lifted_numbers& numbers_;
  std::size_t numbers_taken_ = 0;
  std::string written_;
  std::string ordered_;
  std::vector<frame> frames_;
  std::vector<member> members_;
  const char* why_ = "";
};

}  // namespace

outcome<void> canonical_json(std::string_view text, std::string& out) {
  out.clear();
  if (text.empty()) {
    out = "{}";
    return {};
  }
  // The parser takes a zero byte for the end and would ignore whatever follows it.
  if (text.find('\0') != std::string_view::npos) return refusal("options hold a zero byte");
  lifted_numbers lifted;
  if (auto done = lift_numbers(text, lifted); !done) return done;
  canonical_writer writer{lifted};
  if (!nlohmann::json::sax_parse(lifted.text.data(), lifted.text.data() + lifted.text.size(), &writer)) {
    return refusal(writer.why());
  }
  out = writer.written();
  return {};
}

}  // namespace aicache
