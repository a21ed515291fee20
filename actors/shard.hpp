#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "actors/node_clock.hpp"
#include "engine/cluster/ranges.hpp"
#include "engine/events/event_log.hpp"
#include "engine/shard/shard_core.hpp"
#include "messages/interfaces.hpp"

namespace aicache {

/// What a shard is told when it is spawned.
struct shard_setup {
  std::uint32_t number = 0;
  shard_options options;
  client_limits limits;
  duration report_interval{250};
  node_clock clock;
  duration drain_timeout{5'000};
  colleagues with;
  bool in_cluster = false;  ///< it serves what it is told to, and nothing before that
};

/// Performs what its shard_core decides.
///
/// Shape      batch -> core -> reply; pending results follow; workers do what takes long; a tick does housekeeping and
///            reports to the monitor
/// Owner      itself: one scheduled actor, nothing shared
/// Fails      a batch that breaks the limits is refused as a whole; an exception becomes `internal` for that batch
/// Invariant  a batch is open exactly while a result of it is pending and its sender lives; whoever waits by request is answered even when the shard is killed: by the destructor
class shard_state {
 public:
  using pointer = shard_actor::stateful_pointer<shard_state>;

  explicit shard_state(pointer self) : self_(self) {}
  ~shard_state();
  shard_state(const shard_state&) = delete;
  shard_state& operator=(const shard_state&) = delete;

  shard_actor::behavior_type start(shard_setup setup);

  static inline const char* name = "aicache.shard";

 private:
  /// A put or an operation by key of which some results wait for the shared tier.
  struct open_change {
    std::uint32_t open = 0;
    std::function<void(std::uint32_t position, store_status how)> one;
    std::function<void(errc why)> all;  ///< when the last is told, or when none will be
  };
  struct open_batch {
    std::uint64_t owner = 0;       ///< 0 when nobody of the batch asked for a lease
    caf::strong_actor_ptr sender;  ///< takes late replies; null when `whole` is kept
    caf::typed_response_promise<get_reply> whole;
    std::uint64_t correlation = 0;
    std::shared_ptr<get_body> body;   ///< while `whole` waits for it
    std::shared_ptr<get_body> asked;  ///< while somebody wants to be told of its hits or misses
    std::uint32_t open = 0;
  };

  instant now() const { return setup_.clock.at(self_->clock().now()); }
  caf::result<get_reply> get(const get_batch& m);
  caf::result<put_reply> put(const put_batch& m);
  /// `work` does the operation in memory; with `look_up` what is absent there is brought from the shared tier first.
  template <class Reply, class Batch, class Work>
  caf::result<Reply> by_key(const Batch& m, bool look_up, Work&& work);
  caf::result<erase_reply> erase(const erase_batch& m);
  /// Whether this node owns all of these keys, at present.
  template <class Items>
  bool owns(const Items& items) const {
    if (now() >= owned_until_) return false;
    for (const auto& item : items)
      if (!(*owned_)[range_of(item.id.key())]) return false;
    return true;
  }
  /// Whether a batch has keys of other nodes. Without a cluster nothing is looked at.
  template <class Batch>
  bool moves(const Batch& m) const {
    return owned_ && m.body && !owns(m.body->items);
  }
  template <class Reply, class Batch>
  caf::result<Reply> only_owned(const Batch& m);
  caf::result<ranges_served> serve(const serve_ranges& m);
  void answer_let_go();
  walked walk(const walk_request& m);
  caf::result<imported> import(const import_entries& m);
  void retune(const retune_shard& m);
  template <class Reply, class Body>
  caf::result<Reply> when_told(std::uint64_t batch, std::uint32_t open, std::uint64_t correlation,
                               const std::shared_ptr<Body>& body, std::function<void(std::uint32_t, store_status)> one,
                               std::function<void()> last = {});
  // Large values: shard_large.cpp.
  template <class Each>
  void send_large(const caf::strong_actor_ptr& receiver, large_values& large, std::size_t count, Each&& result_of);
  get_reply reply_to(const get_batch& m, const caf::strong_actor_ptr& sender);
  get_reply addressed(get_reply r, const caf::strong_actor_ptr& receiver);
  late_reply addressed(late_reply r, const caf::strong_actor_ptr& receiver);
  errc refusal_of_large(const put_batch& m, std::uint64_t& bytes) const;
  caf::result<put_reply> take_large(const put_batch& m);
  bool taker_gone(const caf::actor_addr& who);
  void tell(const late_news& n);
  void answer(late_answer& a);
  void send_late();
  codec_worker_actor writer(const colleagues& with) const;
  void take_colleagues(const colleagues& m);
  template <class Body>
  errc refusal(const std::shared_ptr<Body>& body) const;
  std::uint64_t owner_of(const caf::strong_actor_ptr& sender);
  void client_gone(const caf::actor_addr& who);
  void perform();
  void time_fetch(const fetched& m);
  void tick(bool extra);
  void report(shard_report now);
  memory_found look_for(const memory_search& m);
  void note(event_kind kind, tier from, const identity& id, std::uint16_t operation, std::uint16_t tenant,
            const std::shared_ptr<const name_lists>& names);
  void note_get(const get_body& body, std::size_t position, const get_result& r);
  void note_gets(const get_body& body);
  void note_puts(const put_body& body);
  void note_erased(const key_body& body, std::size_t position);
  void tell_noted();
  void tell_slow(const get_body& body, std::uint64_t nanoseconds, instant at);
  caf::result<drained> drain();
  void tick_soon();
  void next_tick(duration wait);
  bool gives_leases() const noexcept { return !draining_ && level_ != service_level::shedding; }

  pointer self_;
  shard_setup setup_;
  std::unique_ptr<shard_core> core_;
  effects effects_;  // one buffer, reused
  std::uint64_t next_batch_ = 0;
  std::unordered_map<std::uint64_t, open_batch> open_;
  std::unordered_map<std::uint64_t, open_change> changes_;
  std::unordered_map<std::uint64_t, std::int64_t> fetches_;           // when requests to the link were sent, by ticket
  std::unordered_map<std::uint64_t, std::vector<late_result>> late_;  // of one turn, by batch
  bool extra_tick_ = false;
  std::map<caf::actor_addr, std::uint64_t> owners_;  // clients that have asked for leases
  std::uint64_t next_owner_ = 0;
  std::map<caf::actor_addr, std::uint64_t> takers_;  // of puts whose large values are on their way; and their bytes
  std::uint64_t taken_bytes_ = 0;                    // in all
  std::size_t next_worker_ = 0;
  node_clock::point next_report_{};
  std::uint64_t slow_nanoseconds_ = UINT64_MAX;  ///< gets that take longer are told
  event_log events_;
  bool slow_told_ = false;  ///< one was, since the last report
  bool draining_ = false;
  service_level level_ = service_level::normal;
  bool shared_available_ = false;
  node_clock::point tick_due_{};
  std::optional<caf::typed_response_promise<drained>> drained_;  // waits until nothing is left to be written
  std::uint64_t abandoned_ = 0;
  instant drain_until_;
  std::shared_ptr<const range_set> owned_;  // null: this node is no part of a cluster, and owns everything
  instant owned_until_;
  std::vector<caf::typed_response_promise<ranges_served>> letting_go_;
};

inline shard_actor::behavior_type shard(shard_state::pointer self, shard_setup setup) {
  return self->state.start(std::move(setup));
}

}  // namespace aicache
