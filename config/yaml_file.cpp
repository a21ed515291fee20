#include "config/yaml_file.hpp"

#include "config/entry_collector.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <charconv>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>

namespace aicache::config {
namespace {

constexpr std::string_view text_tag = "tag:yaml.org,2002:str";

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const auto word : words)
    if (text == word) return true;
  return false;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0o")) {
    base = text[1] == 'x' ? 16 : 8;
    text.remove_prefix(2);
    if (text.starts_with('-')) return std::nullopt;
  } else if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> real_number(std::string_view text) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  if (is_one_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) return infinite;
  if (is_one_of(text, {"-.inf", "-.Inf", "-.INF"})) return -infinite;
  if (is_one_of(text, {".nan", ".NaN", ".NAN"})) return std::numeric_limits<double>::quiet_NaN();
  if (text.starts_with('+')) text.remove_prefix(1);
  // from_chars also takes words such as "inf", which are texts here.
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return infinite;
  return error == std::errc{} ? std::optional(number) : std::nullopt;
}

/// What a scalar without quotation marks means, by the core schema.
written::scalar meaning_of(const std::string& text) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return written::unsuitable{"null"};
  if (is_one_of(text, {"true", "True", "TRUE"})) return true;
  if (is_one_of(text, {"false", "False", "FALSE"})) return false;
  if (const auto number = whole_number(text)) return *number;
  if (const auto number = real_number(text)) return *number;
  return text;
}

/// Hands what the library reads to the collector; the library does not tell a key from a value. Names are the library's.
class yaml_events : public YAML::EventHandler {
 public:
  entry_collector collected;

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) collected.refuse("it must be one document, and a second one begins", line_of(mark));
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { scalar(mark, "", written::unsuitable{"null"}); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    collected.refuse("a settings file has no anchors", line_of(mark));
  }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    collected.refuse("a settings file has no anchors", line_of(mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    const bool is_plain = tag == "?" || tag.empty();
    if (is_plain) return scalar(mark, value, meaning_of(value));
    if (tag == "!" || tag == text_tag) return scalar(mark, value, value);
    collected.refuse("a settings file has no tags", line_of(mark));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    if (!begins_value(mark)) return;
    collected.open_list(line_of(mark));
    open_.push_back({false, false});
  }
  void OnSequenceEnd() override { ended(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    if (!begins_value(mark)) return;
    collected.open_table(line_of(mark));
    open_.push_back({true, true});
  }
  void OnMapEnd() override { ended(); }

 private:
  struct opened {
    bool is_table;
    bool awaits_key;
  };

  static std::size_t line_of(const YAML::Mark& mark) {
    return mark.line < 0 ? 0 : static_cast<std::size_t>(mark.line) + 1;
  }

  bool begins_value(const YAML::Mark& mark) {
    if (!open_.empty() && open_.back().awaits_key) collected.refuse("keys must be plain texts", line_of(mark));
    return !collected.is_refused();
  }
  void scalar(const YAML::Mark& mark, const std::string& text, written::scalar value) {
    if (collected.is_refused()) return;
    if (open_.empty() || !open_.back().awaits_key) {
      collected.value(std::move(value), line_of(mark));
      if (!open_.empty()) open_.back().awaits_key = open_.back().is_table;
    } else {
      collected.key(text, line_of(mark));
      open_.back().awaits_key = false;
    }
  }
  void ended() {
    if (collected.is_refused()) return;
    collected.close();
    open_.pop_back();
    if (!open_.empty()) open_.back().awaits_key = open_.back().is_table;
  }

  std::vector<opened> open_;
  int documents_ = 0;
};

}  // namespace

file_contents parse_yaml(const std::string& text) {
  yaml_events events;
  // The library misses a quotation mark that is never closed when the text ends in a new line.
  std::istringstream stream(text.substr(0, text.find_last_not_of(" \t\r\n") + 1));
  try {
    YAML::Parser parser(stream);
    while (!events.collected.is_refused() && parser.HandleNextDocument(events)) {
    }
  } catch (const YAML::ParserException& e) {
    // What follows a colon may be the file's own text.
    const std::size_t line = e.mark.line < 0 ? 0 : static_cast<std::size_t>(e.mark.line) + 1;
    events.collected.refuse(e.msg.substr(0, e.msg.find(':')), line);
  } catch (const std::exception&) {
    events.collected.refuse("it cannot be read", 0);
  }
  return std::move(events.collected).finish("YAML");
}

}  // namespace aicache::config
