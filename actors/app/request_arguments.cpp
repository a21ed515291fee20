#include "actors/app/request_arguments.hpp"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace aicache::app {

void take_request(CLI::App& command, request_arguments& to) {
  command.add_option("--tenant", to.given.tenant, "whose answer it is");
  command.add_option("--model", to.given.model, "the model that is asked");
  command.add_option("--operation", to.given.operation, "what is asked of it: summarize, qa, ...");
  const auto text = command.add_option("--text", to.given.text, "the text that it is asked about");
  command.add_option("--text-file", to.text_file, "the same from a file, byte for byte; - is standard input")
      ->type_name("FILE")
      ->excludes(text);
  command.add_option("--options", to.given.options, "a JSON object; order and spelling do not matter")
      ->type_name("JSON");
  command.add_option("--question", to.given.question, "for operations that have one");
}

outcome<std::string> whole_file(const std::string& path) {
  struct closing {
    void operator()(std::FILE* f) const noexcept {
      if (f != stdin) std::fclose(f);
    }
  };
  const std::unique_ptr<std::FILE, closing> file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
  const auto failed = [&] { return fault{errc::invalid_argument, path + ": " + std::strerror(errno)}; };
  if (!file) return failed();
  std::string all;
  char piece[1 << 16];
  while (const std::size_t n = std::fread(piece, 1, sizeof piece, file.get())) all.append(piece, n);
  if (std::ferror(file.get()) != 0) return failed();
  return all;
}

outcome<request> request_of(const request_arguments& given) {
  request r = given.given;
  if (!given.text_file.empty()) {
    auto text = whole_file(given.text_file);
    if (!text) return text.why();
    r.text = std::move(*text);
  }
  if (r.operation.empty()) return fault{errc::invalid_argument, "which --operation?"};
  if (r.text.empty()) return fault{errc::invalid_argument, "which --text, or which --text-file?"};
  return r;
}

}  // namespace aicache::app
