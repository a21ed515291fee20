#include "actors/app/verification.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

#include "engine/client/response.hpp"

namespace aicache::app {

namespace {

constexpr duration look_patience{70'000};
constexpr std::int64_t tolerance_ms = 2'000;  // between two looks at one life
constexpr std::uint64_t look_bytes = std::uint64_t{256} << 10;
constexpr std::size_t most_looks = 64;  // at one shard's memory, however empty it is
constexpr std::size_t judged_at_once = 256;

bool same_bytes(const blob& a, const blob& b) {
  return a.facts() == b.facts() && a.text() == b.text() && a.attributes() == b.attributes();
}

bool far_apart(std::int64_t a, std::int64_t b) noexcept {
  return a != b && (a == never.ms || b == never.ms || std::llabs(a - b) > tolerance_ms);
}

struct finding_row {
  const char* name;
  const char* meaning;
};
constexpr finding_row finding_rows[finding_count] = {
    {"same", "in both, equal"},
    {"only_redis", "in Redis alone, and served from there"},
    {"pending", "in memory; Redis is still to be told"},
    {"newer_redis", "another node has put a newer answer into Redis"},
    {"invalidated", "dead in Redis, and served by nobody"},
    {"gone", "went while it was looked at"},
    {"missing", "in memory, told to Redis, and not there"},
    {"older", "in memory, told to Redis, and an older answer is there"},
    {"unequal", "one answer, and two texts of it"},
    {"life", "memory and Redis give it different ends"},
    {"unreadable", "what lies in Redis does not verify"},
    {"dead", "alive in memory, and invalidated in Redis"},
    {"unserved", "alive in Redis, and the node does not serve it"},
};

}  // namespace

const char* to_string(finding f) noexcept { return finding_rows[static_cast<std::size_t>(f)].name; }
const char* meaning_of(finding f) noexcept { return finding_rows[static_cast<std::size_t>(f)].meaning; }

bool verified::is_sound() const noexcept {
  for (std::size_t i = 0; i < finding_count; ++i)
    if (is_bad(static_cast<finding>(i)) && of_memory[i] + of_redis[i] > 0) return false;
  return true;
}

verification::verification(options o, node_session& node, shared_redis& redis)
    : options_(std::move(o)), node_(node), redis_(redis), dice_(options_.seed) {}

outcome<verified> verification::run() {
  if (auto done = sample_memory(); !done) return done.why();
  if (auto done = walk_redis(); !done) return done.why();
  if (auto done = judge(memory_, &verification::judge_memory); !done) return done.why();
  if (auto done = judge(keys_, &verification::judge_redis); !done) return done.why();
  found_.memory = memory_.size();
  found_.redis = keys_.size();
  for (const sampled_entry& m : memory_) ++found_.of_memory[static_cast<std::size_t>(m.last)];
  for (const sampled_key& k : keys_) ++found_.of_redis[static_cast<std::size_t>(k.last)];
  return found_;
}

// Buckets at random, an equal share from each shard; entries of one page stand together in the index, which says nothing
// of them, for keys are hashes.
outcome<void> verification::sample_memory() {
  std::uint32_t shards = 1;
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    std::map<key128, sampled_entry> drawn;
    std::uint64_t buckets = 1;
    bool all = false;
    for (std::size_t look = 0; look < most_looks && !all; ++look) {
      const std::size_t share = (options_.sample + shards - 1) / shards;
      if (look > 0 && drawn.size() >= share) break;
      const std::uint64_t from = look == 0 ? 0 : dice_() % buckets;
      auto told = node_.ask<export_reply>(export_request{shard, {0, from}, look_bytes}, look_patience);
      if (!told) return told.why();
      if (told->why != errc::none) return fault{told->why, std::string("the node: ") + describe(told->why)};
      shards = told->shards;
      buckets = std::max<std::uint64_t>(told->step.buckets, 1);
      all = from == 0 && told->step.done;
      // The first look is for the sizes, unless it is all there is.
      if (look == 0 && !all) continue;
      const name_lists& names = *told->step.page.names;
      for (transfer_item& i : told->step.page.items)
        if (i.value && drawn.size() < (options_.sample + shards - 1) / shards)
          drawn.try_emplace(
              i.id.key(), sampled_entry{names.tenants[i.tenant], names.operations[i.operation], i, {}, finding::same});
    }
    for (auto& [key, m] : drawn) memory_.push_back(std::move(m));
    if (options_.on_progress) options_.on_progress(0, "memory: " + std::to_string(memory_.size()) + " entries");
  }
  return {};
}

// Names only: the whole identity of what memory knows by half, and a sample of all, each key with an equal chance.
outcome<void> verification::walk_redis() {
  std::map<key128, sampled_entry*> wanted;
  for (sampled_entry& m : memory_) wanted.emplace(m.item.id.key(), &m);
  const auto all = redis_.size();
  if (!all) return all.why();
  std::string cursor = "0";
  do {
    std::vector<std::string> keys;
    auto next = redis_.scan(cursor, keys);
    if (!next) return next.why();
    cursor = std::move(*next);
    for (std::string& key : keys) {
      redis_key_parts parts;
      if (!parse_redis_key(redis_.prefix(), key, parts)) continue;
      const auto at = wanted.find(parts.id.key());
      if (at != wanted.end() && at->second->tenant == parts.tenant && at->second->operation == parts.operation) {
        at->second->item.id = parts.id;
        at->second->item.whole = true;
        at->second->key = key;
      }
      const std::uint64_t number = found_.keys++;
      if (keys_.size() < options_.sample) {
        keys_.push_back({std::move(key), finding::same});
      } else if (const std::uint64_t place = dice_() % (number + 1); place < options_.sample) {
        keys_[place].key = std::move(key);
      }
    }
    if (options_.on_progress)
      options_.on_progress(*all == 0 ? 1 : static_cast<double>(found_.keys) / static_cast<double>(*all),
                           "Redis: " + std::to_string(found_.keys) + " keys");
  } while (cursor != "0");
  return {};
}

// Two places are never looked at at one moment: what looks wrong is looked at twice before it is told.
template <class Sampled>
outcome<void> verification::judge(std::vector<Sampled>& all,
                                  outcome<void> (verification::*by)(const std::vector<Sampled*>&)) {
  std::vector<Sampled*> open;
  for (Sampled& s : all) open.push_back(&s);
  for (const bool first : {true, false}) {
    if (open.empty()) break;
    if (!first) node_.pause(options_.again);
    const auto at_once = std::min<std::size_t>(judged_at_once, node_.cache().limits().batch_keys);
    for (std::size_t from = 0; from < open.size(); from += at_once) {
      const auto begin = open.begin() + static_cast<std::ptrdiff_t>(from);
      const auto end = open.begin() + static_cast<std::ptrdiff_t>(std::min(from + at_once, open.size()));
      if (auto done = (this->*by)(std::vector<Sampled*>(begin, end)); !done) return done;
    }
    std::erase_if(open, [](const Sampled* s) { return !is_bad(s->last); });
  }
  return {};
}

outcome<std::vector<import_result>> verification::would_take(transfer_page page) {
  const std::size_t wanted = page.items.size();
  auto told = node_.ask<import_reply>(import_request{{true, false}, std::move(page)}, look_patience);
  if (!told) return told.why();
  if (told->why != errc::none) return fault{told->why, std::string("the node: ") + describe(told->why)};
  if (told->results.size() != wanted) return fault{errc::corrupt, "the node: a reply of the wrong length"};
  return std::move(told->results);
}

outcome<void> verification::judge_memory(const std::vector<sampled_entry*>& some) {
  std::vector<std::string> keys;
  std::vector<sampled_entry*> with_key;
  for (sampled_entry* m : some) {
    m->last = finding::bad_missing;
    if (m->key.empty()) continue;
    keys.push_back(m->key);
    with_key.push_back(m);
  }
  std::map<const sampled_entry*, generation> born;
  auto read = redis_.read(keys, [&](std::size_t place, shared_entry& r) {
    sampled_entry& m = *with_key[place];
    if (r.what == shared_entry::state::unreadable) m.last = finding::bad_unreadable;
    if (r.what != shared_entry::state::found) return;
    born[&m] = r.answer.born;
    m.last = compare(m, r);
  });
  if (!read) return read;
  // What does the node say of it now?
  transfer_page page;
  auto names = std::make_shared<name_lists>();
  for (const sampled_entry* m : some) {
    transfer_item i = m->item;
    i.value = {};
    i.operation = static_cast<std::uint16_t>(names->operations.size());
    i.tenant = static_cast<std::uint16_t>(names->tenants.size());
    names->operations.push_back(m->operation);
    names->tenants.push_back(m->tenant);
    // Where it was found in Redis, by when it was born there.
    if (const auto at = born.find(m); at != born.end()) i.born = at->second;
    page.items.push_back(std::move(i));
  }
  page.names = std::move(names);
  const auto now = would_take(std::move(page));
  if (!now) return now.why();
  for (std::size_t n = 0; n < some.size(); ++n) {
    finding& last = some[n]->last;
    const import_result& is = (*now)[n];
    if (is.status == import_status::invalidated) {
      last = is.behind ? finding::pending : finding::bad_dead;
    } else if (is.status != import_status::present) {
      last = finding::gone;
    } else if (is.behind && last != finding::same) {
      last = finding::pending;
    }
  }
  return {};
}

finding verification::compare(const sampled_entry& m, const shared_entry& r) {
  if (r.answer.created > m.item.created) return finding::newer_redis;
  if (r.answer.created < m.item.created) return finding::bad_older;
  if (!same_bytes(*r.answer.value, *m.item.value)) return finding::bad_unequal;
  return far_apart(r.answer.expires.ms, m.item.expires.ms) ? finding::bad_life : finding::same;
}

outcome<void> verification::judge_redis(const std::vector<sampled_key*>& some) {
  std::vector<std::string> keys;
  for (const sampled_key* k : some) keys.push_back(k->key);
  transfer_page page;
  auto names = std::make_shared<name_lists>();
  std::vector<std::pair<sampled_key*, std::int64_t>> alive;  // with what is left of its life
  auto read = redis_.read(keys, [&](std::size_t place, shared_entry& r) {
    some[place]->last = r.what == shared_entry::state::unreadable ? finding::bad_unreadable : finding::gone;
    if (r.what != shared_entry::state::found) return;
    transfer_item i;
    i.id = r.name.id;
    i.whole = true;
    i.operation = static_cast<std::uint16_t>(names->operations.size());
    i.tenant = static_cast<std::uint16_t>(names->tenants.size());
    names->operations.push_back(r.name.operation);
    names->tenants.push_back(r.name.tenant);
    i.created = r.answer.created;
    i.expires = r.answer.expires;
    i.born = r.answer.born;
    i.tags = r.answer.tags;
    page.items.push_back(std::move(i));
    alive.emplace_back(some[place], r.left ? r.left->count() : never.ms);
  });
  if (!read) return read;
  page.names = names;
  const std::vector<transfer_item> items = page.items;
  const auto now = would_take(std::move(page));
  if (!now) return now.why();
  auto served = std::make_shared<key_body>();
  served->names = names;
  std::vector<std::size_t> asked;
  for (std::size_t n = 0; n < alive.size(); ++n) {
    const import_result& is = (*now)[n];
    finding& last = alive[n].first->last;
    switch (is.status) {
      case import_status::present: last = is.behind ? finding::pending : finding::same; break;
      case import_status::newer: last = is.behind ? finding::pending : finding::bad_older; break;
      case import_status::replaced: last = finding::newer_redis; break;
      case import_status::invalidated: last = finding::invalidated; break;
      case import_status::expired: last = finding::gone; break;
      case import_status::stored:
      case import_status::refused:
        served->items.push_back({items[n].id, own_lifetime, items[n].operation, items[n].tenant});
        asked.push_back(n);
    }
  }
  if (asked.empty()) return {};
  const auto told = node_.ask<time_left_reply>(
      time_left_batch{1, std::chrono::milliseconds(look_patience).count() / 2, false, 0, served}, look_patience);
  if (!told) return told.why();
  if (told->why != errc::none || !told->body || told->body->results.size() != asked.size())
    return fault{told->why == errc::none ? errc::corrupt : told->why, "the node does not say what it would serve"};
  for (std::size_t n = 0; n < asked.size(); ++n) {
    const key_result& is = told->body->results[n];
    auto& [key, left] = alive[asked[n]];
    key->last = !is.found                     ? finding::bad_unserved
                : far_apart(is.left_ms, left) ? finding::bad_life
                                              : finding::only_redis;
  }
  return {};
}

}  // namespace aicache::app
