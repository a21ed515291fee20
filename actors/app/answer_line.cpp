#include "actors/app/answer_line.hpp"

#include <nlohmann/json.hpp>

#include "engine/legacy/python_text.hpp"

namespace aicache::app {

namespace {

using line_object = nlohmann::ordered_json;

std::string written(const line_object& line) {
  return line.dump(-1, ' ', false, line_object::error_handler_t::replace) + '\n';
}

line_object begun(std::uint64_t line, const char* status) { return {{"line", line}, {"status", status}}; }

}  // namespace

std::string in_base64(std::string_view bytes) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) { return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U; };
    const unsigned three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out += digits[three >> 18 & 63];
    out += digits[three >> 12 & 63];
    out += i + 1 < bytes.size() ? digits[three >> 6 & 63] : '=';
    out += i + 2 < bytes.size() ? digits[three & 63] : '=';
  }
  return out;
}

std::string line_of(std::uint64_t line, const answer& a) {
  if (a.error != errc::none) return refusal_line(line, to_string(a.error));
  if (!a.hit()) return written(begun(line, "miss"));
  line_object out = begun(line, "hit");
  out["tier"] = to_string(a.from);
  out["retrievals"] = a.retrievals;
  out["created_ms"] = a.created.ms;
  out["expires_ms"] = a.expires == never ? line_object() : line_object(a.expires.ms);
  out["model"] = a.model();
  out["input_tokens"] = a.facts().input_tokens;
  out["output_tokens"] = a.facts().output_tokens;
  out["model_ms"] = a.facts().model_ms;
  if (is_utf8(a.text(), lone_surrogates::refused)) {
    out["text"] = a.text();
  } else {
    out["base64"] = in_base64(a.text());
  }
  return written(out);
}

std::string line_of(std::uint64_t line, const put_result& r) {
  if (r.error != errc::none) return refusal_line(line, to_string(r.error));
  return written(begun(line, r.status == put_status::stored ? "stored" : "not_stored"));
}

std::string line_of(std::uint64_t line, const key_result& r, bool with_time_left) {
  if (r.error != errc::none) return refusal_line(line, to_string(r.error));
  line_object out{{"line", line}, {"found", r.found}};
  if (with_time_left && r.found) out["left_ms"] = r.left_ms == INT64_MAX ? line_object() : line_object(r.left_ms);
  return written(out);
}

std::string refusal_line(std::uint64_t line, std::string_view why) {
  line_object out = begun(line, "refused");
  out["error"] = why;
  return written(out);
}

}  // namespace aicache::app
