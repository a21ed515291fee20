#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <memory>

#include "actors/app/commands.hpp"
#include "actors/app/figures_pages.hpp"
#include "actors/app/node_session.hpp"

namespace aicache::app {

namespace {

struct figures_arguments {
  std::string node;
  std::string part = "summary";
  std::string output;
  double every = 2;
  std::uint64_t turns = 0;
};

constexpr duration patience_for_figures{5'000};
constexpr const char* ledger = "ledger";

template <class Make>
page with_figures(const std::string& node, figures_view view, Make&& make) {
  const auto session = node_session::open(node);
  if (!session) return complaint_of(session.why());
  const auto told = (*session)->cache().figures(view, patience_for_figures);
  return told ? make(**session, *told) : complaint_of(told.why());
}

page statistics_page(const figures_arguments& a) {
  if (a.part == ledger)
    return with_figures(a.node, figures_view::ledger,
                        [](node_session&, const std::string& told) { return ledger_page(told); });
  return with_figures(a.node, figures_view::summary,
                      [&](node_session&, const std::string& told) { return summary_page(told, a.part); });
}

page recommend_page(const std::string& node) {
  return with_figures(node, figures_view::recommendations, [](node_session& s, const std::string& told) {
    const auto curve = s.cache().figures(figures_view::curve, patience_for_figures);
    return curve ? recommendations_page(told, *curve) : complaint_of(curve.why());
  });
}

page reset_page(const std::string& node) {
  const auto session = node_session::open(node);
  if (!session) return complaint_of(session.why());
  const auto done = (*session)->cache().reset_figures(patience_for_figures);
  if (!done) return complaint_of(done.why());
  page p;
  p.facts.emplace_back("counting", "from zero");
  return p;
}

page export_page(const figures_arguments& a) {
  return with_figures(a.node, figures_view::everything, [&](node_session&, const std::string& told) {
    page p;
    if (a.output.empty()) {
      p.text = told + '\n';
      p.json = told;
      return p;
    }
    std::ofstream file(a.output, std::ios::binary | std::ios::trunc);
    file << told << '\n';
    file.close();
    if (!file) return complaint_of(exits::not_found, "cannot write " + a.output);
    p.facts.emplace_back("written", a.output);
    return p;
  });
}

// Until it is interrupted, or for as many turns as are wanted.
page watch(const figures_arguments& a) {
  const auto session = node_session::open(a.node);
  if (!session) return complaint_of(session.why());
  const bool on_terminal = isatty(STDOUT_FILENO) == 1;
  for (std::uint64_t turn = 0;;) {
    const auto told = (*session)->cache().figures(figures_view::summary, patience_for_figures);
    if (!told) return complaint_of(told.why());
    // Home, and what is left of the screen before.
    std::cout << (on_terminal ? "\x1b[H\x1b[J" : "") << screen(*told, a.node.empty() ? "the usual one" : a.node)
              << (on_terminal ? "" : "\n") << std::flush;
    if (++turn == a.turns || !std::cout) break;
    (*session)->pause(duration{static_cast<std::int64_t>(a.every * 1000)});
  }
  page p;
  p.is_written = true;
  return p;
}

}  // namespace

void add_figures_commands(CLI::App& program, page& answer) {
  const auto given = std::make_shared<figures_arguments>();

  CLI::App& stats = *program.add_subcommand("stats", "what a node did, and what it saved");
  stats.require_subcommand(1);
  const auto add_part = [&](const std::string& name, const std::string& what) {
    CLI::App& part = *stats.add_subcommand(name, what);
    take_node(part, given->node);
    part.callback([given, name, &answer] {
      given->part = name;
      answer = statistics_page(*given);
    });
  };
  for (const summary_part& part : summary_parts()) add_part(part.name, part.what);
  add_part(ledger, "calls, tokens, time and money that hits saved");
  CLI::App& whole = *stats.add_subcommand("export", "writes all figures, raw, as JSON");
  take_node(whole, given->node);
  whole.add_option("--output", given->output, "a file, instead of standard output")->type_name("FILE");
  whole.callback([given, &answer] { answer = export_page(*given); });

  CLI::App& recommend = *program.add_subcommand("recommend", "what would make a node better, with the evidence");
  take_node(recommend, given->node);
  recommend.callback([given, &answer] { answer = recommend_page(given->node); });

  CLI::App& reset = *program.add_subcommand("reset", "sets what a node has counted to zero; answers and settings stay");
  take_node(reset, given->node);
  reset.callback([given, &answer] { answer = reset_page(given->node); });

  CLI::App& top = *program.add_subcommand("top", "shows how a node does, again and again");
  take_node(top, given->node);
  top.add_option("--every", given->every, "seconds between two looks; 2 unless it is said")
      ->check(CLI::Range(0.1, 3600.0));
  top.add_option("--turns", given->turns, "end after so many looks; else look until interrupted");
  top.callback([given, &answer] { answer = watch(*given); });
}

}  // namespace aicache::app
