#include "actors/app/input_lines.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace aicache::app {

namespace {
constexpr std::size_t piece_bytes = std::size_t{128} << 10;
}

outcome<std::unique_ptr<input_lines>> input_lines::open(const std::string& path) {
  const int fd = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat about {};
  const bool is_there = fd >= 0 && ::fstat(fd, &about) == 0;
  if (is_there && S_ISDIR(about.st_mode)) errno = EISDIR;
  if (!is_there || S_ISDIR(about.st_mode)) {
    const int why = errno;
    if (fd > STDIN_FILENO) ::close(fd);
    return fault{errc::invalid_argument, path + ": " + std::strerror(why)};
  }
  std::unique_ptr<input_lines> lines(new input_lines(fd));
  if (S_ISREG(about.st_mode)) lines->size_ = static_cast<std::uint64_t>(about.st_size);
  return lines;
}

input_lines::~input_lines() {
  if (fd_ != STDIN_FILENO) ::close(fd_);
}

outcome<std::size_t> input_lines::read_some() {
  raw_.resize(piece_bytes);
  raw_used_ = 0;
  ssize_t n = 0;
  do n = ::read(fd_, raw_.data(), raw_.size());
  while (n < 0 && errno == EINTR);
  raw_.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  if (n < 0) return fault{errc::corrupt, std::string("the input cannot be read: ") + std::strerror(errno)};
  taken_ += raw_.size();
  return raw_.size();
}

outcome<bool> input_lines::refill() {
  used_ = 0;
  piece_.clear();
  if (!begun_) {
    begun_ = true;
    // A pipe may give a magic number in pieces; whoever writes one that slowly is read as text, and told so.
    const auto n = read_some();
    if (!n) return n.why();
    if (zstd_unpacker::is_frame(raw_)) unpacking_ = std::make_unique<zstd_unpacker>();
  }
  while (piece_.empty()) {
    if (raw_used_ == raw_.size() && (!unpacking_ || !unpacking_->holds_more())) {
      const auto n = read_some();
      if (!n) return n.why();
      if (*n == 0 && unpacking_ && !unpacking_->is_complete())
        return fault{errc::corrupt, "the packed input breaks off"};
      if (*n == 0) return false;
    }
    if (!unpacking_) {
      piece_.swap(raw_);
      piece_.erase(0, std::exchange(raw_used_, 0));
      raw_.clear();
      continue;
    }
    piece_.resize(piece_bytes);
    std::string_view packed = std::string_view(raw_).substr(raw_used_);
    const auto made = unpacking_->unpack(packed, {piece_.data(), piece_.size()});
    if (!made) return made.why();
    raw_used_ = raw_.size() - packed.size();
    piece_.resize(*made);
  }
  return true;
}

outcome<void> input_lines::pass_over(std::uint64_t settled) {
  std::string line;
  while (number_ < settled) {
    const auto more = next(line);
    if (!more) return more.why();
    if (!*more) return fault{errc::invalid_argument, "the lines are fewer than were settled before"};
  }
  return {};
}

outcome<bool> input_lines::next(std::string& line) {
  line.clear();
  too_long_ = false;
  for (bool any = false;; any = true) {
    if (used_ == piece_.size()) {
      const auto more = refill();
      if (!more) return more.why();
      if (!*more) {
        number_ += any;
        return any;
      }
    }
    const auto end = piece_.find('\n', used_);
    const std::size_t n = std::min(end, piece_.size()) - used_;
    if (line.size() + n > longest) too_long_ = true;
    if (too_long_) {
      line.clear();
    } else {
      line.append(piece_, used_, n);
    }
    used_ += n;
    if (end == std::string::npos) continue;
    ++used_;
    ++number_;
    if (line.ends_with('\r')) line.pop_back();
    return true;
  }
}

bool input_lines::would_wait() const noexcept {
  if (piece_.find('\n', used_) != std::string::npos || raw_used_ < raw_.size()) return false;
  pollfd p{fd_, POLLIN, 0};
  return ::poll(&p, 1, 0) == 0;
}

double input_lines::share() const noexcept {
  return size_ == 0 ? 0 : std::min(1.0, static_cast<double>(taken_) / static_cast<double>(size_));
}

}  // namespace aicache::app
