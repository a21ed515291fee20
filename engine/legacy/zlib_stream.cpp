#include "engine/legacy/zlib_stream.hpp"

#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <limits>

namespace aicache {
namespace {

constexpr std::size_t first_room = 4096;
constexpr std::size_t most_at_once = std::numeric_limits<uInt>::max();

/// An open zlib stream.
class open_stream {
 public:
  open_stream() : opened_(inflateInit(&stream_) == Z_OK) {}
  ~open_stream() {
    if (opened_) inflateEnd(&stream_);
  }
  open_stream(const open_stream&) = delete;
  open_stream& operator=(const open_stream&) = delete;

  explicit operator bool() const noexcept { return opened_; }
  z_stream* operator->() noexcept { return &stream_; }
  int inflate() noexcept { return ::inflate(&stream_, Z_NO_FLUSH); }

 private:
  z_stream stream_{};
  bool opened_;
};

}  // namespace

outcome<std::string> unpack_zlib(std::string_view packed, std::size_t most) {
  if (packed.size() > most_at_once || most >= most_at_once)
    return fault{errc::too_large, "over what zlib takes at once"};
  open_stream stream;
  if (!stream) return fault{errc::overloaded, "no memory for unpacking"};
  stream->next_in = reinterpret_cast<const Bytef*>(packed.data());
  stream->avail_in = static_cast<uInt>(packed.size());
  std::string out;
  // One byte more than allowed shows that there is more.
  for (std::size_t room = std::min(first_room, most + 1);; room = std::min(2 * room, most + 1)) {
    const std::size_t filled = out.size();
    out.resize(room);
    stream->next_out = reinterpret_cast<Bytef*>(out.data()) + filled;
    stream->avail_out = static_cast<uInt>(room - filled);
    const int result = stream.inflate();
    out.resize(room - stream->avail_out);
    if (out.size() > most) return fault{errc::too_large, "more bytes than allowed"};
    if (result == Z_STREAM_END) break;
    if (result == Z_MEM_ERROR) return fault{errc::overloaded, "no memory for unpacking"};
    if (result != Z_OK || stream->avail_out > 0)
      return fault{errc::corrupt, "a zlib stream that is damaged or cut off"};
  }
  if (stream->avail_in > 0) return fault{errc::corrupt, "bytes behind a zlib stream"};
  return out;
}

}  // namespace aicache
