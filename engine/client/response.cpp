#include "engine/client/response.hpp"

#include <cstring>

#include "engine/answers/provider_error.hpp"

namespace aicache {

namespace {

void append(std::string& attributes, attribute which, std::string_view value) {
  const auto size = static_cast<std::uint32_t>(value.size());
  attributes.push_back(static_cast<char>(which));
  attributes.append(reinterpret_cast<const char*>(&size), sizeof size);
  attributes.append(value);
}

template <class Enum>
void append_byte(std::string& attributes, attribute which, Enum value) {
  const char byte = static_cast<char>(value);
  append(attributes, which, {&byte, 1});
}

}  // namespace

response failed_response(errc why) {
  response r;
  r.finish = finish_reason::failed;
  if (is_provider_error(why)) r.failure = why;
  return r;
}

blob_ref to_blob(const response& r) {
  std::string attributes;
  if (!r.model.empty()) append(attributes, attribute::model, r.model);
  if (r.finish != finish_reason::unstated && r.finish != finish_reason::stop)
    append_byte(attributes, attribute::finish, r.finish);
  if (r.failure != errc::none) append_byte(attributes, attribute::failure, r.failure);
  return blob::make(r.text, {r.input_tokens, r.output_tokens, r.model_ms, 0}, attributes);
}

blob_ref to_blob(std::string_view key, std::string_view bytes) {
  std::string attributes;
  append(attributes, attribute::key, key);
  return blob::make(bytes, {}, attributes);
}

std::string_view attribute_of(const blob& raw, attribute which) noexcept {
  std::string_view rest = raw.attributes();
  std::uint32_t size;
  while (rest.size() >= 1 + sizeof size) {
    const auto id = static_cast<attribute>(rest[0]);
    std::memcpy(&size, rest.data() + 1, sizeof size);
    rest.remove_prefix(1 + sizeof size);
    if (size > rest.size()) return {};
    if (id == which) return rest.substr(0, size);
    rest.remove_prefix(size);
  }
  return {};
}

finish_reason finish_of(const blob& raw) noexcept {
  const std::string_view said = attribute_of(raw, attribute::finish);
  if (said.empty()) return finish_reason::unstated;
  const auto code = static_cast<unsigned char>(said[0]);
  return said.size() == 1 && code <= static_cast<unsigned char>(last_finish_reason) ? static_cast<finish_reason>(code)
                                                                                    : finish_reason::other;
}

errc failure_of(const blob& raw) noexcept {
  const std::string_view said = attribute_of(raw, attribute::failure);
  const auto why = said.size() == 1 ? static_cast<errc>(said[0]) : errc::none;
  return is_provider_error(why) ? why : errc::compute_failed;
}

response to_response(const blob& raw) {
  const answer_facts& f = raw.facts();
  const finish_reason how = finish_of(raw);
  const errc why = how == finish_reason::failed ? failure_of(raw) : errc::none;
  return {std::string(raw.text()),
          std::string(attribute_of(raw, attribute::model)),
          f.input_tokens,
          f.output_tokens,
          f.model_ms,
          how,
          is_provider_error(why) ? why : errc::none};
}

}  // namespace aicache
