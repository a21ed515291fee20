#include <CLI/CLI.hpp>

#include "actors/app/boot.hpp"
#include "config/version.hpp"

int main(int argc, char** argv) {
  CLI::App app{"aicached: a node of aicache, the cache for the answers of AI models"};
  aicache::app::command_line asked;
  app.add_option("--config", asked.config, "a file of settings: TOML, JSON or YAML, by its ending")->type_name("FILE");
  // One value per --set, as often as wanted: a value may hold spaces and commas.
  app.add_option("--set", asked.overrides, "a setting that wins over file and environment; as often as wanted")
      ->type_name("section.key=value")
      ->expected(1)
      ->take_all();
  app.add_flag("--print-config", asked.print_config, "print the settings in force as TOML, and end");
  app.set_version_flag("--version", AICACHE_VERSION);
  CLI11_PARSE(app, argc, argv);
  return aicache::app::run(asked);
}
