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
  bool wait = false;
  bool yes = false;
};

// To sweep a large Redis takes its time; an invalidation itself does not.
constexpr duration patience_for_node{5'000};
constexpr duration patience_for_sweep{3'600'000};

page invalidate_page(const std::string& node, const invalidate_request& what) {
  const auto session = node_session::open(node);
  if (!session) return complaint_of(exit_of(session.why().code), session.why().detail);
  const auto done = (*session)->cache().invalidate(what, what.wait ? patience_for_sweep : patience_for_node);
  if (!done) return complaint_of(exit_of(done.why().code), done.why().detail);
  page out;
  out.facts.emplace_back("in_memory", std::to_string(done->in_memory));
  out.facts.emplace_back("waits_for_redis", done->numbered ? "no" : "yes");
  if (what.wait) {
    out.facts.emplace_back("swept", done->swept ? "yes" : "no");
    out.facts.emplace_back("in_redis", std::to_string(done->in_redis));
  }
  return out;
}

void take_wait(CLI::App& command, bool& wait) {
  command.add_flag("--wait", wait, "return when Redis has been swept as well, which may take minutes");
}

}  // namespace

void add_invalidate_commands(CLI::App& program, page& answer) {
  const auto given = std::make_shared<invalidate_arguments>();

  CLI::App& invalidate =
      *program.add_subcommand("invalidate", "forgets all answers of a tenant, of an operation, or with a tag");
  take_node(invalidate, given->node);
  invalidate.add_option("--tenant", given->tenant, "all of this tenant's answers; with --tag, whose tag it is");
  const auto operation =
      invalidate.add_option("--operation", given->operation, "all answers of this operation, of all tenants");
  invalidate.add_option("--tag", given->tag, "all answers with this tag")->excludes(operation);
  take_wait(invalidate, given->wait);
  invalidate.callback([given, &invalidate, &answer] {
    const bool tenant = invalidate.count("--tenant") > 0;
    if (invalidate.count("--tag") > 0) {
      answer = invalidate_page(given->node, {scope_kind::tag, given->tenant, given->tag, given->wait});
    } else if (invalidate.count("--operation") > 0 && !tenant) {
      answer = invalidate_page(given->node, {scope_kind::operation, "", given->operation, given->wait});
    } else if (tenant && invalidate.count("--operation") == 0) {
      answer = invalidate_page(given->node, {scope_kind::tenant, given->tenant, "", given->wait});
    } else {
      answer = complaint_of(exits::asked_wrongly, "one of --tenant, --operation, or --tag with its --tenant");
    }
  });

  CLI::App& clear = *program.add_subcommand("clear", "forgets every answer of every tenant");
  take_node(clear, given->node);
  clear.add_flag("--yes", given->yes, "must be said: there is no way back");
  take_wait(clear, given->wait);
  clear.callback([given, &answer] {
    answer = given->yes ? invalidate_page(given->node, {scope_kind::everything, "", "", given->wait})
                        : complaint_of(exits::asked_wrongly, "this forgets everything: say --yes");
  });
}

}  // namespace aicache::app
