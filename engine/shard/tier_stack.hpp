#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/codec/dictionary_trainer.hpp"
#include "engine/codec/zstd_codec.hpp"
#include "engine/eviction/fifo_policy.hpp"
#include "engine/memory/blob.hpp"
#include "engine/memory/index.hpp"
#include "engine/memory/lifetime_queues.hpp"
#include "engine/shard/effects.hpp"
#include "engine/shard/options.hpp"
#include "engine/shard/tenant_use.hpp"
#include "engine/statistics/counters.hpp"
#include "engine/statistics/work_figures.hpp"

namespace aicache {

/// The memory of one shard: which answers lie in it, raw (hot) or compressed (warm), and which must leave.
///
/// Shape      one index over both tiers. New answers enter hot, or warm where the promotion matrix says so; what the
///            eviction policy drives out of hot is compressed into warm (a clock); what leaves warm is gone, and its
///            key goes into the policy's ghost table
/// Units      bytes that the allocator gave: answers, index, ghosts, dictionaries, samples, and what the owner reserves
/// Owner      one shard_core; not thread-safe
/// Fails      store: too_large for what no tier, or its tenant's quota, can ever hold (nothing is evicted for it), overloaded
///            without memory, and where the tenant's quota is full and none of its entries to make room was found
/// Invariant  charged() <= budget after every call; what a tenant takes is exact, and within its quota
/// Cost       find and read O(1). Making room is bounded by what the newcomer weighs; at most `max_demotions` entries
///            a call are compressed, more than that leave at once
class tier_stack {
 public:
  static constexpr unsigned max_demotions = 64;

  tier_stack(const tier_options& options, std::uint64_t seed, shard_counters& counters);
  ~tier_stack();
  tier_stack(const tier_stack&) = delete;
  tier_stack& operator=(const tier_stack&) = delete;

  blob* find(const key128& key) const noexcept { return index_.find(key); }
  [[gnu::always_inline]] void prefetch(const key128& key) const noexcept { index_.prefetch(key); }
  [[gnu::always_inline]] void prefetch_blob(const key128& key) const noexcept { index_.prefetch_blob(key); }

  /// What the owner knows of a new answer.
  struct particulars {
    key128 key;
    std::uint16_t operation = 0;
    std::uint16_t tenant = 0;
    text_tier text = text_tier::small;
    instant expires = never;
    bool may_be_hot = true;
    std::uint32_t epoch = 0;              ///< the shard's count of invalidations
    std::optional<instant> created = {};  ///< none: now
    std::span<const std::uint64_t> tags = {};
    std::string_view name = {};  ///< of a generic entry: its caller's key
  };

  /// Keeps an answer, in the place of an older one under the same key.
  outcome<void> store(const blob_ref& value, const particulars& about, instant now, effects& out);

  struct reading {
    blob_ref value;  ///< empty: a worker must unpack it first, or it is corrupt
    tier from = tier::none;
    bool corrupt = false;
  };

  static bool is_hot(const blob& entry) noexcept { return (static_cast<unsigned>(entry.queue.where) & 1U) != 0; }

  /// Hands out a hot entry's answer, and marks the entry as used.
  static blob_ref read_hot(blob& entry) noexcept {
    policy::hit(entry);
    return entry.hand_out();
  }

  /// The same for a warm entry. `may_be_hot` lets one that is used again move up.
  reading read_warm(blob& entry, bool may_be_hot, effects& out);

  reading read(blob& entry, bool may_be_hot, effects& out) {
    if (is_hot(entry)) return {read_hot(entry), tier::hot, false};
    return read_warm(entry, may_be_hot, out);
  }

  /// The entry's answer as others can read it, raw or packed without a dictionary; nothing is counted as read. Empty
  /// when it is corrupt or there is no memory.
  blob_ref for_others(blob& entry);

  /// The entry's tags.
  std::span<const std::uint64_t> tags_of(const blob& entry) const noexcept;
  /// The key that a generic entry's caller gave it; empty for any other.
  std::string_view name_of(const blob& entry) const noexcept;

  /// Calls `visit(blob&)` for the entries of some buckets of the index, which must be held meanwhile; see key_index.
  template <class Visit>
  std::size_t visit(std::size_t from, std::size_t buckets, Visit&& visitor) const {
    return index_.visit(from, buckets, std::forward<Visit>(visitor));
  }
  static constexpr std::size_t visited_all = key_index::visited_all;
  void hold_index(bool held) noexcept { index_.hold(held); }
  bool shrink_index() noexcept { return index_.shrink(); }
  std::size_t buckets() const noexcept { return index_.buckets(); }
  std::uint64_t index_folds() const noexcept { return index_.folds(); }

  /// Removes an entry for good. Its key is not remembered.
  void erase(blob& entry) noexcept;

  /// Gives an entry a new end.
  void set_end(blob& entry, instant expires, instant now);

  /// Entries of this operation stay for so long past their end; say it before there are any.
  void linger(std::uint16_t operation, duration past_their_end);

  /// A tenant's answers may take so many bytes; 0: as many as there are. What it has over that leaves as it stores more.
  void limit(std::uint16_t tenant, std::uint64_t bytes);

  /// What a tenant takes.
  tenant_use use_of(std::uint16_t tenant) const noexcept;

  /// Removes everything; dictionaries stay.
  void clear() noexcept;

  /// Calls `gone(const blob&)` for at most `limit` entries whose time is over, that in which they linger included, and
  /// removes them. True when more may be.
  template <class Gone>
  bool expire(instant now, unsigned limit, Gone&& gone) {
    return lifetimes_.take_expired(
        now, limit,
        [&](blob& b) {
          gone(std::as_const(b));
          erase(b);
        },
        [this](const blob& b) { return lingers(b); });
  }

  /// A worker's results, and how long they took. Late ones, whose entry has changed meanwhile, are dropped.
  void packed(const key128& key, const blob_ref& raw, blob_ref packed, effects& out, std::uint64_t nanoseconds = 0);
  void trained(std::uint16_t operation, std::shared_ptr<const dictionary> made, effects& out);
  void training_failed(std::uint16_t operation);

  /// How compression went since the last report. What workers unpacked is told by the owner.
  compression_window& compression() noexcept { return compression_; }

  /// Bytes that the owner uses beside the tiers, out of the same budget. Makes room for them at once.
  void reserve(std::uint64_t bytes, effects& out);

  void mode(eviction_mode m);
  eviction_mode mode() const noexcept { return policy_.mode(); }

  std::uint64_t charged() const noexcept { return policy_.used() + warm_bytes_ + overhead(); }
  std::uint64_t budget() const noexcept { return options_.budget; }
  void fill(shard_gauges& g) const noexcept;
  std::size_t size() const noexcept { return index_.size(); }
  const std::shared_ptr<const dictionary>& dictionary_number(std::uint16_t n) const { return dictionaries_[n]; }

  /// Calls `visit(const blob&)` for every entry.
  template <class Visit>
  void for_each(Visit&& visit) const {
    index_.for_each([&](blob& b) { visit(std::as_const(b)); });
  }

  /// Recounts everything: queues, index, expiry, bytes, budget.
  bool sound() const;

 private:
  struct traits {
    static policy_hook<blob>& hook(blob& b) noexcept { return b.queue; }
    static std::uint64_t weight_of(const blob& b) noexcept { return b.charged(); }
    static std::uint64_t hash_of(const blob& b) noexcept { return b.key.hi ^ (b.key.lo * 0x9e3779b97f4a7c15ULL); }
  };
  using policy = fifo_policy<blob, traits, stamping::by_owner>;

  /// One operation's way to a dictionary.
  struct training {
    std::unique_ptr<dictionary_trainer> trainer;
    std::uint16_t dictionary = 0;    ///< number of the one in use
    std::uint64_t next_attempt = 0;  ///< offers after which to train (again)
    bool running = false;
  };

  duration lingers(const blob& b) const noexcept {
    return b.operation < lingering_.size() ? lingering_[b.operation] : duration{0};
  }
  std::uint64_t reading_of_watch() const noexcept { return options_.stopwatch != nullptr ? options_.stopwatch() : 0; }
  std::uint64_t overhead() const noexcept;
  std::uint64_t room_for_answers() const noexcept;
  bool is_over() const noexcept { return charged() > options_.budget; }
  bool has_warm() const noexcept { return has_warm_; }
  static blob_ref own(const blob_ref& value) noexcept;
  void fit(effects& out);
  void set_hot_room() noexcept;
  void take_victim(blob& victim, bool remember) noexcept;
  void demote_victims(effects& out);
  void demote(blob& b, effects& out) noexcept;
  bool pack(blob& b, const std::shared_ptr<const dictionary>& with, std::uint16_t number);
  bool worth_packing(std::size_t raw, std::size_t packed) const noexcept;
  void push_warm(blob& b) noexcept;
  void unlink_warm(blob& b) noexcept;
  void evict_warm();
  void drop(blob& b) noexcept;
  void unlink(blob& b) noexcept;
  void swap_in(blob& old, blob& fresh) noexcept;
  bool enter_hot(blob& b);
  void sample(const blob& b, std::uint16_t operation, effects& out);
  bool may_start_training();
  bool has_room_to_train() const noexcept;
  void stop_sampling(training& t) noexcept;
  training& training_of(std::uint16_t operation);
  /// What few entries have. A generic entry's key lies in its bytes as well, but those may be compressed.
  struct label {
    std::vector<std::uint64_t> tags;
    std::string name;
  };
  void set_label(blob& b, std::span<const std::uint64_t> tags, std::string_view name);
  void forget_label(const blob& b) noexcept;
  const label* label_of(const blob& entry) const noexcept;
  std::uint64_t label_bytes() const noexcept;
  void enter(const blob& b) noexcept;
  void leave(const blob& b) noexcept;
  outcome<void> make_own_room(const particulars& about, std::uint32_t weight);
  bool may_grow(const blob& entry, std::uint64_t charged) noexcept;
  bool evict_own(std::uint16_t tenant, std::uint64_t most, std::size_t buckets, const blob* spared) noexcept;
  bool uses_are_exact() const;

  struct key_hash {
    std::size_t operator()(const key128& k) const noexcept { return k.lo; }
  };

  tier_options options_;
  bool has_warm_;
  std::uint64_t seed_;
  shard_counters& counters_;
  key_index index_;
  lifetime_queues lifetimes_;
  policy policy_;
  blob* warm_oldest_ = nullptr;
  blob* warm_youngest_ = nullptr;
  std::uint64_t warm_bytes_ = 0;
  std::size_t warm_count_ = 0;
  blob* victims_ = nullptr;  // driven out of hot and not yet demoted, linked by queue.next
  zstd_codec codec_;
  std::vector<std::byte> scratch_;
  std::vector<std::shared_ptr<const dictionary>> dictionaries_;  // by number; number 0 is none
  std::vector<training> trainings_;                              // by operation
  std::uint64_t dictionary_bytes_ = 0;
  std::uint64_t dictionary_size_;  // of one to be trained
  std::uint64_t most_samples_;     // bytes of answers that one operation's trainer may keep
  std::uint64_t trainer_bytes_;    // what one trainer is charged, from its start
  std::uint64_t trainers_ = 0;
  std::uint64_t waiting_samples_ = 0;  // answers that found no room for their operation's trainer
  std::uint64_t reserved_ = 0;
  std::vector<duration> lingering_;                     // by operation; empty where nothing does
  std::unordered_map<key128, label, key_hash> labels_;  // of the few entries that have any
  std::size_t tag_count_ = 0;                           // in all of them
  std::size_t name_bytes_ = 0;
  compression_window compression_;
  std::vector<tenant_use> uses_;  // by tenant
};

}  // namespace aicache
