#include "actors/redis/journal_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace aicache {
namespace {

fault cannot(const char* what, const std::filesystem::path& path) {
  return {errc::unavailable, std::string("the journal of invalidations ") + path.string() + " cannot be " + what +
                                 ": " + std::strerror(errno)};
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(file, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// A file that was just created is found again after a crash only when its folder is on disk as well.
void sync_folder(const std::filesystem::path& path) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const int at = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (at < 0) return;
  fsync(at);
  close(at);
}

}  // namespace

outcome<journal_file> journal_file::open(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return cannot("opened", path);
  journal_file made(file);
  if (flock(file, LOCK_EX | LOCK_NB) != 0) return cannot("had for this node alone", path);
  if (!made.read()) return cannot("read", path);
  sync_folder(path);
  return made;
}

journal_file::journal_file(journal_file&& other) noexcept
    : file_(std::exchange(other.file_, -1)), torn_(other.torn_), held_(std::move(other.held_)) {}

journal_file& journal_file::operator=(journal_file&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(torn_, other.torn_);
  std::swap(held_, other.held_);
  return *this;
}

journal_file::~journal_file() {
  if (file_ >= 0) close(file_);
}

bool journal_file::read() {
  std::string text;
  char some[16 << 10];
  for (;;) {
    const ssize_t n = ::read(file_, some, sizeof some);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) break;
    text.append(some, static_cast<std::size_t>(n));
  }
  torn_ = !text.empty() && text.back() != '\n';
  std::unordered_set<scope, scope_hash> once;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    scope s;
    if (!parse_scope(line, s)) s = {};
    if (once.insert(s).second) held_.push_back(s);
  }
  return true;
}

bool journal_file::append(std::span<const scope> scopes) {
  std::string lines = torn_ ? "\n" : "";
  for (const scope& s : scopes) lines += to_text(s) + '\n';
  torn_ = !write_all(file_, lines);
  return !torn_ && fdatasync(file_) == 0;
}

bool journal_file::clear() {
  torn_ = false;
  return ftruncate(file_, 0) == 0 && fdatasync(file_) == 0;
}

}  // namespace aicache
