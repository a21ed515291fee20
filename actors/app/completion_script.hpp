#pragma once

#include <string>

namespace CLI {
class App;
}

namespace aicache::app {

/// The script by which a shell completes the commands and options of a program. It is made of the commands themselves, so
/// none can be forgotten. Whatever is no command or option is completed as the name of a file.
std::string bash_completion(const CLI::App& program);
std::string zsh_completion(const CLI::App& program);
std::string fish_completion(const CLI::App& program);

}  // namespace aicache::app
