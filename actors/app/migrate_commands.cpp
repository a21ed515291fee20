#include <CLI/CLI.hpp>

#include <cstdlib>
#include <memory>

#include "actors/app/commands.hpp"
#include "actors/app/legacy_arguments.hpp"
#include "actors/app/migration.hpp"
#include "actors/app/progress_bar.hpp"

namespace aicache::app {

namespace {

struct migrate_arguments {
  std::string node;
  std::string from;
  std::string requests;
  std::string match = "ai_cache:*";
  std::string state;
  tls_options tls;
  legacy_arguments legacy;
  migration::options how;
  bool dry_run = false;
};

page summary_of(const migration_counts& n, bool by_requests, bool dry_run) {
  page out;
  const auto tell = [&out](const char* name, std::uint64_t value) {
    out.facts.emplace_back(name, std::to_string(value));
  };
  tell(by_requests ? "asked" : "keys", n.asked());
  tell("found", n.found());
  tell(dry_run ? "would_import" : "imported", n.imported);
  tell("not_found", n.not_found);
  tell("expired", n.expired);
  page::table left_out{"left_out", {"count", "because"}, {}, page::layout::columns};
  const auto leave_out = [&left_out](std::uint64_t count, std::string why) {
    if (count > 0) left_out.rows.push_back({std::to_string(count), std::move(why)});
  };
  for (std::size_t i = 0; i < legacy_refusal_count; ++i)
    leave_out(n.refused[i], std::string("the value: ") + to_string(static_cast<legacy_refusal>(i)));
  for (const migration_row& kept : migration_rows)
    if (kept.left_out_because != nullptr) leave_out(n.*kept.count, kept.left_out_because);
  out.tables.push_back(std::move(left_out));
  out.exit_code = n.has_refusals() ? exits::not_found : exits::done;
  return out;
}

// A command line can be read by everybody on the machine, and an address may hold a password.
constexpr const char* variable_of_source = "AICACHECTL_FROM";

page migrate(const migrate_arguments& given) {
  const bool by_requests = !given.requests.empty();
  if (given.dry_run && !given.state.empty())
    return complaint_of(exits::asked_wrongly, "a dry run settles nothing, and so has no --state");
  auto how = given.how;
  const auto keys = legacy_options_of(given.legacy);
  if (!keys) return complaint_of(keys.why());
  how.keys = *keys;
  const char* named = std::getenv(variable_of_source);
  if (given.from.empty() && named == nullptr)
    return complaint_of(exits::asked_wrongly, std::string("which Redis? Say --from, or set ") + variable_of_source);
  const auto address = parse_redis_url(given.from.empty() ? named : given.from);
  if (!address) return complaint_of(address.why());
  migration_state begin;
  begin.task = "from " + address->printable() + " by " + (by_requests ? given.requests : given.match) + " to tenant " +
               how.otherwise.tenant + ", model " + how.otherwise.model + ", generation " + given.legacy.generation;
  if (!given.state.empty()) {
    const auto known = read_migration_state(given.state, begin.task);
    if (!known) return complaint_of(known.why());
    begin = *known;
    how.on_settled = [&given](const migration_state& s) { return write_migration_state(given.state, s); };
  }
  std::unique_ptr<input_lines> lines;
  if (by_requests) {
    auto opened = input_lines::open(given.requests);
    if (!opened) return complaint_of(opened.why());
    lines = std::move(*opened);
  }
  // A value over the reader's limit is refused by it, so one byte more than that is enough to fetch.
  const auto source = legacy_source::connect(*address, given.tls, legacy_value_reader::options{}.stored_bytes);
  if (!source) return complaint_of(source.why());
  std::unique_ptr<node_session> node;
  if (!given.dry_run) {
    auto session = node_session::open(given.node);
    if (!session) return complaint_of(session.why());
    node = std::move(*session);
  }
  progress_bar bar;
  how.on_progress = [&bar](double share, const migration_counts& n) {
    bar.show(share, std::to_string(n.asked()) + " asked, " + std::to_string(n.imported) + " imported");
  };
  const std::uint64_t settled_before = begin.counts.asked();
  migration moving(std::move(how), **source, node.get(), std::move(begin));
  const auto done = by_requests ? moving.by_requests(*lines) : moving.by_keys(given.match);
  bar.clear();
  page out = summary_of(moving.counts(), by_requests, given.dry_run);
  if (settled_before > 0) out.facts.emplace_back("settled_before", std::to_string(settled_before));
  if (done) return out;
  out.complaint = done.why().detail + "; the counts are those of what was settled before";
  out.exit_code = exit_of(done.why().code);
  return out;
}

}  // namespace

void add_migrate_commands(CLI::App& program, page& answer) {
  const auto given = std::make_shared<migrate_arguments>();
  CLI::App& command = *program.add_subcommand(
      "migrate", "moves answers of the Python cache from its Redis into a node, with what is left of their lives");
  take_node(command, given->node);
  command
      .add_option(
          "--from", given->from,
          "the Redis of the Python cache: redis://, rediss:// or unix://; else the variable AICACHECTL_FROM, where a "
          "password is not seen by others")
      ->type_name("URL");
  const auto requests =
      command
          .add_option("--requests", given->requests,
                      "the requests to look up, as JSON lines, plain or packed by zstd; - is standard "
                      "input. Keys hold hashes: without requests only those move that say all")
          ->type_name("FILE");
  command.add_option("--match", given->match, "without requests: the keys to look at, as a glob pattern")
      ->excludes(requests);
  command.add_option("--tenant", given->how.otherwise.tenant,
                     "whose answers they become, where a request does not say");
  command.add_option("--model", given->how.otherwise.model, "the model that was asked, where a request does not say");
  command.add_option("--operation", given->how.otherwise.operation, "the operation, where a request does not say");
  command.add_option("--generation", given->legacy.generation,
                     "of the Python cache: first (L), middle (S) or last (H)");
  take_legacy(command, given->legacy);
  command.add_flag("--exact-texts", given->how.exact_texts,
                   "leave out requests whose text holds _, | or : in clear: other texts may have the same key");
  command.add_flag("--dry-run", given->dry_run, "read and judge everything, and put nothing");
  command.add_option("--state", given->state, "where to note how far it is; a later run goes on from there")
      ->type_name("FILE");
  command.add_option("--rate", given->how.rate, "at most so many requests, or keys, a second");
  command.add_option("--ca-file", given->tls.ca_file, "for rediss://: who is believed; else the system's authorities")
      ->type_name("FILE");
  const auto certificate =
      command.add_option("--certificate-file", given->tls.certificate_file, "for rediss://: ours")->type_name("FILE");
  command.add_option("--key-file", given->tls.key_file, "its private key")->type_name("FILE")->needs(certificate);
  command.callback([given, &answer] { answer = migrate(*given); });
}

}  // namespace aicache::app
