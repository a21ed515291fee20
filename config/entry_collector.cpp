#include "config/entry_collector.hpp"

#include <utility>

namespace aicache::config {

void entry_collector::open_table(std::size_t line) {
  place next = place::passed_over;
  if (open_.empty()) {
    next = place::root;
  } else if (open_.back().at == place::root) {
    next = name_.empty() ? place::section : place::table;
  } else if (open_.back().at == place::section) {
    next = place::table;
  } else if (open_.back().at == place::table) {
    value(written::unsuitable{"a table"}, line);
  }
  if (next == place::table) table_.clear();
  open_.push_back({next, next == place::root ? line : key_line_, entries_.size()});
}

void entry_collector::open_list(std::size_t line) {
  if (open_.empty()) refuse("it must hold tables of settings, and holds a list", line);
  value(written::unsuitable{"a list"}, line);
  open_.push_back({place::passed_over, line, entries_.size()});
}

void entry_collector::close() {
  if (open_.empty()) return;
  const opened closed = open_.back();
  open_.pop_back();
  if (closed.at == place::table) {
    add({std::exchange(table_, {}), true}, closed.line);
  } else if (closed.at == place::section && entries_.size() == closed.entries_before) {
    name_.clear();
    add({written::table{}, true}, closed.line);
  }
}

void entry_collector::key(const std::string& name, std::size_t line) {
  if (open_.empty() || open_.back().at == place::passed_over) return;
  key_line_ = line;
  std::string path = name;
  if (open_.back().at == place::root) {
    const std::size_t dot = name.find('.');
    section_ = name.substr(0, dot);
    name_ = dot == std::string::npos ? "" : name.substr(dot + 1);
  } else if (open_.back().at == place::section) {
    name_ = name;
    path = section_ + '.' + name;
  } else {
    entry_ = name;
    path = section_ + '.' + name_ + '.' + name;
  }
  if (name.empty()) return refuse("a key is empty", line);
  if (!seen_.insert(path).second) refuse("the key " + in_short_quotes(path) + " is there twice", line);
}

void entry_collector::value(written::scalar v, std::size_t line) {
  if (open_.empty()) {
    // A file without anything in it is a null to both formats.
    const auto* other = std::get_if<written::unsuitable>(&v);
    if (other == nullptr || other->what != "null") refuse("it must hold tables of settings, and holds one value", line);
  } else if (open_.back().at == place::table) {
    table_.insert_or_assign(entry_, std::move(v));
  } else if (open_.back().at != place::passed_over) {
    written out{written::unsuitable{}, true};
    std::visit([&out](auto&& scalar) { out.value = std::move(scalar); }, std::move(v));
    add(std::move(out), key_line_);
  }
}

void entry_collector::refuse(std::string what, std::size_t line) {
  if (is_refused()) return;
  fault_ = std::move(what);
  fault_line_ = line;
}

void entry_collector::add(written value, std::size_t line) {
  const bool above_sections = !open_.empty() && open_.back().at == place::root && name_.empty() &&
                              !std::holds_alternative<written::table>(value.value);
  if (above_sections)
    entries_.push_back({"", section_, line, std::move(value)});
  else
    entries_.push_back({section_, name_, line, std::move(value)});
}

file_contents entry_collector::finish(const std::string& format) && {
  if (!is_refused()) return {std::move(entries_), 0, "", ""};
  return unreadable("must be " + format + "; " + fault_, "correct the line; config/README.md shows an example",
                    fault_line_);
}

}  // namespace aicache::config
