#include "engine/client/response.hpp"

#include <cstring>

namespace aicache {

blob_ref to_blob(const response& r) {
  std::string attributes;
  if (!r.model.empty()) {
    const auto size = static_cast<std::uint32_t>(r.model.size());
    attributes.push_back(static_cast<char>(attribute::model));
    attributes.append(reinterpret_cast<const char*>(&size), sizeof size);
    attributes.append(r.model);
  }
  return blob::make(r.text, {r.input_tokens, r.output_tokens, r.model_ms, 0}, attributes);
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

response to_response(const blob& raw) {
  const answer_facts& f = raw.facts();
  return {std::string(raw.text()), std::string(attribute_of(raw, attribute::model)), f.input_tokens, f.output_tokens,
          f.model_ms};
}

}  // namespace aicache
