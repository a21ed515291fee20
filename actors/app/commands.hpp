#pragma once

#include "actors/app/page.hpp"

namespace CLI {
class App;
}

namespace aicache::app {

/// A group of commands of aicachectl, such as `config`: adds its commands to `program`; the one that is asked for
/// fills `answer`, which outlives the call. To add a group, write a file *_commands.cpp with such a function, declare
/// it here, and name it in the table of aicachectl.cpp.
using command_group = void (*)(CLI::App& program, page& answer);

void add_config_commands(CLI::App& program, page& answer);
void add_data_commands(CLI::App& program, page& answer);
void add_generic_commands(CLI::App& program, page& answer);
void add_invalidate_commands(CLI::App& program, page& answer);
void add_key_commands(CLI::App& program, page& answer);
void add_migrate_commands(CLI::App& program, page& answer);
void add_figures_commands(CLI::App& program, page& answer);
void add_transfer_commands(CLI::App& program, page& answer);
void add_event_commands(CLI::App& program, page& answer);
void add_cluster_commands(CLI::App& program, page& answer);
void add_completion_commands(CLI::App& program, page& answer);

}  // namespace aicache::app
