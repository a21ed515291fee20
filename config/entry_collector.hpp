#pragma once

#include "config/settings_file.hpp"

#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace aicache::config {

/// Makes the entries of a file from what a parser of nested tables (JSON, YAML) reports of it, in its order.
///
/// Shape      the root's tables are sections, their tables are values; what lies deeper is passed over, for its place
///            has already been noted as no value of a setting. A dotted key of the root is a section with a name
/// Fails      refuse() ends the collection: the first fault is the one that finish() tells, and nothing else
/// Invariant  no key is there twice
class entry_collector {
 public:
  void open_table(std::size_t line);
  void open_list(std::size_t line);
  void close();
  void key(const std::string& name, std::size_t line);
  void value(written::scalar v, std::size_t line);
  void refuse(std::string what, std::size_t line);
  bool is_refused() const { return !fault_.empty(); }

  /// `format` is the name of what the file should have been.
  file_contents finish(const std::string& format) &&;

 private:
  enum class place { root, section, table, passed_over };
  struct opened {
    place at;
    std::size_t line;
    std::size_t entries_before;
  };

  void add(written value, std::size_t line);

  std::vector<opened> open_;
  std::string section_;
  std::string name_;
  std::string entry_;
  std::size_t key_line_ = 0;
  written::table table_;
  std::set<std::string> seen_;
  std::vector<file_entry> entries_;
  std::string fault_;
  std::size_t fault_line_ = 0;
};

}  // namespace aicache::config
