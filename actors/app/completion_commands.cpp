#include <CLI/CLI.hpp>

#include <utility>

#include "actors/app/commands.hpp"
#include "actors/app/completion_script.hpp"

namespace aicache::app {

namespace {

using script_maker = std::string (*)(const CLI::App&);
constexpr std::pair<const char*, script_maker> shells[] = {
    {"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}};

}  // namespace

void add_completion_commands(CLI::App& program, page& answer) {
  CLI::App& group = *program.add_subcommand("completion", "a script by which a shell completes these commands");
  group.require_subcommand(1);
  for (const auto& [name, make] : shells) {
    CLI::App& command = *group.add_subcommand(name, std::string("the script for ") + name);
    // Made when it is asked for: by then all commands are there.
    command.callback([&program, &answer, made_by = make] { answer.text = made_by(program); });
  }
}

}  // namespace aicache::app
