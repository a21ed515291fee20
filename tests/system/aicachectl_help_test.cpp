#include "tests/support/aicachectl_run.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>
#include <sstream>

namespace aicache::aicachectl_help_test {
namespace {

using test::aicachectl;
using words = std::vector<std::string>;

/// What the help of a command says that can stand behind it.
struct described {
  std::set<std::string> commands;
  std::set<std::string> options;
};

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> all;
  for (std::string word; in >> word;) all.push_back(word);
  return all;
}

/// Reads the help of a command, checks it, and goes on with the commands below.
void read_help(const words& path, std::map<words, described>& all) {
  words asked = path;
  asked.push_back("--help");
  const auto help = aicachectl(asked);
  CAPTURE(path, help.out, help.errors);
  REQUIRE(help.code == 0);
  CHECK(help.out.find("Exit codes: 0 done; 1 ") != std::string::npos);
  std::istringstream lines(help.out);
  std::string line;
  // The first line is the command's description.
  REQUIRE(std::getline(lines, line));
  CHECK(line.size() > 10);
  described& here = all[path];
  bool among_commands = false;
  while (std::getline(lines, line)) {
    if (!line.starts_with(' ')) among_commands = line == "Subcommands:";
    const auto parts = words_of(line);
    if (parts.empty() || !line.starts_with("  ") || line.starts_with("   ")) continue;
    if (among_commands) {
      here.commands.insert(parts.front());
      // Each command says what it is for.
      CHECK(parts.size() > 2);
    } else if (parts.front().starts_with("-")) {
      std::istringstream names(parts.front());
      for (std::string name; std::getline(names, name, ',');)
        here.options.insert(name.substr(0, name.find_first_of("{")));
    }
  }
  CHECK(here.options.contains("--help"));
  for (const std::string& command : std::set<std::string>(here.commands)) {
    words below = path;
    below.push_back(command);
    read_help(below, all);
  }
}

const std::map<words, described>& whole_help() {
  static const std::map<words, described> all = [] {
    std::map<words, described> found;
    read_help({}, found);
    return found;
  }();
  return all;
}

/// What bash offers behind `typed`, whose last word is being written.
std::set<std::string> bash_offers(const std::string& script, const words& typed) {
  std::string input = script + "COMP_WORDS=(aicachectl";
  for (const std::string& word : typed) input += " '" + word + "'";
  input += ")\nCOMP_CWORD=" + std::to_string(typed.size()) +
           "\n_aicachectl\n[ ${#COMPREPLY[@]} = 0 ] || printf '%s\\n' \"${COMPREPLY[@]}\"\n";
  const test::scratch_folder folder;
  const std::string file = (folder.path() / "complete.bash").string();
  std::ofstream(file) << input;
  test::program bash({"/bin/bash", "--norc", file});
  REQUIRE(bash.end(std::chrono::seconds{10}) == 0);
  CHECK(bash.errors().empty());
  const auto all = words_of(bash.rest());
  return {all.begin(), all.end()};
}

}  // namespace

TEST_CASE("every command has a help that says what it does and how it ends", "[system][aicachectl]") {
  const auto& all = whole_help();
  for (const char* command : {"config", "get", "put", "delete", "exists", "ttl", "touch", "invalidate", "clear", "key",
                              "migrate", "completion"})
    CHECK(all.contains({command}));
  CHECK(all.contains({"config", "check"}));
  CHECK(all.at({"get"}).options.contains("--node"));
  CHECK(all.at({"key"}).options.contains("--legacy"));
}

TEST_CASE("a command that there is not is told with the one that was meant", "[system][aicachectl]") {
  const auto meant = [](words asked) {
    const auto r = aicachectl(std::move(asked));
    CHECK(r.code == 2);
    CHECK(r.out.empty());
    return r.errors.substr(0, r.errors.find('\n'));
  };
  CHECK(meant({"recomend"}) == "aicachectl: there is no command \"recomend\"; did you mean recommend?");
  CHECK(meant({"stats", "ledgr", "--json"}) == "aicachectl: there is no command \"ledgr\"; did you mean ledger?");
  CHECK(meant({"config"}) == "A subcommand is required");
}

TEST_CASE("every command stands in a test of this folder", "[system][aicachectl]") {
  std::vector<std::string> sources;
  for (const auto& entry : std::filesystem::directory_iterator(AICACHE_SOURCE_DIR "/tests/system")) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with("_test.cpp") || name == "aicachectl_help_test.cpp") continue;
    std::ifstream in(entry.path());
    sources.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  REQUIRE(sources.size() > 10);
  for (const auto& [path, known] : whole_help()) {
    // Completion is tested here.
    if (!known.commands.empty() || path.front() == "completion") continue;
    CAPTURE(path);
    CHECK(std::any_of(sources.begin(), sources.end(), [&path = path](const std::string& source) {
      return std::all_of(path.begin(), path.end(),
                         [&](const std::string& word) { return source.find('"' + word + '"') != std::string::npos; });
    }));
  }
}

TEST_CASE("completion for bash offers every command and option where it can stand", "[system][aicachectl]") {
  const auto script = aicachectl({"completion", "bash"});
  REQUIRE(script.code == 0);
  for (const auto& [path, known] : whole_help()) {
    words typed = path;
    typed.push_back("");
    const auto offered = bash_offers(script.out, typed);
    CAPTURE(path, offered);
    for (const std::string& command : known.commands) CHECK(offered.contains(command));
    for (const std::string& option : known.options) CHECK(offered.contains(option));
    // That of the program itself may stand anywhere.
    CHECK(offered.contains("--json"));
  }
  CHECK(bash_offers(script.out, {"inv"}) == std::set<std::string>{"invalidate"});
  CHECK(bash_offers(script.out, {"--json", "config", "di"}) == std::set<std::string>{"diff"});
  // A value that is called like a command is none.
  CHECK(bash_offers(script.out, {"get", "--operation", "get", "--verb"}) == std::set<std::string>{"--verbose"});
  // Nothing of ours: bash goes on with the names of files.
  CHECK(bash_offers(script.out, {"config", "check", "/etc/host"}).empty());
}

TEST_CASE("completion for zsh and fish names every command and option", "[system][aicachectl]") {
  const std::string zsh = aicachectl({"completion", "zsh"}).out;
  const std::string fish = aicachectl({"completion", "fish"}).out;
  CHECK(zsh.starts_with("#compdef aicachectl\n"));
  for (const auto& [path, known] : whole_help()) {
    std::string at;
    for (const std::string& command : path) at += " " + command;
    const auto block = zsh.find("    '" + at + "') choices=(\n");
    REQUIRE(block != std::string::npos);
    const std::string here = zsh.substr(block, zsh.find(") ;;", block) - block);
    const std::string when = "complete -c aicachectl -n '__aicachectl_is_at \\'" + at + "\\'' ";
    for (const std::string& command : known.commands) {
      CAPTURE(at, command);
      CHECK(here.find("'" + command + "':'") != std::string::npos);
      CHECK(fish.find(when + "-f -a '" + command + "' -d ") != std::string::npos);
    }
    for (const std::string& option : known.options) {
      CAPTURE(at, option);
      CHECK(here.find("'" + option + "':'") != std::string::npos);
      const std::string how = option.starts_with("--") ? "-l '" + option.substr(2) : "-s '" + option.substr(1);
      CHECK(fish.find(when + how + "' -d ") != std::string::npos);
    }
  }
  CHECK(aicachectl({"completion"}).code == 2);
  CHECK(aicachectl({"completion", "tcsh"}).code == 2);
}

}  // namespace aicache::aicachectl_help_test
