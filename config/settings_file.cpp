#include "config/settings_file.hpp"

#include "config/json_file.hpp"
#include "config/toml_file.hpp"
#include "config/yaml_file.hpp"

#include <algorithm>
#include <fstream>
#include <system_error>
#include <utility>

namespace aicache::config {
namespace {

// A file of settings has a few hundred lines, and tables within tables within it. The libraries descend
// recursively, so a file beyond these bounds could exhaust the stack.
constexpr std::size_t longest_file = 1 << 20;
constexpr std::ptrdiff_t most_brackets = 1000;

/// The whole text; or why there is none, in `refusal`.
struct read_text {
  std::string text;
  file_contents refusal;
};

read_text refused(std::string rule, std::string fix) { return {{}, unreadable(std::move(rule), std::move(fix))}; }

read_text text_of(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found)
    return refused("must exist", "correct the path, or start without a file");
  if (error) return refused("must be readable; " + error.message(), "let the node's user read it");
  // A pipe could keep the node waiting for ever.
  if (!std::filesystem::is_regular_file(status))
    return refused("must be a regular file; it is a directory or a device", "name the file itself");
  std::ifstream in(file, std::ios::binary);
  if (!in) return refused("must be readable; it cannot be opened", "let the node's user read it");
  std::string text;
  // Read in pieces up to the bound: what the file system says of the size need not be so.
  for (char piece[4096]; in.read(piece, sizeof piece) || in.gcount() > 0;) {
    text.append(piece, static_cast<std::size_t>(in.gcount()));
    if (text.size() > longest_file) return refused("must be shorter than 1 MiB", "name a file of settings");
  }
  if (in.bad()) return refused("must be readable; reading it failed", "check the disk, or name another file");
  const auto opens = [](char c) { return c == '[' || c == '{'; };
  if (std::count_if(text.begin(), text.end(), opens) > most_brackets)
    return refused("must not be nested more deeply than settings are", "name a file of settings");
  return {std::move(text), {}};
}

}  // namespace

file_contents unreadable(std::string rule, std::string fix, std::size_t line) {
  return {{}, line, std::move(rule), std::move(fix)};
}

file_contents read_settings_file(const std::filesystem::path& file) {
  auto [text, refusal] = text_of(file);
  if (!refusal.rule.empty()) return std::move(refusal);
  const std::string ending = file.extension().string();
  if (ending == ".json") return parse_json(text);
  if (ending == ".yaml" || ending == ".yml") return parse_yaml(text);
  return parse_toml(text, file.filename().string());
}

}  // namespace aicache::config
