#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace aicache {

/// The length of the JSON number (RFC 8259 section 6) that `text` begins with, 0 when it begins with none.
/// `is_integer` tells whether it has neither fraction nor exponent: Python then makes an int of it, else a float.
std::size_t json_number_length(std::string_view text, bool& is_integer) noexcept;

/// The float of a JSON number, correctly rounded; as in Python, one that is too large is an infinity and one that is
/// too small is a zero.
double python_float(std::string_view number) noexcept;

/// The digits of an integer as Python prints it: `-0` is `0`. Nothing when it is not a decimal integer without
/// needless zeros, or has more than python_digits_limit digits.
std::optional<std::string> python_integer(std::string_view number);

/// The same for a little-endian two's complement number of at most 255 bytes; no bytes are 0.
std::string python_integer_of(std::string_view little_endian);

/// Appends repr() of a float: the shortest digits that read back as the same float, with an exponent below 1e-4 and
/// from 1e16 on.
void append_python_float(double number, std::string& out);

}  // namespace aicache
