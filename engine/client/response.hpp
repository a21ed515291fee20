#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/memory/blob.hpp"

namespace aicache {

/// What a model answered, as a caller gives it to be stored.
struct response {
  std::string text;   ///< any bytes
  std::string model;  ///< the model that really answered
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;
  std::uint32_t model_ms = 0;  ///< how long the model took

  friend bool operator==(const response&, const response&) = default;
};

/// The attributes that follow the text in a blob: { id u8, size u32 little-endian, bytes } each, unknown ids are
/// skipped.
enum class attribute : std::uint8_t { model = 1 };

/// One allocation with everything in it. Throws std::bad_alloc.
blob_ref to_blob(const response& r);

/// The value of an attribute, empty when the blob has none or its attributes do not parse; `raw` must be raw bytes.
std::string_view attribute_of(const blob& raw, attribute which) noexcept;

/// Copies everything out of a raw blob.
response to_response(const blob& raw);

}  // namespace aicache
