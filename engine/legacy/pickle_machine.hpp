#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/legacy/python_value.hpp"
#include "engine/outcome.hpp"

namespace aicache {

enum class pickle_opcode : unsigned char {
#define AICACHE_PICKLE_OPCODE(name, byte, python_name, what) name = static_cast<unsigned char>(byte),
#include "engine/legacy/pickle_opcodes.def"
#undef AICACHE_PICKLE_OPCODE
};

/// A value that a pickle has made, its parts being others of the same machine's: they may be shared, and change after
/// they were put somewhere, as in Python.
struct pickle_node {
  python_value::kind what = python_value::kind::none;
  bool truth = false;
  double number = 0;
  std::string_view text;                ///< of the pickle's bytes, or of what the machine keeps
  std::vector<std::uint32_t> elements;  ///< as in python_value
};

/// Performs the opcodes of one pickle: a stack, marks on it, a memo, and the values made.
///
/// Owner      read_pickle, for one pickle; `bytes` outlives it
/// Invariant  a value's number is below the count of values made; memory stays below `memory` and a constant
class pickle_machine {
 public:
  using number = std::uint32_t;

  pickle_machine(std::string_view bytes, std::size_t memory) : bytes_(bytes), memory_(memory) {}

  /// The number of the value that the pickle stands for.
  outcome<number> run();

  const pickle_node& at(number n) const noexcept { return nodes_[n]; }

 private:
  using kind = python_value::kind;

  // Each of these returns false after the first that went wrong, which is kept in why_.
  bool refuse(const char* what, errc code = errc::corrupt);
  bool refuse_call(pickle_opcode opcode);
  bool charge(std::size_t bytes);
  bool step(pickle_opcode opcode);
  bool step_scalar(pickle_opcode opcode);
  bool step_container(pickle_opcode opcode);
  bool step_memo(pickle_opcode opcode);

  bool take(std::size_t count, std::string_view& out);
  bool take_number(std::size_t width, std::uint64_t& out);
  bool take_counted(std::size_t width, std::string_view& out);
  bool take_line(std::string_view& out);
  bool take_index(std::uint64_t& out);

  bool push(pickle_node node);
  bool push_number(number n);
  bool push_integer(std::string digits);
  bool push_integer_line(bool is_long);
  bool push_float_line();
  bool push_text(std::string_view text);
  bool push_ascii(std::string_view text);
  bool push_quoted_line();
  bool push_escaped_line();
  bool push_bytes(std::string_view bytes);
  bool keep(std::string text, std::string_view& out);

  std::size_t floor() const noexcept { return marks_.empty() ? 0 : marks_.back(); }
  bool top(number& out);
  bool pop(number& out);
  bool pop_marked(std::vector<number>& out);
  bool fill(kind into, std::vector<number> elements);
  bool gather(kind what, std::vector<number> elements);
  bool gather_top(std::size_t count);
  bool remember(std::uint64_t index);
  bool recall(std::uint64_t index);

  std::string_view bytes_;
  std::size_t memory_;
  std::size_t at_ = 0;
  std::size_t opcode_at_ = 0;
  std::vector<pickle_node> nodes_;
  std::vector<number> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint64_t, number> memo_;
  std::deque<std::string> kept_;  // texts that do not lie in the bytes as they are
  fault why_{errc::none, {}};
};

}  // namespace aicache
