#include "engine/codec/zstd_stream.hpp"

#include <zstd.h>
#include <zstd_errors.h>

namespace aicache {

outcome<void> append_zstd_frame(std::string_view raw, int level, std::string& out) {
  const detail::zstd_ptr<ZSTD_CCtx_s> context(ZSTD_createCCtx());
  const fault failed{errc::overloaded, "there is no memory to pack"};
  if (!context || ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level)) != 0 ||
      ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1)) != 0)
    return failed;
  const std::size_t before = out.size();
  out.resize(before + ZSTD_compressBound(raw.size()));
  const std::size_t made =
      ZSTD_compress2(context.get(), out.data() + before, out.size() - before, raw.data(), raw.size());
  out.resize(before + (ZSTD_isError(made) != 0 ? 0 : made));
  if (ZSTD_isError(made) != 0) return failed;
  return {};
}

bool zstd_unpacker::is_frame(std::string_view head) noexcept { return head.starts_with("\x28\xb5\x2f\xfd"); }

zstd_unpacker::zstd_unpacker() : context_(ZSTD_createDCtx()) {}

outcome<std::size_t> zstd_unpacker::unpack(std::string_view& packed, std::span<char> to) {
  if (!context_) return fault{errc::overloaded, "there is no memory to unpack"};
  ZSTD_outBuffer out{to.data(), to.size(), 0};
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  while (out.pos < out.size && (in.pos < in.size || holds_more_)) {
    const std::size_t before = out.pos;
    const std::size_t left = ZSTD_decompressStream(context_.get(), &out, &in);
    if (ZSTD_isError(left) != 0)
      return fault{ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation ? errc::overloaded : errc::corrupt,
                   ZSTD_getErrorName(left)};
    complete_ = left == 0;
    // What zstd holds back beyond a full room comes without more input.
    holds_more_ = out.pos == out.size && !complete_;
    if (in.pos == in.size && out.pos == before) break;
  }
  packed.remove_prefix(in.pos);
  return out.pos;
}

}  // namespace aicache
