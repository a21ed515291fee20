#pragma once

#include <string>
#include <utility>
#include <vector>

namespace aicache::app {

/// How a command of aicachectl ends.
namespace exits {
inline constexpr int done = 0;
inline constexpr int not_found = 1;  ///< or a check failed, or part of the work was refused
inline constexpr int asked_wrongly = 2;
inline constexpr int unreachable = 3;  ///< the node, or the Redis that is read from
/// What the help of every command says of them.
inline constexpr const char* in_words =
    "Every command answers in JSON with --json, which may stand before or behind it.\n"
    "Exit codes: 0 done; 1 not found, a check failed, or something was refused; 2 asked wrongly; 3 cannot be reached, "
    "or "
    "does not answer";
}  // namespace exits

/// What a command of aicachectl answers: the same facts and tables as text for people and as JSON for programs.
struct page {
  /// A table is laid out in columns, or, where its cells are sentences, with each row as a block of lines.
  enum class layout { columns, blocks };
  struct table {
    std::string name;
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> rows;
    layout how = layout::columns;
  };

  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<table> tables;
  std::string text;         ///< a whole page of its own, such as a TOML file; in JSON the member "text"
  std::string json;         ///< where it is not empty: the whole page in JSON, in the place of all else
  std::string complaint;    ///< what went wrong, for standard error; in JSON the member "error"
  bool is_written = false;  ///< the command has written its answer itself, line by line
  int exit_code = exits::done;
};

/// The page of what could not be done.
page complaint_of(int exit_code, std::string why);

/// Empty tables are left out; a table has its name above it when the page holds more than one.
std::string to_text(const page& p);

/// {"fact": "...", "table": [{"column": "..."}]}; empty tables are empty lists.
std::string to_json(const page& p);

}  // namespace aicache::app
