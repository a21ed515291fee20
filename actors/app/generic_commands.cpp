#include <CLI/CLI.hpp>

#include <memory>

#include "actors/app/commands.hpp"
#include "actors/app/generic_pages.hpp"
#include "actors/app/node_session.hpp"

namespace aicache::app {

namespace {

struct generic_arguments {
  std::string node;
  entry_arguments with;
  std::string pattern;
  std::string after;
  std::uint64_t limit = 0;
};

}  // namespace

void add_generic_commands(CLI::App& program, page& answer) {
  const auto given = std::make_shared<generic_arguments>();
  entry_arguments& with = given->with;

  CLI::App& set = *program.add_subcommand("set", "keeps bytes under a key of the caller's own");
  take_node(set, given->node);
  set.add_option("--tenant", with.name.tenant, "whose key it is");
  set.add_option("--key", with.name.key, "the key; no request and no other tenant can have it")->required();
  const auto value = set.add_option("--value", with.value, "what to keep");
  set.add_option("--value-file", with.value_file, "the same from a file, byte for byte; - is standard input")
      ->type_name("FILE")
      ->excludes(value);
  set.add_option("--ttl", with.ttl, "its time to live; else ttl.default")->type_name("90s|5m|2h|...");
  set.add_option("--tag", with.tags, "a name by which it can be invalidated; as often as wanted")
      ->expected(1)
      ->take_all();
  set.add_flag("--write-through", with.write_through, "wait until Redis has it");
  set.callback([given, &set, &answer] {
    given->with.has_value = set.count("--value") > 0;
    answer = set_entry_page(given->node, given->with);
  });

  CLI::App& keys =
      *program.add_subcommand("keys", "the keys of a tenant's generic entries that fit a pattern, in order");
  take_node(keys, given->node);
  keys.add_option("--tenant", with.name.tenant, "whose keys");
  keys.add_option("pattern", given->pattern,
                  "* any bytes, ? one, [a-c] [^a-c] one of these or none, \\ the next as it is")
      ->required();
  keys.add_option("--after", given->after, "only keys behind this one");
  keys.add_option("--limit", given->limit, "so many at most; else all");
  keys.callback([given, &answer] {
    answer = keys_page(given->node, given->with.name.tenant, given->pattern, given->after, given->limit);
  });
}

}  // namespace aicache::app
