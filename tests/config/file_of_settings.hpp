#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace aicache::config::tests {

/// A file that exists as long as this object, with the given text.
class file_of_settings {
 public:
  explicit file_of_settings(const std::string& text, const std::string& ending = ".toml")
      : path_(std::filesystem::temp_directory_path() /
              ("aicache_settings_" + std::to_string(getpid()) + "_" + std::to_string(++made_) + ending)) {
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

/// The text with one to four places changed, left out or filled in.
inline std::string damaged(std::string text, const std::string& letters, std::mt19937& random) {
  for (auto changes = random() % 4 + 1; changes > 0; --changes) {
    const std::size_t at = random() % text.size();
    switch (random() % 3) {
      case 0: text[at] = letters[random() % letters.size()]; break;
      case 1: text.erase(at, random() % 8 + 1); break;
      default: text.insert(at, 1, letters[random() % letters.size()]); break;
    }
  }
  return text;
}

}  // namespace aicache::config::tests
