#include <CLI/CLI.hpp>

#include <memory>

#include "actors/app/commands.hpp"
#include "actors/app/data_pages.hpp"
#include "actors/app/generic_pages.hpp"
#include "actors/app/node_session.hpp"

namespace aicache::app {

namespace {

/// Arguments of these commands; CLI11 fills them, and then calls back.
struct data_arguments {
  std::string node;
  request_arguments asked;
  std::string key;
  answer_arguments with;
  std::string ttl;
  bool verbose = false;
  bool lines = false;
};

using data_given = std::shared_ptr<data_arguments>;

CLI::App& data_command(CLI::App& program, const data_given& given, const char* name, const char* description) {
  CLI::App& command = *program.add_subcommand(name, description);
  take_node(command, given->node);
  take_request(command, given->asked);
  return command;
}

// For what stands under a key of the caller's own as well.
CLI::App& keyed_command(CLI::App& program, const data_given& given, const char* name, const char* description) {
  CLI::App& command = data_command(program, given, name, description);
  CLI::Option* key = command.add_option("--key", given->key, "a generic entry's key, in the place of a request");
  for (const char* other : {"--model", "--operation", "--text", "--text-file", "--options", "--question"})
    key->excludes(command.get_option(other));
  return command;
}

void take_lines(CLI::App& command, const data_given& given) {
  command.add_flag(
      "--lines", given->lines,
      "many at once: requests are JSON lines on standard input, with members named like these options; each is "
      "answered by a JSON line, and the exit code is 1 if one was refused");
}

void take_answer(CLI::App& command, const data_given& given) {
  answer_arguments& with = given->with;
  const auto value = command.add_option("--value", with.given.text, "the answer");
  command.add_option("--value-file", with.value_file, "the same from a file, byte for byte; - is standard input")
      ->type_name("FILE")
      ->excludes(value);
  command.add_option("--ttl", with.ttl, "its time to live; else as long as answers of its operation live")
      ->type_name("90s|5m|2h|...");
  command.add_option("--tag", with.tags, "a name by which it can be invalidated; as often as wanted")
      ->expected(1)
      ->take_all();
  command.add_option("--answer-model", with.given.model, "the model that really answered");
  command.add_option("--input-tokens", with.given.input_tokens, "tokens that the model read for it");
  command.add_option("--output-tokens", with.given.output_tokens, "tokens that the model wrote");
  command.add_option("--model-ms", with.given.model_ms, "milliseconds that the model took");
  command.add_flag("--write-through", with.write_through, "wait until Redis has it");
}

}  // namespace

void add_data_commands(CLI::App& program, page& answer) {
  const auto given = std::make_shared<data_arguments>();

  CLI::App& get = keyed_command(program, given, "get", "the answer to a request, or what stands under a key");
  get.add_flag("--verbose", given->verbose, "also where it was, how old it is, how long it lives on, what it cost");
  take_lines(get, given);
  get.callback([given, &get, &program, &answer] {
    const bool with_facts = given->verbose || program.count("--json") > 0;
    if (get.count("--key") > 0) {
      answer = get_entry_page(given->node, {given->asked.given.tenant, given->key}, with_facts);
      return;
    }
    answer = given->lines ? answer_lines(call_kind::get, given->node, given->asked, false)
                          : get_page(given->node, given->asked, with_facts);
  });

  CLI::App& put = data_command(program, given, "put", "stores the answer to a request");
  take_answer(put, given);
  take_lines(put, given);
  put.callback([given, &put, &answer] {
    given->with.has_value = put.count("--value") > 0;
    answer = given->lines ? answer_lines(call_kind::put, given->node, given->asked, given->with.write_through)
                          : put_page(given->node, given->asked, given->with);
  });

  const std::pair<const char*, const char*> simple[] = {
      {"delete", "forgets the answer to a request, or what stands under a key"},
      {"exists", "whether there is an answer to a request, or something under a key"},
      {"ttl", "how long the answer to a request, or what stands under a key, lives on"}};
  const call_kind kinds[] = {call_kind::erase, call_kind::exists, call_kind::time_left};
  for (std::size_t i = 0; i < std::size(simple); ++i) {
    CLI::App& command = keyed_command(program, given, simple[i].first, simple[i].second);
    take_lines(command, given);
    command.callback([given, &command, &answer, kind = kinds[i]] {
      if (command.count("--key") > 0) {
        answer = entry_page(kind, given->node, {given->asked.given.tenant, given->key});
        return;
      }
      answer = given->lines ? answer_lines(kind, given->node, given->asked, false)
                            : key_page(kind, given->node, given->asked);
    });
  }

  CLI::App& touch = keyed_command(program, given, "touch",
                                  "gives the answer to a request, or what stands under a key, a new time to live");
  touch.add_option("--ttl", given->ttl, "how long it lives, counted from now")->type_name("90s|5m|2h|...")->required();
  touch.callback([given, &touch, &answer] {
    answer = touch.count("--key") > 0
                 ? touch_entry_page(given->node, {given->asked.given.tenant, given->key}, given->ttl)
                 : touch_page(given->node, given->asked, given->ttl);
  });
}

}  // namespace aicache::app
