#pragma once

#include "config/settings.hpp"
#include "engine/outcome.hpp"

namespace CLI {
class App;
}

namespace aicache::app {

/// Gives a command the options --tls-certificate-file and so on. Each is the variable AICACHE_TLS_… of the same name, said
/// on the command line; it is set when the command line is read, which is before there are threads.
void take_tls(CLI::App& command);

/// `s` with the section tls as those variables have it. Other variables are none of this program's business. Fails:
/// invalid_argument, with all that is wrong with them.
outcome<config::settings> with_tls_of_environment(config::settings s);

}  // namespace aicache::app
