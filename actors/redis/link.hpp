#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/redis/options.hpp"
#include "engine/redis/link_core.hpp"
#include "messages/shared_interfaces.hpp"

namespace aicache {

class io_thread;
class io_unit;
class redis_connection;

/// What the link is told when it is spawned.
struct link_setup {
  redis_options how;              ///< the server, or the first of a cluster's that is asked for its slots
  std::uint32_t connections = 1;  ///< to one server; a cluster has one per master
  bool cluster = false;
  std::vector<std::string> seeds;  ///< more of the cluster's servers, "host:port"
  std::shared_ptr<io_thread> io;   ///< on which the connections run
};

/// Performs what a link_core decides, over redis_connections.
///
/// Owner      itself: one actor, on the I/O thread as its connections are, which tell it by messages; it never waits
/// Fails      whatever becomes of Redis, every request is answered once; so also by its end, as unavailable. A handler
///            that runs out of memory ends it: what was asked is answered by that, and the front starts another
class link_actor_state {
 public:
  using pointer = link_actor::stateful_pointer<link_actor_state>;

  explicit link_actor_state(pointer self) : self_(self) {}
  ~link_actor_state();
  link_actor::behavior_type start(const link_setup& setup);

  static inline const char* name = "aicache.link";

 private:
  // Who asked, and under which ticket of theirs.
  struct asker {
    caf::strong_actor_ptr who;
    std::uint64_t ticket = 0;
  };

  template <class Work>
  void handle(Work work) noexcept;
  instant now() const;
  std::uint64_t remember(caf::strong_actor_ptr who, std::uint64_t ticket);
  template <class Reply>
  void tell(std::uint64_t token, Reply reply);
  void perform();
  void open(const link_core::open_connection& o);
  void log_breaker(const link_breaker& m);
  std::string printable(const std::string& address) const;
  link_state standing() const;

  pointer self_;
  link_setup setup_;
  std::optional<link_core> core_;
  link_core::effects effects_;
  std::unordered_map<std::uint32_t, std::shared_ptr<redis_connection>> connections_;
  std::unordered_map<std::uint32_t, std::string> addresses_;
  std::vector<asker> askers_;
  std::vector<std::uint64_t> free_askers_;
  std::vector<link_watcher> watchers_;
  instant tick_at_ = never;
  bool reachable_ = false;
  bool ending_ = false;
};

/// The link as an actor: spawn<redis_link>(setup). It runs on the I/O thread, beside its connections: between a
/// request and its commands, and between their replies and the answer, no thread has to be woken.
class redis_link final : public caf::stateful_actor<link_actor_state, link_actor::base> {
 public:
  redis_link(caf::actor_config& config, link_setup setup);
  ~redis_link() override;

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* from) override;
  void launch(caf::execution_unit* from, bool lazy, bool hide) override;
  subtype_t subtype() const override { return io_actor; }

 protected:
  behavior_type make_behavior() override;

 private:
  link_setup setup_;
  std::shared_ptr<io_unit> unit_;
};

}  // namespace aicache
