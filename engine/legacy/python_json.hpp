#pragma once

#include <string>
#include <string_view>

#include "engine/legacy/python_value.hpp"
#include "engine/outcome.hpp"

namespace aicache {

/// What an object with two members of one name is: what Python makes of it, or a fault.
enum class repeated_names : bool { last_counts, refused };

/// Reads JSON as Python's json.loads() does, into the same values.
///
/// Shape      beyond RFC 8259: NaN, Infinity and -Infinity; a number without fraction and exponent is an int of any
///            size, every other one a float; of two members of one name the last one counts, at the place of the first;
///            an escaped surrogate without its partner is taken as it is
/// Fails      invalid_argument: not JSON, not UTF-8, a name repeated against `names`. too_large: nested too deeply, an
///            int of too many digits, more memory than allowed. The detail says where, and never repeats the text
/// Cost       linear; memory a multiple of the text's, bounded by `limits`
outcome<python_value> read_python_json(std::string_view text, const python_limits& limits = {},
                                       repeated_names names = repeated_names::last_counts);

/// Appends a value as the compact JSON (RFC 8259) that json.dumps() would write of it: tuples are arrays, nothing
/// that is UTF-8 is escaped without need. False for what JSON has no word for: bytes, sets, names that are no text,
/// infinities, lone surrogates; `out` is then as before.
bool append_json(const python_value& value, std::string& out);

/// Appends a JSON string; `text` must be UTF-8.
void append_json_text(std::string_view text, std::string& out);

}  // namespace aicache
