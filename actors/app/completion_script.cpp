#include "actors/app/completion_script.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace aicache::app {

namespace {

/// What can stand behind a command: its own commands, and its options and those of the commands around it.
struct choice {
  std::string word;
  std::string description;
  bool is_option = false;
};
struct place {
  std::string path;  ///< the commands up to here, each with a blank before it
  std::vector<choice> choices;
};

void add_options_of(const CLI::App& command, std::vector<choice>& to) {
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) to.push_back({"--" + name, option->get_description(), true});
    for (const std::string& name : option->get_snames()) to.push_back({"-" + name, option->get_description(), true});
  }
}

void walk(const CLI::App& command, const std::string& path, const std::vector<choice>& from_around,
          std::vector<place>& out) {
  std::vector<choice> options;
  add_options_of(command, options);
  place here{path, {}};
  const auto commands = command.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* c : commands) here.choices.push_back({c->get_name(), c->get_description()});
  here.choices.insert(here.choices.end(), options.begin(), options.end());
  // --help of a command hides that of those around it.
  std::vector<choice> known = options;
  for (const choice& c : from_around)
    if (std::none_of(options.begin(), options.end(), [&](const choice& o) { return o.word == c.word; }))
      known.push_back(c);
  here.choices.insert(here.choices.end(), known.begin() + static_cast<std::ptrdiff_t>(options.size()), known.end());
  out.push_back(std::move(here));
  for (const CLI::App* c : commands) walk(*c, path + ' ' + c->get_name(), known, out);
}

std::vector<place> places_of(const CLI::App& program) {
  std::vector<place> all;
  walk(program, "", {}, all);
  return all;
}

/// The text within single quotes of a POSIX shell, each of `escaped` behind a backslash.
std::string in_single_quotes(std::string_view text, std::string_view escaped = "") {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
      continue;
    }
    if (escaped.find(c) != std::string_view::npos) out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + '\'';
}

/// The patterns of a `case` that goes on from one command to the next.
std::string paths_as_patterns(const std::vector<place>& all) {
  std::string out;
  for (const place& p : all)
    if (!p.path.empty()) out += (out.empty() ? "" : "|") + in_single_quotes(p.path);
  return out;
}

}  // namespace

std::string bash_completion(const CLI::App& program) {
  const auto all = places_of(program);
  std::string out =
      "_aicachectl() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} at= words= word i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${COMP_WORDS[i]}\n"
      "    case \"$at $word\" in\n      " +
      paths_as_patterns(all) +
      ") at=\"$at $word\" ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$at\" in\n";
  for (const place& p : all) {
    std::string words;
    for (const choice& c : p.choices) words += (words.empty() ? "" : " ") + c.word;
    out += "    " + in_single_quotes(p.path) + ") words=" + in_single_quotes(words) + " ;;\n";
  }
  return out +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -o default -F _aicachectl aicachectl\n";
}

std::string zsh_completion(const CLI::App& program) {
  const auto all = places_of(program);
  std::string out =
      "#compdef aicachectl\n"
      "_aicachectl() {\n"
      "  local at= word\n"
      "  local -a choices\n"
      "  for word in \"${(@)words[2,CURRENT-1]}\"; do\n"
      "    case \"$at $word\" in\n      " +
      paths_as_patterns(all) +
      ") at=\"$at $word\" ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$at\" in\n";
  for (const place& p : all) {
    out += "    " + in_single_quotes(p.path) + ") choices=(\n";
    for (const choice& c : p.choices) {
      // A colon ends the word; whatever follows the first one is its description.
      out += "      " + in_single_quotes(c.word, ":\\") + ':' + in_single_quotes(c.description) + '\n';
    }
    out += "    ) ;;\n";
  }
  return out +
         "  esac\n"
         "  _describe aicachectl choices || _files\n"
         "}\n"
         // Read by hand it declares itself; found by zsh, which takes the file for the function, it answers at once.
         "if [[ $funcstack[1] == _aicachectl ]]; then\n"
         "  _aicachectl \"$@\"\n"
         "else\n"
         "  compdef _aicachectl aicachectl\n"
         "fi\n";
}

std::string fish_completion(const CLI::App& program) {
  const auto all = places_of(program);
  // In fish a quoted text escapes with a backslash alone.
  const auto quoted = [](std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
      if (c == '\'' || c == '\\') out += '\\';
      out += c == '\n' ? ' ' : c;
    }
    return out + '\'';
  };
  std::string out =
      "function __aicachectl_is_at\n"
      "  set -l at ''\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    switch \"$at $word\"\n"
      "      case";
  for (const place& p : all)
    if (!p.path.empty()) out += ' ' + quoted(p.path);
  out +=
      "\n"
      "        set at \"$at $word\"\n"
      "    end\n"
      "  end\n"
      "  test \"$at\" = \"$argv[1]\"\n"
      "end\n";
  for (const place& p : all) {
    const std::string when = "complete -c aicachectl -n " + quoted("__aicachectl_is_at " + quoted(p.path));
    for (const choice& c : p.choices) {
      const bool is_long = c.word.starts_with("--");
      const std::string how = !c.is_option ? " -f -a " + quoted(c.word)
                              : is_long    ? " -l " + quoted(c.word.substr(2))
                                           : " -s " + quoted(c.word.substr(1));
      out += when + how + " -d " + quoted(c.description) + '\n';
    }
  }
  return out;
}

}  // namespace aicache::app
