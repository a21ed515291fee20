#include <CLI/CLI.hpp>

#include <memory>

#include "actors/app/commands.hpp"
#include "actors/app/node_session.hpp"

namespace aicache::app {

namespace {

struct invalidate_arguments {
  std::string node;
  std::string tenant;
  std::string operation;
  std::string tag;
  std::string pattern;
  bool wait = false;
  bool dry_run = false;
  bool yes = false;
};

// To sweep a large Redis takes its time; an invalidation itself does not.
constexpr duration patience_for_node{5'000};
constexpr duration patience_for_sweep{3'600'000};

page invalidate_page(const std::string& node, const invalidate_request& what) {
  const auto session = node_session::open(node);
  if (!session) return complaint_of(session.why());
  const auto done = (*session)->cache().invalidate(
      what, what.wait || what.kind == scope_kind::pattern ? patience_for_sweep : patience_for_node);
  if (!done) return complaint_of(done.why());
  page out;
  out.facts.emplace_back("in_memory", std::to_string(done->in_memory));
  if (!what.dry_run) out.facts.emplace_back("waits_for_redis", done->numbered ? "no" : "yes");
  if (what.wait || (what.kind == scope_kind::pattern && !what.dry_run)) {
    out.facts.emplace_back(what.dry_run ? "searched" : "swept", done->swept ? "yes" : "no");
    out.facts.emplace_back("in_redis", std::to_string(done->in_redis));
  }
  return out;
}

void take_wait(CLI::App& command, const std::shared_ptr<invalidate_arguments>& given) {
  command.add_flag("--wait", given->wait, "return when Redis has been swept as well, which may take minutes");
  command.add_flag("--dry-run", given->dry_run, "only say how much would go, with --wait of Redis as well");
}

}  // namespace

void add_invalidate_commands(CLI::App& program, page& answer) {
  const auto given = std::make_shared<invalidate_arguments>();

  CLI::App& invalidate = *program.add_subcommand(
      "invalidate", "forgets all answers of a tenant, of an operation, or with a tag, or all keys that fit a pattern");
  take_node(invalidate, given->node);
  invalidate.add_option("--tenant", given->tenant, "all that this tenant has; with --tag or --pattern, whose");
  const auto pattern =
      invalidate.add_option("--pattern", given->pattern,
                            "generic entries whose keys fit: * any bytes, ? one, [a-c] [^a-c], \\ the next as it is");
  const auto operation =
      invalidate.add_option("--operation", given->operation, "all answers of this operation, of all tenants")
          ->excludes(pattern);
  invalidate.add_option("--tag", given->tag, "all answers with this tag")->excludes(operation)->excludes(pattern);
  take_wait(invalidate, given);
  invalidate.callback([given, &invalidate, &answer] {
    const bool tenant = invalidate.count("--tenant") > 0;
    if (invalidate.count("--pattern") > 0) {
      answer = invalidate_page(given->node,
                               {scope_kind::pattern, given->tenant, given->pattern, given->wait, given->dry_run});
    } else if (invalidate.count("--tag") > 0) {
      answer = invalidate_page(given->node, {scope_kind::tag, given->tenant, given->tag, given->wait, given->dry_run});
    } else if (invalidate.count("--operation") > 0 && !tenant) {
      answer = invalidate_page(given->node, {scope_kind::operation, "", given->operation, given->wait, given->dry_run});
    } else if (tenant && invalidate.count("--operation") == 0) {
      answer = invalidate_page(given->node, {scope_kind::tenant, given->tenant, "", given->wait, given->dry_run});
    } else {
      answer =
          complaint_of(exits::asked_wrongly, "one of --tenant, --operation, or --tag or --pattern with its --tenant");
    }
  });

  CLI::App& clear = *program.add_subcommand("clear", "forgets every answer of every tenant");
  take_node(clear, given->node);
  clear.add_flag("--yes", given->yes, "must be said: there is no way back");
  take_wait(clear, given);
  clear.callback([given, &answer] {
    answer = given->yes || given->dry_run
                 ? invalidate_page(given->node, {scope_kind::everything, "", "", given->wait, given->dry_run})
                 : complaint_of(exits::asked_wrongly, "this forgets everything: say --yes");
  });
}

}  // namespace aicache::app
