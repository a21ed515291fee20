#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/answers/finish_reason.hpp"
#include "engine/key.hpp"
#include "engine/outcome.hpp"
#include "engine/types.hpp"

namespace aicache {

/// One answer of a cache on its way to a file, and back.
struct export_entry {
  std::string tenant;
  std::string operation;
  identity id;
  bool whole_identity = true;  ///< false: only the first 128 bits are known, as memory keeps them; the rest is zero
  instant created;
  instant expires = never;
  text_tier tier = text_tier::small;  ///< of the request's text
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;
  std::uint32_t model_ms = 0;
  std::string model;  ///< that made the answer; may be empty
  finish_reason finish = finish_reason::unstated;
  std::uint64_t born = 0;           ///< what was invalidated later has killed it
  std::uint64_t numbered_by = 0;    ///< who counts `born`: 0 the Redis of its node, else one run of one shard
  std::vector<std::uint64_t> tags;  ///< as tag_hash makes them: their names are kept nowhere
  std::string payload;              ///< the answer's text, any bytes

  friend bool operator==(const export_entry&, const export_entry&) = default;
};

/// The most that a line may hold, writing and reading.
struct export_limits {
  std::size_t name_bytes = std::size_t{4} << 10;  ///< of tenant, operation and model each
  std::size_t payload_bytes = std::size_t{64} << 20;
  std::size_t tags = 63;
};

/// A whole cache as text: one JSON object a line, one line an answer, in any order. The caller packs the stream.
///
/// Shape      version       1
///            tenant        text               operation  text
///            identity      64 lower-case hexadecimal digits, or 32 when only those are known
///            created       ms since the Unix epoch
///            expires       the same, or null for never
///            tier          small | medium | large | xlarge
///            input_tokens, output_tokens, model_ms
///            model         text
///            finish        unstated | stop | length | content_filter | tool_calls | cancelled | other
///            born          a number of invalidations: what was invalidated later has killed it
///            numbered_by   0 the Redis of the node that it was in, else a run of one shard without Redis
///            tags          a list of hashes, 16 lower-case hexadecimal digits each
///            text          the answer, when it is UTF-8, or else
///            base64        its bytes (RFC 4648 section 4, with padding)
///            Exactly these members, each once, in any order; no other, so that nothing is lost unnoticed
/// Fails      writing: invalid_argument when a name is not UTF-8, or half an identity says more than it knows;
///            too_large over a limit; `out` is then as before. Reading: too_large likewise, and corrupt for what is no
///            such line; the detail begins with `line` and the line's number, and never repeats its contents
/// Invariant  reading what was written gives the same entry; a written line holds no line end but its last byte
/// Cost       linear in the line
outcome<void> write_export_line(const export_entry& entry, std::string& out, const export_limits& limits = {});

/// `text` is a line without its end; `line` is its number, from 1, for the detail of a fault.
outcome<export_entry> read_export_line(std::string_view text, std::uint64_t line, const export_limits& limits = {});

}  // namespace aicache
