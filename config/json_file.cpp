#include "config/json_file.hpp"

#include "config/entry_collector.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <exception>
#include <iterator>
#include <limits>
#include <string_view>

namespace aicache::config {
namespace {

/// Walks over a text for the library and tells how many lines it has come: the library itself tells no positions.
class counting_iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  counting_iterator(const char* at, std::size_t* line) : at_(at), line_(line) {}
  reference operator*() const { return *at_; }
  counting_iterator& operator++() {
    *line_ += *at_++ == '\n';
    return *this;
  }
  counting_iterator operator++(int) {
    counting_iterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const counting_iterator& a, const counting_iterator& b) { return a.at_ == b.at_; }

 private:
  const char* at_;
  std::size_t* line_;
};

/// Hands what the library reads to the collector. Its names are the library's.
class json_events {
 public:
  json_events(std::string_view text, const std::size_t& line) : text_(text), line_(line) {}
  entry_collector collected;

  bool null() { return take(written::unsuitable{"null"}); }
  bool boolean(bool v) { return take(v); }
  bool number_integer(std::int64_t v) { return take(v); }
  bool number_unsigned(std::uint64_t v) {
    // Beyond what settings count in: as a real it is too large for every one of them.
    if (v > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return take(static_cast<double>(v));
    return take(static_cast<std::int64_t>(v));
  }
  bool number_float(double v, const std::string&) { return take(v); }
  bool string(std::string& v) { return take(v); }
  bool binary(nlohmann::json::binary_t&) { return take(written::unsuitable{"binary"}); }
  bool start_object(std::size_t) { return collected.open_table(line_), goes_on(); }
  bool key(std::string& name) { return collected.key(name, line_), goes_on(); }
  bool end_object() { return collected.close(), goes_on(); }
  bool start_array(std::size_t) { return collected.open_list(line_), goes_on(); }
  bool end_array() { return collected.close(), goes_on(); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
    // The library's own words repeat the file's text, which may be a secret.
    const std::string_view before = text_.substr(0, std::min(position == 0 ? 0 : position - 1, text_.size()));
    const auto lines = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
    const std::size_t column = before.size() - (lines == 0 ? 0 : before.rfind('\n') + 1);
    collected.refuse(position > text_.size()
                         ? "it breaks off"
                         : "what ends at character " + std::to_string(column + 1) + " of the line cannot stand there",
                     lines + 1);
    return false;
  }

 private:
  bool take(written::scalar v) { return collected.value(std::move(v), line_), goes_on(); }
  bool goes_on() const { return !collected.is_refused(); }

  std::string_view text_;
  const std::size_t& line_;
};

}  // namespace

file_contents parse_json(const std::string& text) {
  constexpr std::string_view blanks = " \t\r\n";
  // No settings, as an empty file of the other formats.
  if (text.find_first_not_of(blanks) == std::string::npos) return {};
  std::size_t line = 1;
  json_events events(text, line);
  try {
    nlohmann::json::sax_parse(counting_iterator(text.data(), &line),
                              counting_iterator(text.data() + text.size(), &line), &events);
  } catch (const std::exception&) {
    events.collected.refuse("it cannot be read", line);
  }
  return std::move(events.collected).finish("JSON");
}

}  // namespace aicache::config
