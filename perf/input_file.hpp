#pragma once

#include <zstd.h>

#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/outcome.hpp"

namespace aicache::perf {

/// A file to be read from its beginning to its end, decompressed on the way when it begins as a zstd frame does.
///
/// Owner      one thread
/// Fails      invalid_argument when it cannot be opened; corrupt when it breaks off or does not decompress
/// Cost       one pass in buffers of fixed size, whatever the file's size
class input_file {
 public:
  static outcome<input_file> open(const std::string& path);

  /// Fills `to` as far as the file goes; less than its size, or nothing, is the end.
  outcome<std::size_t> read(std::span<std::byte> to);

 private:
  struct closing {
    void operator()(std::FILE* f) const noexcept { std::fclose(f); }
    void operator()(ZSTD_DStream* s) const noexcept { ZSTD_freeDStream(s); }
  };

  input_file() = default;
  bool refill();

  std::unique_ptr<std::FILE, closing> file_;
  std::unique_ptr<ZSTD_DStream, closing> unpacking_;  // null: the bytes are taken as they are
  std::vector<std::byte> buffer_;
  std::size_t used_ = 0;
  std::size_t filled_ = 0;
  bool within_frame_ = false;
};

/// The lines of a file, one after the other, without their ends.
class line_reader {
 public:
  explicit line_reader(input_file from) : from_(std::move(from)) {}

  /// The next line is in `line`; false at the end of the file.
  outcome<bool> next(std::string& line);

 private:
  input_file from_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(std::size_t{64} << 10);
  std::size_t used_ = 0;
  std::size_t filled_ = 0;
};

/// The last part of a path, without .zst and what stands before it: "web07" for "traces/web07.u64.zst".
std::string bare_name(const std::string& path);

}  // namespace aicache::perf
