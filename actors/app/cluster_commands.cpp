#include <CLI/CLI.hpp>

#include <memory>

#include "actors/app/cluster_pages.hpp"
#include "actors/app/commands.hpp"
#include "actors/app/node_session.hpp"

namespace aicache::app {

namespace {

struct cluster_arguments {
  std::string node;
  double patience = 5;
  move_wish wish;
};

}  // namespace

void add_cluster_commands(CLI::App& program, page& answer) {
  const auto given = std::make_shared<cluster_arguments>();

  CLI::App& nodes = *program.add_subcommand("nodes", "the nodes of a cluster, as one of them sees them");
  take_node(nodes, given->node);
  nodes.callback([given, &answer] { answer = nodes_page(given->node); });

  CLI::App& map = *program.add_subcommand("map", "which node of a cluster owns which key ranges");
  take_node(map, given->node);
  map.callback([given, &answer] { answer = map_page(given->node); });

  CLI::App& drain = *program.add_subcommand(
      "drain", "takes a node out of its cluster: its ranges and hot answers go to the others; then it may be stopped");
  take_node(drain, given->node);
  drain.add_option("--patience", given->patience, "seconds that handing over may take")->check(CLI::Range(0.1, 600.0));
  drain.callback([given, &answer] {
    answer = drain_page(given->node, duration{static_cast<std::int64_t>(given->patience * 1'000)});
  });

  CLI::App& move =
      *program.add_subcommand("move", "pins key ranges to a node, whatever its weights say, or takes its pins back");
  take_node(move, given->node);
  const auto what =
      move.add_option("RANGES", given->wish.what, "ranges 0-1023, or one, 42; or a share, 10%, --from a node");
  move.add_option("--to", given->wish.to, "the node that gets them; with --undo the one whose pins go")->required();
  move.add_option("--from", given->wish.from, "the node whose share moves");
  move.add_flag("--undo", given->wish.undo, "take all pins of --to back")->excludes(what);
  move.callback([given, &answer] {
    const move_wish& wish = given->wish;
    answer = wish.what.empty() && !wish.undo ? complaint_of(exits::asked_wrongly, "say which ranges, or --undo")
                                             : move_page(given->node, wish);
  });
}

}  // namespace aicache::app
