#include <CLI/CLI.hpp>

#include <memory>
#include <random>

#include "actors/app/cache_export.hpp"
#include "actors/app/cache_import.hpp"
#include "actors/app/commands.hpp"
#include "actors/app/progress_bar.hpp"
#include "actors/app/verification.hpp"

namespace aicache::app {

namespace {

struct transfer_arguments {
  std::string node;
  std::string file;
  std::string state;
  std::string config;
  std::vector<std::string> overrides;
  bool with_redis = false;
  import_rules rules;
  std::size_t sample = 1'000;
  std::uint64_t seed = 0;
};

config::sources sources_of(const transfer_arguments& given) {
  config::sources from;
  if (!given.config.empty()) from.file = given.config;
  from.environment = config::environment();
  from.overrides = given.overrides;
  return from;
}

std::uint64_t count_in(const transfer_state& s, const std::string& name) {
  const auto at = s.counts.find(name);
  return at == s.counts.end() ? 0 : at->second;
}

page export_page(const transfer_arguments& given) {
  std::unique_ptr<shared_redis> redis;
  if (given.with_redis) {
    auto opened = shared_redis::open(sources_of(given));
    if (!opened) return complaint_of(opened.why());
    redis = std::move(*opened);
  }
  transfer_state begin;
  begin.task = "export to " + given.file + (redis ? " with " + redis->where() + " under " + redis->prefix() : "");
  if (!given.state.empty()) {
    const auto known = read_transfer_state(given.state, begin.task);
    if (!known) return complaint_of(known.why());
    begin = *known;
  }
  const auto node = node_session::open(given.node);
  if (!node) return complaint_of(node.why());
  progress_bar bar;
  const std::uint64_t before = count_in(begin, "written");
  cache_export moving(
      {given.file, given.state,
       [&bar](double share, std::uint64_t lines) { bar.show(share, std::to_string(lines) + " answers"); }},
      **node, redis.get(), std::move(begin));
  const auto done = moving.run();
  bar.clear();
  const transfer_state& s = moving.state();
  page out;
  out.facts.emplace_back("file", given.file);
  for (const char* name : {"written", "from_memory", "from_redis"})
    if (redis || std::string(name) != "from_redis") out.facts.emplace_back(name, std::to_string(count_in(s, name)));
  if (before > 0) out.facts.emplace_back("written_before", std::to_string(before));
  page::table left_out{"left_out", {"count", "because"}, {}};
  const auto leave_out = [&](const char* name, const char* because) {
    if (const std::uint64_t n = count_in(s, name); n > 0) left_out.rows.push_back({std::to_string(n), because});
  };
  leave_out("without a name of their own",
            "more tenants or operations than the node has names for: raise limits.tenants "
            "or limits.operations");
  leave_out("unreadable in memory", "damaged in memory, or no memory to unpack it");
  leave_out("unreadable in Redis", "what lies in Redis does not verify, or its key of encryption is not known");
  leave_out("not to be written", "a name that is not UTF-8, or longer than a line may hold");
  if (!left_out.rows.empty()) out.exit_code = exits::not_found;
  out.tables.push_back(std::move(left_out));
  if (done) return out;
  out.complaint = done.why().detail + "; what was settled before stands";
  out.exit_code = exit_of(done.why().code);
  return out;
}

page import_page(const transfer_arguments& given) {
  if (given.rules.dry_run && !given.state.empty())
    return complaint_of(exits::asked_wrongly, "a dry run settles nothing, and so has no --state");
  transfer_state begin;
  begin.task = "import of " + given.file;
  if (!given.state.empty()) {
    const auto known = read_transfer_state(given.state, begin.task);
    if (!known) return complaint_of(known.why());
    begin = *known;
  }
  const auto lines = input_lines::open(given.file);
  if (!lines) return complaint_of(lines.why());
  const auto node = node_session::open(given.node);
  if (!node) return complaint_of(node.why());
  progress_bar bar;
  const std::uint64_t before = begin.line;
  cache_import moving({given.rules, given.state,
                       [&bar](double share, std::uint64_t all) { bar.show(share, std::to_string(all) + " lines"); }},
                      **node, std::move(begin));
  const auto done = moving.run(**lines);
  bar.clear();
  const transfer_state& s = moving.state();
  page out;
  for (const char* name :
       {"lines", "stored", "replaced", "present", "newer_here", "expired", "invalidated", "refused", "malformed"})
    out.facts.emplace_back(name, std::to_string(count_in(s, name)));
  if (!s.first_malformed.empty()) out.facts.emplace_back("first_malformed", s.first_malformed);
  if (before > 0) out.facts.emplace_back("settled_before", std::to_string(before));
  page::table refused{"refused_because", {"count", "because"}, {}};
  const std::string prefix = "refused: ";
  for (const auto& [name, n] : s.counts)
    if (name.starts_with(prefix)) refused.rows.push_back({std::to_string(n), name.substr(prefix.size())});
  out.tables.push_back(std::move(refused));
  if (count_in(s, "refused") + count_in(s, "malformed") > 0) out.exit_code = exits::not_found;
  if (done) return out;
  out.complaint = done.why().detail + "; the counts are those of what was settled before";
  out.exit_code = exit_of(done.why().code);
  return out;
}

page verify_page(const transfer_arguments& given) {
  auto redis = shared_redis::open(sources_of(given));
  if (!redis) return complaint_of(redis.why());
  const auto node = node_session::open(given.node);
  if (!node) return complaint_of(node.why());
  progress_bar bar;
  verification::options how;
  how.sample = given.sample;
  how.seed = given.seed != 0 ? given.seed : std::random_device{}();
  how.on_progress = [&bar](double share, const std::string& what) { bar.show(share, what); };
  const auto found = verification(std::move(how), **node, **redis).run();
  bar.clear();
  if (!found) return complaint_of(found.why());
  page out;
  out.facts = {{"consistent", found->is_sound() ? "yes" : "no"},
               {"memory_sampled", std::to_string(found->memory)},
               {"redis_sampled", std::to_string(found->redis)},
               {"redis_keys", std::to_string(found->keys)}};
  page::table findings{"findings", {"finding", "of_memory", "of_redis", "consistent", "meaning"}, {}};
  for (std::size_t i = 0; i < finding_count; ++i) {
    const auto f = static_cast<finding>(i);
    if (found->of_memory[i] + found->of_redis[i] > 0)
      findings.rows.push_back({to_string(f), std::to_string(found->of_memory[i]), std::to_string(found->of_redis[i]),
                               is_bad(f) ? "no" : "yes", meaning_of(f)});
  }
  out.tables.push_back(std::move(findings));
  if (!found->is_sound()) out.exit_code = exits::not_found;
  return out;
}

void take_settings(CLI::App& command, transfer_arguments& to) {
  command.add_option("--config", to.config, "the node's file of settings, which says where its Redis is, and its keys")
      ->type_name("FILE");
  command.add_option("--set", to.overrides, "a setting, stronger than file and environment")
      ->type_name("section.key=value")
      ->expected(1)
      ->take_all();
}

}  // namespace

void add_transfer_commands(CLI::App& program, page& answer) {
  const auto given = std::make_shared<transfer_arguments>();

  CLI::App& out = *program.add_subcommand(
      "export", "writes all answers of a node into a file of JSON lines; its figures are told by stats export");
  take_node(out, given->node);
  out.add_option("FILE", given->file, "where to; packed by zstd when it ends in .zst")->required();
  out.add_flag("--redis", given->with_redis,
               "also what lies in the node's Redis, with whole identities: only such answers can enter another Redis");
  take_settings(out, *given);
  out.add_option("--state", given->state, "where to note how far it is; a later run goes on from there")
      ->type_name("FILE");
  out.callback([given, &answer] { answer = export_page(*given); });

  CLI::App& in = *program.add_subcommand(
      "import", "takes the answers of an export into a node, each for what is left of its life");
  take_node(in, given->node);
  in.add_option("FILE", given->file, "JSON lines, plain or packed by zstd; - is standard input")->required();
  in.add_flag("--dry-run", given->rules.dry_run, "say what would become of each line, and change nothing");
  in.add_flag("--foreign", given->rules.foreign,
              "the answers come from another Redis, whose invalidations say nothing of the node's");
  in.add_option("--state", given->state, "where to note how far it is; a later run goes on from there")
      ->type_name("FILE");
  in.callback([given, &answer] { answer = import_page(*given); });

  CLI::App& verify =
      *program.add_subcommand("verify", "compares a sample of a node's memory with its Redis, both ways");
  take_node(verify, given->node);
  take_settings(verify, *given);
  verify.add_option("--sample", given->sample, "how many entries of each side")->check(CLI::Range(1, 1'000'000));
  verify.add_option("--seed", given->seed, "draws the same sample again; 0: another each time");
  verify.callback([given, &answer] { answer = verify_page(*given); });
}

}  // namespace aicache::app
