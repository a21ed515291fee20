#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/node_clock.hpp"
#include "actors/redis/journal_file.hpp"
#include "actors/redis/options.hpp"
#include "engine/shared/invalidation_core.hpp"
#include "messages/shared_interfaces.hpp"

namespace aicache {

class io_thread;

/// Listens on a channel for as long as it lives. Its listeners may be called from any thread.
struct heard_channel {
  std::string name;
  std::function<void(std::string text)> on_message;
  std::function<void(bool subscribed)> on_state;
};

/// Listens over a connection of its own.
std::function<std::shared_ptr<void>(heard_channel)> listen_on(std::shared_ptr<io_thread> io, redis_options how);

/// What the invalidation is told when it is spawned.
struct invalidation_setup {
  invalidation_core::options options;  ///< `alone` is set where there is no link
  link_actor link;
  /// Begins to listen; what it returns ends that when it is destroyed. Empty: announcements are not heard, and every
  /// invalidation of others is learned by the lease.
  std::function<std::shared_ptr<void>(heard_channel)> subscribe;
  /// Where what waits for Redis is kept; null: in memory. Opened by whoever starts the node, who can refuse to.
  std::shared_ptr<journal_file> journal;
  node_clock clock;
};

/// Performs what invalidation_core decides: commands to the link, news to the shards, answers to callers, lines to the
/// journal.
///
/// Owner      itself. With a journal it waits for the disk while Redis is away: spawn it detached then
/// Fails      a journal that cannot be written is logged once, and what waits is kept in memory; a caller whose promise
///            it holds when it dies is answered `unavailable`
class invalidation_state {
 public:
  using pointer = invalidation_actor::stateful_pointer<invalidation_state>;

  explicit invalidation_state(pointer self) : self_(self) {}
  ~invalidation_state();
  invalidation_state(const invalidation_state&) = delete;
  invalidation_state& operator=(const invalidation_state&) = delete;
  invalidation_actor::behavior_type start(invalidation_setup setup);

  static inline const char* name = "aicache.invalidation";

 private:
  template <class Event>
  void decide(Event&& event);
  void perform();
  void perform(const invalidation_core::tell_shards& e);
  void perform(const invalidation_core::tell_state& e);
  void perform(invalidation_core::run_commands& e);
  void perform(const invalidation_core::open_gate& e);
  void perform(const invalidation_core::close_gate& e);
  void perform(const invalidation_core::reply& e);
  void perform(const invalidation_core::journal_append& e);
  void perform(const invalidation_core::journal_clear& e);
  void perform(invalidation_core::remark e);
  void journal_failed();
  void serve(const std::vector<shard_actor>& shards);
  void schedule_tick();
  template <class Message>
  void to_shards(std::int32_t only, const Message& m);
  std::int32_t sender_shard() const;
  instant now() const { return setup_.clock.at(self_->clock().now()); }

  pointer self_;
  invalidation_setup setup_;
  std::unique_ptr<invalidation_core> core_;
  std::shared_ptr<void> subscription_;
  invalidation_core::effects effects_;
  std::vector<shard_actor> shards_;
  shared_watcher front_;
  std::vector<std::uint64_t> incarnations_;
  std::uint64_t last_incarnation_ = 0;
  std::unordered_map<std::uint64_t, caf::typed_response_promise<invalidated>> callers_;
  std::uint64_t last_caller_ = 0;
  bool journal_broken_ = false;
  instant tick_due_ = never;
};

inline invalidation_actor::behavior_type invalidation(invalidation_state::pointer self, invalidation_setup setup) {
  return self->state.start(std::move(setup));
}

}  // namespace aicache
