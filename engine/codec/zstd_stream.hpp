#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "engine/codec/zstd_codec.hpp"
#include "engine/outcome.hpp"

namespace aicache {

/// Appends `raw` to a file of zstd frames, as one frame with a checksum. Frames follow each other in one file, so that what
/// was written so far is a whole file after each. Fails: overloaded without memory.
outcome<void> append_zstd_frame(std::string_view raw, int level, std::string& out);

/// Unpacks a file of zstd frames (RFC 8878), as the program zstd writes it, piece by piece.
///
/// Owner      one thread; one file
/// Fails      corrupt when the bytes are no frames; overloaded when there is no memory
/// Invariant  never writes more than the room given, whatever the frames claim to hold
/// Cost       linear; memory bounded by zstd's usual window, 128 MiB
class zstd_unpacker {
 public:
  /// Whether a file that begins so is one.
  static bool is_frame(std::string_view head) noexcept;

  zstd_unpacker();

  /// Unpacks from the beginning of `packed`, which becomes what is left of it, and returns how much of `to` was filled.
  /// All of `packed` has been taken when the room was not filled.
  outcome<std::size_t> unpack(std::string_view& packed, std::span<char> to);

  /// The last call filled its room: there may be more to write without more to read.
  bool holds_more() const noexcept { return holds_more_; }
  /// Nothing is missing: the last frame has ended.
  bool is_complete() const noexcept { return complete_; }

 private:
  detail::zstd_ptr<ZSTD_DCtx_s> context_;
  bool holds_more_ = false;
  bool complete_ = true;
};

}  // namespace aicache
