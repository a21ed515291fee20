#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace aicache::config::tests {

/// A file that exists as long as this object, with the given text.
class file_of_settings {
 public:
  explicit file_of_settings(const std::string& text)
      : path_(std::filesystem::temp_directory_path() /
              ("aicache_settings_" + std::to_string(getpid()) + "_" + std::to_string(++made_) + ".toml")) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~file_of_settings() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  file_of_settings(const file_of_settings&) = delete;
  file_of_settings& operator=(const file_of_settings&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  static inline int made_ = 0;
  std::filesystem::path path_;
};

}  // namespace aicache::config::tests
