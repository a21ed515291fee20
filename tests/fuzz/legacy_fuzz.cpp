// What another cache has left in Redis, and what a file of exported answers holds, are bytes of any kind: pickles, stored
// values and export lines. The first byte of an input chooses which. A mutator of our own writes opcodes of pickles, for
// by chance few of them meet the stack that they need.
#include <cstring>
#include <memory>

#include "engine/legacy/export_line.hpp"
#include "engine/legacy/legacy_value.hpp"
#include "engine/legacy/pickle_reader.hpp"
#include "engine/legacy/python_json.hpp"
#include "engine/legacy/python_repr.hpp"
#include "engine/legacy/python_text.hpp"
#include "tests/fuzz/fuzzing.hpp"

namespace {

using namespace aicache;
using fuzz::require;

constexpr python_limits limits{1 << 20};

bool is_refusal(errc code) {
  return code == errc::corrupt || code == errc::invalid_argument || code == errc::too_large;
}

/// The memory of a value as the limits count it; every byte of it is read.
std::size_t measured(const python_value& value, std::size_t depth) {
  require(depth <= python_depth_limit, "values nest within their bound");
  std::size_t bytes = sizeof(python_value) + value.text.size();
  if (value.what == python_value::kind::text)
    require(is_utf8(value.text, lone_surrogates::taken), "a text is UTF-8, but for surrogates");
  for (const python_value& e : value.elements) bytes += measured(e, depth + 1);
  return bytes;
}

/// JSON that we wrote means to us what it says.
void check_json(const std::string& json) {
  const auto back = read_python_json(json, {std::size_t{1} << 30});
  require(static_cast<bool>(back), "JSON that was written is read");
  std::string again;
  require(append_json(*back, again) && again == json, "and written as it was");
}

void check_value(const python_value& value) {
  require(measured(value, 1) <= limits.memory_bytes + sizeof(python_value), "a value keeps to its memory");
  std::string repr;
  append_python_repr(value, repr);
  require(is_utf8(repr, lone_surrogates::refused), "a repr is UTF-8");
  std::string json;
  if (append_json(value, json)) check_json(json);
}

void check_pickle(std::string_view bytes) {
  const auto value = read_pickle(bytes, limits);
  if (value) {
    check_value(*value);
  } else {
    require(is_refusal(value.why().code), "a pickle is read or refused");
  }
}

void check_stored(std::string_view bytes) {
  legacy_value_reader::options o;
  o.unpacked_bytes = 1 << 20;
  o.values = limits;
  legacy_value_reader reader(o);
  legacy_answer answer;
  if (reader.read(bytes, answer) == legacy_refusal::none) check_json(answer.response);
}

void check_line(std::string_view line) {
  const auto entry = read_export_line(line, 1);
  if (!entry) {
    require(entry.why().code == errc::corrupt || entry.why().code == errc::too_large, "a line is read or refused");
    return;
  }
  std::string again;
  require(static_cast<bool>(write_export_line(*entry, again)), "what was read is written");
  const auto back = read_export_line(std::string_view(again).substr(0, again.size() - 1), 1);
  require(back && *back == *entry, "and read again as it was");
}

/// An opcode of a pickle with what belongs to it.
std::string opcode(std::minstd_rand& random) {
  static constexpr std::string_view alone = "(((NN012]]}})))ttaaeessuuddll\x85\x86\x87\x88\x89\x8f\x90\x91\x94\x94.";
  static constexpr std::string_view lines = "IFLVSgp";
  static constexpr std::string_view counted = "KqhUC\x8a\x8c";
  const auto small = static_cast<char>(fuzz::below(random, 6));
  switch (fuzz::below(random, 6)) {
    case 0:
      return std::string(1, lines[fuzz::below(random, lines.size())]) + std::to_string(fuzz::below(random, 4)) + "\n";
    case 1:
      return std::string(1, counted[fuzz::below(random, counted.size())]) + small +
             std::string("abcdef").substr(0, static_cast<std::size_t>(small));
    case 2: return std::string("\x8c\x01") + static_cast<char>('a' + small);
    default: return std::string(1, alone[fuzz::below(random, alone.size())]);
  }
}

std::string fresh(std::minstd_rand& random) {
  switch (fuzz::below(random, 4)) {
    case 0: {
      export_entry e;
      e.tenant = "t";
      e.payload.assign(fuzz::below(random, 20), static_cast<char>(random()));
      e.tags.assign(fuzz::below(random, 3), random());
      std::string line;
      require(static_cast<bool>(write_export_line(e, line)), "an entry is written");
      return '\2' + line.substr(0, line.size() - 1);
    }
    case 1: return std::string("\1rawj:{\"a\":[1,2.5,null],\"ai_version\":\"x\"}");
    case 2: return std::string("\1raw:}Va\nNs.");
    default: return std::string("\0}(Va\nI1\nVb\n](NNeu.", 19);
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  std::minstd_rand random(seed);
  if (max_size < 512) return LLVMFuzzerMutate(data, size, max_size);
  std::string input(reinterpret_cast<const char*>(data), size);
  if (size < 2 || fuzz::below(random, 64) == 0) return fuzz::give(fresh(random), data, max_size);
  if (fuzz::below(random, 2) == 0) {
    fuzz::mutate(input, max_size);
  } else {
    const std::size_t at = 1 + fuzz::below(random, input.size());
    input.insert(std::min(at, input.size()), opcode(random));
  }
  return fuzz::give(input, data, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // A copy of exactly this size: a read past the end is seen by the address sanitizer.
  const auto exact = std::make_unique<char[]>(size - 1);
  std::memcpy(exact.get(), data + 1, size - 1);
  const std::string_view given{exact.get(), size - 1};
  switch (data[0] % 3) {
    case 0: check_pickle(given); break;
    case 1: check_stored(given); break;
    default: check_line(given);
  }
  return 0;
}
