#include "perf/input_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace aicache::perf {

namespace {
constexpr std::array<unsigned char, 4> zstd_magic = {0x28, 0xb5, 0x2f, 0xfd};
}

outcome<input_file> input_file::open(const std::string& path) {
  input_file f;
  f.file_.reset(std::fopen(path.c_str(), "rb"));
  if (!f.file_) return fault{errc::invalid_argument, path + ": " + std::strerror(errno)};
  f.buffer_.resize(ZSTD_DStreamInSize());
  if (!f.refill() && std::ferror(f.file_.get()) != 0)
    return fault{errc::invalid_argument, path + ": " + std::strerror(errno)};
  if (f.filled_ >= zstd_magic.size() && std::memcmp(f.buffer_.data(), zstd_magic.data(), zstd_magic.size()) == 0)
    f.unpacking_.reset(ZSTD_createDStream());
  return f;
}

bool input_file::refill() {
  used_ = 0;
  filled_ = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
  return filled_ > 0;
}

outcome<std::size_t> input_file::read(std::span<std::byte> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    if (used_ == filled_ && !refill()) {
      if (std::ferror(file_.get()) != 0) return fault{errc::corrupt, "the file cannot be read to its end"};
      if (within_frame_) return fault{errc::corrupt, "the compressed file breaks off"};
      break;
    }
    if (!unpacking_) {
      const std::size_t n = std::min(filled_ - used_, to.size() - done);
      std::memcpy(to.data() + done, buffer_.data() + used_, n);
      used_ += n;
      done += n;
      continue;
    }
    ZSTD_inBuffer in{buffer_.data(), filled_, used_};
    ZSTD_outBuffer out{to.data(), to.size(), done};
    const std::size_t more = ZSTD_decompressStream(unpacking_.get(), &out, &in);
    if (ZSTD_isError(more) != 0) return fault{errc::corrupt, ZSTD_getErrorName(more)};
    within_frame_ = more != 0;
    used_ = in.pos;
    done = out.pos;
  }
  return done;
}

outcome<bool> line_reader::next(std::string& line) {
  line.clear();
  for (bool any = false;; any = true) {
    if (used_ == filled_) {
      const auto n = from_.read(buffer_);
      if (!n) return n.why();
      used_ = 0;
      filled_ = *n;
      if (filled_ == 0) return any;
    }
    const auto* from = reinterpret_cast<const char*>(buffer_.data()) + used_;
    const auto* end = static_cast<const char*>(std::memchr(from, '\n', filled_ - used_));
    const std::size_t n = end == nullptr ? filled_ - used_ : static_cast<std::size_t>(end - from);
    line.append(from, n);
    used_ += n;
    if (end == nullptr) continue;
    ++used_;
    if (line.ends_with('\r')) line.pop_back();
    return true;
  }
}

std::string bare_name(const std::string& path) {
  const std::string last = path.substr(path.find_last_of('/') + 1);
  return last.substr(0, last.find('.'));
}

}  // namespace aicache::perf
