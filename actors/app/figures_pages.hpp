#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actors/app/page.hpp"

// What a node's figures say, for people: from the JSON that the node tells. What is absent there is shown as "-".
namespace aicache::app {

struct summary_part {
  std::string name;
  std::string what;  ///< it tells, for the help
};
/// The parts of a node's summary that can be asked for, in the order of the help.
const std::vector<summary_part>& summary_parts();

/// One part of a summary; its page in JSON is that part as the node told it.
page summary_page(const std::string& summary, std::string_view part);

/// Savings in all, and by tenant, operation and model.
page ledger_page(const std::string& ledger);

/// What would make the cache better, the most urgent first, and the hit ratio that other sizes of memory would give.
page recommendations_page(const std::string& recommendations, const std::string& curve);

/// One screen about a node, for `top`.
std::string screen(const std::string& summary, const std::string& address);

}  // namespace aicache::app
