#pragma once

#include <cstddef>
#include <string_view>

#include "engine/codec/envelope.hpp"

namespace aicache {

/// Of every envelope so many first bytes, or all if it is shorter, hold what read_envelope_head reads.
inline constexpr std::size_t envelope_head_bytes = 1'024;

/// What an envelope says of itself before anything of it has been verified.
struct envelope_head {
  identity id;
  instant expires = never;
  generation_list generations;  ///< looks into the bytes that were read
};

/// Reads the start of an envelope (see envelope.hpp for its form). False when it is none, or of a version unknown here.
/// Damage is not found out: this is for deciding what to throw away, never for serving.
bool read_envelope_head(std::string_view start, envelope_head& out) noexcept;

}  // namespace aicache
