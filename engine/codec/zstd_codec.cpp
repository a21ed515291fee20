#include "engine/codec/zstd_codec.hpp"

// For frames without magic number and dictionaries in given memory: stable in the format, exported by the
// shared library, but declared only to those who ask.
#define ZSTD_STATIC_LINKING_ONLY
#include <xxhash.h>
#include <zstd.h>

#include <algorithm>

namespace aicache {
namespace {

/// The first byte of every frame made here: no content size, no checksum, no dictionary id.
constexpr std::byte frame_descriptor{0};

}  // namespace

void detail::free_zstd::operator()(ZSTD_CCtx_s* context) const noexcept { ZSTD_freeCCtx(context); }
void detail::free_zstd::operator()(ZSTD_DCtx_s* context) const noexcept { ZSTD_freeDCtx(context); }
void detail::free_zstd::operator()(ZSTD_CDict_s* dictionary) const noexcept { ZSTD_freeCDict(dictionary); }
void detail::free_zstd::operator()(ZSTD_DDict_s* dictionary) const noexcept { ZSTD_freeDDict(dictionary); }

outcome<std::shared_ptr<const dictionary>> dictionary::make(std::span<const std::byte> content, int level) {
  if (content.empty()) return fault{errc::invalid_argument, "a dictionary without content"};
  std::shared_ptr<dictionary> made{new dictionary};
  made->content_.assign(content.begin(), content.end());
  made->id_ = std::max<std::uint64_t>(XXH64(content.data(), content.size(), 0), 1);
  // Both refer to content_, which never moves again, instead of each holding a copy.
  made->for_compression_.reset(ZSTD_createCDict_byReference(made->content_.data(), made->content_.size(), level));
  made->for_decompression_.reset(ZSTD_createDDict_byReference(made->content_.data(), made->content_.size()));
  if (!made->for_compression_ || !made->for_decompression_) {
    return fault{errc::invalid_argument, "zstd refuses the dictionary, or there is no memory for it"};
  }
  return std::shared_ptr<const dictionary>{std::move(made)};
}

std::size_t dictionary::bytes() const noexcept {
  return sizeof *this + content_.capacity() + ZSTD_sizeof_CDict(for_compression_.get()) +
         ZSTD_sizeof_DDict(for_decompression_.get());
}

bool zstd_codec::make_compressor() {
  if (compressor_) return true;
  detail::zstd_ptr<ZSTD_CCtx_s> made{ZSTD_createCCtx()};
  if (!made) return false;
  auto set = [&](ZSTD_cParameter parameter, int value) {
    return !ZSTD_isError(ZSTD_CCtx_setParameter(made.get(), parameter, value));
  };
  if (!set(ZSTD_c_compressionLevel, options_.level) || !set(ZSTD_c_format, ZSTD_f_zstd1_magicless) ||
      !set(ZSTD_c_contentSizeFlag, 0) || !set(ZSTD_c_checksumFlag, 0) || !set(ZSTD_c_dictIDFlag, 0)) {
    return false;
  }
  compressor_ = std::move(made);
  return true;
}

bool zstd_codec::make_decompressor() {
  if (decompressor_) return true;
  detail::zstd_ptr<ZSTD_DCtx_s> made{ZSTD_createDCtx()};
  if (!made || ZSTD_isError(ZSTD_DCtx_setParameter(made.get(), ZSTD_d_format, ZSTD_f_zstd1_magicless))) return false;
  decompressor_ = std::move(made);
  return true;
}

bool zstd_codec::compress(std::span<const std::byte> raw, const dictionary* shared, std::vector<std::byte>& out) {
  out.clear();
  if (raw.size() < 2 || !make_compressor()) return false;
  if (ZSTD_isError(ZSTD_CCtx_refCDict(compressor_.get(), shared ? shared->for_compression_.get() : nullptr)))
    return false;
  // Room for one byte less than the value has: zstd itself then gives up on what would save nothing.
  out.resize(raw.size() - 1);
  const std::size_t size = ZSTD_compress2(compressor_.get(), out.data(), out.size(), raw.data(), raw.size());
  if (ZSTD_isError(size)) {
    // A frame given up half-way would stay open, and no dictionary could be set again.
    ZSTD_CCtx_reset(compressor_.get(), ZSTD_reset_session_only);
    out.clear();
    return false;
  }
  out.resize(size);
  return true;
}

outcome<void> zstd_codec::decompress(std::span<const std::byte> packed, const dictionary* shared,
                                     std::span<std::byte> raw) {
  // Any other beginning is not ours, and may lead the library into its decoders of old formats.
  if (packed.empty() || packed.front() != frame_descriptor) return fault{errc::corrupt, "not a frame of this codec"};
  if (!make_decompressor()) return fault{errc::overloaded, "no memory for decompression"};
  if (ZSTD_isError(ZSTD_DCtx_refDDict(decompressor_.get(), shared ? shared->for_decompression_.get() : nullptr))) {
    return fault{errc::internal, "zstd refuses a dictionary"};
  }
  const std::size_t size =
      ZSTD_decompressDCtx(decompressor_.get(), raw.data(), raw.size(), packed.data(), packed.size());
  if (ZSTD_isError(size)) return fault{errc::corrupt, ZSTD_getErrorName(size)};
  if (size != raw.size()) return fault{errc::corrupt, "the value is shorter than recorded"};
  return {};
}

std::size_t zstd_codec::bytes() const noexcept {
  return ZSTD_sizeof_CCtx(compressor_.get()) + ZSTD_sizeof_DCtx(decompressor_.get());
}

}  // namespace aicache
