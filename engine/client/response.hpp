#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/answers/finish_reason.hpp"
#include "engine/memory/blob.hpp"
#include "engine/outcome.hpp"

namespace aicache {

/// What a model answered, as a caller gives it to be stored.
struct response {
  std::string text;   ///< any bytes
  std::string model;  ///< the model that really answered
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;
  std::uint32_t model_ms = 0;  ///< how long the model took
  finish_reason finish = finish_reason::unstated;
  errc failure = errc::none;  ///< with `failed`: what the provider said (provider_…), if it was the provider

  friend bool operator==(const response&, const response&) = default;
};

/// The response of a computation that failed, to be put under its lease: it is not stored, but who waits is told.
response failed_response(errc why);

/// The attributes that follow the text in a blob: { id u8, size u32 little-endian, bytes } each, unknown ids are
/// skipped.
enum class attribute : std::uint8_t {
  model = 1,
  finish = 2,   ///< one byte; not there for a good end, which nearly all stored answers have
  failure = 3,  ///< one byte, an error code
  key = 4,      ///< of a generic entry: the name that its caller gave it
};

/// The version of this form: of the text with its attributes behind it, in memory and in Redis. A reader may take
/// answers of the same version only; a new attribute is no new version.
inline constexpr unsigned answer_format = 1;

/// One allocation with everything in it; `stop` and `unstated` become one. Throws std::bad_alloc.
blob_ref to_blob(const response& r);

/// The same for what a caller keeps under a key of its own.
blob_ref to_blob(std::string_view key, std::string_view bytes);

/// The value of an attribute, empty when the blob has none or its attributes do not parse; `raw` must be raw bytes.
std::string_view attribute_of(const blob& raw, attribute which) noexcept;

/// How the making of a raw blob's answer ended.
finish_reason finish_of(const blob& raw) noexcept;

/// Why there is no answer in a blob that says `failed`: a provider_… error, else compute_failed.
errc failure_of(const blob& raw) noexcept;

/// Copies everything out of a raw blob.
response to_response(const blob& raw);

}  // namespace aicache
