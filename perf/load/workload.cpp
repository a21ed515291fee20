#include "perf/load/workload.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "perf/input_file.hpp"

namespace aicache::perf {

namespace {

using nlohmann::json;

// The usual rule of thumb for English: a token is four bytes.
constexpr std::size_t letters_per_token = 4;
constexpr const char* default_tenant = "load";
constexpr const char* default_model = "simulated-1";

// Requests that mean the same must get the same answer, and 2.0 means 2 in JSON. Members are sorted by the library.
// This is another implementation than the cache's on purpose: it is what the cache is checked against.
void spell_alike(json& value) {
  constexpr double exact = 9007199254740992.0;
  if (value.is_number_float()) {
    const double x = value.get<double>();
    if (std::floor(x) == x && std::fabs(x) <= exact) value = static_cast<std::int64_t>(x);
  } else if (value.is_structured()) {
    for (json& inner : value) spell_alike(inner);
  }
}

std::string alike(const std::string& options) {
  json parsed = json::parse(options, nullptr, false);
  if (options.empty() || parsed.is_discarded()) return "{}";
  spell_alike(parsed);
  return parsed.dump();
}

std::uint64_t fingerprint_of(const request& r) {
  std::uint64_t all = 0;
  const std::string options = alike(r.options);
  for (const std::string* field : {&r.tenant, &r.model, &r.operation, &r.text, &options, &r.question})
    all = XXH3_64bits_withSeed(field->data(), field->size(), all + 1);
  return all;
}

// Reads one member of a line; false with `why` set when it is there and of another type.
bool read(const json& line, const char* name, std::string& to, std::string& why) {
  const auto at = line.find(name);
  if (at == line.end()) return true;
  if (!at->is_string()) {
    why = std::string(name) + " is not a string";
    return false;
  }
  to = at->get<std::string>();
  return true;
}

template <class Number>
bool read(const json& line, const char* name, Number& to, std::string& why) {
  const auto at = line.find(name);
  if (at == line.end()) return true;
  const bool fits = at->is_number_unsigned() && at->get<std::uint64_t>() <= UINT32_MAX;
  if (!fits) {
    why = std::string(name) + " is not a number from 0 to 4294967295";
    return false;
  }
  to = static_cast<Number>(at->get<std::uint64_t>());
  return true;
}

std::optional<asked> parse(const std::string& text, std::string& why) {
  const json line = json::parse(text, nullptr, false);
  if (line.is_discarded()) {
    why = "not JSON in UTF-8";
    return std::nullopt;
  }
  if (!line.is_object()) {
    why = "not a JSON object";
    return std::nullopt;
  }
  asked a;
  a.what.tenant = default_tenant;
  a.what.model = default_model;
  const bool right = read(line, "operation", a.what.operation, why) && read(line, "key", a.what.text, why) &&
                     read(line, "text", a.what.text, why) && read(line, "tenant", a.what.tenant, why) &&
                     read(line, "model", a.what.model, why) && read(line, "question", a.what.question, why) &&
                     read(line, "t_ms", a.t_ms, why) && read(line, "input_tokens", a.input_tokens, why) &&
                     read(line, "output_tokens", a.output_tokens, why);
  if (!right) return std::nullopt;
  if (a.what.operation.empty()) why = "no operation";
  if (a.what.text.empty()) why = "no text";
  if (const auto options = line.find("options"); options != line.end()) {
    if (!options->is_object()) why = "options is not an object";
    a.what.options = options->dump();
  }
  if (!why.empty()) return std::nullopt;
  return a;
}

}  // namespace

void workload::add(asked line) {
  line.fingerprint = fingerprint_of(line.what);
  const auto known = std::find(operations.rbegin(), operations.rend(), line.what.operation);
  line.operation = static_cast<std::uint32_t>(operations.rend() - known - 1);
  if (known == operations.rend()) {
    line.operation = static_cast<std::uint32_t>(operations.size());
    operations.push_back(line.what.operation);
  }
  if (line.input_tokens == 0)
    line.input_tokens =
        static_cast<std::uint32_t>((line.what.text.size() + line.what.question.size()) / letters_per_token + 1);
  lines.push_back(std::move(line));
}

outcome<workload> read_workload(const std::string& path) {
  auto file = input_file::open(path);
  if (!file) return file.why();
  line_reader reader(std::move(*file));
  workload all;
  all.name = bare_name(path);
  std::string text;
  for (std::uint64_t number = 1;; ++number) {
    const auto more = reader.next(text);
    if (!more) return fault{more.why().code, path + ": " + more.why().detail};
    if (!*more) break;
    if (text.empty()) continue;
    std::string why;
    if (auto line = parse(text, why)) {
      all.add(std::move(*line));
      continue;
    }
    ++all.malformed;
    if (all.complaints.size() < workload::shown_complaints)
      all.complaints.push_back("line " + std::to_string(number) + ": " + why);
  }
  if (all.lines.empty()) {
    std::string detail = path + ": no usable line";
    for (const std::string& complaint : all.complaints) detail += "\n  " + complaint;
    return fault{errc::invalid_argument, detail};
  }
  all.timed = std::all_of(all.lines.begin(), all.lines.end(), [](const asked& a) { return a.t_ms >= 0; });
  if (all.timed)
    std::stable_sort(all.lines.begin(), all.lines.end(),
                     [](const asked& a, const asked& b) { return a.t_ms < b.t_ms; });
  return all;
}

}  // namespace aicache::perf
