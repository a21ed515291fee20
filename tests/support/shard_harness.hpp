#pragma once

#include "engine/shard/shard_core.hpp"

#include <cstring>
#include <deque>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/held_redis.hpp"

namespace aicache::test {

/// The identity that a test calls by a number; spread over the hash space like a real one.
inline identity id_of(std::uint64_t number) {
  identity id;
  for (std::uint64_t word = 0; word < 4; ++word) {
    const std::uint64_t w = sample_hash({number + 1, word + 1});
    std::memcpy(id.digest.data() + word * sizeof w, &w, sizeof w);
  }
  return id;
}

/// Text that compresses: words drawn by a small generator, different for every seed.
inline std::string prose(std::size_t size, std::uint64_t seed) {
  static constexpr const char* vocabulary[] = {"the ",   "answer ", "is ",    "that ",  "model ", "tokens ",
                                               "of ",    "a ",      "cache ", "holds ", "what ",  "was ",
                                               "asked ", "before ", "and ",   "why "};
  std::string text = std::to_string(seed) + " ";
  for (std::uint64_t x = seed * 2 + 1; text.size() < size;)
    text += vocabulary[(x = x * 6364136223846793005ULL + 1) >> 60];
  text.resize(size);
  return text;
}

/// Text that does not compress.
inline std::string noise(std::size_t size, std::uint64_t seed) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(sample_hash({seed, i}));
  return text;
}

/// One shard core with a clock in the test's hand, and workers and a Redis that work when they are told to.
struct shard_harness {
  explicit shard_harness(const shard_options& o) : core(o), level(o.tiers.compression_level) {}

  struct about {
    std::string operation = "qa";
    std::string tenant = "t";
    text_tier text = text_tier::small;
    bool lease = false;
    std::uint64_t token = 0;
    std::int64_t ttl_ms = own_lifetime;
    std::uint64_t owner = 1;
    duration wait{10'000};
    answer_facts facts{};
    bool write_through = false;
    std::vector<std::uint64_t> tags{};
    std::string model{};
  };

  get_result get(std::uint64_t key, const about& a) {
    core.resolve({{a.operation}, {a.tenant}, {a.model}});
    const get_item item{id_of(key), 0, 0, a.text, a.lease, 0};
    get_result r;
    core.get({&item, 1}, {++batch, a.owner, now + a.wait}, now, {&r, 1}, out);
    core.served(1000);
    sort();
    return r;
  }
  get_result get(std::uint64_t key) { return get(key, about{}); }

  put_result put(std::uint64_t key, blob_ref value, const about& a) {
    core.resolve({{a.operation}, {a.tenant}});
    const put_item item{id_of(key), 0, 0, a.text, a.token, a.ttl_ms, std::move(value), a.write_through, a.tags};
    put_result r;
    core.put({&item, 1}, ++changes, now, {&r, 1}, out);
    sort();
    return r;
  }
  put_result put(std::uint64_t key, std::string_view text, const about& a) {
    return put(key, blob::make(text, a.facts), a);
  }
  put_result put(std::uint64_t key, std::string_view text) { return put(key, text, about{}); }

  bool erase(std::uint64_t key) {
    core.resolve({{"qa"}, {"t"}});
    const key_item item{id_of(key), own_lifetime, 0, 0};
    key_result r;
    core.erase({&item, 1}, ++changes, now, {&r, 1}, out);
    sort();
    return r.found;
  }
  key_result touch(std::uint64_t key, std::int64_t ttl_ms) {
    const key_item item{id_of(key), ttl_ms, 0, 0};
    key_result r;
    core.touch({&item, 1}, now, {&r, 1}, out);
    sort();
    return r;
  }
  bool exists(std::uint64_t key) const {
    const key_item item{id_of(key), 0};
    key_result r;
    core.exists({&item, 1}, now, {&r, 1});
    return r.found;
  }
  key_result time_left(std::uint64_t key) const {
    const key_item item{id_of(key), 0};
    key_result r;
    core.time_left({&item, 1}, now, {&r, 1});
    return r;
  }
  bool release(std::uint64_t key, std::uint64_t token) {
    const key_item item{id_of(key), static_cast<std::int64_t>(token)};
    key_result r;
    core.release({&item, 1}, now, {&r, 1}, out);
    sort();
    return r.found;
  }
  std::uint64_t clear() {
    const std::uint64_t gone = core.clear(out);
    sort();
    return gone;
  }
  void owner_gone(std::uint64_t owner) {
    core.owner_gone(owner, now, out);
    sort();
  }
  void tick() {
    while (core.tick(now, out)) {
    }
    sort();
  }
  void pass(duration d) {
    now = now + d;
    tick();
  }

  // -- the shared tier --
  void shared(bool available, generation newest = 1) {
    core.shared_tier(available, newest, now, out);
    sort();
  }
  /// Another node's answer.
  void put_elsewhere(std::uint64_t key, std::string_view text, generation born = 1, duration life = duration{60'000},
                     std::vector<std::uint64_t> tags = {}, const std::string& operation = "qa") {
    redis.put(held_redis::name_of(id_of(key), operation),
              {id_of(key), blob::make(text, {1, 2, 3, 0}), now, now + life, born, std::move(tags)});
  }
  bool lies_in_redis(std::uint64_t key) const { return redis.data.contains(held_redis::name_of(id_of(key))); }
  /// What another node would read; "(nothing)" or "(corrupt)" else.
  std::string in_redis(std::uint64_t key) {
    const auto at = redis.data.find(held_redis::name_of(id_of(key)));
    if (at == redis.data.end()) return "(nothing)";
    const auto opened = redis.codec.open(at->second, id_of(key), keep_packed::no);
    return opened ? std::string{opened->value->text()} : "(corrupt)";
  }
  /// For an operation by key; how many looks are open, under the number in `changes`.
  std::uint32_t look_up(std::uint64_t key, duration wait = duration{10'000}) {
    core.resolve({{"qa"}, {"t"}});
    const key_item item{id_of(key), own_lifetime, 0, 0};
    const std::uint32_t open = core.look_up({&item, 1}, ++changes, now + wait, now, out);
    sort();
    return open;
  }
  void invalidate(const invalidate_scopes& what) {
    core.invalidate(what, out);
    sort();
  }
  void invalidate(scope s, std::uint64_t ticket = 0, generation since = unnumbered) {
    invalidate(invalidate_scopes{ticket, since, false, false, 0, {s}});
  }
  void settle(scope s, generation g) { invalidate(invalidate_scopes{0, g, true, false, 0, {s}}); }

  /// Does everything that workers have been asked for, and what follows from it.
  void work() {
    while (!jobs.empty()) work_once();
  }
  void work_once() {
    effect job = std::move(jobs.front());
    jobs.pop_front();
    std::visit([this](auto& j) { perform(j); }, job);
    sort();
  }

  /// The late answer to the batch that was asked `ago` batches before the last.
  const get_result* late(std::uint64_t of_batch) const {
    const auto found = answers.find(of_batch);
    return found == answers.end() ? nullptr : &found->second;
  }

  shard_core core;
  instant now{1'000'000};
  effects out;
  std::deque<effect> jobs;
  std::map<std::uint64_t, get_result> answers;         ///< late ones, by batch
  std::map<std::uint64_t, store_status> news;          ///< of writes and look-ups, by batch
  std::map<std::uint64_t, std::uint64_t> invalidated;  ///< entries gone, by ticket
  std::vector<key128> erased;                          ///< that other nodes must be told of
  held_redis redis;
  std::uint64_t answers_given = 0;
  std::uint64_t batch = 0;             ///< of the last get
  std::uint64_t changes = 1ULL << 32;  ///< of the last put or erase
  int level;
  bool workers_fail = false;

 private:
  void sort() {
    for (effect& e : out) {
      if (auto* late_one = std::get_if<late_answer>(&e)) {
        ++answers_given;
        answers[late_one->batch] = std::move(late_one->result);
      } else if (auto* told = std::get_if<late_news>(&e)) {
        news[told->batch] = told->how;
      } else if (auto* done = std::get_if<invalidation_done>(&e)) {
        invalidated[done->ticket] = done->entries;
      } else if (auto* told_of = std::get_if<erased_keys>(&e)) {
        erased.insert(erased.end(), told_of->keys.begin(), told_of->keys.end());
      } else {
        jobs.push_back(std::move(e));
      }
    }
    out.clear();
  }

  template <class SortedOutBefore>
  void perform(SortedOutBefore&) {}
  void perform(fetch_request& r) { core.fetched(r.ticket, redis.look(r), now, out); }
  void perform(open_job& j) { core.opened(j.ticket, redis.codec.open(j.bytes, j.id, keep_packed::no), now, out); }
  void perform(write_job& j) { core.written(j.ticket, redis.apply(j), now, out); }
  void perform(pack_job& j) {
    std::vector<std::byte> packed;
    blob_ref small;
    if (!workers_fail && codec.compress(j.raw->bytes(), j.with.get(), packed))
      small = blob::make_packed(packed, *j.raw, j.number);
    core.packed(j.key, j.raw, small, out);
  }
  void perform(unpack_job& j) {
    blob_ref raw = blob::make_uninitialised(j.packed->raw_size(), j.packed->facts());
    if (workers_fail || !codec.decompress(j.packed->frame(), j.with.get(), {raw->writable(), raw->size()})) raw = {};
    core.unpacked(j.key, j.packed, raw, now, out);
  }
  void perform(train_job& j) {
    if (workers_fail) return core.trained(j.operation, fault{errc::invalid_argument, "told to fail"}, out);
    core.trained(j.operation, train(j.samples, j.dictionary_bytes, j.level), out);
  }

  zstd_codec codec{zstd_options{level}};
};

inline shard_harness::about leasing(std::uint64_t owner = 1, duration wait = duration{10'000}) {
  shard_harness::about a;
  a.lease = true;
  a.owner = owner;
  a.wait = wait;
  return a;
}

inline shard_harness::about under(std::uint64_t token) {
  shard_harness::about a;
  a.token = token;
  return a;
}

inline std::string text_of(const get_result& r) { return r.value ? std::string{r.value->text()} : "(nothing)"; }

}  // namespace aicache::test
