#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "actors/front.hpp"
#include "actors/node.hpp"
#include "config/change.hpp"

// Settings that change while a node runs: all of what may is applied, or, with any problem, nothing.
namespace aicache {

namespace {

reload_reply refused(const std::vector<config::problem>& problems) {
  reload_reply out;
  for (const config::problem& p : problems) {
    std::string text = p.source + (p.key.empty() ? "" : ": " + p.key) + ": " + p.rule + "; fix: " + p.fix;
    spdlog::error("reload: nothing changes: {}", text);
    out.problems.push_back(std::move(text));
  }
  return out;
}

std::vector<setting_change> told(std::vector<config::change> changes, bool with_why) {
  std::vector<setting_change> out;
  for (config::change& c : changes)
    out.push_back({std::move(c.key), std::move(c.before), std::move(c.after), with_why ? std::move(c.why) : ""});
  return out;
}

}  // namespace

reload_reply front_state::reload() {
  if (!options_.sources || !options_.settings)
    return refused({{"the node", "", "its settings were made in code", "send it others from there"}});
  const config::loaded read = options_.sources();
  return read.problems.empty() ? use(read.value) : refused(read.problems);
}

reload_reply front_state::use(const config::settings& wanted) {
  if (!options_.settings)
    return refused({{"the node", "", "it was not told which settings it runs by", "start it by start_node"}});
  if (const auto problems = config::check(wanted); !problems.empty()) return refused(problems);
  config::reload found = config::compare(*options_.settings, wanted);
  const config::settings next = config::with(*options_.settings, wanted, found.now);
  if (auto problems = config::check(next); !problems.empty()) {
    for (config::problem& p : problems) p.rule += ", together with what changes only at a restart";
    return refused(problems);
  }
  sharing_options sharing = options_.sharing;
  bool renewed = false;
  if (const auto problems = read_sharing_again(next, sharing, renewed); !problems.empty()) return refused(problems);
  apply(next, std::move(sharing));
  if (renewed) {
    spdlog::info("reload: the link to redis is made anew");
    // Who waits for the old link is answered by its end; the invalidation goes with it, and the pair is made anew.
    if (link_) self_->send_exit(link_, caf::exit_reason::user_shutdown);
  }
  reload_reply out{{}, told(std::move(found.now), false), told(std::move(found.at_restart), true), 0};
  if (options_.sharing.keys) out.keys = options_.sharing.keys->size();
  for (const setting_change& c : out.applied) spdlog::info("reload: {} is now {}, after {}", c.key, c.after, c.before);
  for (const setting_change& c : out.refused)
    spdlog::warn("reload: {} stays {} until a restart, not {}: {}", c.key, c.before, c.after, c.why);
  if (out.keys > 0) spdlog::info("reload: {} keys read; number {} encrypts", out.keys, options_.sharing.keys->active());
  if (out.applied.empty() && out.refused.empty() && out.keys == 0) spdlog::info("reload: nothing differs");
  return out;
}

// Everybody who was told something at the start is told what it is now.
void front_state::apply(const config::settings& next, sharing_options sharing) {
  // In an application the log is its own until somebody changes the setting.
  if (next.log.level != options_.settings->log.level) spdlog::set_level(spdlog::level::from_str(next.log.level));
  node_options o = to_options(next, options_.cores, options_.origin);
  options_.settings = std::make_shared<const config::settings>(next);
  options_.sharing = std::move(sharing);
  options_.supervision = o.supervision;
  options_.report_interval = o.report_interval;
  options_.figures = std::move(o.figures);
  options_.ground = o.ground;
  // A shard that starts from now on starts by them as well.
  const std::uint64_t seed = options_.shard.seed;
  options_.shard = std::move(o.shard);
  options_.shard.seed = seed;
  const auto of_shard = std::make_shared<const shard_options>(options_.shard);
  const bool clients_learn = options_.limits != o.limits;
  options_.limits = o.limits;
  for (const slot& s : shards_) {
    if (!s.handle) continue;
    self_->send(s.handle, retune_shard{of_shard, options_.limits, options_.report_interval, options_.drain_timeout});
    if (options_.sharing.keys) self_->send(s.handle, use_keys{options_.sharing.keys});
  }
  if (options_.sharing.keys)
    for (const codec_worker_actor& w : workers_) self_->send(w, use_keys{options_.sharing.keys});
  self_->send(monitor_,
              retune_monitor{std::make_shared<const record_book::options>(options_.figures), options_.ground,
                             options_.sharing.link.how.core.read_deadline, options_.sharing.link.connections});
  if (clients_learn) publish(-1);
}

}  // namespace aicache
