#include "actors/app/migration.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "actors/app/request_line.hpp"
#include "engine/legacy/legacy_request.hpp"

namespace aicache::app {

namespace {

constexpr std::size_t most_in_batch = 256;
constexpr std::size_t most_lines = 4'096;  // of which few may be requests
constexpr std::size_t asked_bytes = std::size_t{8} << 20;
constexpr std::size_t put_bytes = std::size_t{8} << 20;
constexpr std::uint64_t batches_a_second = 10;  // of a slow pace, so that it is even

}  // namespace

migration::migration(options o, legacy_source& from, node_session* to, migration_state begin)
    : options_(std::move(o)),
      from_(from),
      to_(to),
      values_(legacy_value_reader::options{}),
      settled_(begin),
      next_(std::move(begin)),
      begun_with_(settled_.counts.asked()),
      begun_(std::chrono::steady_clock::now()) {}

std::size_t migration::batch_size() const noexcept {
  if (options_.rate == 0) return most_in_batch;
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(options_.rate / batches_a_second, 1, most_in_batch));
}

outcome<void> migration::by_requests(input_lines& lines) {
  std::string line;
  if (auto passed = lines.pass_over(settled_.line); !passed) return passed;
  for (bool any = true; any;) {
    const auto more = lines.next(line);
    if (!more) return more.why();
    any = *more;
    if (any) {
      next_.line = lines.number();
      if (lines.is_too_long()) {
        ++next_.counts.malformed;
      } else {
        add(line);
      }
    }
    const bool is_full =
        keys_.size() >= batch_size() || asked_bytes_ >= asked_bytes || next_.line - settled_.line >= most_lines;
    if (any && !is_full) continue;
    if (auto done = settle(lines.share()); !done) return done;
  }
  return {};
}

outcome<void> migration::by_keys(const std::string& pattern) {
  const auto all = from_.size();
  if (!all) return all.why();
  while (!next_.is_done) {
    auto found = from_.scan(next_.cursor, pattern, batch_size());
    if (!found) return found.why();
    next_.cursor = found->cursor;
    next_.is_done = found->cursor == "0";
    for (std::string& key : found->keys) {
      if (auto asked = request_of_legacy_key(key, options_.keys)) {
        asked->tenant = options_.otherwise.tenant;
        asked->model = options_.otherwise.model;
        add(std::move(*asked), std::move(key));
      } else {
        ++next_.counts.unknown_request;
      }
    }
    const double seen = static_cast<double>(next_.counts.asked() + keys_.size());
    if (auto done = settle(*all == 0 ? 0 : seen / static_cast<double>(*all)); !done) return done;
  }
  return {};
}

void migration::add(const std::string& line) {
  if (line.find_first_not_of(" \t\r") == std::string::npos) return;
  auto read = read_request_line(line, options_.otherwise, foreign_members::passed_over);
  if (!read) {
    ++next_.counts.malformed;
    return;
  }
  auto key = legacy_key(read->asked, options_.keys);
  if (!key) {
    ++next_.counts.no_key;
  } else if (options_.exact_texts && shares_its_legacy_key(read->asked, options_.keys)) {
    ++next_.counts.ambiguous;
  } else {
    add(std::move(read->asked), std::move(*key));
  }
}

void migration::add(request asked, std::string key) {
  asked_bytes_ += asked.text.size() + key.size();
  asked_.push_back(std::move(asked));
  keys_.push_back(std::move(key));
}

void migration::judge(std::size_t place, legacy_entry& found) {
  migration_counts& n = next_.counts;
  switch (found.what) {
    case legacy_entry::state::missing: ++n.not_found; return;
    case legacy_entry::state::expired: ++n.expired; return;
    case legacy_entry::state::foreign: ++n.foreign; return;
    case legacy_entry::state::found: break;
  }
  legacy_answer answer;
  const legacy_refusal why = values_.read(found.value, answer);
  if (why != legacy_refusal::none) {
    ++n.refused[static_cast<std::size_t>(why)];
    return;
  }
  request& asked = asked_[place];
  if (!may_answer(answer, asked, options_.keys)) {
    ++n.another;
    return;
  }
  put_bytes_ += answer.response.size();
  puts_.push_back({std::move(asked), {std::move(answer.response), {}, 0, 0, 0}, found.left, {}, false});
  if (put_bytes_ < put_bytes) return;
  if (auto done = put_all(); !done) node_failed_ = done.why();
}

outcome<void> migration::put_all() {
  const std::vector<wanted_put> puts = std::exchange(puts_, {});
  put_bytes_ = 0;
  if (puts.empty()) return {};
  if (to_ == nullptr) {
    next_.counts.imported += puts.size();
    return {};
  }
  for (const put_result& r : to_->put(puts)) {
    if (is_retryable(r.error)) return fault{r.error, std::string("the node: ") + describe(r.error)};
    ++(r.status == put_status::stored ? next_.counts.imported : next_.counts.not_taken);
  }
  return {};
}

outcome<void> migration::settle(double share) {
  auto read = from_.read(keys_, [this](std::size_t place, legacy_entry& found) {
    if (node_failed_.code == errc::none) judge(place, found);
  });
  if (!read) return read;
  if (node_failed_.code != errc::none) return node_failed_;
  if (auto done = put_all(); !done) return done;
  asked_.clear();
  keys_.clear();
  asked_bytes_ = 0;
  const bool changed = settled_ != next_;
  settled_ = next_;
  if (changed && options_.on_settled)
    if (auto kept = options_.on_settled(settled_); !kept) return kept;
  if (options_.on_progress) options_.on_progress(share, settled_.counts);
  keep_pace();
  return {};
}

void migration::keep_pace() const {
  if (options_.rate == 0) return;
  const auto due = begun_ + std::chrono::milliseconds((settled_.counts.asked() - begun_with_) * 1000 / options_.rate);
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(due - std::chrono::steady_clock::now());
  if (left.count() > 0) ::poll(nullptr, 0, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
}

}  // namespace aicache::app
