#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/outcome.hpp"
#include "engine/shared/scope.hpp"

namespace aicache {

/// A file of invalidations that Redis has not been told of, so that they survive the node's process.
///
/// Shape      one scope a line; append() returns when the lines are on disk
/// Owner      the invalidation, alone: a second process that opens the same file is refused
/// Fails      open: unavailable with the reason, for whoever starts the node. Later: append and clear say false; what was
///            to be written is then kept in memory only
/// Invariant  a line that is damaged, such as one cut off by a crash, counts as everything
/// Cost       one fsync per append: whoever appends much should have a thread of its own
class journal_file {
 public:
  /// Opens or creates it, and reads what it holds.
  static outcome<journal_file> open(const std::filesystem::path& path);
  journal_file(journal_file&& other) noexcept;
  journal_file& operator=(journal_file&& other) noexcept;
  ~journal_file();

  /// What it held when it was opened, each scope once.
  const std::vector<scope>& held() const noexcept { return held_; }
  bool append(std::span<const scope> scopes);
  bool clear();

 private:
  explicit journal_file(int file) noexcept : file_(file) {}
  bool read();

  int file_ = -1;
  bool torn_ = false;  // the last line may be without its end
  std::vector<scope> held_;
};

}  // namespace aicache
