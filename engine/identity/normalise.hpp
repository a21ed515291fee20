#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/outcome.hpp"

namespace aicache {

/// Composes a text to Unicode Normalization Form C (UAX #15), by utf8proc.
///
/// Shape      ASCII and text that is not valid UTF-8 are handed on as they are, byte for byte
/// Fails      overloaded when there is no memory for it
/// Cost       linear; about 4 bytes of passing memory per code point, none for ASCII
outcome<void> compose_unicode(std::string_view text, std::string& out);

/// Makes texts one that differ only in how their lines end. Works on a stream: however the text is cut
/// into chunks, the output is the same.
///
/// Shape      ends_as_lf: CRLF and CR become LF. drop_blanks: blanks and tabs before a line end (LF or CR) or the
///            end of the text are removed. Both look at ASCII bytes only, so text that is not UTF-8 is safe
/// Owner      one thread; one text at a time
/// Invariant  normalising the output again changes nothing
/// Cost       linear; holds back the run of blanks that may turn out to be trailing
class line_normaliser {
 public:
  line_normaliser(bool ends_as_lf, bool drop_blanks) : ends_as_lf_(ends_as_lf), drop_blanks_(drop_blanks) {}

  /// Appends to `out` what is certain after this chunk.
  void append(std::string_view chunk, std::string& out);

  /// The text ends here; the next chunk begins another one.
  void finish() noexcept;

 private:
  bool ends_as_lf_;
  bool drop_blanks_;
  bool after_cr_ = false;
  std::string blanks_;
};

/// Counts the Unicode code points of a stream of bytes; a byte that belongs to no valid UTF-8 sequence
/// counts as one.
///
/// Invariant  the count is the same however the bytes are cut into chunks
/// Cost       linear, eight bytes at a time while they are ASCII; no allocation
class code_point_counter {
 public:
  void append(std::string_view chunk) noexcept;

  /// The count of all that was appended; starts anew.
  std::uint64_t finish() noexcept;

 private:
  void settle(bool more_may_come) noexcept;

  std::uint64_t count_ = 0;
  std::size_t held_ = 0;
  std::array<char, 4> head_{};  // of a sequence that the next chunk may complete
};

}  // namespace aicache
