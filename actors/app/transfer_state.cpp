#include "actors/app/transfer_state.hpp"

#include <filesystem>

#include "actors/app/request_arguments.hpp"
#include "actors/app/whole_file.hpp"

namespace aicache::app {

namespace {
using state_object = nlohmann::ordered_json;
constexpr std::uint64_t transfer_version = 1;
}  // namespace

outcome<void> write_transfer_state(const std::string& path, const transfer_state& s) {
  state_object out{{"version", transfer_version},
                   {"task", s.task},
                   {"bytes", s.bytes},
                   {"line", s.line},
                   {"cursor", s.cursor},
                   {"redis_done", s.redis_done},
                   {"shard", s.shard},
                   {"walk", s.place.walk},
                   {"bucket", s.place.cursor},
                   {"is_done", s.is_done},
                   {"first_malformed", s.first_malformed},
                   {"counts", state_object::object()}};
  for (const auto& [name, n] : s.counts) out["counts"][name] = n;
  return replace_file(path, out.dump(2, ' ', false, state_object::error_handler_t::replace) + '\n');
}

outcome<transfer_state> read_transfer_state(const std::string& path, const std::string& task) {
  transfer_state s;
  s.task = task;
  if (!std::filesystem::exists(path)) return s;
  const auto text = whole_file(path);
  if (!text) return text.why();
  const auto in = state_object::parse(*text, nullptr, false);
  const fault none{errc::invalid_argument, path + ": not the state of an export or import"};
  std::uint64_t v = 0;
  if (!in.is_object() || !take(in, "version", v) || v != transfer_version || !take(in, "task", s.task) ||
      !take(in, "bytes", s.bytes) || !take(in, "line", s.line) || !take(in, "cursor", s.cursor) ||
      !take(in, "redis_done", s.redis_done) || !take(in, "shard", s.shard) || !take(in, "walk", s.place.walk) ||
      !take(in, "bucket", s.place.cursor) || !take(in, "is_done", s.is_done) ||
      !take(in, "first_malformed", s.first_malformed) || !in.contains("counts") || !in["counts"].is_object())
    return none;
  for (const auto& [name, n] : in["counts"].items()) {
    if (!n.is_number_unsigned()) return none;
    s.counts[name] = n.get<std::uint64_t>();
  }
  if (s.task != task) return fault{errc::invalid_argument, path + ": the state of another task"};
  return s;
}

}  // namespace aicache::app
