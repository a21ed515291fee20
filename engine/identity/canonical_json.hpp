#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/outcome.hpp"

namespace aicache {

/// How deep objects and arrays may nest, the outermost object being the first level.
inline constexpr int json_depth_limit = 64;

/// How many powers of ten a number may be shifted by. No model has an option near it; the bound keeps a
/// short text from naming a number whose exponent does not fit a machine word.
inline constexpr long json_exponent_limit = 1'000'000;

/// Writes the one spelling that all JSON texts of the same meaning share.
///
/// Shape      members sorted by the bytes of their decoded names, at every depth; arrays keep their order; no white
///            space; strings by their decoded value, with only `"`, `\` and control characters escaped (`\u00xx`);
///            numbers by their exact decimal value, never through a double: `1`, `1.0`, `10e-1` are `1`, `-0` is `0`,
///            2^53 and 2^53 + 1 differ, and so do 1e400 and 1e401
/// Units      numbers are significant digits without outer zeros, times ten to a power: written out (`1200`) when
///            whole and at most 20 digits long, else digits `e` power (`15e-1`)
/// Fails      invalid_argument, with `out` empty: not JSON, not an object, not UTF-8, two members of one name, nested
///            too deeply, an exponent over the limit. The detail never repeats the text
/// Invariant  canonical_json of its own output is that output; the empty text and `{}` are one
/// Cost       linear in the text, times the depth; the caller bounds the text
///
/// Like the JSON Canonicalization Scheme (RFC 8785) except for numbers, which that maps to doubles and so
/// makes one of what a model may tell apart.
outcome<void> canonical_json(std::string_view text, std::string& out);

}  // namespace aicache
