#pragma once

#include "messages/wire.hpp"

namespace aicache {

/// How a node wants requests to be named: what its clients make identities by, so that all of them make the same.
inline identity_options identity_rules(const client_limits& l) {
  identity_options o;
  o.unicode_nfc = l.unicode_nfc;
  o.line_ends = l.line_ends;
  o.trailing_blanks = l.trailing_blanks;
  o.text_bytes = l.text_bytes;
  o.options_bytes = l.options_bytes;
  return o;
}

}  // namespace aicache
