#include "config/value_types.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <system_error>

namespace aicache::config {
namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view name_letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:";
constexpr std::string_view bare_letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
constexpr std::size_t longest_name = 64;
constexpr std::string_view no_entries = "none";

template <class T>
parsed<T> refused(std::string why) {
  return {std::nullopt, std::move(why)};
}

template <class T>
std::string outside(const T& v, const T& min, const T& max) {
  if (v < min) return "is too small";
  return v > max ? "is too large" : "";
}

std::string_view without_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Why an entry cannot have this name; empty if it can.
std::string refuse_name(std::string_view name) {
  if (name.empty()) return "has an entry without a name";
  if (name.size() <= longest_name && name.find_first_not_of(name_letters) == std::string_view::npos) return {};
  return "has an entry with a name that cannot be, " + in_short_quotes(name);
}

/// Adds one entry of a times_by_name; says why it cannot.
std::string add_entry(std::map<std::string, std::chrono::milliseconds>& entries, std::string_view name,
                      std::string_view time) {
  const auto parsed_time = read_time(time);
  const std::string entry = "has an entry " + in_short_quotes(name) + " that ";
  if (!parsed_time.value) return entry + parsed_time.refusal;
  if (!entries.emplace(name, *parsed_time.value).second) return entry + "is there twice";
  return {};
}

}  // namespace

std::string shown(const written& w) {
  if (const auto* other = std::get_if<written::unsuitable>(&w.value)) return other->what;
  if (const auto* flag = std::get_if<bool>(&w.value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&w.value)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&w.value)) return type::real::to_text(*number);
  if (const auto* text = std::get_if<std::string>(&w.value)) return in_short_quotes(*text);
  return "a table";
}

namespace type {

parsed<std::int64_t> integer::read(const written& w) {
  if (const auto* number = std::get_if<std::int64_t>(&w.value)) return {*number, {}};
  if (const auto* text = std::get_if<std::string>(&w.value); text && !w.typed) return read_whole_number(*text);
  return refused<stored>("is of another type");
}
std::string integer::to_text(stored v) { return std::to_string(v); }
std::string integer::to_toml(stored v) { return to_text(v); }
std::string integer::refuse(stored v, bound min, bound max) { return outside(v, min, max); }
std::string integer::range(bound min, bound max) {
  return "a whole number from " + to_text(min) + " to " + to_text(max);
}

parsed<std::uint64_t> size::read(const written& w) {
  if (const auto* number = std::get_if<std::int64_t>(&w.value)) {
    if (*number < 0) return refused<stored>("is negative");
    return {static_cast<stored>(*number), {}};
  }
  if (const auto* text = std::get_if<std::string>(&w.value)) return read_size(*text);
  return refused<stored>("is of another type");
}
std::string size::to_text(stored v) { return spell_size(v); }
std::string size::to_toml(stored v) {
  const std::string text = to_text(v);
  return text.find_first_not_of(digits) == std::string::npos ? text : in_quotes(text);
}
std::string size::refuse(stored v, bound min, bound max) { return outside(v, min, max); }
std::string size::range(bound min, bound max) { return "a size from " + to_text(min) + " to " + to_text(max); }

parsed<std::chrono::milliseconds> length_of_time::read(const written& w) {
  if (const auto* text = std::get_if<std::string>(&w.value)) return read_time(*text);
  if (std::holds_alternative<std::int64_t>(w.value)) return refused<stored>("has no unit");
  return refused<stored>("is of another type");
}
std::string length_of_time::to_text(stored v) { return spell_time(v); }
std::string length_of_time::to_toml(stored v) { return in_quotes(to_text(v)); }
std::string length_of_time::refuse(stored v, bound min, bound max) { return outside(v, min, max); }
std::string length_of_time::range(bound min, bound max) {
  return "a length of time from " + to_text(min) + " to " + to_text(max);
}

parsed<double> real::read(const written& w) {
  if (const auto* number = std::get_if<double>(&w.value)) return {*number, {}};
  if (const auto* number = std::get_if<std::int64_t>(&w.value)) return {static_cast<double>(*number), {}};
  const auto* text = std::get_if<std::string>(&w.value);
  if (text == nullptr || w.typed) return refused<stored>("is of another type");
  if (text->empty()) return refused<stored>("is empty");
  double number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error == std::errc::result_out_of_range) return refused<stored>("is more than can be counted");
  if (error != std::errc{} || end != text->data() + text->size()) return refused<stored>("is not a number");
  return {number, {}};
}
std::string real::to_text(stored v) {
  std::array<char, 64> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v);
  return error == std::errc{} ? std::string(buffer.data(), end) : "a number";
}
std::string real::to_toml(stored v) {
  const std::string text = to_text(v);
  return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
}
std::string real::refuse(stored v, bound min, bound max) {
  // Asked this way round because every comparison with NaN is false.
  if (v >= min && v <= max) return {};
  return v < min ? "is too small" : v > max ? "is too large" : "is not a number";
}
std::string real::range(bound min, bound max) { return "a number from " + to_text(min) + " to " + to_text(max); }

parsed<bool> boolean::read(const written& w) {
  if (const auto* flag = std::get_if<bool>(&w.value)) return {*flag, {}};
  const auto* text = std::get_if<std::string>(&w.value);
  if (text == nullptr || w.typed) return refused<stored>("is of another type");
  if (text->empty()) return refused<stored>("is empty");
  if (*text != "true" && *text != "false") return refused<stored>("is neither");
  return {*text == "true", {}};
}
std::string boolean::to_text(stored v) { return v ? "true" : "false"; }
std::string boolean::to_toml(stored v) { return to_text(v); }
std::string boolean::refuse(stored, bound, bound) { return {}; }
std::string boolean::range(bound, bound) { return "true or false"; }

parsed<std::string> text::read(const written& w) {
  if (const auto* given = std::get_if<std::string>(&w.value)) return {*given, {}};
  return refused<stored>("is of another type");
}
std::string text::to_text(const stored& v) { return v; }
std::string text::to_toml(const stored& v) { return in_quotes(v); }
std::string text::refuse(const stored& v, bound min, bound max) {
  if (v.empty() && min > 0) return "is empty";
  if (v.size() < min) return "is too short";
  if (v.size() > max) return "is too long";
  for (const char c : v)
    if (c < 0x20 || c > 0x7e) return "has characters that are not printable ASCII";
  return {};
}
std::string text::range(bound min, bound max) {
  return "a text of " + std::to_string(min) + " to " + std::to_string(max) + " characters";
}

parsed<std::uint32_t> count_or_auto::read(const written& w) {
  constexpr std::string_view automatic = "auto";
  const auto* text = std::get_if<std::string>(&w.value);
  if (text && *text == automatic) return {stored{0}, {}};
  if (text && w.typed) return refused<stored>("is of another type");
  auto number = integer::read(w);
  if (!number.value) return refused<stored>(std::move(number.refusal));
  // In the field 0 means auto; nobody who writes 0 means that.
  if (*number.value <= 0) return refused<stored>("is too small");
  if (*number.value > std::numeric_limits<stored>::max()) return refused<stored>("is too large");
  return {static_cast<stored>(*number.value), {}};
}
std::string count_or_auto::to_text(stored v) { return v == 0 ? "auto" : std::to_string(v); }
std::string count_or_auto::to_toml(stored v) { return v == 0 ? in_quotes("auto") : std::to_string(v); }
std::string count_or_auto::refuse(stored v, bound min, bound max) { return v == 0 ? "" : outside(v, min, max); }
std::string count_or_auto::range(bound min, bound max) {
  return "auto or a whole number from " + std::to_string(min) + " to " + std::to_string(max);
}

parsed<times_by_name::stored> times_by_name::read(const written& w) {
  stored entries;
  if (const auto* table = std::get_if<written::table>(&w.value)) {
    for (const auto& [name, scalar] : *table) {
      const auto* time = std::get_if<std::string>(&scalar);
      if (time == nullptr)
        return refused<stored>("has an entry " + in_short_quotes(name) + " that is no text such as \"2h\"");
      if (auto why = add_entry(entries, name, *time); !why.empty()) return refused<stored>(std::move(why));
    }
    return {std::move(entries), {}};
  }
  const auto* text = std::get_if<std::string>(&w.value);
  if (text == nullptr || w.typed) return refused<stored>("is of another type");
  if (text->empty()) return refused<stored>("is empty");
  if (*text == no_entries) return {std::move(entries), {}};
  for (std::string_view rest = *text;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view entry = without_blanks(rest.substr(0, comma));
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) return refused<stored>("has an entry without \"=\"");
    auto why = add_entry(entries, without_blanks(entry.substr(0, equals)), without_blanks(entry.substr(equals + 1)));
    if (!why.empty()) return refused<stored>(std::move(why));
    if (comma == std::string_view::npos) return {std::move(entries), {}};
    rest.remove_prefix(comma + 1);
  }
}
std::string times_by_name::to_text(const stored& v) {
  if (v.empty()) return std::string(no_entries);
  std::string out;
  for (const auto& [name, time] : v) {
    if (!out.empty()) out += ',';
    out += name + '=' + length_of_time::to_text(time);
  }
  return out;
}
std::string times_by_name::to_toml(const stored& v) {
  std::string out;
  for (const auto& [name, time] : v) {
    const bool bare = !name.empty() && name.find_first_not_of(bare_letters) == std::string::npos;
    out += out.empty() ? "{ " : ", ";
    out += (bare ? name : in_quotes(name)) + " = " + length_of_time::to_toml(time);
  }
  return out.empty() ? "{}" : out + " }";
}
std::string times_by_name::refuse(const stored& v, bound min, bound max) {
  for (const auto& [name, time] : v) {
    if (auto why = refuse_name(name); !why.empty()) return why;
    if (auto why = length_of_time::refuse(time, min, max); !why.empty())
      return "has an entry " + in_short_quotes(name) + " that " + why;
  }
  return {};
}
std::string times_by_name::range(bound min, bound max) {
  return "names with lengths of time from " + length_of_time::to_text(min) + " to " + length_of_time::to_text(max);
}

}  // namespace type
}  // namespace aicache::config
