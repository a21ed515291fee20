#include "config/change.hpp"

namespace aicache::config {
namespace {

struct reason {
  std::string_view section;
  std::string_view why;
};

constexpr reason reasons[] = {
    {"node", "ports are opened and shards are divided when a node starts"},
    {"memory", "shards are sized by it when they are made"},
    {"limits", "clients are told of the limits when they connect"},
    {"ttl", "shards take their lives when they are made; what is kept already keeps its own"},
    {"gate", "shards take it when they are made"},
    {"negative", "shards take it when they are made"},
    {"stale", "shards take it when they are made; answers are kept by it from the time that they are put"},
    {"lease", "shards take it when they are made"},
    {"text_tiers", "shards and clients must class texts alike"},
    {"promotion", "shards take it when they are made"},
    {"compression", "codecs and their workers are made when a node starts"},
    {"eviction", "shards take it when they are made"},
    {"identity", "every answer kept already would have another name"},
    {"redis", "connections are made by it when a node starts"},
    {"invalidation", "the gate and the sweeper take it when they are made"},
    {"encryption", "nodes must agree on it; only the content of the keys file is read again, on SIGHUP"},
    {"supervision", "the front takes it when it is made"},
    {"monitor", "shards and monitor take it when they are made"},
    {"ledger", "the monitor takes prices when it is made; what was saved before was valued by them"},
    {"http", "its port is opened and its token read when a node starts"},
    {"log", "the log is opened when a node starts"},
};

}  // namespace

std::string_view restart_reason(std::string_view section) {
  for (const auto& row : reasons)
    if (row.section == section) return row.why;
  return {};
}

reload compare(const settings& running, const settings& wanted, std::span<const key_row> rows) {
  reload out;
  for (const auto& row : rows) {
    if (row.to_text(running) == row.to_text(wanted)) continue;
    const bool is_live = row.reload == takes_effect::live;
    change found{row.key(), shown_toml(row, running), shown_toml(row, wanted),
                 std::string(is_live ? "may change while a node runs" : restart_reason(row.section))};
    (is_live ? out.now : out.at_restart).push_back(std::move(found));
  }
  return out;
}

}  // namespace aicache::config
