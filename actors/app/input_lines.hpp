#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/codec/zstd_stream.hpp"
#include "engine/outcome.hpp"

namespace aicache::app {

/// The lines of a file or of standard input, one after the other, unpacked on the way when they begin as a zstd frame.
///
/// Owner      one thread
/// Fails      invalid_argument when it cannot be opened; corrupt when it cannot be read to its end
/// Invariant  never holds more of a line than `longest`, whatever comes; what is longer is passed over and told
/// Cost       one pass in pieces of fixed size
class input_lines {
 public:
  static constexpr std::size_t longest = std::size_t{80} << 20;

  /// "-" is standard input.
  static outcome<std::unique_ptr<input_lines>> open(const std::string& path);
  ~input_lines();
  input_lines(const input_lines&) = delete;
  input_lines& operator=(const input_lines&) = delete;

  /// The next line without its end; false behind the last one.
  outcome<bool> next(std::string& line);

  /// Reads up to line number `settled` again and passes over it. Fails: invalid_argument when there are not so many.
  outcome<void> pass_over(std::uint64_t settled);

  /// The number of the line that next() gave, from 1.
  std::uint64_t number() const noexcept { return number_; }
  /// That line was longer than `longest`, and is not given.
  bool is_too_long() const noexcept { return too_long_; }
  /// Whether next() would have to wait for who writes the input: time to answer what has come.
  bool would_wait() const noexcept;
  /// How much of the file has been read, 0 to 1; 0 where nobody knows its size.
  double share() const noexcept;

 private:
  explicit input_lines(int fd) : fd_(fd) {}
  outcome<bool> refill();
  outcome<std::size_t> read_some();

  int fd_;
  std::unique_ptr<zstd_unpacker> unpacking_;  // null: the bytes are taken as they are
  std::string raw_;                           // what was read and is still packed begins at raw_used_
  std::size_t raw_used_ = 0;
  std::string piece_;
  std::size_t used_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t number_ = 0;
  bool too_long_ = false;
  bool begun_ = false;
};

}  // namespace aicache::app
