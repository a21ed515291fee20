#include <CLI/CLI.hpp>

#include <memory>

#include "actors/app/commands.hpp"
#include "actors/app/config_pages.hpp"
#include "actors/app/node_session.hpp"
#include "actors/app/reload_pages.hpp"

namespace aicache::app {

namespace {

/// Arguments of the commands; CLI11 fills them, and then calls back.
struct arguments {
  std::string file;
  std::string other;
  std::vector<std::string> overrides;
  std::string node;
};

void take_overrides(CLI::App& command, const std::shared_ptr<arguments>& to) {
  command.add_option("--set", to->overrides, "a setting that wins over file and environment; as often as wanted")
      ->type_name("section.key=value")
      ->expected(1)
      ->take_all();
}

}  // namespace

void add_config_commands(CLI::App& program, page& answer) {
  const auto given = std::make_shared<arguments>();
  CLI::App& group = *program.add_subcommand("config", "settings: what holds, what is wrong, where they come from");
  group.require_subcommand(1);

  CLI::App& show = *group.add_subcommand("show", "the settings in force, and which source gave them");
  show.add_option("--file", given->file, "a file of settings: TOML, JSON or YAML")->type_name("FILE");
  take_overrides(show, given);
  show.callback([given, &answer] { answer = config_show(given->file, given->overrides); });

  CLI::App& check = *group.add_subcommand(
      "check", "judges a file: errors, conflicts, warnings and recommendations, each with what to do");
  check.add_option("FILE", given->file, "TOML, JSON or YAML")->required();
  take_overrides(check, given);
  check.callback([given, &answer] { answer = config_check(given->file, given->overrides); });

  CLI::App& presets = *group.add_subcommand("presets", "all presets, or the values of one");
  presets.add_option("NAME", given->other, "the one whose values to show");
  presets.callback([given, &answer] { answer = config_presets(given->other); });

  CLI::App& recommend = *group.add_subcommand("recommend", "the preset for an environment");
  recommend.add_option("ENVIRONMENT", given->other, "its name; without it, the variables of this process");
  recommend.callback([given, &answer] { answer = config_recommend(given->other); });

  CLI::App& diff = *group.add_subcommand("diff", "what changes from one file or preset to another, and when");
  diff.add_option("A", given->file, "a file, or the name of a preset")->required();
  diff.add_option("B", given->other, "a file, or the name of a preset")->required();
  diff.callback([given, &answer] { answer = config_diff(given->file, given->other); });

  group.add_subcommand("reference", "every setting, in Markdown")->callback([&answer] { answer = config_reference(); });
  group.add_subcommand("env", "every environment variable")->callback([&answer] { answer = config_env(); });

  CLI::App& map = *group.add_subcommand("map", "parameters of the Python cache as settings");
  map.add_option("FILE", given->file, "its parameters, in JSON or YAML")->required();
  map.callback([given, &answer] { answer = config_map(given->file); });

  CLI::App& reload = *group.add_subcommand(
      "reload", "has a node read its settings again; what may change while it runs takes effect, the rest is told");
  take_node(reload, given->node);
  reload.callback([given, &answer] { answer = config_reload(given->node); });
}

}  // namespace aicache::app
