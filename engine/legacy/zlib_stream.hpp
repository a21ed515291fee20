#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/outcome.hpp"

namespace aicache {

/// Unpacks one whole zlib stream (RFC 1950).
///
/// Fails      too_large: it holds more than `most` bytes; found before more than that is taken, whatever it claims.
///            corrupt: no such stream, cut off, damaged (its Adler-32 says so), or something behind its end.
///            overloaded: no memory
/// Cost       linear; at most twice `most` bytes of memory
outcome<std::string> unpack_zlib(std::string_view packed, std::size_t most);

}  // namespace aicache
