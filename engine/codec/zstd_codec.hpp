#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/outcome.hpp"

struct ZSTD_CCtx_s;
struct ZSTD_CDict_s;
struct ZSTD_DCtx_s;
struct ZSTD_DDict_s;

namespace aicache {

namespace detail {
struct free_zstd {
  void operator()(ZSTD_CCtx_s* context) const noexcept;
  void operator()(ZSTD_DCtx_s* context) const noexcept;
  void operator()(ZSTD_CDict_s* dictionary) const noexcept;
  void operator()(ZSTD_DDict_s* dictionary) const noexcept;
};
template <class Object>
using zstd_ptr = std::unique_ptr<Object, free_zstd>;
}  // namespace detail

/// What the answers of one operation have in common, ready for compression and decompression.
///
/// Shape      the content that zstd's trainer made (or any bytes: those serve as mere history), digested both ways
/// Owner      immutable; shared by whoever holds values packed with it, on any thread
/// Invariant  equal contents have equal ids: the id is XXH64 of the content, never 0
class dictionary {
 public:
  /// Fails: invalid_argument when the content is empty or damaged; overloaded when there is no memory.
  static outcome<std::shared_ptr<const dictionary>> make(std::span<const std::byte> content, int level);

  std::uint64_t id() const noexcept { return id_; }
  std::span<const std::byte> content() const noexcept { return content_; }

  /// All memory that it occupies, to be charged.
  std::size_t bytes() const noexcept;

 private:
  friend class zstd_codec;
  dictionary() = default;

  std::uint64_t id_ = 0;
  std::vector<std::byte> content_;
  detail::zstd_ptr<ZSTD_CDict_s> for_compression_;
  detail::zstd_ptr<ZSTD_DDict_s> for_decompression_;
};

/// How hard zstd tries where no dictionary says it; dictionaries carry their own level.
struct zstd_options {
  int level = 1;
};

/// Packs and unpacks values.
///
/// Shape      zstd frames (RFC 8878) without magic number, checksum, dictionary id and content size: small values
///            are many, and whoever stores a frame keeps all of these beside it
/// Owner      one actor or thread: contexts are made at the first use and reused; not thread-safe
/// Fails      decompress: corrupt when the bytes are no frame, were packed with another dictionary (where that shows;
///            the checksum beside the frame catches the rest), or hold more or less than the room given;
///            overloaded when there is no memory
/// Invariant  nothing is read outside of `packed`, nothing written outside of `raw`, and no memory is taken because the
///            bytes claim to need it
/// Cost       see perf/; the contexts keep their memory, `bytes()`
class zstd_codec {
 public:
  explicit zstd_codec(zstd_options options) : options_(options) {}

  /// Packs `raw` into `out`, replacing what it held. False, with `out` empty, when that would save nothing or could
  /// not be done: keep the raw bytes then. `shared` may be null.
  bool compress(std::span<const std::byte> raw, const dictionary* shared, std::vector<std::byte>& out);

  /// Unpacks into `raw`, whose size must be exactly that of the value. After a fault `raw` holds rubbish.
  outcome<void> decompress(std::span<const std::byte> packed, const dictionary* shared, std::span<std::byte> raw);

  /// The memory that the contexts hold.
  std::size_t bytes() const noexcept;

 private:
  bool make_compressor();
  bool make_decompressor();

  zstd_options options_;
  detail::zstd_ptr<ZSTD_CCtx_s> compressor_;
  detail::zstd_ptr<ZSTD_DCtx_s> decompressor_;
};

}  // namespace aicache
