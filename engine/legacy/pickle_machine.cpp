#include "engine/legacy/pickle_machine.hpp"

#include <limits>
#include <utility>

namespace aicache {
namespace {

constexpr std::uint64_t newest_protocol = 5;

enum class duty { data, framing, calls };

struct opcode_row {
  const char* name = nullptr;  // null: no such opcode
  duty what = duty::data;
};

opcode_row row_of(pickle_opcode opcode) noexcept {
  switch (opcode) {
#define AICACHE_PICKLE_OPCODE(name, byte, python_name, what) \
  case pickle_opcode::name:                                  \
    return {python_name, duty::what};
#include "engine/legacy/pickle_opcodes.def"
#undef AICACHE_PICKLE_OPCODE
  }
  return {};
}

}  // namespace

outcome<pickle_machine::number> pickle_machine::run() {
  for (;;) {
    opcode_at_ = at_;
    std::string_view byte;
    if (!take(1, byte)) return why_;
    const auto opcode = static_cast<pickle_opcode>(byte.front());
    if (opcode == pickle_opcode::stop) break;
    if (!step(opcode)) return why_;
  }
  if (at_ != bytes_.size()) refuse("bytes behind the end");
  if (stack_.size() != 1 || !marks_.empty()) refuse("not one value at the end");
  if (why_.code != errc::none) return why_;
  return stack_.front();
}

bool pickle_machine::refuse(const char* what, errc code) {
  if (why_.code == errc::none) why_ = {code, std::string(what) + " at byte " + std::to_string(opcode_at_)};
  return false;
}

bool pickle_machine::refuse_call(pickle_opcode opcode) {
  return refuse((std::string(row_of(opcode).name) + " would call something").c_str(), errc::invalid_argument);
}

bool pickle_machine::charge(std::size_t bytes) {
  if (bytes > memory_) return refuse("more memory than allowed", errc::too_large);
  memory_ -= bytes;
  return true;
}

// -- the stack ---------------------------------------------------------------

bool pickle_machine::push(pickle_node node) {
  // Twice, because vectors grow by doubling.
  if (!charge(2 * sizeof(pickle_node))) return false;
  if (nodes_.size() == std::numeric_limits<number>::max()) return refuse("too many values", errc::too_large);
  nodes_.push_back(std::move(node));
  return push_number(static_cast<number>(nodes_.size() - 1));
}

bool pickle_machine::push_number(number n) {
  if (stack_.size() == stack_.capacity() && !charge(2 * sizeof(number) * (stack_.size() + 1))) return false;
  stack_.push_back(n);
  return true;
}

bool pickle_machine::top(number& out) {
  if (stack_.size() <= floor()) return refuse("the stack is empty");
  out = stack_.back();
  return true;
}

bool pickle_machine::pop(number& out) {
  if (!top(out)) return false;
  stack_.pop_back();
  return true;
}

bool pickle_machine::pop_marked(std::vector<number>& out) {
  if (marks_.empty()) return refuse("there is no mark");
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  out.assign(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return true;
}

/// Adds elements to the container on top.
bool pickle_machine::fill(kind into, std::vector<number> elements) {
  number container = 0;
  if (!top(container)) return false;
  pickle_node& node = nodes_[container];
  if (node.what != into) return refuse("an element of something else");
  if (into == kind::dict && elements.size() % 2 != 0) return refuse("a key without a value");
  if (!charge(2 * sizeof(number) * elements.size())) return false;
  node.elements.insert(node.elements.end(), elements.begin(), elements.end());
  return true;
}

/// Makes a container of what was taken from the stack.
bool pickle_machine::gather(kind what, std::vector<number> elements) {
  if (what == kind::dict && elements.size() % 2 != 0) return refuse("a key without a value");
  if (!charge(sizeof(number) * elements.size())) return false;
  pickle_node node;
  node.what = what;
  node.elements = std::move(elements);
  return push(std::move(node));
}

bool pickle_machine::gather_top(std::size_t count) {
  std::vector<number> elements(count);
  for (std::size_t i = count; i-- > 0;)
    if (!pop(elements[i])) return false;
  return gather(kind::tuple, std::move(elements));
}

bool pickle_machine::remember(std::uint64_t index) {
  number value = 0;
  if (!top(value) || !charge(64)) return false;
  memo_[index] = value;
  return true;
}

bool pickle_machine::recall(std::uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) return refuse("nothing at that place in the memo");
  return push_number(found->second);
}

// -- opcodes -----------------------------------------------------------------

bool pickle_machine::step(pickle_opcode opcode) {
  const opcode_row row = row_of(opcode);
  if (row.name == nullptr) return refuse("no such opcode");
  if (row.what == duty::calls) return refuse_call(opcode);
  std::uint64_t given = 0;
  number dropped = 0;
  switch (opcode) {
    case pickle_opcode::protocol:
      return take_number(1, given) && (given <= newest_protocol || refuse("a newer protocol"));
    case pickle_opcode::frame:
      return take_number(8, given) && (given <= bytes_.size() - at_ || refuse("a frame without its end"));
    case pickle_opcode::mark:
      if (!charge(2 * sizeof(std::size_t))) return false;
      marks_.push_back(stack_.size());
      return true;
    case pickle_opcode::pop:
      if (!marks_.empty() && marks_.back() == stack_.size()) {
        marks_.pop_back();
        return true;
      }
      return pop(dropped);
    case pickle_opcode::dup: return top(dropped) && push_number(dropped);
    case pickle_opcode::put_line:
    case pickle_opcode::put1:
    case pickle_opcode::put4:
    case pickle_opcode::memoize:
    case pickle_opcode::get_line:
    case pickle_opcode::get1:
    case pickle_opcode::get4: return step_memo(opcode);
    case pickle_opcode::pop_mark:
    case pickle_opcode::empty_list:
    case pickle_opcode::list:
    case pickle_opcode::append:
    case pickle_opcode::appends:
    case pickle_opcode::empty_tuple:
    case pickle_opcode::tuple:
    case pickle_opcode::tuple1:
    case pickle_opcode::tuple2:
    case pickle_opcode::tuple3:
    case pickle_opcode::empty_dict:
    case pickle_opcode::dict:
    case pickle_opcode::set_item:
    case pickle_opcode::set_items:
    case pickle_opcode::empty_set:
    case pickle_opcode::add_items:
    case pickle_opcode::frozen_set: return step_container(opcode);
    default: return step_scalar(opcode);
  }
}

bool pickle_machine::step_memo(pickle_opcode opcode) {
  std::uint64_t index = 0;
  switch (opcode) {
    case pickle_opcode::put_line: return take_index(index) && remember(index);
    case pickle_opcode::put1: return take_number(1, index) && remember(index);
    case pickle_opcode::put4: return take_number(4, index) && remember(index);
    case pickle_opcode::get_line: return take_index(index) && recall(index);
    case pickle_opcode::get1: return take_number(1, index) && recall(index);
    case pickle_opcode::get4: return take_number(4, index) && recall(index);
    default: return remember(memo_.size());
  }
}

bool pickle_machine::step_container(pickle_opcode opcode) {
  std::vector<number> marked;
  number key = 0;
  number value = 0;
  switch (opcode) {
    case pickle_opcode::pop_mark: return pop_marked(marked);
    case pickle_opcode::empty_list: return gather(kind::list, {});
    case pickle_opcode::empty_tuple: return gather(kind::tuple, {});
    case pickle_opcode::empty_dict: return gather(kind::dict, {});
    case pickle_opcode::empty_set: return gather(kind::set, {});
    case pickle_opcode::tuple1: return gather_top(1);
    case pickle_opcode::tuple2: return gather_top(2);
    case pickle_opcode::tuple3: return gather_top(3);
    case pickle_opcode::list: return pop_marked(marked) && gather(kind::list, std::move(marked));
    case pickle_opcode::tuple: return pop_marked(marked) && gather(kind::tuple, std::move(marked));
    case pickle_opcode::dict: return pop_marked(marked) && gather(kind::dict, std::move(marked));
    case pickle_opcode::frozen_set: return pop_marked(marked) && gather(kind::frozenset, std::move(marked));
    case pickle_opcode::append: return pop(value) && fill(kind::list, {value});
    case pickle_opcode::set_item: return pop(value) && pop(key) && fill(kind::dict, {key, value});
    case pickle_opcode::appends: return pop_marked(marked) && fill(kind::list, std::move(marked));
    case pickle_opcode::set_items: return pop_marked(marked) && fill(kind::dict, std::move(marked));
    default: return pop_marked(marked) && fill(kind::set, std::move(marked));
  }
}

}  // namespace aicache
