#include "engine/legacy/pickle_reader.hpp"

#include <string>
#include <unordered_set>

#include "engine/legacy/pickle_machine.hpp"

namespace aicache {
namespace {

using kind = python_value::kind;

/// Copies what a machine has made into a tree.
class tree_builder {
 public:
  tree_builder(const pickle_machine& machine, std::size_t memory) : machine_(machine), memory_(memory) {}

  enum class place : bool { anywhere, in_key };

  bool build(pickle_machine::number from, std::size_t depth, place where, python_value& out) {
    const pickle_node& node = machine_.at(from);
    // A value that holds itself is infinitely deep.
    if (depth > python_depth_limit) return refuse(errc::too_large, "nested too deeply, or within itself");
    if (where == place::in_key && (node.what == kind::list || node.what == kind::dict || node.what == kind::set))
      return refuse(errc::corrupt, "a key or an element of a set that may change");
    // Before anything is taken for it: shared parts come here once for each use, which may be very often.
    if (node.elements.size() > memory_ / sizeof(python_value)) return charge(memory_ + 1);
    if (!charge(node.elements.size() * sizeof(python_value) + node.text.size())) return false;
    out.what = node.what;
    out.truth = node.truth;
    out.number = node.number;
    out.text = node.text;
    out.elements.reserve(node.elements.size());
    const bool hashes = node.what == kind::set || node.what == kind::frozenset || where == place::in_key;
    for (std::size_t i = 0; i < node.elements.size(); ++i) {
      const bool is_key = hashes || (node.what == kind::dict && i % 2 == 0);
      if (!build(node.elements[i], depth + 1, is_key ? place::in_key : place::anywhere, out.elements.emplace_back()))
        return false;
    }
    return node.what != kind::dict || names_differ(out);
  }

  const fault& why() const noexcept { return why_; }

 private:
  bool refuse(errc code, const char* what) {
    why_ = {code, what};
    return false;
  }
  bool charge(std::size_t bytes) {
    if (bytes > memory_) return refuse(errc::too_large, "more memory than allowed");
    memory_ -= bytes;
    return true;
  }
  bool names_differ(const python_value& dict) {
    std::unordered_set<std::string_view> names;
    for (std::size_t i = 0; i < dict.elements.size(); i += 2)
      if (dict.elements[i].what == kind::text && !names.insert(dict.elements[i].text).second)
        return refuse(errc::corrupt, "two entries of one name");
    return true;
  }

  const pickle_machine& machine_;
  std::size_t memory_;
  fault why_{errc::none, {}};
};

}  // namespace

outcome<python_value> read_pickle(std::string_view bytes, const python_limits& limits) {
  pickle_machine machine(bytes, limits.memory_bytes);
  const auto root = machine.run();
  if (!root) return root.why();
  tree_builder builder(machine, limits.memory_bytes);
  python_value out;
  if (!builder.build(*root, 1, tree_builder::place::anywhere, out)) return builder.why();
  return out;
}

}  // namespace aicache
