#pragma once

#include <string>
#include <string_view>

namespace aicache {

/// Whether a whole text fits a pattern, byte by byte, as Redis's own KEYS and SCAN MATCH would say on x86.
///
/// Shape      *      any bytes, also none        ?      any one byte
///            [abc]  one of these                [a-f]  one from here to there, in either order of the two
///            [^abc] any one but these           \x     x itself, also within brackets
///            A bracket that is not closed reaches to the end of the pattern; a backslash at the end is itself.
/// Invariant  no text is too long and no pattern too wild for it: it reads nothing twice but the texts behind a star
/// Cost       O(text * pattern) at worst, O(text) for patterns with one star; no allocation
bool glob_match(std::string_view pattern, std::string_view text) noexcept;

/// The pattern that only this text fits.
std::string glob_quoted(std::string_view text);

}  // namespace aicache
