#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/client/response.hpp"
#include "engine/identity/request.hpp"
#include "engine/outcome.hpp"
#include "engine/types.hpp"

namespace aicache::app {

/// A request, and to put one its answer, as a line of JSON gives them.
struct request_line {
  request asked;
  std::optional<std::string> value;
  std::optional<duration> ttl;
  std::vector<std::string> tags;
  std::string answer_model;
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;
  std::uint32_t model_ms = 0;

  response answer() const { return {value.value_or(""), answer_model, input_tokens, output_tokens, model_ms}; }
};

/// What a member of a name that is not known is: a typing error that would change the meaning, or something that a log
/// holds beside.
enum class foreign_members : bool { refused, passed_over };

/// Reads one line.
///
/// Shape      operation, text      texts; the rest may be missing
///            tenant, model        texts; missing ones are those of `otherwise`, and so is a missing operation
///            options              an object, or null; question  a text, or null
///            value                a text: the answer; ttl  a text with its unit, "90s"; tags  a list of texts
///            answer_model         a text; input_tokens, output_tokens, model_ms  whole numbers
/// Fails      invalid_argument, too_large; the detail never repeats what the line holds
/// Invariant  numbers in options keep every digit: keys of the Python cache depend on them
outcome<request_line> read_request_line(std::string_view text, const request& otherwise, foreign_members others);

}  // namespace aicache::app
