#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace aicache {

/// One code point and how many bytes it takes; no bytes when those are not UTF-8.
struct code_point {
  char32_t value = 0;
  std::size_t length = 0;
};

/// Whether the three bytes of a surrogate count as one: Python's strings may hold it, UTF-8 may not.
enum class lone_surrogates : bool { refused, taken };

/// The code point that begins at `at`, which must be inside of `text`.
code_point code_point_at(std::string_view text, std::size_t at, lone_surrogates surrogates) noexcept;

/// Whether all of `text` is UTF-8.
bool is_utf8(std::string_view text, lone_surrogates surrogates) noexcept;

/// Appends a code point below 0x110000, a surrogate too.
void append_utf8(char32_t value, std::string& out);

/// How long a text is for Python: len(text), and len(text.split()).
struct text_measure {
  std::uint64_t code_points = 0;
  std::uint64_t words = 0;
};

/// Nothing when the text is not UTF-8. One pass, no allocation.
std::optional<text_measure> measure_text(std::string_view text) noexcept;

/// Whether str.split() splits there: the white space of Unicode, and the four ASCII separators 1C to 1F.
bool is_python_space(char32_t value) noexcept;

/// Whether repr() shows it as it is. By the Unicode of the installed utf8proc (15.0 in Debian 12, as CPython 3.12 has);
/// an older Python escapes what was assigned since its own version: 4,489 rare code points lie between 3.11 and 3.12.
bool is_python_printable(char32_t value) noexcept;

}  // namespace aicache
