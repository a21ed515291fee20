#include "actors/app/cache_export.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/client/response.hpp"
#include "engine/codec/zstd_stream.hpp"

namespace aicache::app {

namespace {

constexpr std::size_t line_bytes_at_once = std::size_t{4} << 20;  // bytes, in one frame
constexpr int packing_level = 3;
constexpr duration export_patience{70'000};  // longer than the front has for a shard and a worker
constexpr duration export_pause{250};
constexpr int export_attempts = 40;
constexpr int most_beginnings = 20;  // of one shard's walk

fault failure_of_file(const std::string& path) { return {errc::unavailable, path + ": " + std::strerror(errno)}; }

export_entry line_of_value(const blob& value) {
  export_entry e;
  const answer_facts f = value.facts();
  e.input_tokens = f.input_tokens;
  e.output_tokens = f.output_tokens;
  e.model_ms = f.model_ms;
  e.model = attribute_of(value, attribute::model);
  e.finish = finish_of(value);
  e.payload = value.text();
  return e;
}

}  // namespace

export_entry entry_of(const transfer_item& item, const name_lists& names) {
  export_entry e = line_of_value(*item.value);
  e.tenant = item.tenant < names.tenants.size() ? names.tenants[item.tenant] : std::string{};
  e.operation = item.operation < names.operations.size() ? names.operations[item.operation] : std::string{};
  e.id = item.id;
  e.whole_identity = item.whole;
  e.created = item.created;
  e.expires = item.expires;
  e.tier = item.text;
  e.born = item.born;
  e.numbered_by = item.numbered_by;
  e.tags = item.tags;
  return e;
}

export_entry entry_of(const shared_entry& found) {
  export_entry e = line_of_value(*found.answer.value);
  e.tenant = found.name.tenant;
  e.operation = found.name.operation;
  e.id = found.name.id;
  e.created = found.answer.created;
  e.expires = found.answer.expires;
  e.born = found.answer.born;
  e.numbered_by = numbered_by_redis;
  e.tags = found.answer.tags;
  return e;
}

cache_export::cache_export(options o, node_session& node, shared_redis* from, transfer_state begin)
    : options_(std::move(o)), node_(node), redis_(from), settled_(begin), next_(std::move(begin)) {}

cache_export::~cache_export() {
  if (file_ != nullptr) std::fclose(file_);
}

outcome<void> cache_export::run() {
  if (settled_.is_done) return {};
  if (auto opened = open(); !opened) return opened;
  if (redis_ != nullptr && !next_.redis_done)
    if (auto done = out_of_redis(); !done) return done;
  // How many there are the first reply says.
  auto shards = static_cast<std::uint32_t>(next_.shard + 1);
  while (next_.shard < shards)
    if (auto done = out_of_shard(shards); !done) return done;
  return finish();
}

// What is behind the settled part was written by who was cut off.
outcome<void> cache_export::open() {
  const std::string part = options_.file + ".part";
  file_ = std::fopen(part.c_str(), settled_.bytes > 0 ? "r+b" : "wb");
  if (file_ == nullptr) return failure_of_file(part);
  std::fseek(file_, 0, SEEK_END);
  if (static_cast<std::uint64_t>(std::ftell(file_)) < settled_.bytes)
    return fault{errc::invalid_argument, part + ": shorter than the state says"};
  if (::ftruncate(::fileno(file_), static_cast<off_t>(settled_.bytes)) != 0) return failure_of_file(part);
  std::fseek(file_, 0, SEEK_END);
  return {};
}

outcome<void> cache_export::out_of_redis() {
  const auto all = redis_->size();
  if (!all) return all.why();
  if (next_.cursor.empty()) next_.cursor = "0";
  std::uint64_t seen = 0;
  while (!next_.redis_done) {
    std::vector<std::string> keys;
    auto cursor = redis_->scan(next_.cursor, keys);
    if (!cursor) return cursor.why();
    auto read = redis_->read(keys, [this](std::size_t, shared_entry& found) {
      if (found.what == shared_entry::state::unreadable) ++next_.counts["unreadable in Redis"];
      if (found.what == shared_entry::state::found) {
        ++next_.counts["from_redis"];
        add(entry_of(found));
      }
    });
    if (!read) return read;
    seen += keys.size();
    share_ = *all == 0 ? 0 : std::min(0.5, static_cast<double>(seen) / static_cast<double>(*all) / 2);
    next_.redis_done = *cursor == "0";
    next_.cursor = next_.redis_done ? std::string{} : *cursor;
    if (auto done = settle(false); !done) return done;
  }
  return {};
}

// A shard that is away for a moment is waited for.
outcome<export_reply> cache_export::page(std::uint32_t shard) {
  for (int attempt = 1;; ++attempt) {
    auto told = node_.ask<export_reply>(export_request{shard, next_.place, 0}, export_patience);
    if (!told || told->why == errc::none || told->why == errc::invalid_argument) return told;
    if (!is_retryable(told->why) || attempt == export_attempts)
      return fault{told->why, std::string("shard ") + std::to_string(shard) + ": " + describe(told->why)};
    node_.pause(export_pause);
  }
}

outcome<void> cache_export::out_of_shard(std::uint32_t& shards) {
  const double begun = redis_ != nullptr ? 0.5 : 0;
  for (int beginnings = 0;;) {
    auto told = page(static_cast<std::uint32_t>(next_.shard));
    if (!told) return told.why();
    shards = told->shards;
    if (told->why == errc::invalid_argument) return {};  // all were walked through before
    const walk_step& step = told->step;
    if (step.over) {
      if (++beginnings == most_beginnings)
        return fault{errc::unavailable, "a shard dies faster than it can be walked through"};
      next_.place = {};
      continue;
    }
    next_.counts["without a name of their own"] += step.unnamed;
    next_.counts["unreadable in memory"] += step.unreadable;
    for (const transfer_item& i : step.page.items) {
      if (!i.value) continue;
      ++next_.counts["from_memory"];
      add(entry_of(i, *step.page.names));
    }
    next_.place = step.next;
    const double within =
        step.buckets == 0 ? 1 : static_cast<double>(step.next.cursor) / static_cast<double>(step.buckets);
    share_ = begun + (1 - begun) * (static_cast<double>(next_.shard) + (step.done ? 1 : within)) / shards;
    if (step.done) {
      ++next_.shard;
      next_.place = {};
    }
    if (auto done = settle(false); !done) return done;
    if (step.done) return {};
  }
}

void cache_export::add(const export_entry& entry) {
  if (write_export_line(entry, lines_)) {
    ++next_.counts["written"];
  } else {
    ++next_.counts["not to be written"];
  }
}

// What is in the file and what the state says go together: a state never says more than the disk has.
outcome<void> cache_export::settle(bool at_once) {
  if (options_.on_progress) options_.on_progress(share_, next_.counts["written"]);
  if (lines_.size() < line_bytes_at_once && !at_once) return {};
  const std::string* out = &lines_;
  if (is_packed()) {
    packed_.clear();
    if (auto done = append_zstd_frame(lines_, packing_level, packed_); !done) return done;
    out = &packed_;
  }
  if (std::fwrite(out->data(), 1, out->size(), file_) != out->size() || std::fflush(file_) != 0)
    return failure_of_file(options_.file);
  next_.bytes += out->size();
  lines_.clear();
  settled_ = next_;
  if (options_.state.empty()) return {};
  if (::fsync(::fileno(file_)) != 0) return failure_of_file(options_.file);
  return write_transfer_state(options_.state, settled_);
}

outcome<void> cache_export::finish() {
  if (!lines_.empty() || next_.bytes == 0)
    if (auto done = settle(true); !done) return done;
  const bool closed = ::fsync(::fileno(file_)) == 0 && std::fclose(std::exchange(file_, nullptr)) == 0;
  if (!closed || std::rename((options_.file + ".part").c_str(), options_.file.c_str()) != 0)
    return failure_of_file(options_.file);
  next_.is_done = true;
  settled_ = next_;
  return options_.state.empty() ? outcome<void>{} : write_transfer_state(options_.state, settled_);
}

}  // namespace aicache::app
