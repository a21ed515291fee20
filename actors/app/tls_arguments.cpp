#include "actors/app/tls_arguments.hpp"

#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "config/sources.hpp"

namespace aicache::app {

namespace {

constexpr std::string_view tls_variables = "AICACHE_TLS_";

struct tls_option {
  const char* option;
  const char* variable;
  const char* form;
  const char* doc;
};

constexpr tls_option every_tls_option[] = {
    {"--tls-certificate-file", "AICACHE_TLS_CERTIFICATE_FILE", "FILE",
     "our certificate, for a node that speaks TLS (PEM)"},
    {"--tls-key-file", "AICACHE_TLS_KEY_FILE", "FILE", "its private key"},
    {"--tls-ca-file", "AICACHE_TLS_CA_FILE", "FILE", "the authorities that may have signed the node's certificate"},
    {"--tls-passphrase-file", "AICACHE_TLS_PASSPHRASE_FILE", "FILE", "the pass phrase of the key, if it has one"},
    {"--tls-peers", "AICACHE_TLS_PEERS", "NAME,...",
     "names that the node's certificate may be for, beside its address"},
};

}  // namespace

void take_tls(CLI::App& command) {
  for (const tls_option& o : every_tls_option)
    command
        .add_option_function<std::string>(
            o.option, [variable = o.variable](const std::string& value) { setenv(variable, value.c_str(), 1); },
            std::string(o.doc) + "; else the variable " + o.variable)
        ->type_name(o.form);
}

outcome<config::settings> with_tls_of_environment(config::settings s) {
  config::sources from;
  for (const auto& [name, value] : config::environment())
    if (name.starts_with(tls_variables)) from.environment.emplace(name, value);
  config::loaded read = config::load(from);
  if (!read.problems.empty()) return fault{errc::invalid_argument, config::render(read.problems)};
  s.tls = std::move(read.value.tls);
  return s;
}

}  // namespace aicache::app
