#include "actors/app/migration_state.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "actors/app/request_arguments.hpp"
#include "actors/app/whole_file.hpp"

namespace aicache::app {

namespace {

using state_object = nlohmann::ordered_json;

}  // namespace

outcome<void> write_migration_state(const std::string& path, const migration_state& state) {
  state_object out{{"version", 1U},
                   {"task", state.task},
                   {"line", state.line},
                   {"cursor", state.cursor},
                   {"is_done", state.is_done}};
  for (const migration_row& row : migration_rows) out[row.name] = state.counts.*row.count;
  for (std::size_t i = 1; i < legacy_refusal_count; ++i)
    out["refused"][to_string(static_cast<legacy_refusal>(i))] = state.counts.refused[i];
  const std::string text = out.dump(2, ' ', false, state_object::error_handler_t::replace) + '\n';
  return replace_file(path, text);
}

outcome<migration_state> read_migration_state(const std::string& path, const std::string& task) {
  migration_state state;
  state.task = task;
  if (!std::filesystem::exists(path)) return state;
  const auto text = whole_file(path);
  if (!text) return text.why();
  const auto in = state_object::parse(*text, nullptr, false);
  const fault none{errc::invalid_argument, path + ": not the state of a migration"};
  std::uint64_t version = 0;
  if (!in.is_object() || !take(in, "version", version) || version != 1 || !take(in, "task", state.task) ||
      !take(in, "line", state.line) || !take(in, "cursor", state.cursor) || !take(in, "is_done", state.is_done) ||
      !in.contains("refused"))
    return none;
  for (const migration_row& row : migration_rows)
    if (!take(in, row.name, state.counts.*row.count)) return none;
  for (std::size_t i = 1; i < legacy_refusal_count; ++i)
    if (!take(in["refused"], to_string(static_cast<legacy_refusal>(i)), state.counts.refused[i])) return none;
  if (state.task != task) return fault{errc::invalid_argument, path + ": the state of another migration"};
  return state;
}

}  // namespace aicache::app
