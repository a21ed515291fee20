#include "config/value_types.hpp"

#include <algorithm>
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
parsed<T> refusal_of(std::string why) {
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

/// Adds one entry of a table by name; says why it cannot.
template <class Entry>
std::string add_entry(std::map<std::string, Entry>& entries, std::string_view name, std::string_view text,
                      parsed<Entry> (*read_entry)(std::string_view)) {
  const auto value = read_entry(text);
  const std::string entry = "has an entry " + in_short_quotes(name) + " that ";
  if (!value.value) return entry + value.refusal;
  if (!entries.emplace(name, *value.value).second) return entry + "is there twice";
  return {};
}

/// Reads a table by name, as a file has it or as text; `example` is an entry as it should be.
template <class Entry>
parsed<std::map<std::string, Entry>> read_entries(const written& w, const char* example,
                                                  parsed<Entry> (*read_entry)(std::string_view)) {
  using stored = std::map<std::string, Entry>;
  stored entries;
  if (const auto* table = std::get_if<written::table>(&w.value)) {
    for (const auto& [name, scalar] : *table) {
      const auto* text = std::get_if<std::string>(&scalar);
      if (text == nullptr)
        return refusal_of<stored>("has an entry " + in_short_quotes(name) + " that is no text such as \"" + example +
                                  '"');
      if (auto why = add_entry(entries, name, *text, read_entry); !why.empty())
        return refusal_of<stored>(std::move(why));
    }
    return {std::move(entries), {}};
  }
  const auto* text = std::get_if<std::string>(&w.value);
  if (text == nullptr || w.typed) return refusal_of<stored>("is of another type");
  if (text->empty()) return refusal_of<stored>("is empty");
  if (*text == no_entries) return {std::move(entries), {}};
  for (std::string_view rest = *text;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view entry = without_blanks(rest.substr(0, comma));
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) return refusal_of<stored>("has an entry without \"=\"");
    auto why = add_entry(entries, without_blanks(entry.substr(0, equals)), without_blanks(entry.substr(equals + 1)),
                         read_entry);
    if (!why.empty()) return refusal_of<stored>(std::move(why));
    if (comma == std::string_view::npos) return {std::move(entries), {}};
    rest.remove_prefix(comma + 1);
  }
}

template <class Entry>
std::string entries_to_text(const std::map<std::string, Entry>& v, std::string (*to_text)(Entry)) {
  if (v.empty()) return std::string(no_entries);
  std::string out;
  for (const auto& [name, entry] : v) {
    if (!out.empty()) out += ',';
    out += name + '=' + to_text(entry);
  }
  return out;
}

template <class Entry>
std::string entries_to_toml(const std::map<std::string, Entry>& v, std::string (*to_text)(Entry)) {
  std::string out;
  for (const auto& [name, entry] : v) {
    const bool bare = !name.empty() && name.find_first_not_of(bare_letters) == std::string::npos;
    out += out.empty() ? "{ " : ", ";
    out += (bare ? name : in_quotes(name)) + " = " + in_quotes(to_text(entry));
  }
  return out.empty() ? "{}" : out + " }";
}

/// An amount of money with up to six places behind the point, in millionths.
parsed<std::uint64_t> read_amount(std::string_view text) {
  constexpr std::size_t places = 6;
  constexpr std::size_t most_digits = 9;
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string behind(point == std::string_view::npos ? std::string_view{} : text.substr(point + 1));
  const bool only_digits = (std::string(whole) + behind).find_first_not_of("0123456789") == std::string::npos;
  if (whole.empty() || !only_digits || (point != std::string_view::npos && behind.empty()) || behind.size() > places ||
      whole.size() > most_digits)
    return refusal_of<std::uint64_t>("is no price such as \"3/15\" or \"0.15/0.6\"");
  behind.resize(places, '0');
  return {std::stoull(std::string(whole) + behind), {}};
}

parsed<type::token_price> read_price(std::string_view text) {
  const std::size_t stroke = text.find('/');
  const auto input = read_amount(text.substr(0, stroke));
  const auto output = read_amount(stroke == std::string_view::npos ? std::string_view{} : text.substr(stroke + 1));
  if (!input.value || !output.value) return refusal_of<type::token_price>(input.value ? output.refusal : input.refusal);
  return {type::token_price{*input.value, *output.value}, {}};
}

std::string amount_to_text(std::uint64_t millionths) {
  constexpr std::uint64_t unit = 1'000'000;
  std::string behind = std::to_string(unit + millionths % unit).substr(1);
  behind.erase(behind.find_last_not_of('0') + 1);
  return std::to_string(millionths / unit) + (behind.empty() ? "" : "." + behind);
}

std::string price_to_text(type::token_price p) { return amount_to_text(p.input) + '/' + amount_to_text(p.output); }

constexpr std::uint64_t millionths_a_percent = 10'000;

parsed<type::portion::stored> read_portion(std::string_view text) {
  using stored = type::portion::stored;
  if (text == no_entries) return {stored{}, {}};
  if (text.empty() || text.back() != '%') {
    const auto bytes = read_size(text);
    if (!bytes.value) return refused<stored>(bytes.refusal);
    return {stored{*bytes.value, 0}, {}};
  }
  // A percentage has as many digits behind the point as there are millionths in it.
  const auto percent = read_amount(text.substr(0, text.size() - 1));
  if (!percent.value || *percent.value % (1'000'000 / millionths_a_percent) != 0)
    return refused<stored>("is no share such as \"25%\" or \"0.5%\"");
  return {stored{0, *percent.value / (1'000'000 / millionths_a_percent)}, {}};
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
  return refusal_of<stored>("is of another type");
}
std::string integer::to_text(stored v) { return std::to_string(v); }
std::string integer::to_toml(stored v) { return to_text(v); }
std::string integer::refuse(stored v, bound min, bound max) { return outside(v, min, max); }
std::string integer::range(bound min, bound max) {
  return "a whole number from " + to_text(min) + " to " + to_text(max);
}

parsed<std::uint64_t> size::read(const written& w) {
  if (const auto* number = std::get_if<std::int64_t>(&w.value)) {
    if (*number < 0) return refusal_of<stored>("is negative");
    return {static_cast<stored>(*number), {}};
  }
  if (const auto* text = std::get_if<std::string>(&w.value)) return read_size(*text);
  return refusal_of<stored>("is of another type");
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
  if (std::holds_alternative<std::int64_t>(w.value)) return refusal_of<stored>("has no unit");
  return refusal_of<stored>("is of another type");
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
  if (text == nullptr || w.typed) return refusal_of<stored>("is of another type");
  if (text->empty()) return refusal_of<stored>("is empty");
  double number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error == std::errc::result_out_of_range) return refusal_of<stored>("is more than can be counted");
  if (error != std::errc{} || end != text->data() + text->size()) return refusal_of<stored>("is not a number");
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
  if (text == nullptr || w.typed) return refusal_of<stored>("is of another type");
  if (text->empty()) return refusal_of<stored>("is empty");
  if (*text != "true" && *text != "false") return refusal_of<stored>("is neither");
  return {*text == "true", {}};
}
std::string boolean::to_text(stored v) { return v ? "true" : "false"; }
std::string boolean::to_toml(stored v) { return to_text(v); }
std::string boolean::refuse(stored, bound, bound) { return {}; }
std::string boolean::range(bound, bound) { return "true or false"; }

parsed<std::string> text::read(const written& w) {
  if (const auto* given = std::get_if<std::string>(&w.value)) return {*given, {}};
  return refusal_of<stored>("is of another type");
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
  if (text && w.typed) return refusal_of<stored>("is of another type");
  auto number = integer::read(w);
  if (!number.value) return refusal_of<stored>(std::move(number.refusal));
  // In the field 0 means auto; nobody who writes 0 means that.
  if (*number.value <= 0) return refusal_of<stored>("is too small");
  if (*number.value > std::numeric_limits<stored>::max()) return refusal_of<stored>("is too large");
  return {static_cast<stored>(*number.value), {}};
}
std::string count_or_auto::to_text(stored v) { return v == 0 ? "auto" : std::to_string(v); }
std::string count_or_auto::to_toml(stored v) { return v == 0 ? in_quotes("auto") : std::to_string(v); }
std::string count_or_auto::refuse(stored v, bound min, bound max) { return v == 0 ? "" : outside(v, min, max); }
std::string count_or_auto::range(bound min, bound max) {
  return "auto or a whole number from " + std::to_string(min) + " to " + std::to_string(max);
}

parsed<times_by_name::stored> times_by_name::read(const written& w) {
  return read_entries<std::chrono::milliseconds>(w, "2h", read_time);
}
std::string times_by_name::to_text(const stored& v) { return entries_to_text(v, length_of_time::to_text); }
std::string times_by_name::to_toml(const stored& v) { return entries_to_toml(v, length_of_time::to_text); }
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

parsed<portion::stored> portion::read(const written& w) {
  if (const auto* text = std::get_if<std::string>(&w.value)) return read_portion(*text);
  const auto bytes = size::read(w);
  if (!bytes.value) return refused<stored>(bytes.refusal);
  return {stored{*bytes.value, 0}, {}};
}
std::string portion::to_text(stored v) {
  if (v == stored{}) return std::string(no_entries);
  if (v.millionths == 0) return spell_size(v.bytes);
  return amount_to_text(v.millionths * (1'000'000 / millionths_a_percent)) + '%';
}
std::string portion::to_toml(stored v) { return in_quotes(to_text(v)); }
std::string portion::refuse(stored v, bound min, bound max) {
  if (v.millionths > 1'000'000) return "is more than the whole";
  return v.millionths == 0 ? outside(v.bytes, min, max) : "";
}
std::string portion::range(bound min, bound max) {
  return "a share to 100%, a size from " + spell_size(min) + " to " + spell_size(max) + ", or none";
}

parsed<portions_by_name::stored> portions_by_name::read(const written& w) {
  return read_entries<portion::stored>(w, "25%", read_portion);
}
std::string portions_by_name::to_text(const stored& v) { return entries_to_text(v, portion::to_text); }
std::string portions_by_name::to_toml(const stored& v) { return entries_to_toml(v, portion::to_text); }
std::string portions_by_name::refuse(const stored& v, bound min, bound max) {
  for (const auto& [name, part] : v) {
    if (auto why = refuse_name(name); !why.empty()) return why;
    if (auto why = portion::refuse(part, min, max); !why.empty())
      return "has an entry " + in_short_quotes(name) + " that " + why;
  }
  return {};
}
std::string portions_by_name::range(bound min, bound max) { return "names with " + portion::range(min, max) + " each"; }

parsed<prices_by_name::stored> prices_by_name::read(const written& w) {
  return read_entries<token_price>(w, "3/15", read_price);
}
std::string prices_by_name::to_text(const stored& v) { return entries_to_text(v, price_to_text); }
std::string prices_by_name::to_toml(const stored& v) { return entries_to_toml(v, price_to_text); }
std::string prices_by_name::refuse(const stored& v, bound min, bound max) {
  for (const auto& [name, price] : v) {
    std::string plain = name;
    if (!plain.empty() && plain.back() == '*') plain.pop_back();
    std::replace_if(
        plain.begin(), plain.end(), [](char c) { return c == '/' || c == '+'; }, '_');
    if (name != "*")
      if (auto why = refuse_name(plain); !why.empty()) return why;
    for (const std::uint64_t amount : {price.input, price.output})
      if (amount < min || amount > max)
        return "has an entry " + in_short_quotes(name) + " with a price that is not from " + amount_to_text(min) +
               " to " + amount_to_text(max);
  }
  return {};
}
std::string prices_by_name::range(bound min, bound max) {
  return "models with prices of input/output per million tokens from " + amount_to_text(min) + " to " +
         amount_to_text(max);
}

}  // namespace type
}  // namespace aicache::config
