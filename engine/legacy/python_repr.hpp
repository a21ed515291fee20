#pragma once

#include <string>

#include "engine/legacy/python_value.hpp"

namespace aicache {

/// Appends what Python's repr() makes of a value: quotes, escapes, the comma of a tuple of one.
///
/// Shape      a text stands in single quotes, or in double ones when it has single and no double ones; what
///            is_python_printable refuses is escaped, lone surrogates too, so the result is always UTF-8. Sets are
///            written in the order of their elements
void append_python_repr(const python_value& value, std::string& out);

/// What str() makes of it: a text is itself, everything else its repr.
void append_python_str(const python_value& value, std::string& out);

}  // namespace aicache
