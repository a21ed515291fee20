#include "config/change.hpp"

namespace aicache::config {
namespace {

struct reason {
  std::string_view of;
  std::string_view why;
};

// Where keys of one section differ in their reasons, a key's own row counts.
constexpr reason reasons[] = {
    {"node", "ports are opened and shards are divided when a node starts"},
    {"memory", "shards are sized by it when they are made"},
    {"tenants", "shards take it when they are made"},
    {"tls", "certificates are read when an actor system starts, and connections keep what they have"},
    {"limits", "clients hold to what they were told when they connected"},
    {"limits.operations", "tables of names are sized when shards are made"},
    {"limits.tenants", "tables of names are sized when shards are made"},
    {"ttl", "shards take their lives when they are made; what is kept already keeps its own"},
    {"gate", "shards take it when they are made"},
    {"negative", "shards take it when they are made"},
    {"stale", "shards take it when they are made; answers are kept by it from the time that they are put"},
    {"lease", "shards take it when they are made"},
    {"text_tiers", "shards and clients must class texts alike"},
    {"promotion", "shards take it when they are made"},
    {"compression", "codecs and their workers are made when a node starts"},
    {"eviction", "the learner is made when a node starts"},
    {"identity", "every answer kept already would have another name"},
    {"cluster", "the other nodes know it by these"},
    {"redis", "shards and link agree on it when a node starts"},
    {"redis.url", "another Redis has other generations than those that this node has learned"},
    {"redis.required", "it says whether a node starts at all"},
    {"redis.write_behind_keys", "shards divide it when they are made"},
    {"redis.write_behind_bytes", "shards divide it when they are made"},
    {"invalidation", "the file is opened when a node starts, and is its alone"},
    {"encryption", "nodes must agree on it; keys are read again whenever settings are"},
    {"supervision", "the front takes it when it is made"},
    {"monitor", "what is simulated and what is remembered is sized when the monitor is made"},
    {"ledger", "what was saved before is told in it"},
    {"ledger.rows", "the ledger is sized when the monitor is made"},
    {"http", "its port is opened and its token read when a node starts"},
    {"log", "the log is opened when a node starts"},
};

}  // namespace

std::string_view restart_reason(std::string_view of) {
  for (const auto& row : reasons)
    if (row.of == of) return row.why;
  const auto dot = of.find('.');
  return dot == std::string_view::npos ? std::string_view{} : restart_reason(of.substr(0, dot));
}

reload compare(const settings& running, const settings& wanted, std::span<const key_row> rows) {
  reload out;
  for (const auto& row : rows) {
    if (row.to_text(running) == row.to_text(wanted)) continue;
    const bool is_live = row.reload == takes_effect::live;
    change found{row.key(), shown_toml(row, running), shown_toml(row, wanted),
                 std::string(is_live ? "may change while a node runs" : restart_reason(row.key()))};
    (is_live ? out.now : out.at_restart).push_back(std::move(found));
  }
  return out;
}

settings with(const settings& running, const settings& wanted, std::span<const change> changes) {
  settings out = running;
  for (const change& c : changes)
    if (const key_row* row = find_key(c.key))
      // Both sides are settings: what one has the other takes.
      static_cast<void>(row->assign(out, written{row->to_text(wanted), false}));
  return out;
}

}  // namespace aicache::config
