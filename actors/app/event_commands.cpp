#include <CLI/CLI.hpp>

#include <memory>

#include "actors/app/commands.hpp"
#include "actors/app/event_pages.hpp"
#include "actors/app/node_session.hpp"

namespace aicache::app {

namespace {

struct event_arguments {
  std::string node;
  event_filter what;
  std::vector<std::string> kinds;
  std::uint64_t count = 0;
};

}  // namespace

void add_event_commands(CLI::App& program, page& answer) {
  const auto given = std::make_shared<event_arguments>();
  CLI::App& events = *program.add_subcommand("events", "writes what happens on a node, as it happens, a line each");
  take_node(events, given->node);
  events.add_option("--tenant", given->what.tenant, "only of this tenant");
  events.add_option("--operation", given->what.operation, "only of this operation; \"\" is that of generic entries");
  events.add_option("--kind", given->kinds, "only of this kind; as often as wanted")
      ->expected(1)
      ->take_all()
      ->check(CLI::IsMember(std::vector<std::string>(event_names.begin(), event_names.end())));
  events.add_option("--count", given->count, "end after so many; else when interrupted");
  events.callback([given, &events, &program, &answer] {
    event_filter& what = given->what;
    what.one_tenant = events.count("--tenant") > 0;
    what.one_operation = events.count("--operation") > 0;
    if (!given->kinds.empty()) what.kinds = 0;
    for (const std::string& kind : given->kinds)
      for (std::size_t i = 0; i < event_names.size(); ++i)
        if (kind == event_names[i]) what.kinds |= bit_of(static_cast<event_kind>(i));
    answer = events_page(given->node, what, given->count, program.count("--json") > 0);
  });
}

}  // namespace aicache::app
