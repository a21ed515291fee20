#include "engine/legacy/legacy_value.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <span>
#include <utility>
#include <vector>

#include "engine/legacy/pickle_reader.hpp"
#include "engine/legacy/python_json.hpp"
#include "engine/legacy/python_text.hpp"
#include "engine/legacy/zlib_stream.hpp"

namespace aicache {
namespace {

using kind = python_value::kind;

constexpr char pickle_start = '\x80';
// The version byte of Fernet and the first zero bytes of its time, in base64.
constexpr std::string_view fernet_start = "gAAAAA";

constexpr std::array<std::string_view, 11> later_fields{
    "cached_at",    "cache_hit",           "text_length",       "text_tier",    "operation",      "ai_version",
    "options_hash", "key_generation_time", "question_provided", "retrieved_at", "retrieval_count"};
constexpr std::array<std::string_view, 4> first_fields{"cached_at", "cache_hit", "text_length", "compression_used"};

/// The number that these characters are, all of them digits; -1 when they are not.
int digits_of(std::string_view text) noexcept {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<text_tier> tier_of(std::string_view name) noexcept {
  for (int t = 0; t < text_tier_count; ++t)
    if (name == to_string(static_cast<text_tier>(t))) return static_cast<text_tier>(t);
  return std::nullopt;
}

bool read_text(const python_value* field, std::string& out) {
  if (field == nullptr || field->what != kind::text || !is_utf8(field->text, lone_surrogates::refused)) return false;
  out = field->text;
  return true;
}

bool read_size(const python_value* field, std::optional<std::uint64_t>& out) {
  if (field == nullptr || field->what != kind::integer) return false;
  std::uint64_t value = 0;
  const char* const end = field->text.data() + field->text.size();
  const auto [stopped, error] = std::from_chars(field->text.data(), end, value);
  if (error != std::errc{} || stopped != end) return false;
  out = value;
  return true;
}

bool read_time(const python_value* field, duration ahead_of_utc, std::optional<instant>& out) {
  if (field == nullptr || field->what != kind::text) return false;
  out = parse_local_time(field->text, ahead_of_utc);
  return out.has_value();
}

bool read_tier(const python_value* field, std::optional<text_tier>& out) {
  if (field == nullptr || field->what != kind::text) return false;
  out = tier_of(field->text);
  return out.has_value();
}

bool read_truth(const python_value* field, std::optional<bool>& out) {
  if (field == nullptr || field->what != kind::boolean) return false;
  out = field->truth;
  return true;
}

void take_out(python_value& document, std::span<const std::string_view> names) {
  std::vector<python_value> kept;
  for (std::size_t i = 0; i < document.elements.size(); i += 2) {
    const python_value& name = document.elements[i];
    if (name.what == kind::text && std::find(names.begin(), names.end(), name.text) != names.end()) continue;
    kept.push_back(std::move(document.elements[i]));
    kept.push_back(std::move(document.elements[i + 1]));
  }
  document.elements = std::move(kept);
}

}  // namespace

std::optional<instant> parse_local_time(std::string_view text, duration ahead_of_utc) noexcept {
  namespace time = std::chrono;
  static constexpr std::string_view shape = "0000-00-00T00:00:00";
  if (text.size() != shape.size() && (text.size() != shape.size() + 7 || text[shape.size()] != '.'))
    return std::nullopt;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != '0' && text[i] != shape[i]) return std::nullopt;
  const int year = digits_of(text.substr(0, 4));
  const int month = digits_of(text.substr(5, 2));
  const int day = digits_of(text.substr(8, 2));
  const int hour = digits_of(text.substr(11, 2));
  const int minute = digits_of(text.substr(14, 2));
  const int second = digits_of(text.substr(17, 2));
  const int micros = text.size() == shape.size() ? 0 : digits_of(text.substr(shape.size() + 1));
  if (std::min({year, month, day, hour, minute, second, micros}) < 0 || hour > 23 || minute > 59 || second > 59)
    return std::nullopt;
  const time::year_month_day date{time::year{year}, time::month{static_cast<unsigned>(month)},
                                  time::day{static_cast<unsigned>(day)}};
  if (!date.ok() || year == 0) return std::nullopt;
  const duration since_epoch = time::sys_days{date}.time_since_epoch() + time::hours{hour} + time::minutes{minute} +
                               time::seconds{second} + duration{micros / 1000};
  return instant{(since_epoch - ahead_of_utc).count()};
}

legacy_refusal legacy_value_reader::read(std::string_view stored, legacy_answer& out) {
  out = {};
  detail_.clear();
  const legacy_refusal why = understand(stored, out);
  if (why != legacy_refusal::none) out = {};
  ++counts_[static_cast<std::size_t>(why)];
  return why;
}

legacy_refusal legacy_value_reader::understand(std::string_view stored, legacy_answer& out) {
  python_value document;
  if (const auto why = unpack(stored, document); why != legacy_refusal::none) return why;
  if (const auto why = take_metadata(document, out); why != legacy_refusal::none) return why;
  if (!append_json(document, out.response)) return refuse(legacy_refusal::not_json, "a value that JSON does not have");
  return legacy_refusal::none;
}

legacy_refusal legacy_value_reader::refuse(legacy_refusal why, std::string_view detail) {
  detail_ = detail;
  return why;
}

legacy_refusal legacy_value_reader::unpack(std::string_view stored, python_value& out) {
  auto takes = [&stored](std::string_view prefix) {
    const bool is_there = stored.starts_with(prefix);
    if (is_there) stored.remove_prefix(prefix.size());
    return is_there;
  };
  if (stored.empty()) return refuse(legacy_refusal::empty, "no bytes");
  if (stored.size() > options_.stored_bytes) return refuse(legacy_refusal::too_large, "more stored bytes than allowed");
  if (takes("compressed:")) {
    const auto pickle = unpack_zlib(stored, options_.unpacked_bytes);
    if (pickle) return unpack_pickle(*pickle, out);
    const bool corrupt = pickle.why().code == errc::corrupt;
    return refuse(corrupt ? legacy_refusal::bad_compression : legacy_refusal::too_large, pickle.why().detail);
  }
  if (takes("raw:")) return unpack_pickle(stored, out);
  if (takes("rawj:")) return unpack_json(stored, out);
  if (stored.front() == pickle_start) return unpack_pickle(stored, out);
  if (stored.starts_with(fernet_start)) return refuse(legacy_refusal::encrypted, "a Fernet token");
  if (const auto why = unpack_json(stored, out); why == legacy_refusal::bad_json) {
    return refuse(legacy_refusal::unknown_form, detail_);
  } else if (why != legacy_refusal::none) {
    return why;
  }
  return unwrap(out);
}

legacy_refusal legacy_value_reader::unpack_pickle(std::string_view bytes, python_value& out) {
  if (bytes.size() > options_.unpacked_bytes) return refuse(legacy_refusal::too_large, "more bytes than allowed");
  auto read = read_pickle(bytes, options_.values);
  if (read) {
    out = std::move(*read);
    return legacy_refusal::none;
  }
  const fault& why = read.why();
  if (why.code == errc::invalid_argument) return refuse(legacy_refusal::unsafe_pickle, why.detail);
  return refuse(why.code == errc::too_large ? legacy_refusal::too_large : legacy_refusal::bad_pickle, why.detail);
}

legacy_refusal legacy_value_reader::unpack_json(std::string_view text, python_value& out) {
  if (text.size() > options_.unpacked_bytes) return refuse(legacy_refusal::too_large, "more bytes than allowed");
  auto read = read_python_json(text, options_.values);
  if (read) {
    out = std::move(*read);
    return legacy_refusal::none;
  }
  const bool large = read.why().code == errc::too_large;
  return refuse(large ? legacy_refusal::too_large : legacy_refusal::bad_json, read.why().detail);
}

/// The last generation puts what it serialised into a text, and that into an object. Its other two forms, `pick:` and
/// `zlib:`, it never managed to write.
legacy_refusal legacy_value_reader::unwrap(python_value& value) {
  const python_value* inner = value.elements.size() == 2 ? value.member("_serialized_data") : nullptr;
  if (inner == nullptr) return legacy_refusal::none;
  if (inner->what != kind::text || !inner->text.starts_with("rawj:"))
    return refuse(legacy_refusal::unknown_form, "a wrapper around something unknown");
  const std::string text = inner->text.substr(5);
  return unpack_json(text, value);
}

legacy_refusal legacy_value_reader::take_metadata(python_value& document, legacy_answer& out) {
  const bool is_later = document.member("ai_version") != nullptr;
  const bool is_first = !is_later && document.member("compression_used") != nullptr && document.member("cached_at");
  if (!is_later && !is_first) return legacy_refusal::none;
  bool sound = read_time(document.member("cached_at"), options_.ahead_of_utc, out.cached_at) &&
               read_size(document.member("text_length"), out.text_length);
  if (is_later) {
    sound = sound && read_tier(document.member("text_tier"), out.tier) &&
            read_text(document.member("operation"), out.operation) &&
            read_truth(document.member("question_provided"), out.has_question);
  }
  if (!sound) return refuse(legacy_refusal::bad_metadata, "a field of the cache's own is not as it writes it");
  take_out(document, is_later ? std::span<const std::string_view>{later_fields} : first_fields);
  return legacy_refusal::none;
}

}  // namespace aicache
