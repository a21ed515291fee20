#include "actors/app/whole_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace aicache::app {

outcome<void> replace_file(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  std::FILE* file = std::fopen(fresh.c_str(), "wb");
  const auto failed = [&] { return fault{errc::unavailable, path + ": " + std::strerror(errno)}; };
  if (file == nullptr) return failed();
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0 &&
                       ::fsync(::fileno(file)) == 0;
  const bool closed = std::fclose(file) == 0;
  if (!written || !closed || std::rename(fresh.c_str(), path.c_str()) != 0) return failed();
  return {};
}

}  // namespace aicache::app
