#include "actors/app/reload_pages.hpp"

#include "actors/app/node_session.hpp"

namespace aicache::app {

namespace {
constexpr duration reload_patience{10'000};
}

page config_reload(const std::string& address) {
  const auto node = node_session::open(address);
  if (!node) return complaint_of(node.why());
  const auto told = (*node)->ask<reload_reply>(reload_request{}, reload_patience);
  if (!told) return complaint_of(told.why());
  page out;
  if (!told->problems.empty()) {
    out = complaint_of(exits::not_found, "the settings are wrong, and nothing has changed");
    page::table problems{"problems", {"problem"}, {}, page::layout::blocks};
    for (const std::string& p : told->problems) problems.rows.push_back({p});
    out.tables.push_back(std::move(problems));
    return out;
  }
  out.facts = {{"applied", std::to_string(told->applied.size())},
               {"at_restart", std::to_string(told->refused.size())},
               {"keys", std::to_string(told->keys)}};
  page::table now{"changed", {"key", "before", "after"}, {}};
  for (const setting_change& c : told->applied) now.rows.push_back({c.key, c.before, c.after});
  page::table later{"changes_at_restart", {"key", "before", "after", "why"}, {}};
  for (const setting_change& c : told->refused) later.rows.push_back({c.key, c.before, c.after, c.why});
  out.tables = {std::move(now), std::move(later)};
  if (!told->refused.empty()) out.exit_code = exits::not_found;
  return out;
}

}  // namespace aicache::app
