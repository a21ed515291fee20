#include "engine/legacy/export_line.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <span>
#include <utility>

#include "engine/legacy/python_json.hpp"
#include "engine/legacy/python_text.hpp"

namespace aicache {
namespace {

using kind = python_value::kind;

constexpr std::string_view version = "1";
constexpr std::size_t half_identity = 16;
constexpr std::size_t line_members = 16;

// -- bytes as text -----------------------------------------------------------

void append_hex(std::span<const std::byte> bytes, std::string& out) {
  static constexpr char digits[] = "0123456789abcdef";
  for (const std::byte b : bytes) {
    out += digits[std::to_integer<unsigned>(b) >> 4];
    out += digits[std::to_integer<unsigned>(b) & 15];
  }
}

/// Reads pairs of lower-case digits into the first bytes of `out`; false when it is anything else.
bool parse_hex(std::string_view text, std::span<std::byte> out) noexcept {
  if (text.size() % 2 != 0 || text.size() / 2 > out.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t digit = std::string_view("0123456789abcdef").find(text[i]);
    if (digit == std::string_view::npos) return false;
    out[i / 2] = static_cast<std::byte>(std::to_integer<std::size_t>(out[i / 2]) << 4 | digit);
  }
  return true;
}

// OpenSSL counts in int, and takes three bytes for four characters; the pieces fit both.
constexpr std::size_t piece_bytes = std::size_t{3} << 18;
constexpr std::size_t piece_text = piece_bytes / 3 * 4;

void append_base64(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, piece_bytes);
    bytes.remove_prefix(piece.size());
    const std::size_t before = out.size();
    // The library ends what it writes with a zero byte.
    out.resize(before + (piece.size() + 2) / 3 * 4 + 1);
    const int written =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data() + before),
                        reinterpret_cast<const unsigned char*>(piece.data()), static_cast<int>(piece.size()));
    out.resize(before + static_cast<std::size_t>(written));
  }
}

/// Takes only what append_base64 writes: the library alone would forgive white space and stray bits.
bool parse_base64(std::string_view text, std::string& out) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view piece = rest.substr(0, piece_text);
    rest.remove_prefix(piece.size());
    const std::size_t before = out.size();
    out.resize(before + piece.size() / 4 * 3 + 3);
    const int written =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data() + before),
                        reinterpret_cast<const unsigned char*>(piece.data()), static_cast<int>(piece.size()));
    if (written < 0) return false;
    out.resize(before + static_cast<std::size_t>(written));
  }
  // It decodes the padding to zero bytes.
  std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  for (; padding > 0 && !out.empty(); --padding) out.pop_back();
  std::string again;
  append_base64(out, again);
  return again == text;
}

// -- reading -----------------------------------------------------------------

/// Takes the members of one line, each once; the first that is not as it should be is kept in `why`.
class line_reader {
 public:
  line_reader(python_value& line, const export_limits& limits) : line_(line), limits_(limits) {}

  bool read(export_entry& out) {
    std::string number;
    std::string text;
    return has_all_members() && take_number("version", number) &&
           (number == version || refuse(errc::corrupt, "a version that is not known here")) &&
           take_name("tenant", out.tenant) && take_name("operation", out.operation) && take_name("model", out.model) &&
           take_text("tier", text) && parse_tier(text, out.tier) && take_text("identity", text) &&
           parse_identity(text, out) && take_integer("created", out.created.ms) && take_expiry(out.expires) &&
           take_integer("input_tokens", out.input_tokens) && take_integer("output_tokens", out.output_tokens) &&
           take_integer("model_ms", out.model_ms) && take_text("finish", text) && parse_finish(text, out.finish) &&
           take_integer("born", out.born) && take_integer("numbered_by", out.numbered_by) && take_tags(out.tags) &&
           take_payload(out.payload);
  }

  const fault& why() const noexcept { return why_; }

 private:
  bool refuse(errc code, std::string_view what, std::string_view how = {}) {
    why_.code = code;
    why_.detail = what;
    why_.detail += how;
    return false;
  }

  python_value* find(std::string_view name) {
    for (std::size_t i = 0; i < line_.elements.size(); i += 2)
      if (line_.elements[i].text == name) return &line_.elements[i + 1];
    return nullptr;
  }

  bool has_all_members() {
    if (line_.what != kind::dict) return refuse(errc::corrupt, "not a JSON object");
    // With this count, and each one found when it is taken, none is left that is unknown.
    return line_.elements.size() == 2 * line_members || refuse(errc::corrupt, "a member too many or too few");
  }

  bool take(std::string_view name, kind what, std::string& out) {
    python_value* const value = find(name);
    if (value == nullptr || value->what != what) return refuse(errc::corrupt, name, " is missing or of the wrong type");
    out = std::move(value->text);
    return true;
  }
  bool take_number(std::string_view name, std::string& out) { return take(name, kind::integer, out); }
  bool take_text(std::string_view name, std::string& out) {
    if (!take(name, kind::text, out)) return false;
    return is_utf8(out, lone_surrogates::refused) || refuse(errc::corrupt, name, " is not UTF-8");
  }
  bool take_name(std::string_view name, std::string& out) {
    if (!take_text(name, out)) return false;
    return out.size() <= limits_.name_bytes || refuse(errc::too_large, name);
  }

  template <class Integer>
  bool take_integer(std::string_view name, Integer& out) {
    std::string digits;
    if (!take_number(name, digits)) return false;
    const char* const end = digits.data() + digits.size();
    const auto [stopped, error] = std::from_chars(digits.data(), end, out);
    return (error == std::errc{} && stopped == end) || refuse(errc::corrupt, name, " is out of its range");
  }

  bool take_expiry(instant& out) {
    const python_value* const value = find("expires");
    out = never;
    if (value != nullptr && value->what == kind::none) return true;
    // The number that stands for never has a spelling already.
    return take_integer("expires", out.ms) && (out < never || refuse(errc::corrupt, "expires is out of its range"));
  }

  bool parse_tier(std::string_view name, text_tier& out) {
    for (int t = 0; t < text_tier_count; ++t) {
      out = static_cast<text_tier>(t);
      if (name == to_string(out)) return true;
    }
    return refuse(errc::corrupt, "tier has no such value");
  }

  // An answer that failed is none.
  bool parse_finish(std::string_view name, finish_reason& out) {
    for (int f = 0; f <= static_cast<int>(last_finish_reason); ++f) {
      out = static_cast<finish_reason>(f);
      if (name == to_string(out) && out != finish_reason::failed) return true;
    }
    return refuse(errc::corrupt, "finish has no such value");
  }

  bool parse_identity(std::string_view hex, export_entry& out) {
    out.whole_identity = hex.size() == 2 * out.id.digest.size();
    return ((out.whole_identity || hex.size() == 2 * half_identity) && parse_hex(hex, out.id.digest)) ||
           refuse(errc::corrupt, "identity is not 32 or 64 hexadecimal digits");
  }

  bool take_tags(std::vector<std::uint64_t>& out) {
    const python_value* const list = find("tags");
    if (list == nullptr || list->what != kind::list) return refuse(errc::corrupt, "tags is missing or no list");
    if (list->elements.size() > limits_.tags) return refuse(errc::too_large, "tags");
    for (const python_value& tag : list->elements) {
      std::array<std::byte, 8> bytes{};
      if (tag.what != kind::text || tag.text.size() != 16 || !parse_hex(tag.text, bytes))
        return refuse(errc::corrupt, "a tag is not 16 hexadecimal digits");
      std::uint64_t hash = 0;
      for (const std::byte b : bytes) hash = hash << 8 | std::to_integer<std::uint64_t>(b);
      out.push_back(hash);
    }
    return true;
  }

  bool take_payload(std::string& out) {
    if (find("text") != nullptr) return take_text("text", out) && payload_fits(out.size());
    std::string coded;
    if (!take_text("base64", coded)) return false;
    // Two of the bytes may be padding.
    if (coded.size() / 4 * 3 > limits_.payload_bytes + 2) return refuse(errc::too_large, "the payload");
    return parse_base64(coded, out) ? payload_fits(out.size()) : refuse(errc::corrupt, "base64 that is none");
  }
  bool payload_fits(std::size_t size) {
    return size <= limits_.payload_bytes || refuse(errc::too_large, "the payload");
  }

  python_value& line_;
  const export_limits& limits_;
  fault why_{errc::none, {}};
};

template <std::integral Integer>
void append_member(std::string_view name, Integer value, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":";
  out += std::to_string(value);
}

void append_member(std::string_view name, std::string_view text, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_text(text, out);
}

outcome<void> check(const export_entry& entry, const export_limits& limits) {
  for (const std::string* name : {&entry.tenant, &entry.operation, &entry.model}) {
    if (!is_utf8(*name, lone_surrogates::refused)) return fault{errc::invalid_argument, "a name that is not UTF-8"};
    if (name->size() > limits.name_bytes) return fault{errc::too_large, "a name"};
  }
  if (entry.payload.size() > limits.payload_bytes) return fault{errc::too_large, "the payload"};
  if (entry.tags.size() > limits.tags) return fault{errc::too_large, "tags"};
  if (entry.finish == finish_reason::failed) return fault{errc::invalid_argument, "an answer that failed"};
  const auto second_half = std::span{entry.id.digest}.subspan(half_identity);
  if (!entry.whole_identity &&
      std::any_of(second_half.begin(), second_half.end(), [](std::byte b) { return b != std::byte{0}; }))
    return fault{errc::invalid_argument, "half an identity that says more than it knows"};
  return {};
}

}  // namespace

outcome<void> write_export_line(const export_entry& entry, std::string& out, const export_limits& limits) {
  if (auto sound = check(entry, limits); !sound) return sound;
  out += "{\"version\":";
  out += version;
  append_member("tenant", entry.tenant, out);
  append_member("operation", entry.operation, out);
  out += ",\"identity\":\"";
  append_hex(std::span{entry.id.digest}.first(entry.whole_identity ? entry.id.digest.size() : half_identity), out);
  out += '"';
  append_member("created", entry.created.ms, out);
  if (entry.expires == never) {
    out += ",\"expires\":null";
  } else {
    append_member("expires", entry.expires.ms, out);
  }
  append_member("tier", std::string_view{to_string(entry.tier)}, out);
  append_member("input_tokens", entry.input_tokens, out);
  append_member("output_tokens", entry.output_tokens, out);
  append_member("model_ms", entry.model_ms, out);
  append_member("model", entry.model, out);
  append_member("finish", std::string_view{to_string(entry.finish)}, out);
  append_member("born", entry.born, out);
  append_member("numbered_by", entry.numbered_by, out);
  out += ",\"tags\":[";
  for (const std::uint64_t& tag : entry.tags) {
    if (&tag != entry.tags.data()) out += ',';
    const std::uint64_t big_endian = __builtin_bswap64(tag);
    out += '"';
    append_hex(std::as_bytes(std::span{&big_endian, 1}), out);
    out += '"';
  }
  out += ']';
  if (is_utf8(entry.payload, lone_surrogates::refused)) {
    append_member("text", entry.payload, out);
  } else {
    out += ",\"base64\":\"";
    append_base64(entry.payload, out);
    out += '"';
  }
  out += "}\n";
  return {};
}

outcome<export_entry> read_export_line(std::string_view text, std::uint64_t line, const export_limits& limits) {
  const std::string where = "line " + std::to_string(line) + ": ";
  // A sound line is not much more than its texts: few values, and what they occupy.
  const python_limits memory{text.size() + (std::size_t{64} << 10)};
  auto object = read_python_json(text, memory, repeated_names::refused);
  if (!object) {
    const bool large = object.why().code == errc::too_large;
    return fault{large ? errc::too_large : errc::corrupt, where + object.why().detail};
  }
  export_entry entry;
  line_reader reader(*object, limits);
  if (!reader.read(entry)) return fault{reader.why().code, where + reader.why().detail};
  return entry;
}

}  // namespace aicache
