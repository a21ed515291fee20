#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "actors/app/commands.hpp"
#include "actors/app/input_lines.hpp"
#include "actors/app/legacy_arguments.hpp"
#include "actors/app/request_arguments.hpp"
#include "actors/app/request_line.hpp"
#include "config/sources.hpp"
#include "engine/identity/identify.hpp"
#include "engine/shared/redis_key.hpp"

namespace aicache::app {

namespace {

struct key_arguments {
  request_arguments asked;
  std::string file;
  std::vector<std::string> overrides;
  std::string generation;
  legacy_arguments legacy;
};

identity_options identities_by(const config::settings& s) {
  identity_options o;
  o.unicode_nfc = s.identity.unicode_nfc;
  o.line_ends = s.identity.line_ends;
  o.trailing_blanks = s.identity.trailing_blanks;
  o.text_bytes = s.limits.text_bytes;
  o.options_bytes = s.limits.options_bytes;
  return o;
}

page identity_page(const key_arguments& given) {
  const auto asked = request_of(given.asked);
  if (!asked) return complaint_of(exits::asked_wrongly, asked.why().detail);
  config::sources from;
  if (!given.file.empty()) from.file = given.file;
  from.environment = config::environment();
  from.overrides = given.overrides;
  const config::loaded settings = config::load(from);
  if (!settings.problems.empty()) return complaint_of(exits::asked_wrongly, config::render(settings.problems));
  const auto named = identifier(identities_by(settings.value)).identify(*asked);
  if (!named) return complaint_of(exits::asked_wrongly, named.why().detail);
  const std::string key = redis_key(settings.value.redis.prefix, asked->tenant, asked->operation, named->id);
  page out;
  out.facts.emplace_back("identity", key.substr(key.rfind(':') + 1));
  out.facts.emplace_back("redis_key", key);
  return out;
}

// A key a line, and an empty line for what has none, so that lines of input and output stay side by side.
page legacy_keys(const key_arguments& given, bool as_json) {
  legacy_arguments how = given.legacy;
  how.generation = given.generation;
  const auto options = legacy_options_of(how);
  if (!options) return complaint_of(exits::asked_wrongly, options.why().detail);
  const auto lines = input_lines::open("-");
  if (!lines) return complaint_of(exits::asked_wrongly, lines.why().detail);
  page out;
  out.is_written = true;
  std::string text;
  std::uint64_t refused = 0;
  outcome<bool> more = true;
  for (more = (*lines)->next(text); more && *more; more = (*lines)->next(text)) {
    outcome<std::string> key = fault{errc::too_large, "too long"};
    if (!(*lines)->is_too_long()) {
      const auto line = read_request_line(text, given.asked.given, foreign_members::passed_over);
      if (line) {
        key = legacy_key(line->asked, *options);
      } else {
        key = line.why();
      }
    }
    nlohmann::ordered_json told{{"line", (*lines)->number()}};
    if (key) {
      told["key"] = *key;
    } else {
      ++refused;
      told["error"] = key.why().detail;
      if (!as_json) std::cerr << "aicachectl: line " << (*lines)->number() << ": " << key.why().detail << '\n';
    }
    std::cout << (as_json ? told.dump() : key ? *key : "") << '\n';
    if ((*lines)->would_wait()) std::cout << std::flush;
  }
  std::cout << std::flush;
  if (!more) out.complaint = more.why().detail;
  if (refused > 0) out.complaint += (more ? "" : "; ") + std::string("lines without a key: ") + std::to_string(refused);
  if (!out.complaint.empty()) out.exit_code = exits::not_found;
  return out;
}

}  // namespace

void add_key_commands(CLI::App& program, page& answer) {
  const auto given = std::make_shared<key_arguments>();
  CLI::App& key = *program.add_subcommand(
      "key", "the names of a request: its identity and its key in Redis, by these settings; asks no node");
  take_request(key, given->asked);
  key.add_option("--file", given->file, "a file of settings: TOML, JSON or YAML")->type_name("FILE");
  key.add_option("--set", given->overrides, "a setting that wins over file and environment; as often as wanted")
      ->type_name("section.key=value")
      ->expected(1)
      ->take_all();
  key.add_flag(
      "--legacy{last}", given->generation,
      "instead, the Python cache's keys of requests that come as JSON lines on standard input: --legacy=first, "
      "=middle or =last (or by their letters, L, S, H) says which generation");
  take_legacy(key, given->legacy);
  key.callback([given, &program, &answer] {
    answer = given->generation.empty() ? identity_page(*given) : legacy_keys(*given, program.count("--json") > 0);
  });
}

}  // namespace aicache::app
