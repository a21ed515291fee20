#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/eviction/mode_learner.hpp"
#include "engine/shard/batch.hpp"
#include "engine/shard/effects.hpp"
#include "engine/shard/lease_table.hpp"
#include "engine/shard/name_table.hpp"
#include "engine/shard/options.hpp"
#include "engine/shard/promotion.hpp"
#include "engine/shard/tier_stack.hpp"
#include "engine/statistics/report.hpp"

namespace aicache {

/// The mind of one shard: takes batches and the time, answers, and says what else is to be done; does nothing itself.
///
/// Shape      get -> hot -> warm -> lease or line or miss; put -> tiers, and the line is answered
/// Units      charged bytes; `instant` for time; nanoseconds for latencies that the actor tells
/// Owner      one shard actor; not thread-safe; never blocks; is told the time
/// Fails      bad items are answered with an error each, and change nothing that is stored
/// Invariant  charged bytes never exceed the budget; a get is counted once, as hit or miss, when it is answered;
///            every parked get is answered by a `late_answer` effect, at the latest when its wait is over
/// Cost       a hot hit: one index look-up, plain counters; no allocation, no lock, no atomic read-modify-write
class shard_core {
 public:
  explicit shard_core(const shard_options& options);

  /// What all items of one batch have in common.
  struct batch {
    std::uint64_t id = 0;     ///< names the batch in late answers; the actor's choice
    std::uint64_t owner = 0;  ///< the client that would hold leases
    instant wait_until;       ///< how long its gets may be parked, at most
  };

  /// Translates a batch's names into the shard's own numbers; call it before the batch's items are used. The result is
  /// valid until the next call.
  void resolve(const name_lists& names);

  /// Answers gets. `results` has one place for each item; those with `pending` follow as late answers.
  void get(std::span<const get_item> items, const batch& b, instant now, std::span<get_result> results, effects& out);

  /// Stores answers, and hands them to whoever waits.
  void put(std::span<const put_item> items, instant now, std::span<put_result> results, effects& out);

  /// Simple things by key; `operation` numbers are not needed.
  void erase(std::span<const key_item> items, instant now, std::span<key_result> results);
  void exists(std::span<const key_item> items, instant now, std::span<key_result> results) const;
  void time_left(std::span<const key_item> items, instant now, std::span<key_result> results) const;
  void touch(std::span<const key_item> items, instant now, std::span<key_result> results);
  void release(std::span<const key_item> items, instant now, std::span<key_result> results, effects& out);

  /// Forgets every answer, and what is being computed is delivered but not stored. Returns how many left.
  std::uint64_t clear(effects& out);

  /// The batch was served `nanoseconds` after it was sent: enters the histograms of all it answered at once.
  void served(std::uint64_t nanoseconds);

  /// A client is gone: its leases pass on.
  void owner_gone(std::uint64_t owner, instant now, effects& out);

  /// Housekeeping in bounded steps: waits, leases and answers whose time is over. True when more is due at once.
  bool tick(instant now, effects& out);

  /// Results of workers.
  void packed(const key128& key, const blob_ref& raw, blob_ref small, effects& out);
  void unpacked(const key128& key, const blob_ref& small, blob_ref raw, instant now, effects& out);
  void trained(std::uint16_t operation, outcome<std::shared_ptr<const dictionary>> made, effects& out);

  /// The node's learner has spoken: evict so, sample keys whose sample hash is at most `threshold` (0: none), and have
  /// the samples fetched as soon as there are `sample_batch`.
  void steer(eviction_mode mode, std::uint64_t threshold, std::size_t sample_batch = SIZE_MAX);

  /// What the learner shall see; empties the buffer.
  std::vector<sampled> take_samples();
  bool samples_full() const noexcept { return samples_.size() >= std::min(sample_batch_, most_samples_); }

  /// Everything counted since the last report, and the present state.
  shard_report take_report();

  /// The end of the shard: every parked get, to be answered with an error.
  std::vector<waiter> abandon();

  /// The shard's present figures since it started; for tests and inspection.
  const operation_counters& of_operation(std::string_view name);
  const tenant_counters& of_tenant(std::string_view name);
  const shard_counters& counters() const noexcept { return counters_; }
  shard_gauges gauges() const noexcept;
  std::uint64_t charged() const noexcept { return tiers_.charged(); }
  std::size_t size() const noexcept { return tiers_.size(); }

  /// Recounts everything; for tests.
  bool sound() const;

 private:
  static constexpr std::size_t batch_step = 16;
  static constexpr unsigned tick_steps = 256;

  struct operation_state {
    operation_counters counted;
    operation_counters reported;
    std::unique_ptr<histogram> latency;  ///< since the last report; made at the first use
    duration lifetime{0};
    promotion_class promotion = promotion_class::other;
    std::uint32_t served = 0;  ///< keys of the present batch that were answered at once
  };
  struct tenant_state {
    tenant_counters counted;
    tenant_counters reported;
  };
  /// A compressed answer in a worker's hands, and who waits for it until when.
  struct unpacking {
    struct seat {
      waiter who;
      instant until;
    };
    key128 key;
    blob_ref packed;
    std::vector<seat> line;
    instant next_due = never;  ///< nobody's wait ends before
  };

  void get_together(std::span<const get_item> items, const batch& b, instant now, std::span<get_result> results,
                    effects& out);
  void get_one(const get_item& item, const key128& key, const batch& b, instant now, std::uint32_t position,
               get_result& r, effects& out);
  void hit(const get_item& item, operation_state& o, tier from, blob_ref value, get_result& r) noexcept;
  void read_warm(const get_item& item, const key128& key, blob& entry, const batch& b, instant now,
                 std::uint32_t position, get_result& r, effects& out);
  void miss(const get_item& item, const key128& key, std::uint64_t operation_counters::*why, const batch& b,
            instant now, std::uint32_t position, get_result& r, effects& out);
  put_result put_one(const put_item& item, instant now, effects& out);
  void count_get(operation_state& o, text_tier text) noexcept;
  void count_hit(operation_state& o, tenant_state& t, tier from, const answer_facts& facts) noexcept;
  void count_miss(const waiter& w, std::uint64_t operation_counters::*why) noexcept;
  void answer_line(const std::vector<waiter>& line, const get_result& r, instant now, effects& out);
  void hand_over(instant now, effects& out);
  void record(std::uint16_t operation, std::uint64_t nanoseconds, std::uint64_t keys);
  void record_late(const waiter& w, tier from, instant now);
  bool wait_for_worker(const key128& key, blob& entry, const waiter& who, instant until, effects& out);
  bool end_waits(instant now, effects& out);
  bool may_be_hot(const operation_state& o, text_tier text) const noexcept;
  outcome<instant> end_of(std::int64_t ttl_ms, const operation_state& o, instant now) const;
  operation_state& operation_of(std::uint16_t in_batch) noexcept;
  std::uint16_t local(const std::vector<std::uint16_t>& numbers, std::uint16_t in_batch) const noexcept;
  blob* live(const key128& key, instant now) const noexcept;
  void account(effects& out);
  static std::uint16_t affordable(std::uint16_t names, std::uint64_t each, std::uint64_t budget) noexcept;
  void grow_states();

  shard_options options_;
  shard_counters counters_;
  shard_counters reported_;
  tier_stack tiers_;
  lease_table leases_;
  name_table operation_names_;
  name_table tenant_names_;
  std::vector<operation_state> operations_;
  std::vector<tenant_state> tenants_;
  std::vector<std::uint16_t> batch_operations_;  // the present batch's names, as numbers
  std::vector<std::uint16_t> batch_tenants_;
  std::size_t most_samples_;
  std::size_t sample_batch_ = SIZE_MAX;
  std::vector<sampled> samples_;
  std::uint64_t sample_threshold_ = 0;
  std::vector<unpacking> unpacking_;  // few: one per value in a worker's hands
  std::vector<lease_table::handover> handovers_;
  std::vector<waiter> line_;
  std::vector<waiter> left_;
  std::array<histogram, tier_count> tier_latency_;  // since the last report
  std::array<std::uint32_t, tier_count> tier_served_{};
  std::uint64_t histogram_bytes_ = 0;
};

}  // namespace aicache
