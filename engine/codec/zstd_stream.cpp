#include "engine/codec/zstd_stream.hpp"

#include <zstd.h>
#include <zstd_errors.h>

namespace aicache {

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
