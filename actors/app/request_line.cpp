#include "actors/app/request_line.hpp"

#include <charconv>
#include <system_error>
#include <utility>

#include "config/value_text.hpp"
#include "engine/legacy/python_json.hpp"

namespace aicache::app {

namespace {

using value_kind = python_value::kind;

/// Takes the members of one line, one by one; remembers the first thing that is wrong.
class member_taker {
 public:
  member_taker(request_line& to, foreign_members others) : to_(to), others_(others) {}

  void take(const python_value& name, python_value& value) {
    if (name.what != value_kind::text || !wrong.empty()) return;
    const std::string& n = name.text;
    const std::pair<const char*, std::string*> texts[] = {{"tenant", &to_.asked.tenant},
                                                          {"model", &to_.asked.model},
                                                          {"operation", &to_.asked.operation},
                                                          {"text", &to_.asked.text},
                                                          {"answer_model", &to_.answer_model}};
    for (const auto& [known, place] : texts)
      if (n == known) return text(known, value, *place);
    const std::pair<const char*, std::uint32_t*> numbers[] = {
        {"input_tokens", &to_.input_tokens}, {"output_tokens", &to_.output_tokens}, {"model_ms", &to_.model_ms}};
    for (const auto& [known, place] : numbers)
      if (n == known) return number(known, value, *place);
    if (n == "question") return question(value);
    if (n == "options") return options(value);
    if (n == "value") return text("value", value, to_.value.emplace());
    if (n == "ttl") return ttl(value);
    if (n == "tags") return tags(value);
    if (others_ == foreign_members::refused) wrong = "a member that is not known";
  }

  std::string wrong;

 private:
  void text(const char* name, python_value& value, std::string& place) {
    if (value.what != value_kind::text) {
      wrong = std::string(name) + " is no text";
    } else {
      place = std::move(value.text);
    }
  }

  void number(const char* name, const python_value& value, std::uint32_t& place) {
    const std::string& digits = value.text;
    const auto end = digits.data() + digits.size();
    const auto [stop, why] = std::from_chars(digits.data(), end, place);
    if (value.what != value_kind::integer || why != std::errc{} || stop != end)
      wrong = std::string(name) + " is no whole number from 0 to 4294967295";
  }

  void question(python_value& value) {
    if (value.what != value_kind::none) text("question", value, to_.asked.question);
  }

  void options(const python_value& value) {
    to_.asked.options.clear();
    if (value.what == value_kind::none) return;
    if (value.what != value_kind::dict) {
      wrong = "options is no object";
    } else if (!append_json(value, to_.asked.options)) {
      wrong = "options hold a number or a text that JSON has no word for";
    }
  }

  void ttl(const python_value& value) {
    const auto read = value.what == value_kind::text ? config::read_time(value.text)
                                                     : config::parsed<std::chrono::milliseconds>{{}, "is no text"};
    if (!read.value) {
      wrong = "ttl " + read.refusal;
    } else {
      to_.ttl = *read.value;
    }
  }

  void tags(python_value& value) {
    if (value.what != value_kind::list) {
      wrong = "tags is no list";
      return;
    }
    for (python_value& tag : value.elements) text("a tag", tag, to_.tags.emplace_back());
  }

  request_line& to_;
  foreign_members others_;
};

}  // namespace

outcome<request_line> read_request_line(std::string_view text, const request& otherwise, foreign_members others) {
  auto line = read_python_json(text, {}, repeated_names::refused);
  if (!line) return line.why();
  if (line->what != value_kind::dict) return fault{errc::invalid_argument, "not a JSON object"};
  request_line out;
  out.asked = otherwise;
  member_taker taker(out, others);
  for (std::size_t i = 0; i + 1 < line->elements.size(); i += 2) taker.take(line->elements[i], line->elements[i + 1]);
  if (!taker.wrong.empty()) return fault{errc::invalid_argument, taker.wrong};
  if (out.asked.operation.empty()) return fault{errc::invalid_argument, "no operation"};
  return out;
}

}  // namespace aicache::app
