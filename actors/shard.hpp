#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "actors/node_clock.hpp"
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
  colleagues with;
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
  struct open_batch {
    std::uint64_t owner = 0;       ///< 0 when nobody of the batch asked for a lease
    caf::strong_actor_ptr sender;  ///< takes late replies; null when `whole` is kept
    caf::typed_response_promise<get_reply> whole;
    std::uint64_t correlation = 0;
    std::shared_ptr<get_body> body;  ///< while `whole` waits for it
    std::uint32_t open = 0;
  };

  instant now() const { return setup_.clock.at(self_->clock().now()); }
  caf::result<get_reply> get(const get_batch& m);
  caf::result<put_reply> put(const put_batch& m);
  template <class Reply, class Batch, class Work>
  caf::result<Reply> by_key(const Batch& m, Work&& work);
  template <class Body>
  errc refusal(const std::shared_ptr<Body>& body) const;
  std::uint64_t owner_of(const caf::strong_actor_ptr& sender);
  void client_gone(const caf::actor_addr& who);
  void perform();
  void tick();
  void report(shard_report now);
  drained drain();

  pointer self_;
  shard_setup setup_;
  std::unique_ptr<shard_core> core_;
  effects effects_;  // one buffer, reused
  std::uint64_t next_batch_ = 0;
  std::unordered_map<std::uint64_t, open_batch> open_;
  std::map<caf::actor_addr, std::uint64_t> owners_;  // clients that have asked for leases
  std::uint64_t next_owner_ = 0;
  std::size_t next_worker_ = 0;
  node_clock::point next_report_{};
  bool draining_ = false;
};

inline shard_actor::behavior_type shard(shard_state::pointer self, shard_setup setup) {
  return self->state.start(std::move(setup));
}

}  // namespace aicache
