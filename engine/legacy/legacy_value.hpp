#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/legacy/python_value.hpp"
#include "engine/types.hpp"

namespace aicache {

/// Why a value of the Python cache was not taken; each is counted.
enum class legacy_refusal : std::uint8_t {
  none = 0,
  empty,            ///< no bytes at all
  too_large,        ///< over a limit, packed or unpacked, in size or in depth
  unknown_form,     ///< none of the forms that were ever written
  encrypted,        ///< a Fernet token: its key is not known here
  bad_compression,  ///< a zlib stream that does not verify
  bad_pickle,       ///< a pickle that is cut off or damaged
  unsafe_pickle,    ///< a pickle that would call something
  bad_json,         ///< marked as JSON, and none
  not_json,         ///< sound, but it holds what JSON has no word for: bytes, sets, names that are no text, infinities
  bad_metadata,     ///< a field that the cache itself wrote is missing or is not what it writes
};

inline constexpr std::size_t legacy_refusal_count = 11;

/// The name that counters and reports use.
constexpr const char* to_string(legacy_refusal why) noexcept {
  constexpr std::array<const char*, legacy_refusal_count> names{
      "none",       "empty",         "too_large", "unknown_form", "encrypted",   "bad_compression",
      "bad_pickle", "unsafe_pickle", "bad_json",  "not_json",     "bad_metadata"};
  return names[static_cast<std::size_t>(why)];
}

/// An answer as the Python cache has stored it, and what that noted beside it.
struct legacy_answer {
  std::string response;                      ///< compact JSON, in the order in which it was stored
  std::string operation;                     ///< empty where it was not noted
  std::optional<text_tier> tier;             ///< of the request's text
  std::optional<instant> cached_at;          ///< when it was stored
  std::optional<std::uint64_t> text_length;  ///< of the request's text, in code points
  std::optional<bool> has_question;
};

/// Reads the values that the Python cache's generations have left in Redis; never runs what a pickle asks for.
///
/// Shape      `compressed:` zlib of a pickle | `raw:` pickle | `rawj:` JSON | {"_serialized_data": "rawj:" JSON} | a
///            pickle of protocol 2 or later | JSON. The middle generation stores the response's own fields and beside
///            them eleven of its own, the first one four; these are told by `ai_version` and `compression_used`, and
///            taken out of the response. The last generation adds none: all of its value is the response
/// Units      the cache wrote local times without a zone; `ahead_of_utc` is by how much its machine's clock was ahead
/// Owner      one thread
/// Fails      with a reason, each counted; `detail()` says more and never repeats a text
/// Invariant  counts() grow by one for each read(); what is refused leaves `out` empty
/// Cost       linear in the unpacked bytes; memory a multiple of them, bounded by the options
class legacy_value_reader {
 public:
  struct options {
    std::size_t stored_bytes = std::size_t{16} << 20;    ///< as it lies in Redis
    std::size_t unpacked_bytes = std::size_t{64} << 20;  ///< of the pickle or JSON
    python_limits values;
    duration ahead_of_utc{0};
  };

  explicit legacy_value_reader(const options& o) : options_(o) {}

  legacy_refusal read(std::string_view stored, legacy_answer& out);

  /// What the last refusal was about.
  const std::string& detail() const noexcept { return detail_; }

  /// How often each reason was given; `none` counts what was read.
  const std::array<std::uint64_t, legacy_refusal_count>& counts() const noexcept { return counts_; }

 private:
  legacy_refusal understand(std::string_view stored, legacy_answer& out);
  legacy_refusal unpack(std::string_view stored, python_value& out);
  legacy_refusal unpack_pickle(std::string_view bytes, python_value& out);
  legacy_refusal unpack_json(std::string_view text, python_value& out);
  legacy_refusal unwrap(python_value& value);
  legacy_refusal take_metadata(python_value& document, legacy_answer& out);
  legacy_refusal refuse(legacy_refusal why, std::string_view detail);

  options options_;
  std::string detail_;
  std::array<std::uint64_t, legacy_refusal_count> counts_{};
};

/// The instant that a local time in ISO 8601 as Python's isoformat() writes it means (2025-08-17T10:20:30.123456, the
/// fraction missing when it is zero); nothing when it is no such time.
std::optional<instant> parse_local_time(std::string_view text, duration ahead_of_utc) noexcept;

}  // namespace aicache
