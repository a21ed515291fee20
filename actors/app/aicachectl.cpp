#include <CLI/CLI.hpp>

#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "actors/app/commands.hpp"
#include "config/key_table.hpp"
#include "config/version.hpp"

namespace {

constexpr aicache::app::command_group groups[] = {
    aicache::app::add_config_commands,     aicache::app::add_data_commands,       aicache::app::add_generic_commands,
    aicache::app::add_invalidate_commands, aicache::app::add_key_commands,        aicache::app::add_migrate_commands,
    aicache::app::add_figures_commands,    aicache::app::add_transfer_commands,   aicache::app::add_event_commands,
    aicache::app::add_cluster_commands,    aicache::app::add_completion_commands,
};

struct named {
  std::string name;
};

/// What stands where a command should, and is none: the command that was most likely meant.
std::optional<std::string> unknown_command(const CLI::App& program) {
  const CLI::App* at = &program;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().back();
  std::vector<named> commands;
  for (const CLI::App* command : at->get_subcommands([](const CLI::App*) { return true; }))
    commands.push_back({command->get_name()});
  const std::vector<std::string> left = program.remaining(true);
  if (commands.empty() || left.empty() || left.front().starts_with('-')) return std::nullopt;
  return "there is no command " + aicache::config::in_short_quotes(left.front()) + "; did you mean " +
         aicache::config::nearest_name<named>(commands, left.front()).name + "?";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program{
      "aicachectl: looks after nodes of aicache and their settings; aicachectl COMMAND --help tells more of a command"};
  aicache::app::page answer;
  bool as_json = false;
  program.add_flag("--json", as_json, "answer in JSON");
  program.set_version_flag("--version", AICACHE_VERSION);
  program.require_subcommand(1);
  // So that --json may also stand behind the command.
  program.fallthrough();
  // Handed on to every command that is added from here on.
  program.footer(aicache::app::exits::in_words);
  for (const auto add : groups) add(program, answer);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (const auto unknown = e.get_exit_code() == 0 ? std::nullopt : unknown_command(program)) {
      std::cerr << "aicachectl: " << *unknown << "\nRun with --help for more information.\n";
      return aicache::app::exits::asked_wrongly;
    }
    return program.exit(e) == 0 ? 0 : aicache::app::exits::asked_wrongly;
  }
  const bool in_json = as_json && !answer.is_written;
  if (!answer.is_written) std::cout << (in_json ? to_json(answer) : to_text(answer)) << std::flush;
  if (!answer.complaint.empty() && !in_json) std::cerr << "aicachectl: " << answer.complaint << '\n';
  return answer.exit_code;
}
