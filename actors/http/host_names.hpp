#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace aicache::http {

/// By which names a node may be asked. A page of another site can have its reader's browser ask whatever address a name
/// of its own leads to; the name that the browser then sends is that site's, and none of these.
///
/// Invariant  IP addresses and localhost are always known; names only if they are told, in any case of letters
/// Cost       O(names)
class host_names {
 public:
  host_names() = default;
  /// `names` apart by commas; "*" knows all. `own` is what the node listens on.
  host_names(std::string_view names, std::string_view own);

  /// `header` is the Host of a request, with a port or without. Without any, nobody's browser has asked.
  bool knows(std::string_view header) const;

 private:
  std::vector<std::string> names_;
  bool all_ = false;
};

}  // namespace aicache::http
