#pragma once

#include <string>

#include "engine/identity/request.hpp"
#include "engine/outcome.hpp"

namespace CLI {
class App;
}

namespace aicache::app {

/// How a request is given on the command line. Lines of JSON that do not name tenant, model or operation take them from
/// here as well.
struct request_arguments {
  request given;
  std::string text_file;
};

/// Gives a command the options --tenant, --model, --operation, --text, --text-file, --options and --question.
void take_request(CLI::App& command, request_arguments& to);

/// The request, its text read from its file. Fails: invalid_argument without operation or text, and for a file that
/// cannot be read.
outcome<request> request_of(const request_arguments& given);

/// The bytes of a file, or of standard input for "-"; not a byte is added or taken away.
outcome<std::string> whole_file(const std::string& path);

}  // namespace aicache::app
