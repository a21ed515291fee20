#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/app/page.hpp"
#include "engine/types.hpp"

namespace aicache::app {

/// The nodes of the cluster that a node belongs to, as it sees them.
page nodes_page(const std::string& node);

/// Which key ranges are whose: runs of neighbouring ranges, in order, and the pins.
page map_page(const std::string& node);

/// Has the node give its ranges up and hand over what is hot; it serves nothing from then on.
page drain_page(const std::string& node, duration patience);

/// Pins ranges, "0-1023" or "42", or a share of another's, "10%", to a member; or takes its pins back.
struct move_wish {
  std::vector<std::string> what;  ///< ranges, or one share
  std::string to;
  std::string from;  ///< whose share
  bool undo = false;
};
page move_page(const std::string& node, const move_wish& wish);

}  // namespace aicache::app
