#include "actors/app/cache_import.hpp"

#include <algorithm>
#include <utility>

#include "engine/client/response.hpp"

namespace aicache::app {

namespace {

constexpr std::size_t entries_at_once = 512;
constexpr std::size_t answer_bytes_at_once = std::size_t{4} << 20;
constexpr std::uint64_t lines_between_states = 4'096;  // of which few may be sound
constexpr duration import_patience{30'000};
constexpr duration import_pause{250};
constexpr int import_attempts = 20;

std::uint16_t place_of(const std::string& name, std::unordered_map<std::string, std::uint16_t>& places,
                       std::vector<std::string>& list) {
  const auto [at, fresh] = places.try_emplace(name, static_cast<std::uint16_t>(list.size()));
  if (fresh) list.push_back(name);
  return at->second;
}

const char* import_count(import_status s) noexcept {
  switch (s) {
    case import_status::stored: return "stored";
    case import_status::replaced: return "replaced";
    case import_status::present: return "present";
    case import_status::newer: return "newer_here";
    case import_status::expired: return "expired";
    case import_status::invalidated: return "invalidated";
    case import_status::refused: break;
  }
  return "refused";
}

}  // namespace

cache_import::cache_import(options o, node_session& node, transfer_state begin)
    : options_(std::move(o)),
      node_(node),
      settled_(begin),
      next_(std::move(begin)),
      names_(std::make_shared<name_lists>()) {}

outcome<void> cache_import::run(input_lines& lines) {
  std::string line;
  if (auto passed = lines.pass_over(settled_.line); !passed) return passed;
  for (bool any = true; any;) {
    const auto more = lines.next(line);
    if (!more) return more.why();
    any = *more;
    if (any) {
      next_.line = lines.number();
      take(line, lines);
    }
    const std::size_t room = std::min<std::size_t>(entries_at_once, node_.cache().limits().batch_keys);
    const bool is_full = page_.items.size() >= room || bytes_ >= answer_bytes_at_once ||
                         next_.line - settled_.line >= lines_between_states;
    if (any && !is_full) continue;
    next_.is_done = !any;
    if (auto done = settle(lines.share()); !done) return done;
  }
  return {};
}

void cache_import::malformed(std::string why) {
  ++next_.counts["malformed"];
  if (next_.first_malformed.empty()) next_.first_malformed = std::move(why);
}

void cache_import::take(const std::string& line, const input_lines& from) {
  if (from.is_too_long()) return malformed("line " + std::to_string(from.number()) + ": it is too long");
  if (line.find_first_not_of(" \t\r") == std::string::npos) return;
  ++next_.counts["lines"];
  auto read = read_export_line(line, from.number());
  if (!read) return malformed(read.why().detail);
  const export_entry& e = *read;
  transfer_item item;
  item.id = e.id;
  item.whole = e.whole_identity;
  item.operation = place_of(e.operation, operations_, names_->operations);
  item.tenant = place_of(e.tenant, tenants_, names_->tenants);
  item.text = e.tier;
  item.created = e.created;
  item.expires = e.expires;
  item.born = e.born;
  item.numbered_by = e.numbered_by;
  item.tags = e.tags;
  response r{e.payload, e.model, e.input_tokens, e.output_tokens, e.model_ms};
  r.finish = e.finish;
  item.value = to_blob(r);
  bytes_ += item.value->size();
  page_.items.push_back(std::move(item));
}

// A node that has too much to do, or a shard that is away, is asked again: what it took already it then says is present.
outcome<import_reply> cache_import::send() {
  const import_request asked{options_.rules, page_};
  for (int attempt = 1;; ++attempt) {
    auto told = node_.ask<import_reply>(asked, import_patience);
    if (!told || told->why == errc::none) return told;
    if (!is_retryable(told->why) || attempt == import_attempts)
      return fault{told->why, std::string("the node: ") + describe(told->why)};
    node_.pause(import_pause);
  }
}

outcome<void> cache_import::settle(double share) {
  if (!page_.items.empty()) {
    page_.names = std::exchange(names_, std::make_shared<name_lists>());
    const auto told = send();
    if (!told) return told.why();
    if (told->results.size() != page_.items.size())
      return fault{errc::corrupt, "the node: a reply of the wrong length"};
    for (const import_result& r : told->results) {
      ++next_.counts[import_count(r.status)];
      if (r.status == import_status::refused) ++next_.counts[std::string("refused: ") + describe(r.error)];
    }
    page_ = {};
    operations_.clear();
    tenants_.clear();
    bytes_ = 0;
  }
  const bool changed = settled_ != next_;
  settled_ = next_;
  if (options_.on_progress) options_.on_progress(share, settled_.counts["lines"]);
  return changed && !options_.state.empty() ? write_transfer_state(options_.state, settled_) : outcome<void>{};
}

}  // namespace aicache::app
