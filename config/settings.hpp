#pragma once

#include "config/units.hpp"
#include "config/value_types.hpp"

#include <string>

namespace aicache::config {

/// Everything that an operator may set on a node, one member per section, each with the defaults of
/// config/keys.def, where every key is described (config/README.md shows it as a table).
///
/// Units      sizes in bytes, lengths of time in milliseconds, whatever spelling the source used;
///            a count_or_auto of 0 means "auto"
/// Owner      a plain value; whoever starts a node reads it once and hands options on
/// Invariant  what load() gives without problems is within every range and keeps every rule
struct settings {
#define AICACHE_SECTION(section, doc) struct section##_section {
#define AICACHE_KEY(section, name, kind, initial, min, max, unit, secret, reload, doc) \
  type::kind::stored name = initial;
#define AICACHE_SECTION_END(section)                                                    \
  friend bool operator==(const section##_section&, const section##_section&) = default; \
  }                                                                                     \
  section;
#include "config/keys.def"
#undef AICACHE_SECTION
#undef AICACHE_KEY
#undef AICACHE_SECTION_END

  friend bool operator==(const settings&, const settings&) = default;
};

/// The settings as a commented TOML file; loading it gives equal settings, except that secrets are
/// printed as "***", which loading refuses.
std::string print(const settings& s);

/// The table of all settings in Markdown, as config/README.md holds it.
std::string reference();

}  // namespace aicache::config
