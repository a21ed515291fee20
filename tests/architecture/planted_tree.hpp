#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace aicache::architecture {

/// A small source tree in a temporary folder, gone with the object.
class planted_tree {
 public:
  planted_tree() {
    auto name = (std::filesystem::temp_directory_path() / "aicache-tree-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) root_ = name;
  }
  ~planted_tree() {
    if (!root_.empty()) std::filesystem::remove_all(root_);
  }
  planted_tree(const planted_tree&) = delete;
  planted_tree& operator=(const planted_tree&) = delete;

  /// Writes a file, and the folders above it.
  planted_tree& with(const std::string& path, std::string_view text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary) << text;
    return *this;
  }

  const std::filesystem::path& root() const noexcept { return root_; }

 private:
  std::filesystem::path root_;
};

}  // namespace aicache::architecture
