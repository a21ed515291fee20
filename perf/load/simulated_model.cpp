#include "perf/load/simulated_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace aicache::perf {

namespace {

// The shape of the sizes: half of the answers are below the median, one in six above e^spread times that.
constexpr double median_bytes = 650;
constexpr double spread = 0.8;
constexpr double shortest = 120;
constexpr double longest = 24'000;
constexpr std::uint32_t bytes_per_token = 4;
// A hosted model of middle size: what it costs to begin an answer, and to write one token of it.
constexpr std::uint32_t first_token_ms = 250;
constexpr std::uint32_t token_ms = 12;

constexpr std::array<std::string_view, 32> phrases = {"the customer may open the settings page ",
                                                      "it is enough to name the order number, ",
                                                      "according to the notes ",
                                                      "nothing else has to be changed. ",
                                                      "In most cases ",
                                                      "a new part is sent within two days, ",
                                                      "which costs nothing during the first year. ",
                                                      "The text speaks of ",
                                                      "an early delivery and a friendly answer. ",
                                                      "On the whole ",
                                                      "the writer is content, ",
                                                      "though the cable is called too short. ",
                                                      "Whoever shares the account ",
                                                      "sees the change at once. ",
                                                      "Three points matter: ",
                                                      "the shell is tight, ",
                                                      "the battery lasts longer, ",
                                                      "and worn parts can be ordered singly. ",
                                                      "If that does not help, ",
                                                      "the station in the hallway should be restarted. ",
                                                      "Please keep the receipt until ",
                                                      "the refund has arrived. ",
                                                      "No data leaves the house ",
                                                      "unless the owner agrees. ",
                                                      "For travel ",
                                                      "the adapter of the newer kind is advised, ",
                                                      "because the older one grows warm. ",
                                                      "The answer is yes, ",
                                                      "with one exception: ",
                                                      "orders of more than ten pieces ",
                                                      "are handled by a person. ",
                                                      "The schedule can be moved by an hour. "};

std::uint64_t step(std::uint64_t& state) {
  std::uint64_t x = state += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// The sum of twelve uniform numbers is as good as normal here, and the same on every machine.
std::size_t size_of_answer(std::uint64_t& state) {
  double normal = -6;
  for (int i = 0; i < 12; ++i) normal += static_cast<double>(step(state) >> 11) * 0x1p-53;
  return static_cast<std::size_t>(std::clamp(median_bytes * std::exp(spread * normal), shortest, longest));
}

void append_hex(std::string& to, std::uint64_t x) {
  for (int shift = 60; shift >= 0; shift -= 4) to.push_back("0123456789abcdef"[(x >> shift) & 15]);
}

}  // namespace

const response& simulated_model::answer(const asked& a) {
  std::uint64_t state = a.fingerprint;
  const std::size_t size = size_of_answer(state);
  const bool as_json = step(state) % 2 == 0;
  const std::string_view end = as_json ? "\"}" : ".";
  std::string& text = made_.text;
  text = as_json ? "{\"id\":\"" : "[";
  append_hex(text, a.fingerprint);
  text += as_json ? "\",\"confidence\":0.9,\"answer\":\"" : "] ";
  while (text.size() + end.size() < size) text.append(phrases[step(state) % phrases.size()]);
  text.resize(size - end.size());
  text.append(end);
  made_.model = a.what.model;
  made_.input_tokens = a.input_tokens;
  made_.output_tokens =
      a.output_tokens != 0 ? a.output_tokens : static_cast<std::uint32_t>(text.size()) / bytes_per_token;
  made_.model_ms = first_token_ms + token_ms * made_.output_tokens;
  return made_;
}

}  // namespace aicache::perf
