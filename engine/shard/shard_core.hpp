#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/advice/expiry_ghost.hpp"
#include "engine/answers/answer_gate.hpp"
#include "engine/answers/negative_table.hpp"
#include "engine/cluster/ranges.hpp"
#include "engine/eviction/mode_learner.hpp"
#include "engine/search/memory_search.hpp"
#include "engine/shard/account_table.hpp"
#include "engine/shard/batch.hpp"
#include "engine/shard/effects.hpp"
#include "engine/shard/lease_table.hpp"
#include "engine/shard/name_table.hpp"
#include "engine/shard/options.hpp"
#include "engine/shard/promotion.hpp"
#include "engine/shard/shared_side.hpp"
#include "engine/shard/tier_stack.hpp"
#include "engine/shard/transfer.hpp"
#include "engine/statistics/histogram_window.hpp"
#include "engine/statistics/report.hpp"

namespace aicache {

/// The mind of one shard: takes batches and the time, answers, and says what else is to be done; does nothing itself.
///
/// Shape      get -> hot -> warm -> (shared) -> negative or lease or line or miss; put -> gate -> tiers, and the line is
///            answered; past its time an answer may be served while it is computed anew (shard_stale.cpp)
/// Units      charged bytes; `instant` for time; nanoseconds for latencies that the actor tells
/// Owner      one shard actor; not thread-safe; never blocks; is told the time
/// Fails      bad items are answered with an error each, and change nothing that is stored
/// Invariant  charged bytes never exceed the budget; a get is counted once, as hit, miss, stale or negative, when it is
///            answered;
///            every parked get is answered by a `late_answer` effect, at the latest when its wait is over
/// Cost       a hot hit: one index look-up, plain counters; no allocation, no lock, no atomic read-modify-write
class shard_core {
 public:
  explicit shard_core(const shard_options& options);

  /// What all items of one batch have in common.
  struct batch {
    std::uint64_t id = 0;                       ///< names the batch in late answers; the actor's choice
    std::uint64_t owner = 0;                    ///< the client that would hold leases
    instant wait_until;                         ///< how long its gets may be parked, at most
    std::span<const std::uint32_t> calls = {};  ///< as get_body::calls
  };

  /// Translates a batch's names into the shard's own numbers; call it before the batch's items are used. The result is
  /// valid until the next call. `kept` are the same names in a form that lasts, if the caller has one.
  void resolve(const name_lists& names, std::shared_ptr<const name_lists> kept = {});

  /// The same for a batch that was resolved, and counted, before, and goes on now.
  void resume(const name_lists& names, std::shared_ptr<const name_lists> kept = {});

  /// Answers gets. `results` has one place for each item; those with `pending` follow as late answers.
  void get(std::span<const get_item> items, const batch& b, instant now, std::span<get_result> results, effects& out) {
    if (items.size() != 1 || results.size() != 1) return get_together(items, b, now, results, out);
    if (!hit_alone(items[0], now, results[0])) get_alone(items[0], b, now, results[0], out);
  }

  /// Stores answers, and hands them to whoever waits. Returns how many results are not final: those that are written
  /// through, each of which is followed by a `late_news` of batch `id`.
  std::uint32_t put(std::span<const put_item> items, std::uint64_t id, instant now, std::span<put_result> results,
                    effects& out);

  /// Forgets answers. Returns how many results are not final: whether the shared tier had the answer follows as
  /// `late_news` of batch `id`.
  std::uint32_t erase(std::span<const key_item> items, std::uint64_t id, instant now, std::span<key_result> results,
                      effects& out);

  /// Brings what is absent in memory there from the shared tier, if it has it; a `late_news` of batch `id` for each key
  /// that was looked up, so many as returned.
  std::uint32_t look_up(std::span<const key_item> items, std::uint64_t id, instant until, instant now, effects& out);

  /// Simple things by key, in memory.
  void exists(std::span<const key_item> items, instant now, std::span<key_result> results) const;
  void time_left(std::span<const key_item> items, instant now, std::span<key_result> results) const;
  void touch(std::span<const key_item> items, instant now, std::span<key_result> results, effects& out);
  void release(std::span<const key_item> items, instant now, std::span<key_result> results, effects& out);

  // -- out of memory, and into it (shard_transfer.cpp) -----------------------

  /// The next step of a walk through everything that is alive here: at most a few thousand entries, and about
  /// `most_bytes` of answers. Nothing is counted as read, nothing moves, nothing is unpacked.
  walk_step walk(const walk_place& from, std::uint64_t most_bytes, instant now);

  /// Takes entries of another memory in, each for what is left of its life and under the rules of a put. What is not in
  /// memory should have been looked up before, so that nothing newer is overwritten. Call resolve() before.
  void import(std::span<const transfer_item> items, const import_rules& rules, instant now,
              std::span<import_result> results, effects& out);

  /// Forgets every answer, and what is being computed is delivered but not stored. Returns how many left.
  std::uint64_t clear(effects& out);

  /// So many keys were refused because another node owns them.
  void count_moved(std::uint64_t keys) noexcept { counters_.moved += keys; }

  /// The batch was served `nanoseconds` after it was sent: enters the histograms of all it answered at once.
  void served(std::uint64_t nanoseconds);

  // -- the shared tier -------------------------------------------------------

  /// It may be asked or not; what is put from now on is born in generation `newest`.
  void shared_tier(bool available, generation newest, instant now, effects& out);

  /// What a look-up brought, a value for each key of the request.
  void fetched(std::uint64_t ticket, std::span<const fetched_value> values, instant now, effects& out);

  /// So long did the shared tier take to answer one request; what it did not answer is not told.
  void shared_answered(std::uint64_t nanoseconds) { histogram_bytes_ += shared_reads_.record(nanoseconds); }

  /// A worker has opened what was too large to be opened here.
  void opened(std::uint64_t ticket, outcome<opened_answer> what, instant now, effects& out);

  /// What became of a message with changes.
  void written(std::uint64_t ticket, std::span<const store_status> items, instant now, effects& out);

  /// The way to the shared tier was made anew: nothing that is open will be answered.
  void shared_tier_reset(instant now, effects& out);

  /// The worker that makes changes ready was replaced: those that were on their way are to be sent again.
  void changes_lost(instant now, effects& out);

  void use_keys(std::shared_ptr<const key_ring> keys);

  /// By these lives, stale windows, gate, errors, leases and promotion from now on; what is kept keeps the end that it was
  /// given. Everything else in `o` is as it was when the shard was made.
  void retune(const shard_options& o, effects& out);

  /// These scopes were invalidated: what is older leaves memory, in bounded steps of `tick`, and is not served from now
  /// on; an `invalidation_done` follows if the ticket is not 0.
  void invalidate(const invalidate_scopes& what, effects& out);

  // -- ranges that go to other nodes (shard_ranges.cpp) ----------------------

  /// These ranges are another node's: what memory has of them is dead from now on and leaves in bounded steps of `tick`;
  /// leases and look-ups of their keys end, and who waits is answered `moved`. What the shared tier has not been told of
  /// them is written first.
  /// With `keep` memory stays as it is, for whoever hands it over.
  void forget(const range_set& lost, bool keep, instant now, effects& out);
  /// Whether the shared tier has been told everything that was waiting when ranges were forgotten.
  bool has_let_go() const;

  /// One step of a search through memory. Searches change nothing; while they go on the index does not shrink.
  memory_found search(const memory_search& wanted, instant now);

  /// A client is gone: its leases pass on.
  void owner_gone(std::uint64_t owner, instant now, effects& out);

  /// Housekeeping in bounded steps: waits, leases and answers whose time is over. True when more is due at once.
  bool tick(instant now, effects& out);

  /// Results of workers, and the nanoseconds that they took.
  void packed(const key128& key, const blob_ref& raw, blob_ref small, effects& out, std::uint64_t nanoseconds = 0);
  void unpacked(const key128& key, const blob_ref& small, blob_ref raw, instant now, effects& out,
                std::uint64_t nanoseconds = 0);
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

  tenant_gauges gauges_of(std::string_view tenant);

  /// Recounts everything; for tests.
  bool sound() const;

 private:
  static constexpr std::size_t batch_step = 16;
  static constexpr unsigned tick_steps = 256;

  /// One invalidation whose entries are still being looked for, and counted.
  struct sweep {
    std::uint64_t ticket = 0;
    std::uint32_t epoch = 0;  ///< entries of earlier epochs are meant
    bool everything = false;
    std::vector<std::uint16_t> operations;
    std::vector<std::uint16_t> tenants;
    std::vector<std::uint64_t> tags;
    std::uint64_t entries = 0;  ///< that have gone
  };

  struct operation_state {
    operation_counters counted;
    operation_counters reported;
    std::unique_ptr<histogram_window> latency;  ///< since the last report; made at the first use
    duration lifetime{0};
    duration revalidate{0};         ///< so long past their end answers are served while one caller computes anew
    duration if_error{0};           ///< and so long if that failed
    std::uint32_t dead_before = 0;  ///< entries of earlier epochs were invalidated
    promotion_class promotion = promotion_class::other;
    std::uint64_t hits = 0;    ///< hot ones as far as their batches were served
    std::uint32_t served = 0;  ///< keys of the present batch that were answered at once, but for hot hits
  };
  struct tenant_state {
    tenant_counters counted;
    tenant_counters reported;
    tenant_gauges told;  ///< by the last report
    std::uint32_t dead_before = 0;
  };
  /// A compressed answer in a worker's hands, and who waits for it until when.
  struct unpacking {
    struct seat {
      waiter who;
      instant until;
      bool stale = false;  ///< it was past its time when this one asked
    };
    key128 key;
    blob_ref packed;
    std::vector<seat> line;
    instant next_due = never;  ///< nobody's wait ends before
  };

  void get_together(std::span<const get_item> items, const batch& b, instant now, std::span<get_result> results,
                    effects& out);
  blob* look_up(const key128& key);
  [[gnu::always_inline]] bool is_sampled(const key128& key) const noexcept {
    return sample_threshold_ != 0 && sample_hash(key) <= sample_threshold_;
  }
  void sample(std::uint64_t hash, const blob* entry);
  void note_expired(const blob& gone) noexcept;
  bool hit_hot(const get_item& item, blob* entry, instant now, get_result& r);
  void get_otherwise(const get_item& item, blob* entry, const batch& b, instant now, std::uint32_t position,
                     get_result& r, effects& out);
  void get_alone(const get_item& item, const batch& b, instant now, get_result& r, effects& out);
  bool hit_alone(const get_item& item, instant now, get_result& r);
  void hit(const get_item& item, operation_state& o, tier from, blob_ref value, get_result& r);
  void read_warm(const get_item& item, const key128& key, blob& entry, const batch& b, instant now,
                 std::uint32_t position, get_result& r, effects& out);
  void miss(const get_item& item, const key128& key, std::uint64_t operation_counters::*why, const batch& b,
            instant now, std::uint32_t position, get_result& r, effects& out);
  outcome<void> store_counted(const blob_ref& value, const tier_stack::particulars& about, operation_state& o,
                              instant now, effects& out);
  put_result put_one(const put_item& item, instant now, effects& out);
  put_result refuse(const put_item& item, const answer_gate::verdict& why, instant expires, instant now, effects& out);
  put_result put_failure(const put_item& item, instant now, effects& out);
  bool was_cut_off(const put_item& item, instant now, effects& out);
  void end_failed(const key128& key, std::uint64_t token, const negative_table::error& e, instant now, effects& out);
  bool tell_failure(const key128& key, const waiter& w, instant now, get_result& r) noexcept;
  // What an answer past its time is good for: nothing; to be kept, in case no other can be had; to be served.
  enum class afterlife : std::uint8_t { none, kept, served };
  afterlife afterlife_of(const blob& entry, instant now) const noexcept;
  blob* outlived(const key128& key, afterlife least, instant now) const noexcept;
  void get_outlived(const get_item& item, const key128& key, blob& entry, const batch& b, instant now,
                    std::uint32_t position, get_result& r, effects& out);
  void serve_outlived(const get_item& item, const key128& key, blob& entry, const batch& b, instant now,
                      std::uint32_t position, get_result& r, effects& out);
  bool read_outlived(blob& entry, text_tier text, get_result& r, effects& out);
  bool answer_without(const key128& key, text_tier text, const waiter& w, bool wants_lease, instant now, get_result& r,
                      effects& out);
  void offer_outlived(const key128& key, instant now, get_result& r, effects& out);
  bool is_computed(const key128& key, std::uint16_t operation, std::uint16_t tenant);
  void look_for_newer(const get_item& item, const key128& key);
  lease_table::grant ask_lease(const key128& key, std::uint64_t owner, const waiter& who, instant now, instant until);
  enum class asked_shared : std::uint8_t { asked, known, unreachable };  // known: it has nothing that may be used
  asked_shared ask_shared(const get_item& item, const key128& key, const batch& b, const waiter& who, instant now);
  bool may_look_up() const noexcept;
  // Nobody waits so long for a look-up; what has not come by then is taken for lost.
  instant end_of_hope(instant now) const noexcept { return now + 2 * options_.shared.patience; }
  std::optional<shared_name> name_of(std::uint16_t operation, std::uint16_t tenant, const identity& id) const;
  void send_look_ups(instant now, effects& out);
  void land(fetch_table::flight& f, const outcome<opened_answer>& what, instant now, effects& out);
  void answer_seats(const std::vector<fetch_table::seat>& line, const get_result& r, instant now, effects& out);
  void miss_seats(const fetch_table::flight& f, std::uint64_t operation_counters::*why, instant now, effects& out);
  bool keep(const fetch_table::flight& f, const opened_answer& a, instant now, effects& out);
  bool change(const identity& id, std::uint16_t operation, std::uint16_t tenant, bool remove,
              std::optional<dirty_queue::waiting> who, effects& out);
  void note(dirty_queue::change c, effects& out);
  void give_up(const dirty_queue::change& dropped, effects& out);
  void tell_waiting(effects& out);
  static store_status news_of(const dirty_queue::waiting& who, bool removed, store_status how) noexcept;
  void write_dirty(instant now, effects& out);
  std::optional<write_item> to_write(dirty_queue::change& c, instant now, bool& held);
  bool scopes_alive(generation born, const shared_name& name, std::span<const std::uint64_t> tags,
                    const key128& key) const;
  bool is_dead(std::uint32_t epoch, std::uint16_t operation, std::uint16_t tenant,
               std::span<const std::uint64_t> tags) const noexcept;
  bool is_dead(const blob& entry) const noexcept;
  bool is_invalidated(const blob& entry) const noexcept;
  bool is_of_lost_range(const blob& entry) const noexcept {
    return !ranges_dead_.empty() && entry.epoch < ranges_dead_[range_of(entry.key)];
  }
  bool awaits_writing(const blob& entry) const;
  void sweep_for_ranges();
  void bury(blob& entry);
  bool bury_if_dead(const key128& key);
  bool means(const sweep& s, const blob& entry) const noexcept;
  bool sweep_on(effects& out);
  void hold_index() noexcept {
    tiers_.hold_index(sweeping_ || walk_until_ != instant{} || searched_until_ != instant{0});
  }
  void end_walk(instant now) noexcept;
  std::uint64_t run() const noexcept { return sample_hash({options_.seed, 1}) | 1; }
  bool was_invalidated(const transfer_item& item, const import_rules& rules) const;
  import_result import_one(const transfer_item& item, const import_rules& rules, instant now, effects& out);
  void end_searches(instant now) noexcept;
  static void mark(const scope& s, const name_table& names, std::vector<std::uint16_t>& numbers,
                   scope (*scope_of)(std::string_view));
  void have_account(const get_item& item);
  account_row& account_of_item(const get_item& item);
  void choose_account(const get_item& item);
  void settle_batch();
  void wait(const get_item& item, get_result& r) noexcept;
  account_row& account_of(const account_name& name);
  void settle(account_row& a);
  void settle_all();
  void settle_use(std::uint16_t tenant) noexcept;
  tenant_gauges gauges_of(std::uint16_t tenant) const noexcept;
  void settle_served(account_row& a);
  static void add(operation_counters& o, tenant_counters& t, const account_figures& gained) noexcept;
  waiter waiter_for(const get_item& item, const batch& b, std::uint32_t position, instant now) const noexcept;
  std::uint64_t hits_of(const operation_state& o) const noexcept;
  void miss_at_once(const waiter& w, std::uint64_t operation_counters::*why) noexcept;
  void count_miss(const waiter& w, std::uint64_t operation_counters::*why) noexcept;
  void count_asked(const waiter& w);
  void count_stale(const waiter& w, const answer_facts& facts);
  void count_negative(const waiter& w) noexcept;
  void answer_line(const std::vector<waiter>& line, const get_result& r, instant now, effects& out);
  void hand_over(instant now, effects& out);
  void record(std::uint16_t operation, std::uint64_t nanoseconds, std::uint64_t keys);
  void record_late(const waiter& w, tier from, instant now);
  bool wait_for_worker(const key128& key, blob& entry, const waiter& who, instant until, bool stale, effects& out);
  bool end_waits(instant now, effects& out);
  bool end_look_ups(instant now, effects& out);
  bool may_be_hot(const operation_state& o, text_tier text) const noexcept;
  outcome<instant> end_of(std::int64_t ttl_ms, const operation_state& o, instant now) const;
  [[gnu::always_inline]] static std::uint16_t local(const std::vector<std::uint16_t>& numbers,
                                                    std::uint16_t in_batch) noexcept {
    if (in_batch < numbers.size()) [[likely]]
      return numbers[in_batch];
    return 0;
  }
  [[gnu::always_inline]] operation_state& operation_of(std::uint16_t in_batch) noexcept {
    return operations_[local(batch_operations_, in_batch)];
  }
  blob* live(const key128& key, instant now) const noexcept;
  void account(effects& out);
  static shared_options affordable(shared_options o, std::uint64_t budget) noexcept;
  static std::uint16_t affordable(std::uint16_t names, std::uint64_t each, std::uint64_t budget) noexcept;
  void grow_states();
  void set_terms(operation_state& o, std::uint16_t number);

  shard_options options_;
  shard_counters counters_;
  shard_counters reported_;
  tier_stack tiers_;
  lease_table leases_;
  negative_table negatives_;
  name_table operation_names_;
  name_table tenant_names_;
  name_table model_names_;
  account_table accounts_;
  std::vector<operation_state> operations_;
  std::vector<tenant_state> tenants_;
  std::vector<std::uint16_t> batch_operations_;  // the present batch's names, as numbers
  std::vector<std::uint16_t> batch_tenants_;
  std::vector<std::uint16_t> batch_models_;
  static constexpr std::uint64_t no_names = UINT64_MAX;
  std::uint64_t account_names_ = no_names;     // the names, in the batch's numbers, whose account is at hand
  account_row* account_ = nullptr;             // that account
  std::vector<std::uint32_t> batch_accounts_;  // rows under which the present batch has asked
  std::size_t most_samples_;
  std::size_t sample_batch_ = SIZE_MAX;
  std::vector<sampled> samples_;
  std::uint64_t sample_threshold_ = 0;
  std::vector<unpacking> unpacking_;  // few: one per value in a worker's hands
  std::vector<lease_table::handover> handovers_;
  std::vector<waiter> line_;
  std::vector<waiter> left_;
  std::array<histogram_window, tier_count> tier_latency_;  // since the last report
  std::array<std::uint32_t, tier_count> tier_served_{};    // the same as operation_state::served, by tier
  std::array<histogram_window, text_tier_count> text_latency_;
  std::array<std::uint32_t, text_tier_count> text_served_{};   // gets of the present batch
  std::array<std::uint32_t, text_tier_count> text_pending_{};  // gets of the present batch that wait
  std::array<std::uint64_t, text_tier_count> text_misses_{};   // of those in text_latency_
  histogram_window shared_reads_;
  std::uint64_t histogram_bytes_ = 0;
  expiry_ghost expired_;         // a sample of what was not needed when its time was over, and may be asked for again
  std::size_t most_tags_known_;  // invalidated tags with an epoch of their own
  std::unique_ptr<shared_side> shared_;  // null where there is no shared tier
  std::uint32_t epoch_ = 1;              // counts invalidations
  std::uint32_t everything_dead_before_ = 0;
  std::uint32_t tags_dead_before_ = 0;                          // of all tags whose own epochs were forgotten
  std::unordered_map<std::uint64_t, std::uint32_t> tags_dead_;  // by tag, the epoch before which entries are dead
  bool sweeping_ = false;                                       // the index is being walked
  bool sweep_again_ = false;  // and must be walked once more: something was invalidated meanwhile
  std::vector<sweep> sweeps_;
  std::vector<sweep> next_sweeps_;  // that came meanwhile
  std::size_t sweep_cursor_ = 0;
  instant searched_until_{0};          // somebody searches, and the index is held; 0: nobody
  std::uint32_t doubtful_before_ = 0;  // while a sweep goes on: entries of earlier epochs may be dead
  std::uint64_t walk_ = 0;             // the present walk, which several may share; also its number when it is over
  instant walk_until_;                 // when it ends unless somebody goes on; zero: nobody walks
  std::vector<std::uint32_t> ranges_dead_;  // by range, the epoch before which entries are dead; empty: none was lost
  range_set letting_go_;                    // of these the shared tier may not have been told everything
  std::uint64_t last_write_of_lost_ = 0;    // ticket of the last message that may hold changes of those
  bool lost_unwritten_ = false;             // a sweep has left entries of lost ranges that are still to be written
};

}  // namespace aicache
