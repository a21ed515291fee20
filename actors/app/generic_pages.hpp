#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/app/page.hpp"
#include "actors/client.hpp"

namespace aicache::app {

/// A generic entry, as the command line names it.
struct entry_name {
  std::string tenant;
  std::string key;
};

/// What is to stand under a key.
struct entry_arguments {
  entry_name name;
  std::string value;
  std::string value_file;  ///< "-" is standard input
  bool has_value = false;
  std::string ttl;  ///< empty: ttl.default
  std::vector<std::string> tags;
  bool write_through = false;
};

/// What is done with entries that callers keep under keys of their own.
///
/// Fails      with exit code 1 for what is not there, 2 for what is no key or pattern, 3 without a node
page get_entry_page(const std::string& node, const entry_name& entry, bool with_facts);
page set_entry_page(const std::string& node, const entry_arguments& with);
page touch_entry_page(const std::string& node, const entry_name& entry, const std::string& ttl);
/// call_kind::erase, exists or time_left.
page entry_page(call_kind kind, const std::string& node, const entry_name& entry);

/// The keys that fit, a line each, page after page until `limit` of them (0: all) are told. Keys are written as they are;
/// in JSON, those that are no UTF-8 in base64.
page keys_page(const std::string& node, const std::string& tenant, const std::string& pattern, const std::string& after,
               std::uint64_t limit);

}  // namespace aicache::app
