#pragma once

#include <string_view>

#include "engine/legacy/python_value.hpp"
#include "engine/outcome.hpp"

namespace aicache {

/// Reads a pickle as data and nothing else: no opcode of it can name, make or call anything of the reading program.
///
/// Shape      protocols 0 to 5, the rows of pickle_opcodes.def: None, bool, int, float, str, bytes, list, tuple, dict,
///            set, frozenset, and the memo by which they share parts. What Python pickles by calling something is
///            refused too: sets and bytes before protocol 4 and 3, bytearrays, dates, complex numbers, classes
/// Fails      invalid_argument: an opcode that would call something; the detail names it. too_large: nested too deeply
///            (or within itself), an int of more than 255 bytes or 4,300 digits, more memory than allowed. corrupt:
///            everything else, such as a stream that is cut off, bytes behind its end, a stack that is not as its
///            opcodes need it, two entries of one name in a dict, a list as a key. A detail never repeats a text
/// Invariant  nothing is read outside of `bytes`, and no memory is taken because the bytes claim to need it: parts
///            that are shared are counted as often as they are used, before they are copied
/// Cost       linear in the bytes and in what is returned
///
/// Stricter than pickle.loads where that forgives: a length of a frame must fit, exactly one value must be left at the
/// end, texts of Python 2 must be ASCII. The opcodes are those of CPython's Lib/pickletools.py.
outcome<python_value> read_pickle(std::string_view bytes, const python_limits& limits = {});

}  // namespace aicache
